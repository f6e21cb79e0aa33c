//! Floor 2, the ready queue: who is next, and how a sleeping runtime hears of it.
//!
//! You learn why a wake from another thread is never lost, and why most wakes cost no system call.
//!
//! Step through it with `cargo test --test ready -- --nocapture`.

mod common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Bench, spin};
use glassbox::future::yield_now;
use glassbox::runtime::ready::ReadyQueue;
use glassbox::runtime::trace::TaskId;

/// Three ids to push: only an executor makes ids.
fn three_ids() -> [TaskId; 3] {
    let bench = Bench::new();
    [(); 3].map(|()| bench.spawn(async {}))
}

/// A queue whose interruptions are counted in place of a system call.
fn counted(queue: ReadyQueue) -> (Arc<ReadyQueue>, Arc<AtomicUsize>) {
    let (queue, count) = (Arc::new(queue), Arc::new(AtomicUsize::new(0)));
    let counter = count.clone();
    queue.set_unpark(Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    (queue, count)
}

/// First in, first out. With a stack, two busy tasks on top would starve the third for ever.
#[test]
fn the_oldest_id_comes_first() {
    let queue = ReadyQueue::new();
    let ids = three_ids();
    for id in ids {
        queue.push(id);
    }
    assert_eq!(queue.snapshot(), ids);
    assert_eq!(take_all(&queue), ids);
    assert_eq!(take_all(&queue), []);
}

/// What the executor does when other threads have woken tasks: all ids at once, behind those that it has.
fn take_all(queue: &ReadyQueue) -> Vec<TaskId> {
    let mut ids = VecDeque::new();
    queue.take_all(&mut ids);
    ids.into()
}

/// While the runtime is awake, a push is a push and nothing more: no system call.
#[test]
fn a_push_to_a_waking_runtime_interrupts_nobody() {
    let (queue, interruptions) = counted(ReadyQueue::new());
    queue.push(three_ids()[0]);
    assert_eq!(interruptions.load(Ordering::Relaxed), 0);
}

/// "Is there work?" and "I go to sleep" are one question. With work on the queue, the answer is no, and nobody
/// has to interrupt a sleep that does not happen.
#[test]
fn nobody_falls_asleep_over_work() {
    let (queue, interruptions) = counted(ReadyQueue::new());
    let [a, b, _] = three_ids();
    queue.push(a);
    assert!(!queue.try_park());
    queue.push(b);
    assert_eq!(interruptions.load(Ordering::Relaxed), 0);
}

/// The first push after the announcement interrupts and takes the announcement down. The second finds the
/// runtime on its way up: one sleep needs one interruption.
#[test]
fn one_sleep_is_interrupted_once() {
    let (queue, interruptions) = counted(ReadyQueue::new());
    let [a, b, c] = three_ids();
    assert!(queue.try_park());
    queue.push(a);
    assert_eq!(interruptions.load(Ordering::Relaxed), 1);
    queue.push(b);
    queue.push(c);
    assert_eq!(interruptions.load(Ordering::Relaxed), 1);
}

/// A runtime that came up by itself, for a socket or a timer, takes its announcement back before it wakes anybody.
/// The wakes that follow are its own and cost no system call.
#[test]
fn after_unparked_nobody_interrupts() {
    let (queue, interruptions) = counted(ReadyQueue::new());
    assert!(queue.try_park());
    queue.unparked();
    queue.push(three_ids()[0]);
    assert_eq!(interruptions.load(Ordering::Relaxed), 0);
}

/// Interrupting is a system call, and foreign code: it must not run under the queue's lock. Here it looks into the
/// queue, which would wait for that lock for ever.
#[test]
fn the_interruption_happens_outside_the_lock() {
    let queue = Arc::new(ReadyQueue::new());
    let (seen, weak) = (Arc::new(AtomicUsize::new(0)), Arc::downgrade(&queue));
    queue.set_unpark(Box::new({
        let seen = seen.clone();
        move || seen.store(weak.upgrade().unwrap().len(), Ordering::Relaxed)
    }));
    queue.try_park();
    queue.push(three_ids()[0]);
    assert_eq!(seen.load(Ordering::Relaxed), 1, "the id was there before the interruption");
}

/// A queue belongs to one runtime: who could be asleep is decided once.
#[test]
#[should_panic(expected = "the ready queue has an unpark function already")]
fn there_is_one_way_to_interrupt() {
    let (queue, _) = counted(ReadyQueue::new());
    queue.set_unpark(Box::new(|| {}));
}

/// All wakes of a program whose tasks only wake themselves and each other come from its own thread. Not one of
/// them interrupts anything, because nobody is asleep.
#[test]
fn wakes_from_the_own_thread_never_interrupt() {
    let bench = Bench::new();
    let interruptions = Arc::new(AtomicUsize::new(0));
    let counter = interruptions.clone();
    bench.ready.set_unpark(Box::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    bench.spawn(spin());
    for _ in 0..100 {
        bench.spawn(yield_now());
        bench.step();
        bench.step();
    }
    assert!(bench.executor.queue().counters().pushed.get() > 200);
    assert_eq!(bench.ready.wakes().0, 0, "not one of them took the lock");
    assert_eq!(interruptions.load(Ordering::Relaxed), 0);
}

/// Two threads push, a third sleeps whenever it sees nothing. Every id arrives, whatever the order in which they
/// meet. A lost wake-up would let this test hang.
#[test]
fn no_wake_up_is_lost_between_threads() {
    const EACH: usize = 2_000;
    let queue = Arc::new(ReadyQueue::new());
    let consumer = thread::current();
    queue.set_unpark(Box::new(move || consumer.unpark()));
    let id = three_ids()[0];
    let producers = [(); 2].map(|()| {
        let queue = queue.clone();
        thread::spawn(move || (0..EACH).for_each(|_| queue.push(id)))
    });

    let mut received = 0;
    while received < 2 * EACH {
        received += take_all(&queue).len();
        if received < 2 * EACH && queue.try_park() {
            // The thread's own token stands for the eventfd: an `unpark` before this `park` lets it through.
            thread::park();
            queue.unparked();
        }
    }
    for producer in producers {
        producer.join().unwrap();
    }
    assert_eq!(take_all(&queue), []);
    assert_eq!(queue.wakes(), (2 * EACH as u64, 0));
}
