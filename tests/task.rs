//! Floor 3, the waker: a name that anybody may keep, copy, call and drop.
//!
//! You learn what a wake does (it queues a name), what it does not do (it runs nothing), when two wakes are one,
//! and when the executor can prove that a task will never run again.
//!
//! Step through it with `cargo test --test task -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use common::{Bench, Gate, expect, frozen_runtime};
use glassbox::runtime::task::TaskWaker;
use glassbox::runtime::trace::Tracer;

/// What a future does with the waker that it is given, before it says `Pending` for ever.
struct Waits<F: FnMut(&Waker)>(F);

impl<F: FnMut(&Waker) + Unpin> Future for Waits<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        (self.0)(cx.waker());
        Poll::Pending
    }
}

/// The sentence that the executor says when nothing can ever run a task again.
const LOST: &str = "task 1 pending, and nobody holds its waker";

/// Spawns one future, polls it once, and compares what the poll ended with.
#[track_caller]
fn expect_after_first_poll(end: &str, future: impl Future<Output = ()> + 'static) {
    let bench = Bench::new();
    bench.spawn(future);
    bench.step();
    bench.expect(["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", end]);
}

/// `wake` runs nothing. It queues a name and returns; the poll comes later, on the executor's own thread.
#[test]
fn a_wake_queues_and_runs_nothing() {
    let bench = Bench::new();
    let gate = Gate::default();
    let task = bench.spawn(gate.clone());
    bench.step();
    gate.open();
    assert_eq!(bench.executor.queue().snapshot(), [task]);
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 woken: queued", // and no poll after it: nobody has called `step`
    ]);
}

/// A wake says "look again", not "how often". 100 wakes before the poll make one poll.
#[test]
fn a_hundred_wakes_are_one_poll() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    let waker = gate.waker();
    (0..100).for_each(|_| waker.wake_by_ref());
    let queue = bench.executor.queue();
    assert_eq!(queue.len(), 1);
    assert_eq!(queue.counters().pushed.get(), 2, "by the spawn and by the first wake");
    assert_eq!(bench.ready.wakes(), (0, 99), "99 had nothing to do, and none came from another thread");

    bench.run();
    assert_eq!(bench.executor.counters().polls.get(), 2, "the first poll, and one more");
}

/// The `queued` bit alone: the first wake pushes, the second does not, and after the bit is cleared one pushes again.
#[test]
fn the_queued_bit_decides_who_pushes() {
    let bench = Bench::new();
    let id = bench.spawn(async {});
    bench.run();
    let task = Arc::new(TaskWaker::new(id, bench.ready.clone(), Tracer::default()));
    let waker = Waker::from(task.clone());
    waker.wake_by_ref();
    waker.wake_by_ref();
    assert_eq!(bench.executor.queue().len(), 1);

    task.clear_queued(); // what a poll does first
    waker.wake_by_ref();
    assert_eq!(bench.executor.queue().len(), 2);
}

/// A wake that comes during the poll counts: the bit went down before the poll began. Cleared after it, this wake
/// would find the bit up, push nothing, and be forgotten.
#[test]
fn a_wake_during_the_poll_is_not_swallowed() {
    let bench = Bench::new();
    bench.spawn(Waits(Waker::wake_by_ref));
    bench.step();
    bench.step();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 woken: queued", // "queued" again, not "already queued"
        "task 1 pending",
        "task 1 polled (2)",
        "task 1 woken: queued",
        "task 1 pending",
    ]);
}

/// A spurious wake is legal: nothing has happened, and the task is polled all the same. So a future looks at its
/// condition in every poll, and never counts wakes.
#[test]
fn a_wake_for_no_reason_costs_one_vain_poll() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    gate.waker().wake();
    bench.step();
    gate.open();
    bench.step();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 woken: queued", // the gate is still closed
        "task 1 polled (2)",
        "task 1 pending",
        "task 1 woken: queued",
        "task 1 polled (3)",
        "task 1 completed",
    ]);
}

