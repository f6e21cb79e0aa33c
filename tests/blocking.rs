//! Floor 6, blocking work: other threads, and the wake that comes from one of them.
//!
//! You learn how the end of a job interrupts a runtime that is asleep in the operating system, and what becomes of
//! jobs that panic, that nobody waits for, or that have not started when the runtime ends.
//!
//! Step through it with `cargo test --test blocking -- --nocapture`. Threads are the subject here, so these tests use
//! real ones; barriers and channels, not sleeps, decide who is first.

mod common;

use std::sync::mpsc::{self, Sender, TryRecvError};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{OnDrop, expect, frozen_runtime, poll_once, spin};
use glassbox::runtime::blocking::{BlockingPool, BlockingSlot};
use glassbox::{Event, JoinError, Observer, Recorder, Runtime};

/// Records, and reports on a channel that the runtime has announced its sleep.
struct TellsSleep {
    log: Arc<Recorder>,
    asleep: Sender<()>,
}

impl Observer for TellsSleep {
    fn observe(&self, event: Event) {
        self.log.observe(event);
        if matches!(event, Event::Parked { timeout } if timeout != Some(Duration::ZERO)) {
            let _ = self.asleep.send(());
        }
    }
}

/// The only work of this runtime runs on another thread, so it sleeps without a limit. The job ends after that, and
/// its wake interrupts the sleep. Without the interruption this test would hang.
#[test]
fn the_end_of_a_job_interrupts_the_sleep() {
    let log = Recorder::new();
    let (asleep, fell_asleep) = mpsc::channel();
    let observer = Arc::new(TellsSleep { log: log.clone(), asleep });
    let runtime = Runtime::builder().frozen_clock().observer(observer).build().unwrap();
    let work = runtime.handle().spawn_blocking(move || {
        fell_asleep.recv().unwrap(); // the job waits for the runtime's sleep
        42
    });
    assert!(matches!(runtime.block_on(work), Ok(42)));
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "task 1 pending",
            "sleep in epoll",
            "task 1 woken by another thread: queued", // on the pool's thread
            "up again, 1 event",                      // the one event is the interruption itself
            "task 1 polled (2)",
            "task 1 completed",
        ],
    );
}

/// A job that is done before anybody asks wakes nobody: its result waits where the waker would have waited.
#[test]
fn a_result_may_be_there_before_the_first_poll() {
    let (runtime, log) = frozen_runtime();
    let slot = Arc::new(BlockingSlot::new());
    let worker = slot.clone();
    thread::spawn(move || worker.fill(Ok(42))).join().unwrap();
    let answer = runtime.block_on(async move { slot.poll(Waker::noop()) });
    assert!(matches!(answer, Poll::Ready(Ok(42))));
    expect(&log, ["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", "task 1 completed"]);
}

/// Jobs run beside the runtime, not in it: a task that never rests does not hold them up, and is not held up by them.
#[test]
fn a_spinning_task_does_not_keep_a_job_from_ending() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    handle.spawn(spin()).detach();
    assert!(matches!(runtime.block_on(handle.spawn_blocking(|| 42)), Ok(42)));
}

/// A panic in a job comes back as an error, like that of a task. Its thread lives on and takes the next job.
#[test]
fn a_panic_in_a_job_comes_back_as_an_error() {
    let runtime = Runtime::builder().frozen_clock().blocking_threads(1).build().unwrap();
    let handle = runtime.handle();
    let error = runtime.block_on(handle.spawn_blocking(|| panic!("boom"))).map(|()| 0).unwrap_err();
    assert_eq!(error.to_string(), "the task panicked: boom");
    assert!(matches!(runtime.block_on(handle.spawn_blocking(|| 42)), Ok(42)));
}

/// A thread cannot be cancelled. Dropping the future of a running job means not to hear of it: the job ends, its
/// result is dropped, and nobody is woken.
#[test]
fn a_dropped_future_does_not_stop_its_job() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let (go, wait) = mpsc::channel();
    let (dropped, hear) = mpsc::channel();
    let work = handle.spawn_blocking(move || {
        wait.recv().unwrap();
        OnDrop(move || dropped.send(()).unwrap())
    });
    let waiting = handle.spawn(work);
    runtime.turn();
    waiting.abort();
    go.send(()).unwrap();
    hear.recv().unwrap(); // the job has ended, and its result is gone
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "task 1 pending",
            "task 1 aborted",
            // no wake: the future took its waker along when it was dropped
        ],
    );
}

