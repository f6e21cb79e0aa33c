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
//!              Tracer::emit(Event)  --->  Observer::observe   (recorder.rs keeps, sentence.rs tells)
//! ```
//!
//! 1. An [`Event`] is `Copy` and holds no references to live objects, so that keeping one keeps nothing alive.
//! 2. Ids in events never repeat. A slab key or a file descriptor does, and would make two strangers look like one.
//! 3. "Who woke task 3?" needs no name. What stands between `Polled(a)` and `Pending(a)` was done by task a, what
//!    stands between `Unparked` and the next `Polled` by the reactor or the timers. Only a wake can come from
//!    another thread, at any place in the list; so a wake says whether it did (`foreign`).
//!
//! Left out: spans, levels and subscribers. tokio has them through the `tracing` crate
//! (`tokio/src/util/trace.rs`); embassy keeps the same kind of single file (`embassy-executor/src/raw/trace.rs`).

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
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
    /// The task's id went onto the run queue; from another thread, onto the ready queue.
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

/// One thing that happened, or is about to: `Polled`, `Woken` and `Parked` come before what they name, so that its
/// consequences stand behind them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant's sentence speaks of its fields")]
pub enum Event {
    /// A task was put into the executor's slab; it will be queued next. `bytes`: the size of its future.
    Spawned { task: TaskId, parent: Option<TaskId>, at: &'static Location<'static>, bytes: usize },
    /// Somebody called `wake`. `foreign`: on another thread than the one that polls the task.
    Woken { task: TaskId, wake: Wake, foreign: bool },
    /// An id came off the run queue whose task has ended. Legal: a waker may outlive its task.
    Stale { task: TaskId },
    /// The executor is about to call `poll`, for the `nth` time in this task's life.
    Polled { task: TaskId, nth: u64 },
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
    /// A place in a program that somebody wanted to see in the timeline: the stage that something numbered has
    /// reached, such as "request 7 parsed".
    Mark { what: &'static str, number: u64, stage: &'static str },
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
pub struct Tracer(Option<Arc<Listening>>);

/// An `Arc<dyn ..>` is two words wide. With this struct in between a tracer is one word, and each task's waker holds one.
struct Listening(Arc<dyn Observer>);

impl Tracer {
    /// A tracer that tells `observer` everything.
    pub fn new(observer: Arc<dyn Observer>) -> Tracer {
        Tracer(Some(Arc::new(Listening(observer))))
    }

    /// Whether anybody listens. For events whose making costs something.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the observer, if there is one. The event is a closure, so that nobody makes one for nobody: the compiler would
    /// put its parts together first and ask afterwards. (Measured by callgrind: 60 of 3,770 instructions for a request.)
    #[inline]
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(listening) = &self.0 {
            listening.0.observe(event());
        }
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
