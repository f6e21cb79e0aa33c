//! The few lines that other threads touch, tried in every order.
//!
//! [loom](https://docs.rs/loom) runs a model again and again, and each time lets the threads meet in another order and lets
//! every unsynchronised load return every value that the memory model allows. The files under test are the real
//! ones, compiled once more here with loom's lock and flag in place of the standard library's (`src/runtime/shared.rs` says
//! why). A lost wake-up shows as a deadlock, or as data that nobody saw.
//!
//! Each model has a twin with the classic mistake in it, which loom must find. A model that cannot fail proves nothing.
//!
//! Run it with `cargo test --test loom`; it needs no flags.

#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    clippy::unused_self,
    reason = "files of the library, of which parts are used here"
)]

#[path = "../src/runtime/blocking.rs"]
mod blocking;
#[path = "../src/runtime/counter.rs"]
mod counter;
#[path = "../src/runtime/executor.rs"]
mod executor;
#[path = "../src/sync/flag.rs"]
mod flag;
#[path = "../src/runtime/join.rs"]
mod join;
#[path = "../src/runtime/local.rs"]
mod local;
#[path = "../src/runtime/panics.rs"]
mod panics;
#[path = "../src/runtime/ready.rs"]
mod ready;
#[path = "../src/runtime/recorder.rs"]
mod recorder;
#[path = "../src/runtime/sentence.rs"]
mod sentence;
#[path = "../src/runtime/task.rs"]
mod task;
#[path = "../src/runtime/trace.rs"]
mod trace;
#[path = "../src/runtime/waker_cell.rs"]
mod waker_cell;

/// What the library's files find under this name here.
#[path = "loom/shared.rs"]
mod shared;
/// How files outside of `runtime` reach it.
mod runtime {
    pub(crate) use super::{shared, waker_cell};
}

#[path = "loom/flag.rs"]
mod flag_models;
#[path = "loom/pool.rs"]
mod pool_models;
#[path = "loom/ring.rs"]
mod ring_models;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::task::{Poll, Wake, Waker};

use blocking::BlockingSlot;
use join::JoinError;
use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use ready::ReadyQueue;
use task::TaskWaker;
use trace::{TaskId, Tracer};

const ID: TaskId = TaskId { slot: 0, serial: 1 };

/// Three threads in every order are too many orders. Nearly all mistakes need no more than two switches at a bad moment
/// (loom's own advice).
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// Stands for the operating system: `wait` sleeps until somebody has called `ring`.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// What `LocalQueue` does before each `pop`: it looks at the hint and takes the lock only if that says so.
fn take_all(queue: &ReadyQueue) -> VecDeque<TaskId> {
    let mut ids = VecDeque::new();
    if queue.has_some() {
        queue.take_all(&mut ids);
    }
    ids
}

/// Two threads wake two tasks while the runtime goes to sleep. Whatever the order, it learns of both.
#[test]
fn no_wake_is_lost_between_empty_and_asleep() {
    loom::model(|| {
        let (queue, bell) = (Arc::new(ReadyQueue::new()), Arc::new(Bell::default()));
        let ring = bell.clone();
        queue.set_unpark(Box::new(move || ring.ring()));
        let pushers = [1, 2].map(|serial| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(TaskId { slot: 0, serial }))
        });
        let mut received = 0;
        while received < 2 {
            received += take_all(&queue).len();
            if received < 2 && queue.try_park() {
                bell.wait();
                queue.unparked();
            }
        }
        for pusher in pushers {
            pusher.join().unwrap();
        }
    });
}

/// The same with the mistake: "is it empty?" and "I sleep" are two steps. A push between them interrupts nobody.
#[test]
#[should_panic(expected = "deadlock")]
fn testing_emptiness_before_arming_loses_a_wake() {
    #[derive(Default)]
    struct Broken {
        ids: Mutex<usize>,
        parked: Mutex<bool>,
    }
    loom::model(|| {
        let (queue, bell) = (Arc::new(Broken::default()), Arc::new(Bell::default()));
        let (theirs, ring) = (queue.clone(), bell.clone());
        let pusher = thread::spawn(move || {
            *theirs.ids.lock().unwrap() += 1;
            if std::mem::take(&mut *theirs.parked.lock().unwrap()) {
                ring.ring();
            }
        });
        while *queue.ids.lock().unwrap() == 0 {
            *queue.parked.lock().unwrap() = true; // too late: the id may have come since
            bell.wait();
        }
        pusher.join().unwrap();
    });
}

