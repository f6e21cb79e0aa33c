//! What the runtime says about itself: one typed event for each thing that happens.
//!
//! The problem: an async program has no call stack that explains it. A task stops in one place, something far
//! away wakes it, and it goes on later. The only honest explanation is a list of events in order. So the observer
//! is built before the machine, and every later file emits its events here.
//!
//! ```text
//!   executor   reactor   timers   any thread        (who emits)
//!       |         |         |         |
//!       +---------+----+----+---------+
//!                      v
//!              Tracer::emit(Event)  --->  Observer::observe   (a Recorder, a printer, ...)
//! ```
//!
//! 1. An [`Event`] is `Copy` and holds no references to live objects, so that keeping one keeps nothing alive.
//! 2. Ids in events never repeat. A slab key or a file descriptor does, and would make two strangers look like one.
//! 3. "Who woke task 3?" needs no field. What stands between `Polled(a)` and `Pending(a)` was done by task a;
//!    what stands between `Unparked` and the next `Polled` was done by the reactor or by the timers.
//!
//! Left out: spans, levels and subscribers. tokio has them through the `tracing` crate
//! (`tokio/src/util/trace.rs`); embassy keeps the same kind of single file (`embassy-executor/src/raw/trace.rs`).

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The name that a waker carries: which task to poll.
///
/// `slot` is where the task lives in the executor's slab. Slots are reused, so the `serial` decides: it is
/// counted up for each spawn and never repeats. People see the serial alone ("task 17").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// The key in the executor's slab; the next owner of the slot has the same.
    pub(crate) slot: usize,
    /// How many tasks were spawned before this one, plus one.
    pub(crate) serial: u64,
}

impl TaskId {
    /// The number that people see. It never repeats within one runtime.
    pub fn serial(self) -> u64 {
        self.serial
    }
}

/// Names a registered socket, or any other source of I/O events. Never repeats within one runtime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub(crate) u64);

/// Names one armed timer. A timer that is armed again gets a new id. Never repeats within one runtime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub(crate) u64);

/// The two things one can wait for on a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Bytes, a new connection, or the end of the stream have arrived.
    Read,
    /// The kernel's send buffer has room.
    Write,
}

/// What a call of `wake` did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// The task's id went onto the ready queue.
    Queued,
    /// The id was on the queue already. Two wakes, one poll: that is allowed, and saves work.
    Coalesced,
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Its future returned `Ready`.
    Completed,
    /// Somebody called `abort`, or the runtime was dropped.
    Aborted,
    /// Its future panicked. The other tasks go on.
    Panicked,
}

/// One thing that happened. The names are past participles: an event is told after the fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant's sentence speaks of its fields")]
pub enum Event {
    /// A task was put into the executor's slab; it will be queued next.
    Spawned { task: TaskId, parent: Option<TaskId>, at: &'static Location<'static> },
    /// Somebody called `wake`, on any thread.
    Woken { task: TaskId, wake: Wake },
    /// An id came off the ready queue whose task has ended. Legal: a waker may outlive its task.
    Stale { task: TaskId },
    /// The executor is about to call `poll`, for the `nth` time in this task's life.
    Polled { task: TaskId, nth: u32 },
    /// `poll` returned `Pending`. `lost`: no waker of this task is left anywhere, so nothing can ever run it again.
    Pending { task: TaskId, lost: bool },
    /// The task has ended and its slot is free.
    Finished { task: TaskId, outcome: Outcome },
    /// A socket came under the reactor's care. The operating system has not been told yet.
    SourceOpened { source: SourceId },
    /// The socket was handed to the operating system's selector: somebody had to wait for it.
    SourceRegistered { source: SourceId },
    /// A socket left the reactor.
    SourceClosed { source: SourceId },
    /// The operating system says that this direction may be worth a try.
    Ready { source: SourceId, direction: Direction },
    /// A system call on the socket moved this many bytes (for a listener: accepted this many connections).
    Io { source: SourceId, direction: Direction, count: usize },
    /// A system call on the socket said "not now". The task will wait for `Ready`.
    WouldBlock { source: SourceId, direction: Direction },
    /// A timer entered the table; it is due after this long.
    TimerArmed { timer: TimerId, after: Duration },
    /// A timer's moment has come: its waker is called next.
    TimerFired { timer: TimerId },
    /// A timer left the table before its moment: nobody waits for it any more.
    TimerCancelled { timer: TimerId },
    /// The runtime asks the operating system for events. `Some(0)` is a peek: it will not sleep.
    Parked { timeout: Option<Duration> },
    /// The operating system answered with this many events.
    Unparked { events: usize },
    /// A place in a program that somebody wanted to see in the timeline, for example a stage of a request.
    Mark { label: &'static str, number: u64 },
}

/// Receives every event, in order, as it happens.
///
/// `Send + Sync`, because a wake can happen on any thread. That is a lesson of its own: see `runtime/ready.rs`.
/// `observe` is called in the middle of things: it must be short and must not call back into the runtime.
pub trait Observer: Send + Sync {
    /// Is told of one event. It must not panic.
    fn observe(&self, event: Event);
}

/// The one place that all files emit through. Off (`None`), an event costs one test of a pointer.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<dyn Observer>>);

impl Tracer {
    /// A tracer that tells `observer` everything.
    pub fn new(observer: Arc<dyn Observer>) -> Tracer {
        Tracer(Some(observer))
    }