/// A wake after the end is legal: whoever holds a waker cannot know how its task fares. (A *poll* after the end is
/// not legal, and the executor never makes one.)
#[test]
fn a_wake_after_completion_is_legal() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    let waker = gate.waker();
    gate.open();
    bench.step();
    waker.wake();
    assert_eq!(bench.step(), None, "nobody to poll");
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 woken: queued",
        "task 1 polled (2)",
        "task 1 completed",
        "task 1 woken: queued",            // the waker does not know
        "task 1 was queued but has ended", // the executor does
    ]);
}

/// A waker may outlive the executor too. It queues a name that nobody will ever read.
#[test]
fn a_wake_after_the_executor_is_gone_does_nothing() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    let Bench { executor, ready, .. } = bench;
    drop(executor);
    gate.waker().wake();
    assert_eq!(ready.len(), 1);
}

/// The same with a whole runtime, its reactor and its eventfd: the waker keeps alive what it needs, and no more.
#[test]
fn a_wake_after_the_runtime_is_gone_does_nothing() {
    let (runtime, log) = frozen_runtime();
    let gate = Gate::default();
    runtime.handle().spawn(gate.clone()).detach();
    runtime.turn();
    let waker = gate.waker();
    drop(runtime);
    thread::spawn(move || waker.wake()).join().expect("the wake panicked");
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "task 1 pending",
            "task 1 aborted", // by the runtime's drop
            "task 1 woken by another thread: queued",
        ],
    );
}

/// `Waker` is `Send + Sync`, even in a runtime of one thread. The future stays here; its name travels.
#[test]
fn another_thread_may_wake() {
    let bench = Bench::new();
    let gate = Gate::default();
    let task = bench.spawn(gate.clone());
    bench.step();
    let waker = gate.waker();
    thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(bench.step(), Some(task));
}

/// Every `Pending` has to arrange a wake. This one has not, and no waker is left: nothing can run the task again.
/// The executor can prove that, and says so at once.
#[test]
fn a_lost_waker_is_detected() {
    expect_after_first_poll(LOST, std::future::pending());
}

/// Copies that were made and dropped leave nothing behind: only the balance counts.
#[test]
fn clones_that_are_dropped_do_not_count() {
    expect_after_first_poll(LOST, Waits(|waker: &Waker| drop([waker.clone(), waker.clone()])));
}

/// A wake that was made during the poll is enough. Nobody holds the waker, but the task is queued.
#[test]
fn a_queued_task_is_not_lost() {
    let bench = Bench::new();
    bench.spawn(Waits(Waker::wake_by_ref));
    bench.step();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 woken: queued",
        "task 1 pending",
    ]);
}

/// The balance is taken when a poll ends. A waker that is dropped later leaves a lost task that nobody reports.
#[test]
fn a_waker_dropped_after_the_poll_is_not_detected() {
    let bench = Bench::new();
    let kept = Rc::new(RefCell::new(None));
    let place = kept.clone();
    bench.spawn(Waits(move |waker: &Waker| drop(place.replace(Some(waker.clone())))));
    bench.step();
    drop(kept.take()); // from here on nothing can run task 1 again
    bench.run();
    bench.expect(["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", "task 1 pending"]);
}

/// A task that keeps its own waker, in a place that only it can see, looks as if somebody held it. Counting
/// cannot see this loss either.
#[test]
fn a_task_that_keeps_its_own_waker_is_not_detected() {
    expect_after_first_poll("task 1 pending", Gate::default()); // who could open this gate?
}

/// The count is exact. One waker in a list is enough to call the task waiting; take it out, and the next
/// `Pending` is the last.
#[test]
fn the_last_waker_makes_the_difference() {
    let bench = Bench::new();
    let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
    let list = wakers.clone();
    let mut first = true;
    bench.spawn(Waits(move |waker: &Waker| {
        if std::mem::take(&mut first) {
            list.borrow_mut().push(waker.clone());
        }
    }));
    bench.step();
    wakers.take().pop().unwrap().wake(); // by value: the waker is used up
    bench.step();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 woken: queued",
        "task 1 polled (2)",
        LOST, // "the first poll stored it" is not enough: it was used up
    ]);
}