/// A pool of two starts two threads for five jobs. The barrier proves that both work at the same time: alone, neither
/// would pass it.
#[test]
fn at_most_so_many_jobs_run_at_once() {
    let pool = BlockingPool::new(2);
    let both = Arc::new(Barrier::new(2));
    let (started, starts) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    for number in 0..5 {
        let (both, started, gate) = (both.clone(), started.clone(), gate.clone());
        let _detached = pool.spawn(move || {
            started.send(number).unwrap();
            if number < 2 {
                both.wait();
                let _ = gate.lock().unwrap().recv();
            }
        });
    }
    assert_eq!(pool.threads(), 2);
    let mut first_two = [starts.recv().unwrap(), starts.recv().unwrap()];
    first_two.sort_unstable();
    assert_eq!(first_two, [0, 1]);
    assert_eq!(
        starts.try_recv(),
        Err(TryRecvError::Empty),
        "both threads are held: the third job waits in line"
    );

    drop(go); // the gate opens for both
    let mut rest: Vec<_> = starts.iter().take(3).collect();
    rest.sort_unstable();
    assert_eq!(rest, [2, 3, 4]);
    assert!(pool.threads() <= 2);
}

/// With one thread, jobs run one after another, in the order in which they came.
#[test]
fn one_thread_runs_jobs_in_order() {
    let pool = BlockingPool::new(1);
    let (done, order) = mpsc::channel();
    for number in 0..100 {
        let done = done.clone();
        let _detached = pool.spawn(move || done.send(number).unwrap());
    }
    drop(done);
    assert!(order.iter().eq(0..100));
}

/// When the runtime ends, a job that has not started never will: it is dropped, and whoever still has its future
/// hears `Aborted`. A job that runs already is left to finish alone.
#[test]
fn the_end_of_the_runtime_drops_jobs_that_have_not_started() {
    let runtime = Runtime::builder().frozen_clock().blocking_threads(1).build().unwrap();
    let (go, wait) = mpsc::channel();
    let (tell, hear) = mpsc::channel();
    let started = tell.clone();
    let mut running = runtime.handle().spawn_blocking(move || {
        started.send("started").unwrap();
        wait.recv().unwrap();
        tell.send("done").unwrap();
    });
    let mut waiting = runtime.handle().spawn_blocking(|| unreachable!("the only thread is held"));
    assert_eq!(hear.recv(), Ok("started"));

    drop(runtime);
    assert!(matches!(poll_once(&mut waiting), Poll::Ready(Err(JoinError::Aborted))));
    assert!(poll_once(&mut running).is_pending());
    go.send(()).unwrap();
    assert_eq!(hear.recv(), Ok("done"));
}

/// The result is given once. Another poll is a bug of the caller, and says so.
#[test]
#[should_panic(expected = "a Blocking future was polled after it gave its result")]
fn a_result_is_given_once() {
    let runtime = Runtime::builder().frozen_clock().build().unwrap();
    let handle = runtime.handle();
    runtime.block_on(async move {
        let mut work = handle.spawn_blocking(|| ());
        (&mut work).await.unwrap();
        let _ = poll_once(&mut work);
    });
}

/// The result of a job that nobody waits for is dropped on the pool's thread. If that drop panics, the thread lives on:
/// with one thread, the next job would otherwise wait for ever.
#[test]
fn a_result_that_panics_in_its_drop_costs_no_thread() {
    let pool = BlockingPool::new(1);
    let (go, wait) = mpsc::channel::<()>();
    drop(pool.spawn(move || {
        wait.recv().unwrap(); // until the future is gone
        OnDrop(|| panic!("in drop"))
    }));
    go.send(()).unwrap();
    let (done, hear) = mpsc::channel();
    let _next = pool.spawn(move || done.send(()).unwrap());
    hear.recv().unwrap();
    assert_eq!(pool.threads(), 1);
}

/// The runtime's end is the end of jobs that have not started, even if a handle lives on; and no job starts after it.
#[test]
fn a_handle_does_not_keep_jobs_alive_after_the_runtime() {
    let runtime = Runtime::builder().frozen_clock().blocking_threads(1).build().unwrap();
    let handle = runtime.handle();
    let (go, wait) = mpsc::channel::<()>();
    let _running = handle.spawn_blocking(move || {
        let _ = wait.recv();
    });
    let mut waiting = handle.spawn_blocking(|| ());
    drop(runtime);
    assert!(matches!(poll_once(&mut waiting), Poll::Ready(Err(JoinError::Aborted))));
    let mut late = handle.spawn_blocking(|| ());
    assert!(matches!(poll_once(&mut late), Poll::Ready(Err(JoinError::Aborted))));
    drop(go);
}