    /// Whether anybody listens. For events whose making costs something.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the observer, if there is one.
    #[inline]
    pub fn emit(&self, event: Event) {
        if let Some(observer) = &self.0 {
            observer.observe(event);
        }
    }
}

/// An observer that keeps the latest events, for tests and for looking back.
///
/// ```
/// use glassbox::{Recorder, Runtime};
///
/// let log = Recorder::new();
/// let runtime = Runtime::builder().observer(log.clone()).build()?;
/// runtime.block_on(async {});
/// assert_eq!(log.story()[..3], ["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Recorder {
    /// A ring: when it is full the oldest event goes. Pushed to by any thread.
    ring: Mutex<Ring>,
    /// The most events that the ring holds.
    capacity: usize,
}

struct Ring {
    events: VecDeque<Event>,
    /// How many events were pushed out because nobody took them in time.
    dropped: u64,
}

impl Recorder {
    /// A recorder of the latest 65,536 events: more than any test of ours makes, and 4 MiB at the most.
    #[allow(clippy::new_ret_no_self, reason = "an observer is shared from birth")]
    pub fn new() -> Arc<Recorder> {
        Recorder::with_capacity(65_536)
    }

    /// A recorder of the latest `capacity` events.
    pub fn with_capacity(capacity: usize) -> Arc<Recorder> {
        let ring = Ring { events: VecDeque::new(), dropped: 0 };
        Arc::new(Recorder { ring: Mutex::new(ring), capacity: capacity.max(1) })
    }

    /// Removes and returns what was recorded so far.
    pub fn take(&self) -> Vec<Event> {
        self.lock().events.drain(..).collect()
    }

    /// Removes what was recorded so far and returns it as one sentence an event.
    pub fn story(&self) -> Vec<String> {
        self.take().iter().map(Event::to_string).collect()
    }

    /// How many events were lost because the ring was full.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A test that panics while it records poisons nothing that matters: the ring is whole after each push.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn observe(&self, event: Event) {
        let mut ring = self.lock();
        if ring.events.len() == self.capacity {
            ring.events.pop_front();
            ring.dropped += 1;
        }
        ring.events.push_back(event);
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.serial)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source {}", self.0)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timer {}", self.0)
    }
}

impl fmt::Debug for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One sentence an event. Tests compare these, so that a test reads like the trace that the server prints.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Direction::{Read, Write};
        match *self {
            Event::Spawned { task, parent: None, .. } => write!(f, "{task} spawned"),
            Event::Spawned { task, parent: Some(parent), .. } => write!(f, "{task} spawned by {parent}"),
            Event::Woken { task, wake: Wake::Queued } => write!(f, "{task} woken: queued"),
            Event::Woken { task, wake: Wake::Coalesced } => write!(f, "{task} woken: already queued"),
            Event::Stale { task } => write!(f, "{task} was queued but has ended"),
            Event::Polled { task, nth } => write!(f, "{task} polled ({nth})"),
            Event::Pending { task, lost: false } => write!(f, "{task} pending"),
            Event::Pending { task, lost: true } => write!(f, "{task} pending, and nobody holds its waker"),
            Event::Finished { task, outcome: Outcome::Completed } => write!(f, "{task} completed"),
            Event::Finished { task, outcome: Outcome::Aborted } => write!(f, "{task} aborted"),
            Event::Finished { task, outcome: Outcome::Panicked } => write!(f, "{task} panicked"),
            Event::SourceOpened { source } => write!(f, "{source} opened"),
            Event::SourceRegistered { source } => write!(f, "{source} registered"),
            Event::SourceClosed { source } => write!(f, "{source} closed"),
            Event::Ready { source, direction: Read } => write!(f, "{source} readable"),
            Event::Ready { source, direction: Write } => write!(f, "{source} writable"),
            Event::Io { source, direction: Read, count } => write!(f, "{source} read {count}"),
            Event::Io { source, direction: Write, count } => write!(f, "{source} wrote {count}"),
            Event::WouldBlock { source, direction: Read } => write!(f, "{source} read would block"),
            Event::WouldBlock { source, direction: Write } => write!(f, "{source} write would block"),
            Event::TimerArmed { timer, after } => write!(f, "{timer} armed for {after:?}"),
            Event::TimerFired { timer } => write!(f, "{timer} fired"),
            Event::TimerCancelled { timer } => write!(f, "{timer} cancelled"),
            Event::Parked { timeout: Some(Duration::ZERO) } => write!(f, "peek"),
            Event::Parked { timeout: Some(timeout) } => write!(f, "sleep, at most {timeout:?}"),
            Event::Parked { timeout: None } => write!(f, "sleep"),
            Event::Unparked { events } => write!(f, "up again, {events} events"),
            Event::Mark { label, number } => write!(f, "{label} {number}"),
        }
    }
}
