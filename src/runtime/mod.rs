//! The runtime: executor, reactor and timers in one loop.
//!
//! The problem: somebody must decide when to poll tasks, when to ask the operating system, and when to sleep.
//!
//! ```text
//!          +------------------------------------------------------------+
//!          v                                                            |
//!   turn():  poll as many tasks as were ready when the turn began       |
//!          |                                                            |
//!   park():  somebody ready?  yes: timeout 0, a peek                    |
//!          |                  no:  timeout = the nearest deadline       |
//!          |  mio::Poll::poll                                           |
//!          |  lower the `parked` flag                                   |
//!          |  call the wakers of sockets, then of timers that are due --+
//! ```
//!
//! 1. A turn is counted before it begins. "Poll until the queue is empty" would never come back if one task wakes
//!    itself in each poll, and no socket would ever be heard again.
//! 2. A runtime that has nothing to do uses no CPU: it is inside one `epoll_wait` with no timeout, or with the
//!    nearest deadline.
//! 3. `block_on` polls nothing itself. The main future is a task like the others, and there is one place in the
//!    program where a future is polled: `Executor::poll`.
//! 4. What came before a deadline is heard before the deadline is. The clock is read after the sleep, so before timers
//!    fire there is one more look. Else a process that was stopped for a minute would cut off those who were in time.
//! 5. There is no hidden global runtime. Whoever wants to spawn or sleep holds a [`Handle`].
//!
//! tokio's loop is `tokio/src/runtime/scheduler/current_thread/mod.rs` (`block_on`), smol's first one was
//! `src/run.rs` in its version 0.1.

pub mod trace;
pub mod sentence;
pub mod shared;
pub mod recorder;
pub mod counter;
pub mod ready;
pub mod local;
pub mod panics;
pub mod waker_cell;
pub mod task;
pub mod executor;
pub mod join;
pub mod blocking;
pub mod timer;
pub mod source;
pub mod reactor;
pub mod monitor;
pub mod census;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::panic;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use mio::event::Source;

use blocking::{Blocking, BlockingPool};
use census::TaskReport;
use counter::Counter;
use executor::{Executor, TaskSnapshot};
use join::{AbortHandle, JoinError, JoinHandle};
use monitor::{Monitor, Stats};
use reactor::{Reactor, Registration};
use ready::ReadyQueue;
use source::SourceSnapshot;
use timer::{Clock, Elapsed, Sleep, Timers};
use trace::{Event, Observer, TaskId, TimerId, Tracer};

/// How many polls `block_on` makes at the least before it peeks at the operating system while tasks are ready. A
/// peek is a system call, some ten times the price of a poll. tokio looks after every 61 polls; a power of two
/// would do as well, and the exact number matters to nobody.
const POLLS_PER_PEEK: usize = 61;

/// Threads for blocking work, unless the builder says otherwise. Arbitrary: enough to keep a disk busy.
const BLOCKING_THREADS: usize = 8;

/// Runs tasks on the current thread.
///
/// ```
/// let runtime = glassbox::Runtime::new()?;
/// assert_eq!(runtime.block_on(async { 42 }), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    handle: Handle,
    /// Wakers on their way from the reactor to their calls; kept to be reused.
    woken: RefCell<Vec<Waker>>,
}

/// What tasks need of the runtime: spawn, sleep, register sockets. Cloning it is cheap.
#[derive(Clone)]
pub struct Handle(Rc<Inner>);

struct Inner {
    executor: Rc<Executor>,
    ready: Arc<ReadyQueue>,
    reactor: Rc<Reactor>,
    timers: Rc<Timers>,
    blocking: BlockingPool,
    tracer: Tracer,
    /// Trips to the operating system: all of them, and those that were meant to sleep.
    parks: Arc<Counter>,
    sleeps: Arc<Counter>,
}

/// Choices made before a runtime starts.
pub struct Builder {
    clock: Clock,
    tracer: Tracer,
    blocking_threads: usize,
}

impl Builder {
    /// Time stands still until [`Runtime::advance`]. For tests.
    pub fn frozen_clock(mut self) -> Builder {
        self.clock = Clock::Frozen;
        self
    }

