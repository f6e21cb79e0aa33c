//! Floor 10, the small futures: `yield_now`, `join`, `race`.
//!
//! You learn who polls what and when, what a spurious poll is, and that to lose a race is to be dropped.
//! Step through it with `cargo test --test future -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::RefCell;
use std::future::ready;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use common::wakers::{CountingWaker, poll_with};
use common::{Bench, Gate, poll_once};
use glassbox::future::{Either, join, race, yield_now};

type Diary = Rc<RefCell<Vec<String>>>;

/// A gate that writes down what is done to it.
struct Told {
    name: &'static str,
    gate: Gate,
    diary: Diary,
}

impl Future for Told {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let polled = Pin::new(&mut self.gate).poll(cx).map(|()| self.name);
        let what = if polled.is_ready() { "ready" } else { "pending" };
        self.diary.borrow_mut().push(format!("{} polled: {what}", self.name));
        polled
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.diary.borrow_mut().push(format!("{} dropped", self.name));
    }
}

/// Two gates, a future for each, and one diary for both.
fn two() -> ([Gate; 2], [Told; 2], Diary) {
    let (gates, diary) = ([Gate::default(), Gate::default()], Diary::default());
    let told = |name, index: usize| Told { name, gate: gates[index].clone(), diary: diary.clone() };
    let both = [told("a", 0), told("b", 1)];
    (gates, both, diary)
}

/// `yield_now` makes its own wake before it says `Pending`. The task goes to the end of the line, not to sleep.
#[test]
fn a_yield_is_pending_once_with_a_wake_already_made() {
    let waker = CountingWaker::new();
    let mut yields = yield_now();
    assert!(poll_with(&waker, &mut yields).is_pending());
    assert_eq!(waker.wakes(), 1);
    assert!(!waker.is_held(), "called, so there is no need to keep it");
    assert!(poll_with(&waker, &mut yields).is_ready());
    assert_eq!(waker.wakes(), 1, "who is ready wakes nobody");
}

/// A wake does not say which half it is for. So `join` polls both each time, until one is done: a future that has
/// returned its value must not be polled again.
#[test]
fn join_polls_both_until_each_is_done() {
    let ([first, second], [a, b], diary) = two();
    let mut both = pin!(join(a, b));
    assert!(poll_once(&mut both).is_pending());
    first.open();
    assert!(poll_once(&mut both).is_pending());
    assert!(poll_once(&mut both).is_pending()); // spurious: nothing has changed
    second.open();
    assert_eq!(poll_once(&mut both), Poll::Ready(("a", "b")));
    assert_eq!(
        *diary.borrow(),
        [
            "a polled: pending",
            "b polled: pending",
            "a polled: ready",
            "b polled: pending", // in vain: the wake was for a
            "b polled: pending", // a is done and left alone
            "b polled: ready",
            "b dropped", // in reverse order, as all local variables are
            "a dropped",
        ]
    );
}

/// The two halves share one task and so one waker. Whichever half is woken, the task is polled.
#[test]
fn one_task_waits_for_both_halves() {
    let bench = Bench::new();
    let ([first, second], [a, b], _) = two();
    bench.spawn(async move { assert_eq!(join(a, b).await, ("a", "b")) });
    bench.run();
    second.open();
    bench.run();
    second.open(); // nobody waits there any more
    first.open();
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 woken: queued", // by the second gate
        "task 1 polled (2)",
        "task 1 pending",
        "task 1 woken: queued", // by the first
        "task 1 polled (3)",
        "task 1 completed",
    ]);
}

/// Two wakes before the next poll are one poll.
#[test]
fn both_halves_at_once_are_one_poll() {
    let bench = Bench::new();
    let ([first, second], [a, b], _) = two();
    bench.spawn(async move { assert_eq!(join(a, b).await, ("a", "b")) });
    bench.run();
    bench.log.take();
    first.open();
    second.open();
    bench.run();
    bench.expect([
        "task 1 woken: queued",
        "task 1 woken: already queued",
        "task 1 polled (2)",
        "task 1 completed",
    ]);
}

/// To lose a race is to be dropped, before the winner's value is in anybody's hands.
#[test]
fn the_loser_is_dropped() {
    let ([_, second], [a, b], diary) = two();
    let waiting = diary.clone();
    let mut task = pin!(async move {
        let winner = race(a, b).await;
        waiting.borrow_mut().push("the race is over".into());
        winner
    });
    assert!(poll_once(&mut task).is_pending());
    second.open();
    assert_eq!(poll_once(&mut task), Poll::Ready(Either::Second("b")));
    assert_eq!(
        *diary.borrow(),
        [
            "a polled: pending",
            "b polled: pending",
            "a polled: pending", // asked again, in vain
            "b polled: ready",
            "b dropped",
            "a dropped", // the loser
            "the race is over",
        ]
    );
}

/// If both are ready the first one wins, always, and the second is not even asked. Bias is not fairness.
#[test]
fn the_first_of_two_that_are_ready_wins_always() {
    let ([first, second], [a, b], diary) = two();
    first.open();
    second.open();
    let mut either = pin!(race(a, b));
    assert_eq!(poll_once(&mut either), Poll::Ready(Either::First("a")));
    assert_eq!(*diary.borrow(), ["a polled: ready", "b dropped", "a dropped"]);
}

/// Drop is cancel, all the way down: who drops a race drops both that are in it.
#[test]
fn a_dropped_race_drops_both() {
    let (_, [a, b], diary) = two();
    let mut either = Box::pin(race(a, b));
    assert!(poll_once(&mut either).is_pending());
    drop(either);
    assert_eq!(diary.borrow()[2..], ["b dropped", "a dropped"]);
}

/// Three in a race are two races. Nothing new is needed: combinators combine.
#[test]
fn combinators_combine() {
    let ([_, second], [a, b], _) = two();
    let mut all = pin!(race(a, join(b, ready(3))));
    assert!(poll_once(&mut all).is_pending());
    second.open();
    assert_eq!(poll_once(&mut all), Poll::Ready(Either::Second(("b", 3))));
}
