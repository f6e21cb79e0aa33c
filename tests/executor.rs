//! Floor 4, the executor: spawn, step, abort. One poll at a time, and no operating system.
//!
//! Step through it with `cargo test --test executor -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::Bench;
use glassbox::future::yield_now;
use glassbox::runtime::executor::TaskState;

/// `spawn` runs nothing. It makes a task and queues it; the first poll is the first `step`.
#[test]
fn a_future_does_nothing_until_it_is_polled() {
    let bench = Bench::new();
    let ran = Rc::new(RefCell::new(false));
    let task = bench.spawn({
        let ran = ran.clone();
        async move { *ran.borrow_mut() = true }
    });
    assert!(!*ran.borrow(), "laziness: nothing has run");

    assert_eq!(bench.step(), Some(task));
    assert!(*ran.borrow());
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued", // spawn wakes the new task once, as anybody could
        "task 1 polled (1)",
        "task 1 completed",
    ]);
}

/// A task that wakes itself goes to the end of the queue: the others come first.
#[test]
fn two_tasks_that_yield_take_turns() {
    let bench = Bench::new();
    bench.spawn(yield_now());
    bench.spawn(yield_now());
    while bench.step().is_some() {}
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 woken: queued", // by itself: the wake stands between its `polled` and its `pending`
        "task 1 pending",
        "task 2 polled (1)", // not task 1 again: first in, first out
        "task 2 woken: queued",
        "task 2 pending",
        "task 1 polled (2)",
        "task 1 completed",
        "task 2 polled (2)",
        "task 2 completed",
    ]);
}

/// What a debugger would show between two polls.
#[test]
fn a_snapshot_tells_queued_from_waiting() {
    let bench = Bench::new();
    let waiting = bench.spawn(std::future::pending());
    bench.step();
    let queued = bench.spawn(async {});
    let states: Vec<_> = bench.executor.snapshot().iter().map(|task| (task.id, task.state)).collect();
    assert_eq!(states, [(waiting, TaskState::Waiting), (queued, TaskState::Queued)]);
}