    /// Tells `observer` every event from the first on.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Builder {
        self.tracer = Tracer::new(observer);
        self
    }

    /// The most threads that `spawn_blocking` uses at once; at least 1.
    pub fn blocking_threads(mut self, limit: usize) -> Builder {
        self.blocking_threads = limit;
        self
    }

    /// Builds the runtime.
    ///
    /// # Errors
    /// When the operating system refuses a selector: no descriptors are left.
    pub fn build(self) -> io::Result<Runtime> {
        let ready = Arc::new(ReadyQueue::new());
        let reactor = Reactor::new(self.tracer.clone())?;
        let unparker = reactor.unparker()?;
        ready.set_unpark(Box::new(move || {
            unparker.wake().expect("cannot write to the runtime's own eventfd");
        }));
        let handle = Handle(Rc::new(Inner {
            executor: Rc::new(Executor::new(ready.clone(), self.tracer.clone())),
            ready,
            reactor: Rc::new(reactor),
            timers: Rc::new(Timers::new(self.clock, self.tracer.clone())),
            blocking: BlockingPool::new(self.blocking_threads),
            tracer: self.tracer,
            parks: Arc::default(),
            sleeps: Arc::default(),
        }));
        Ok(Runtime { handle, woken: RefCell::default() })
    }
}

impl Runtime {
    /// A runtime with the real clock and nobody watching.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Runtime> {
        Runtime::builder().build()
    }

    /// Starts making choices.
    pub fn builder() -> Builder {
        Builder { clock: Clock::Real, tracer: Tracer::default(), blocking_threads: BLOCKING_THREADS }
    }

    /// A handle for tasks.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until `future` is ready and returns its value. Other tasks run meanwhile; those that are not done stay
    /// where they are and go on with the next `block_on`, or end when the runtime is dropped.
    ///
    /// # Panics
    /// With the future's own panic, if it panics. When called by a task of this runtime.
    #[track_caller]
    pub fn block_on<F>(&self, future: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        assert!(
            self.inner().executor.current().is_none(),
            "a task cannot block on the runtime that polls it"
        );
        let mut main = self.handle.spawn(future);
        let mut polls = 0;
        loop {
            let polled = self.turn();
            polls += polled;
            match main.take() {
                Some(Ok(value)) => return value,
                Some(Err(JoinError::Panicked(payload))) => panic::resume_unwind(payload),
                Some(Err(JoinError::Aborted)) => unreachable!("nobody else has a handle to abort it"),
                None => {}
            }
            if polls >= POLLS_PER_PEEK || polled == 0 {
                self.park(None).expect("cannot wait for events");
                polls = 0;
            }
        }
    }

    /// Polls one task, once: the one that has been ready for the longest time. No socket, no clock. `None`: nobody
    /// is ready.
    pub fn step(&self) -> Option<TaskId> {
        self.inner().executor.step()
    }

    /// As many steps as ids were ready when it began. Returns how many polls that were.
    pub fn turn(&self) -> usize {
        self.inner().executor.turn()
    }

    /// One trip to the operating system: a peek if somebody is ready, else asleep until a socket, a timer, another
    /// thread, or at most `limit` (`None`: for ever). Then wakes whoever has a reason to run.
    ///
    /// # Errors
    /// Those of `epoll_wait`; none of them happens to a selector that is open.
    pub fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        let inner = self.inner();
        let idle = inner.executor.queue().is_empty() && inner.ready.try_park();
        let timeout = if idle { sooner(limit, inner.timers.next_due()) } else { Some(Duration::ZERO) };
        inner.parks.add(1);
        inner.sleeps.add(u64::from(timeout != Some(Duration::ZERO)));
        inner.tracer.emit(|| Event::Parked { timeout });
        let mut woken = self.woken.take();
        let result = inner.reactor.wait(timeout, &mut woken);
        inner.ready.unparked();
        inner.timers.refresh();
        let late = inner.timers.is_due();
        let heard = if late { inner.reactor.hear_all(&mut woken) } else { Ok(0) };
        woken.drain(..).for_each(waker_cell::wake);
        self.woken.replace(woken);
        inner.timers.fire();
        inner.parks.add(heard?);
        result.map(drop)
    }

    /// Turns and peeks until nobody is ready. For tests: with a task that wakes itself it never returns.
    pub fn run_until_stalled(&self) {
        loop {
            while self.turn() > 0 {}
            self.park(Some(Duration::ZERO)).expect("cannot peek for events");
            if self.inner().executor.queue().is_empty() {
                return;
            }
        }
    }

    /// Moves the frozen clock and wakes whoever's time has come.
    ///
    /// # Panics
    /// When the clock is not frozen.
    pub fn advance(&self, by: Duration) {
        self.inner().timers.advance(by);
        self.inner().timers.fire();
    }

    /// The ids on the ready queue, in the order of their polls.
    pub fn ready(&self) -> Vec<TaskId> {
        self.inner().executor.queue().snapshot()
    }

    /// All tasks.
    pub fn tasks(&self) -> Vec<TaskSnapshot> {
        self.inner().executor.snapshot()
    }

    /// All tasks and who holds their wakers, oldest first.
    pub fn census(&self) -> Vec<TaskReport> {
        self.handle.census()
    }

    /// The armed timers and how long until each is due, earliest first.
    pub fn timers(&self) -> Vec<(TimerId, Duration)> {
        self.inner().timers.snapshot()
    }

    /// The sources registered with the operating system.
    pub fn sources(&self) -> Vec<SourceSnapshot> {
        self.inner().reactor.snapshot()
    }

    fn inner(&self) -> &Inner {
        &self.handle.0
    }
}

