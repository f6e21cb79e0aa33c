//! Work that blocks: a bounded pool of threads, and a future for each piece of work.
//!
//! The problem: reading a file or hashing a password holds the thread, and there is only one: while it is held,
//! nobody is polled. So such work goes to another thread, and the task waits for it as it waits for a socket.
//!
//! ```text
//!   runtime's thread                                 a pool thread
//!   spawn_blocking(f): queue.push(job) ------------> job: result = f()
//!   Blocking::poll: no result yet:                        lock; store result; take the waker; unlock
//!       store the waker, Pending                          waker.wake()   <- the foreign wake
//!   ... asleep in the operating system ... <------------- ReadyQueue::push sees `parked`, interrupts
//!   Blocking::poll: takes the result, Ready
//! ```
//!
//! 1. Result and waker sit behind one lock. So either the thread finds the waker that `poll` stored, or `poll` finds
//!    the result that the thread stored. Two locks would leave a gap in which each misses the other.
//! 2. The wake is called after the lock is released.
//! 3. At most `limit` threads, started when needed; an idle one goes away after `IDLE`. Jobs beyond that wait in line.
//! 4. A thread cannot be cancelled. Dropping the future only means that nobody wants the result; dropping the runtime
//!    drops the jobs that have not started, and leaves running ones to finish alone.
//!
//! tokio's is `tokio/src/runtime/blocking/pool.rs`, with up to 512 threads.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::join::JoinError;
use super::panics::quietly;
use super::shared::{Condvar, Mutex, MutexGuard, ThreadBuilder};
use super::waker_cell::wake;

/// How long a thread waits for another job before it ends. Long enough that a steady trickle of file requests
/// keeps its threads, short enough that a burst does not leave stacks behind. Arbitrary within that.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// A pool of at most `limit` threads.
pub struct BlockingPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<PoolState>,
    /// Signalled when a job is pushed and when the pool closes.
    changed: Condvar,
    limit: usize,
}

struct PoolState {
    jobs: VecDeque<Job>,
    /// Threads alive, and how many of them wait for a job.
    threads: usize,
    idle: usize,
    /// The runtime is gone: threads end as soon as they look.
    closed: bool,
}

impl BlockingPool {
    /// A pool that starts no thread yet.
    pub fn new(limit: usize) -> BlockingPool {
        let state = PoolState { jobs: VecDeque::new(), threads: 0, idle: 0, closed: false };
        let shared = Shared { state: Mutex::new(state), changed: Condvar::new(), limit: limit.max(1) };
        BlockingPool { shared: Arc::new(shared) }
    }

    /// Runs `work` on a pool thread. The future yields its value, or the panic that it ended in.
    pub fn spawn<T, W>(&self, work: W) -> Blocking<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let promise = Promise { slot: Arc::new(BlockingSlot::new()) };
        let blocking = Blocking { slot: promise.slot.clone() };
        let job = move || {
            let result = panic::catch_unwind(AssertUnwindSafe(work)).map_err(JoinError::Panicked);
            promise.slot.fill(result);
        };
        self.push(Box::new(job));
        blocking
    }

    /// Drops the jobs that have not started, and lets the threads end. Jobs that come later are dropped at once.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let unstarted = std::mem::take(&mut state.jobs);
        drop(state);
        self.shared.changed.notify_all();
        for job in unstarted {
            quietly("the drop of a blocking job", || drop(job));
        }
    }

    /// Threads alive.
    pub fn threads(&self) -> usize {
        self.shared.lock().threads
    }

    fn push(&self, job: Job) {
        let mut state = self.shared.lock();
        if state.closed {
            drop(state);
            return quietly("the drop of a blocking job", || drop(job));
        }
        state.jobs.push_back(job);
        let start = state.idle < state.jobs.len() && state.threads < self.shared.limit;
        state.threads += usize::from(start);
        drop(state);
        self.shared.changed.notify_one();
        if start {
            self.start_thread();
        }
    }

    fn start_thread(&self) {
        let shared = self.shared.clone();
        let started = ThreadBuilder::new().name("blocking".into()).spawn(move || shared.run());
        if let Err(error) = started {
            log::error!("cannot start a blocking thread: {error} (hint: raise the limit on processes)");
            self.shared.give_up();
        }
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// A pool thread's life.
    fn run(&self) {
        while let Some(job) = self.next_job() {
            // The work's own panic was caught inside. This is for its result: nobody may want it, and its drop may panic.
            quietly("the drop of a blocking job's result", job);
        }
    }

    /// Waits for a job. `None`: this thread has been idle for long, or the pool is closed. Its leaving is counted
    /// under the same lock, so that `push` never counts on a thread that has decided to go.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let (guard, waited) = self.changed.wait_timeout(state, IDLE).expect(NOT_POISONED);
            state = guard;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    /// No thread could be started. If there is none at all, the waiting jobs would wait for ever: drop them, and
    /// their futures say `Aborted`.
    fn give_up(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        let abandoned = if state.threads == 0 { std::mem::take(&mut state.jobs) } else { VecDeque::new() };
        drop(state);
        for job in abandoned {
            quietly("the drop of a blocking job", || drop(job));
        }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().expect(NOT_POISONED)
    }
}

const NOT_POISONED: &str = "cannot be poisoned: nothing panics under this lock";

/// Where a job's result waits for its future, and the future's waker for the result.
pub struct BlockingSlot<T>(Mutex<SlotState<T>>);

struct SlotState<T> {
    /// Stored by the pool thread, taken by the future.
    result: Option<Result<T, JoinError>>,
    /// Stored by the future's latest poll, taken by the pool thread.
    waker: Option<Waker>,
    /// The result was stored; it stays true when the result is taken.
    filled: bool,
}

impl<T> BlockingSlot<T> {
    /// An empty slot.
    #[allow(clippy::new_without_default, reason = "`new` is the word used throughout")]
    pub fn new() -> BlockingSlot<T> {
        BlockingSlot(Mutex::new(SlotState { result: None, waker: None, filled: false }))
    }

    /// Stores the result, once, and wakes the future. A second result is dropped.
    pub fn fill(&self, result: Result<T, JoinError>) {
        let mut state = self.0.lock().expect(NOT_POISONED);
        if state.filled {
            return;
        }
        state.filled = true;
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Takes the result, or leaves a waker.
    ///
    /// # Panics
    /// When called again after it gave the result.
    pub fn poll(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        let waker = waker.clone(); // Foreign code, like the drop below: not under the lock.
        let mut state = self.0.lock().expect(NOT_POISONED);
        if let Some(result) = state.result.take() {
            return Poll::Ready(result);
        }
        let filled = state.filled;
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        assert!(!filled, "a Blocking future was polled after it gave its result");
        Poll::Pending
    }

    /// Forgets the waker: nobody waits any more.
    pub fn forget(&self) {
        let waker = self.0.lock().expect(NOT_POISONED).waker.take();
        drop(waker);
    }
}

/// Held by a job. If the job is dropped before it ran, its future hears so.
struct Promise<T> {
    slot: Arc<BlockingSlot<T>>,
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.slot.fill(Err(JoinError::Aborted));
    }
}

/// The future of a piece of blocking work. Dropping it does not stop the work.
#[must_use = "the work runs anyway, but its result, and its panic, would be lost"]
pub struct Blocking<T> {
    slot: Arc<BlockingSlot<T>>,
}

impl<T> Future for Blocking<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.poll(cx.waker())
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        self.slot.forget();
    }
}
