//! Floor 2, the run queue: where a thread's own wakes go.
//!
//! You learn how a waker, which may be anywhere, finds the shortest way to its executor: a plain queue if it is called on
//! the executor's thread, the locked one if not.
//!
//! Step through it with `cargo test --test local -- --nocapture`.

mod common;

use std::thread;

use common::{Bench, Gate};

/// A wake on the executor's own thread takes no lock: it goes straight to the run queue.
#[test]
fn an_own_wake_takes_the_short_way() {
    let bench = Bench::new();
    let gate = Gate::default();
    let task = bench.spawn(gate.clone());
    bench.step();
    gate.waker().wake();
    assert!(bench.ready.is_empty());
    assert_eq!(bench.executor.queue().snapshot(), [task]);
}

/// The same waker on another thread goes through the ready queue, and stands behind those that were queued before.
#[test]
fn a_foreign_wake_takes_the_ready_queue() {
    let bench = Bench::new();
    let gate = Gate::default();
    let waiting = bench.spawn(gate.clone());
    bench.step();
    let first = bench.spawn(async {});
    let waker = gate.waker();
    thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(bench.ready.snapshot(), [waiting]);
    assert_eq!(bench.executor.queue().snapshot(), [first, waiting], "looking at the queue has fetched it");
    assert!(bench.ready.is_empty());
}

/// Two executors on one thread have two run queues: a task of one that wakes a task of the other is no mistake.
#[test]
fn two_executors_on_one_thread_do_not_mix() {
    let (one, two) = (Bench::new(), Bench::new());
    let gate = Gate::default();
    let waiting = one.spawn(gate.clone());
    one.step();
    two.spawn(async move { gate.open() });
    two.step();
    assert_eq!(one.executor.queue().snapshot(), [waiting]);
    assert!(two.executor.queue().is_empty());
}

/// After its executor is gone, a waker finds no run queue on this thread. It leaves an id that nobody will take.
#[test]
fn a_wake_after_the_executor_is_harmless() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    let (waker, ready) = (gate.waker(), bench.ready.clone());
    drop(bench);
    waker.wake();
    assert_eq!(ready.len(), 1);
}
