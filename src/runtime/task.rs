//! A task: a future that the executor owns, and the waker that names it.
//!
//! The problem: a future that waits must leave something behind that brings it back. It cannot leave itself: it
//! is not `Send`, and it is being polled at this very moment. So it leaves a **name**. A [`TaskWaker`] holds the
//! task's id and the queue to push it onto, and nothing of the future.
//!
//! ```text
//!              +--------- wake(): queued was false: push the id ---------+
//!              |                                                         v
//!        [ waiting ]                                                [ queued ] --+ wake(): queued is true
//!              ^                                                         |  ^----+ already: nothing to do
//!              |                                                         | poll(): queued = false, first
//!              +---- Pending, and queued is still false ---- [ running ]<+
//!                    Pending, and queued is true: a wake came during the poll; the id is on the queue again
//! ```
//!
//! 1. `queued` is true from the wake that pushes the id, onto whichever queue, until the poll that follows begins: 100
//!    wakes push once. After the task's end nobody takes it down, so a late waker pushes at most one stale id.
//! 2. `queued` is cleared **before** the poll. Cleared after it, a wake that came during the poll would be
//!    swallowed: it found `queued` true, pushed nothing, and then the flag went down. The task would sleep for ever.
//! 3. It is cleared with `swap(false, AcqRel)`, not with `store(false, Release)`. The waking thread wrote some data,
//!    then did `swap(true)` and found `true`: it relies on the *coming* poll to see its data. Only a read in that
//!    poll that observes its `swap` gives that. A plain store reads nothing, and may wait in the processor's store
//!    buffer while the reads of the poll go ahead, on x86 too. `tests/loom.rs` finds the lost wake-up.
//! 4. A waker may outlive its task, and the runtime. Then its id matches no slot (the serial differs), or nobody
//!    pops the queue. Both are harmless.
//!
//! Left out: one allocation for everything. tokio keeps future, state and waker in one block with a hand-made
//! vtable and reference counts (`tokio/src/runtime/task/`), which needs `unsafe`.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll, Wake as StdWake, Waker};

use super::local;
use super::ready::ReadyQueue;
use super::shared::AtomicBool;
use super::trace::{Event, Outcome, TaskId, Tracer, Wake};

/// What a [`Waker`] of this runtime points at. `Arc<TaskWaker>` becomes a `Waker` through `std::task::Wake`.
pub struct TaskWaker {
    id: TaskId,
    /// The id is on a queue, or about to be pushed, or popped and about to be polled. Set by wakes on any thread,
    /// cleared by the poll.
    queued: AtomicBool,
    queue: Arc<ReadyQueue>,
    tracer: Tracer,
}

impl TaskWaker {
    /// A waker for the task called `id`, not queued yet.
    pub fn new(id: TaskId, queue: Arc<ReadyQueue>, tracer: Tracer) -> TaskWaker {
        TaskWaker { id, queued: AtomicBool::new(false), queue, tracer }
    }

    /// Takes the `queued` flag down; see point 3 above for why this is a swap.
    pub fn clear_queued(&self) {
        self.queued.swap(false, Ordering::AcqRel);
    }

    #[cold] // Nobody watches most wakes: so they are short.
    fn tell(&self, wake: Wake) {
        let foreign = !local::is_home(&self.queue);
        self.tracer.emit(|| Event::Woken { task: self.id, wake, foreign });
    }
}

impl StdWake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wake = if self.queued.swap(true, Ordering::AcqRel) { Wake::Coalesced } else { Wake::Queued };
        // The event comes before the push: after it, the runtime's thread could be polling already.
        if self.tracer.is_on() {
            self.tell(wake);
        }
        match wake {
            Wake::Coalesced => self.queue.count_coalesced(),
            Wake::Queued => local::push(&self.queue, self.id),
        }
    }
}

/// What the executor runs: a future that ends with how it ended. The user's value has been taken away by then
/// (`runtime/join.rs`).
pub trait TaskFuture: Future<Output = Outcome> + Unpin {
    /// What the waker of whoever waits for the result points at. For the question "what does that task wait for?".
    fn joiner_key(&self) -> Option<*const ()>;
}

/// One spawned future with everything that belongs to it.
///
/// The future's type is erased where the task is put into the slab: `Box<Task<F>>` becomes `Box<AnyTask>`. A spawn
/// costs four allocations in all: this box, the waker, the user's future, and the cell for its result. A detached one
/// (`join::spawn_detached`) has its future in here, and no cell.
pub(crate) struct Task<F: ?Sized> {
    /// Where `spawn` was called: the task's name in traces.
    pub(crate) at: &'static Location<'static>,
    /// How often it was polled.
    pub(crate) polls: u64,
    /// The size of the user's future. Large ones are worth a remark.
    pub(crate) bytes: usize,
    /// The same object as in `waker`, with its type still known.
    shared: Arc<TaskWaker>,
    /// Made once and lent to every poll. Making one per poll would cost two atomic operations.
    waker: Waker,
    /// `Unpin`: the user's future is in a box of its own, unless it is `Unpin`, too. So this one may be moved, and needs no
    /// `unsafe`.
    future: F,
}

/// A task holds its waker twice: as `shared` and as `waker`.
const OWN_REFERENCES: usize = 2;

/// A task of any type.
pub(crate) type AnyTask = Task<dyn TaskFuture>;

impl<F> Task<F> {
    pub(crate) fn new(
        at: &'static Location<'static>,
        (future, bytes): (F, usize),
        shared: TaskWaker,
    ) -> Task<F> {
        let shared = Arc::new(shared);
        let waker = Waker::from(shared.clone());
        Task { at, polls: 0, bytes, shared, waker, future }
    }
}

impl AnyTask {
    /// The name that its waker carries.
    pub(crate) fn id(&self) -> TaskId {
        self.shared.id
    }

    /// Polls the future once. Whoever wakes the task from here on queues it again, even before this returns.
    pub(crate) fn poll(&mut self) -> Poll<Outcome> {
        self.shared.clear_queued();
        Pin::new(&mut self.future).poll(&mut Context::from_waker(&self.waker))
    }

    /// Queues the task, as any waker would.
    pub(crate) fn wake(&self) {
        self.shared.wake_by_ref();
    }

    /// What its waker points at. A waker that points at the same wakes this task.
    pub(crate) fn waker_key(&self) -> *const () {
        self.waker.data()
    }

    /// How many copies of its waker are somewhere else than here.
    pub(crate) fn wakers_elsewhere(&self) -> usize {
        Arc::strong_count(&self.shared) - OWN_REFERENCES
    }

    pub(crate) fn joiner_key(&self) -> Option<*const ()> {
        self.future.joiner_key()
    }

    pub(crate) fn is_queued(&self) -> bool {
        self.shared.queued.load(Ordering::Acquire)
    }

    /// Whether nothing can ever queue this task again: it is not queued, and the only two references to its
    /// waker are the two fields above.
    ///
    /// Exact, not a guess: a reference cannot come back from zero. The count is read first. If it says two, every
    /// other reference is gone, and whatever wakes they made came before; the fence makes those visible to the
    /// second read. What this does not see: a waker that is kept in a place that nobody will ever look at.
    pub(crate) fn is_lost(&self) -> bool {
        if self.wakers_elsewhere() > 0 {
            return false;
        }
        fence(Ordering::Acquire);
        !self.is_queued()
    }
}