impl Drop for Runtime {
    /// Drops every task. What their `drop`s spawn is dropped at once. After this no handle can bring the runtime
    /// back to life, and a waker that is still around queues an id that nobody pops.
    fn drop(&mut self) {
        self.inner().executor.close();
        self.inner().blocking.close();
    }
}

impl Handle {
    /// Starts a task. It is polled for the first time in the next turn.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        join::spawn(&self.0.executor, future)
    }

    /// Starts a task that nobody waits for, of a future that may be moved: it needs two allocations less.
    #[track_caller]
    pub fn spawn_detached(&self, future: impl Future<Output = ()> + Unpin + 'static) -> AbortHandle {
        join::spawn_detached(&self.0.executor, future)
    }

    /// Runs blocking work on another thread.
    pub fn spawn_blocking<T, W>(&self, work: W) -> Blocking<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        self.0.blocking.spawn(work)
    }

    /// A future that is ready after `duration`, counted from now.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.0.timers.sleep(duration)
    }

    /// A future that is ready at `deadline`.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.0.timers.sleep_until(deadline)
    }

    /// Gives `future` at most `duration`.
    ///
    /// # Errors
    /// [`Elapsed`] when the time is over first; the future is then dropped.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Result<F::Output, Elapsed> {
        timer::timeout(self.sleep(duration), future).await
    }

    /// The time now, by this runtime's clock.
    pub fn now(&self) -> Instant {
        self.0.timers.now()
    }

    /// The time when the runtime last came back from the operating system: free, and never ahead of `now`.
    pub fn turn_time(&self) -> Instant {
        self.0.timers.turn_time()
    }

    /// Puts a source of I/O events into the reactor's care.
    pub fn register<S: Source>(&self, source: S) -> Registration<S> {
        self.0.reactor.register(source)
    }

    /// All tasks and who holds their wakers, oldest first.
    pub fn census(&self) -> Vec<TaskReport> {
        census::census(&self.0.executor, &self.0.reactor, &self.0.timers)
    }

    /// Tells the observer that something numbered has reached a stage, for example "request 7 parsed".
    #[inline]
    pub fn mark(&self, what: &'static str, number: u64, stage: &'static str) {
        self.0.tracer.emit(|| Event::Mark { what, number, stage });
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        self.monitor().stats()
    }

    /// The counters, for another thread.
    pub fn monitor(&self) -> Monitor {
        let inner = &self.0;
        Monitor {
            ready: inner.ready.clone(),
            local: inner.executor.queue().counters().clone(),
            executor: inner.executor.counters().clone(),
            timers: inner.timers.count().clone(),
            sources: inner.reactor.count().clone(),
            parks: inner.parks.clone(),
            sleeps: inner.sleeps.clone(),
        }
    }
}

/// The shorter of two limits, of which each may be absent.
fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}