/// A thread writes something and wakes; the task is polled meanwhile. Either that poll sees what was written, or
/// the wake has queued another poll. And the id is never queued twice.
#[test]
fn a_wake_during_the_poll_is_seen_or_queues_another() {
    loom::model(|| {
        let queue = Arc::new(ReadyQueue::new());
        let task = Arc::new(TaskWaker::new(ID, queue.clone(), Tracer::default()));
        let data = Arc::new(AtomicUsize::new(0));
        task.wake_by_ref(); // as spawn does
        let (their_task, their_data) = (task.clone(), data.clone());
        let other = thread::spawn(move || {
            their_data.store(1, Relaxed);
            their_task.wake();
        });
        let mut seen = 0;
        let mut poll = || {
            let ids = take_all(&queue).len();
            assert!(ids <= 1, "the id is queued twice");
            if ids == 1 {
                task.clear_queued();
                seen = data.load(Relaxed);
            }
        };
        poll();
        poll();
        other.join().unwrap();
        poll();
        assert_eq!(seen, 1, "the last poll has not seen what the wake announced");
    });
}

/// A bare `queued` bit, its clearing chosen by the model.
fn model_of_the_bit(clear: fn(&AtomicBool)) {
    loom::model(move || {
        let queued = Arc::new(AtomicBool::new(true));
        let (data, pushed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let theirs = (queued.clone(), data.clone(), pushed.clone());
        let other = thread::spawn(move || {
            theirs.1.store(1, Relaxed);
            if !theirs.0.swap(true, AcqRel) {
                theirs.2.store(1, Relaxed);
            }
        });
        clear(&queued);
        let mut seen = data.load(Relaxed);
        other.join().unwrap();
        if pushed.load(Relaxed) == 1 {
            seen = data.load(Relaxed);
        }
        assert_eq!(seen, 1, "lost wake-up");
    });
}

/// The clearing that `task.rs` uses, in the small model, so that its twin below differs in nothing else.
#[test]
fn swap_synchronises_with_the_wake_that_it_swallows() {
    model_of_the_bit(|queued| {
        queued.swap(false, AcqRel);
    });
}

/// With a plain store the poll reads nothing of the waking thread's: it may miss the data, and nobody polls again.
#[test]
#[should_panic(expected = "lost wake-up")]
fn store_for_swap_loses_a_wake() {
    model_of_the_bit(|queued| queued.store(false, Release));
}

/// A pool thread stores its result while the task polls for it: the task finds the result, or is woken for it.
#[test]
fn a_result_is_found_or_announced() {
    loom::model(|| {
        let slot = Arc::new(BlockingSlot::new());
        let theirs = slot.clone();
        let pool_thread = thread::spawn(move || theirs.fill(Ok(42)));
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        let value = loop {
            match slot.poll(&waker) {
                Poll::Ready(result) => break result,
                Poll::Pending => bell.wait(),
            }
        };
        assert!(matches!(value, Ok(42)));
        pool_thread.join().unwrap();
    });
}

/// The same with the mistake: result and waker behind a lock each. The result is stored between the look for it and
/// the leaving of the waker, and neither side sees the other.
#[test]
#[should_panic(expected = "deadlock")]
fn two_locks_for_one_bargain_lose_a_wake() {
    loom::model(|| {
        let result = Arc::new(Mutex::new(None));
        let place = Arc::new(Mutex::new(None::<Waker>));
        let theirs = (result.clone(), place.clone());
        let pool_thread = thread::spawn(move || {
            *theirs.0.lock().unwrap() = Some(42);
            let waker = theirs.1.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        while result.lock().unwrap().is_none() {
            *place.lock().unwrap() = Some(waker.clone());
            bell.wait();
        }
        pool_thread.join().unwrap();
    });
}
