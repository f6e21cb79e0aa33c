//! Timers, tasks, threads, signals, and futures inside of futures.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use glassbox::JoinError;
use glassbox::future::{Either, join, race, yield_now};
use glassbox::signal::Signals;
use glassbox::sync::Notify;

use super::knife::{cut, nothing_is_left, now, runtime, wait_for_pool};
use crate::common::OnDrop;

const SECOND: Duration = Duration::from_secs(1);

pub fn sleep(polls: usize) -> bool {
    let runtime = runtime();
    let slept = cut(polls, runtime.handle().sleep(3 * SECOND), |_| runtime.advance(SECOND));
    nothing_is_left(&runtime);
    slept.is_some()
}

/// The notification comes in time, or stays for the next one.
pub fn timeout(polls: usize) -> bool {
    let (runtime, notify) = (runtime(), Notify::new());
    let future = runtime.handle();
    let future = future.timeout(9 * SECOND, notify.notified());
    let mut notified = false;
    let output = cut(polls, future, |nth| {
        runtime.advance(SECOND);
        if nth == 2 {
            notify.notify_one();
            notified = true;
        }
    });
    assert_eq!(
        now(notify.notified()).is_some(),
        notified && output.is_none(),
        "one notification, one receiver"
    );
    assert_eq!(notify.waiting(), 0);
    nothing_is_left(&runtime);
    output.is_some()
}

/// A handle that is dropped lets its task go on, to its end.
pub fn join_handle(polls: usize) -> bool {
    let (runtime, done) = (runtime(), Rc::new(Cell::new(false)));
    let end = done.clone();
    let task = runtime.handle().spawn(async move {
        yield_now().await;
        yield_now().await;
        end.set(true);
    });
    let joined = cut(polls, task, |_| {
        runtime.step();
    });
    assert!(joined.is_none() || done.get());
    nothing_is_left(&runtime);
    assert!(done.get(), "a detached task goes on");
    joined.is_some()
}

/// A task that is aborted after k polls drops what it holds, once.
pub fn aborted_task(polls: usize) -> bool {
    let (runtime, drops) = (runtime(), Rc::new(Cell::new(0)));
    let (count, handle) = (drops.clone(), runtime.handle());
    let mut task = runtime.handle().spawn(async move {
        let _guard = OnDrop(|| count.set(count.get() + 1));
        yield_now().await;
        handle.sleep(SECOND).await;
        handle.spawn(yield_now()).await.expect("it completes");
    });
    for _ in 0..polls {
        runtime.advance(SECOND);
        runtime.step();
    }
    task.abort();
    assert_eq!(drops.get(), usize::from(polls > 0), "a future that was never polled has made nothing");
    let completed = match task.take().expect("it has ended") {
        Ok(()) => true,
        Err(JoinError::Aborted) => false,
        Err(error) => panic!("{error}"),
    };
    nothing_is_left(&runtime);
    completed
}

/// The work is done in any case, once, and its result is dropped if nobody wants it.
pub fn blocking(polls: usize) -> bool {
    let (runtime, result) = (runtime(), Arc::new(()));
    let (go, wait) = mpsc::channel::<()>();
    let copy = result.clone();
    let work = runtime.handle().spawn_blocking(move || {
        wait.recv().expect("told to go");
        copy
    });
    let mut gone = false;
    let output = cut(polls, work, |nth| {
        if nth == 2 {
            go.send(()).expect("the work waits");
            wait_for_pool(&runtime);
            gone = true;
        }
    });
    if !gone {
        go.send(()).expect("the work waits");
        wait_for_pool(&runtime);
    }
    let complete = output.is_some();
    drop(output);
    assert_eq!(Arc::strong_count(&result), 1, "the result is kept somewhere");
    nothing_is_left(&runtime);
    complete
}

/// A signal that nobody has received yet is there for the next one. (No other test of this file uses signals.)
pub fn signal(polls: usize) -> bool {
    let runtime = runtime();
    let mut signals = Signals::report(&runtime.handle()).expect("signals");
    let mut raised = false;
    let output = cut(polls, signals.recv(), |nth| {
        if nth == 2 {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGUSR1).expect("a signal to ourselves");
            raised = true;
        }
        runtime.run_until_stalled();
    });
    assert_eq!(now(signals.recv()).is_some(), raised && output.is_none(), "one signal, one receiver");
    drop(signals);
    nothing_is_left(&runtime);
    output.is_some()
}

pub fn yields(polls: usize) -> bool {
    cut(polls, yield_now(), |_| {}).is_some()
}

/// Both halves stop waiting. What one half has received already is gone with it; what neither has seen is not.
pub fn joined(polls: usize) -> bool {
    let (a, b) = (Notify::new(), Notify::new());
    let output = cut(polls, join(a.notified(), b.notified()), |nth| match nth {
        2 => a.notify_one(),
        4 => b.notify_one(),
        _ => {}
    });
    assert_eq!((a.waiting(), b.waiting()), (0, 0), "nobody stands in line");
    assert_eq!(now(a.notified()).is_some(), polls == 2, "notified, and not seen by the join");
    assert_eq!(now(b.notified()).is_some(), polls == 4);
    output.is_some()
}

/// The loser of a race is dropped with the race, whenever that is.
pub fn raced(polls: usize) -> bool {
    let (a, b) = (Notify::new(), Notify::new());
    let output = cut(polls, race(a.notified(), b.notified()), |nth| {
        if nth == 2 {
            b.notify_one();
        }
    });
    assert!(matches!(output, None | Some(Either::Second(()))));
    assert_eq!((a.waiting(), b.waiting()), (0, 0), "nobody stands in line");
    assert_eq!(now(b.notified()).is_some(), polls == 2, "notified, and not seen by the race");
    output.is_some()
}
