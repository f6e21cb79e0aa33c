//! The way back from a task: its result, its panic, or the news that it was aborted.
//!
//! The problem: `spawn` gives a future away. Its value must come back to whoever awaits it, and a panic in it must
//! not take the whole server down.
//!
//! ```text
//!   spawn(&executor, future) ----> Spawned { future, cell } ----> Executor (in a Task)
//!          |                             |
//!          v                             | stores the result, wakes the joiner
//!   JoinHandle { cell } ------------> JoinCell: Running -> Done(result) -> Taken
//! ```
//!
//! 1. The cell is filled exactly once: by the value, by the panic's payload, or, when the future is dropped before
//!    it was ready, by `Aborted`. Whoever awaits the handle always gets an answer.
//! 2. A panic stops here. It is caught around the poll and around every drop of a user's value, and ends that task alone. The
//!    payload of a poll travels to the handle; whatever nobody holds a handle for is logged.
//! 3. Dropping the handle detaches the task: it goes on and its result is dropped. Of a task that is detached from the
//!    beginning there is no result to come back, and so no cell.
//!
//! Left out: aborting from another thread. A handle is not `Send`, like everything here but the waker.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use super::executor::Executor;
use super::panics::{Payload, panic_message, quietly};
use super::task::TaskFuture;
use super::trace::{Outcome, TaskId};
use super::waker_cell::WakerCell;

/// Why a task has no result.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// It was aborted, or the runtime ended first.
    #[error("the task was aborted before it completed")]
    Aborted,
    /// It panicked.
    #[error("the task panicked: {}", panic_message(.0))]
    Panicked(Payload),
}

/// Waits for a task's result. Dropping it lets the task go on alone.
///
/// ```
/// let runtime = glassbox::Runtime::new()?;
/// let handle = runtime.handle();
/// let answer = runtime.block_on(async move { handle.spawn(async { 6 * 7 }).await });
/// assert_eq!(answer.unwrap(), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "dropping a handle detaches its task; write `drop(..)` or `.detach()` to say that you mean it"]
pub struct JoinHandle<T> {
    task: AbortHandle,
    cell: Rc<JoinCell<T>>,
}

/// Ends a task, and cannot wait for it. Dropping it changes nothing.
pub struct AbortHandle {
    id: TaskId,
    /// Weak: handles live inside tasks, tasks inside the executor. A strong one would keep the executor alive.
    executor: Weak<Executor>,
}

struct JoinCell<T> {
    state: Cell<State<T>>,
    /// Whoever awaits the handle.
    joiner: WakerCell,
}

enum State<T> {
    /// Not done.
    Running,
    /// Done, and nobody has looked.
    Done(Result<T, JoinError>),
    /// The handle has given the result away.
    Taken,
}

/// Spawns `future` on `executor` and returns the handle to its result.
///
/// A box for the future alone lets `Spawned` be moved, and so be polled without `unsafe` or a projection macro. It costs one
/// small allocation for each spawn, none for each poll. `Pin<Box<F>>` is a future, too, and one that may be moved.
#[track_caller]
pub fn spawn<F>(executor: &Rc<Executor>, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let cell = Rc::new(JoinCell { state: Cell::new(State::Running), joiner: WakerCell::default() });
    let bytes = mem::size_of::<F>();
    let id = executor.spawn(Spawned { future: Some(Box::pin(future)), cell: Some(cell.clone()) }, bytes);
    JoinHandle { task: AbortHandle { id, executor: Rc::downgrade(executor) }, cell }
}

/// Spawns a future that nobody waits for, and that may be moved, such as one that is written by hand. That saves two of a
/// task's four allocations: the box of its own, and the cell for the result.
#[track_caller]
pub fn spawn_detached<F>(executor: &Rc<Executor>, future: F) -> AbortHandle
where
    F: Future<Output = ()> + Unpin + 'static,
{
    let id = executor.spawn(Spawned { future: Some(future), cell: None }, mem::size_of::<F>());
    AbortHandle { id, executor: Rc::downgrade(executor) }
}

impl AbortHandle {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Ends the task at its current await point: its future is dropped at once, or, if it is aborting itself,
    /// when its poll returns.
    pub fn abort(&self) {
        if let Some(executor) = self.executor.upgrade() {
            executor.abort(self.id);
        }
    }
}

impl<T> JoinHandle<T> {
    /// The task's id.
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// Ends the task, as [`AbortHandle::abort`] does. The handle then yields [`JoinError::Aborted`].
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Lets the task go on without anybody waiting for it.
    pub fn detach(self) {}

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        let state = self.cell.state.replace(State::Taken);
        let finished = !matches!(state, State::Running);
        self.cell.state.set(state);
        finished
    }

    /// Takes the result if there is one, without waiting.
    pub fn take(&mut self) -> Option<Result<T, JoinError>> {
        match self.cell.state.replace(State::Taken) {
            State::Done(result) => Some(result),
            other => {
                self.cell.state.set(other);
                None
            }
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// When polled again after it returned the result.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.take() {
            return Poll::Ready(result);
        }
        assert!(!self.is_finished(), "a JoinHandle was polled after it gave its result");
        self.cell.joiner.store(cx.waker());
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        drop(self.cell.joiner.take());
    }
}

impl<T> JoinCell<T> {
    /// Fills the cell and wakes whoever waits.
    fn finish(&self, result: Result<T, JoinError>) {
        self.state.set(State::Done(result));
        self.joiner.wake();
    }
}

/// The future that the executor sees: the user's, with a place for its result.
struct Spawned<F: Future> {
    /// `None` once it has ended.
    future: Option<F>,
    /// `None`: nobody has ever wanted the result, or it has ended.
    cell: Option<Rc<JoinCell<F::Output>>>,
}

impl<F: Future + Unpin> Future for Spawned<F> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let future = self.future.as_mut().expect("cannot be polled after its end");
        // "Unwind safe": the future is not looked at again after a panic, only dropped.
        let (result, outcome) = match panic::catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => (Ok(value), Outcome::Completed),
            Err(payload) => (Err(JoinError::Panicked(payload)), Outcome::Panicked),
        };
        self.end(result);
        Poll::Ready(outcome)
    }
}

impl<F: Future + Unpin> TaskFuture for Spawned<F> {
    fn joiner_key(&self) -> Option<*const ()> {
        self.cell.as_ref()?.joiner.key()
    }
}

impl<F: Future> Spawned<F> {
    /// Drops the future, then publishes the result: a joiner must find everything released that the task held.
    fn end(&mut self, result: Result<F::Output, JoinError>) {
        drop_quietly(self.future.take());
        if let Some(cell) = self.cell.take().filter(|cell| Rc::strong_count(cell) > 1) {
            cell.finish(result);
            return drop_quietly(cell); // Whoever was told may have let go of it: then the result is dropped here.
        }
        if let Err(JoinError::Panicked(payload)) = &result {
            log::error!("a task panicked and nobody waited for it: {}", panic_message(payload));
        }
        drop_quietly(result);
    }
}

impl<F: Future> Drop for Spawned<F> {
    fn drop(&mut self) {
        if self.future.is_some() {
            self.end(Err(JoinError::Aborted));
        }
    }
}

/// Drops a value whose `drop` is not ours.
fn drop_quietly<T>(value: T) {
    quietly("the drop of a task's value", || drop(value));
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortHandle({})", self.id)
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinHandle({})", self.task.id)
    }
}
