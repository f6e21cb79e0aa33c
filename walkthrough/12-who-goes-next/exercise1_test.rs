//! What the budget must do. Included by the exercise and by its solution.

use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker, ready};

use super::*;

/// Counts its calls.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A leaf that is always ready, as far as it is concerned.
struct Always;

impl Future for Always {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_proceed(cx));
        Poll::Ready(())
    }
}

async fn times(count: u32) {
    for _ in 0..count {
        Always.await;
    }
}

/// Polls until it is ready, as long as wakes are made. Returns how many polls that took.
fn polls(future: impl Future) -> usize {
    let (mut future, counting) = (pin!(future), Arc::<Counting>::default());
    let waker = Waker::from(counting.clone());
    for poll in 1..=1000 {
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return poll;
        }
        assert_eq!(
            counting.0.load(SeqCst),
            poll,
            "poll {poll} was pending, and nobody was woken for the next"
        );
    }
    panic!("it does not end");
}

#[test]
fn a_task_that_is_always_ready_yields() {
    assert_eq!(polls(coop(32, times(31))), 1);
    assert_eq!(polls(coop(32, times(100))), 4, "32, 32, 32 and 4");
}

#[test]
fn all_leaves_share_the_budget() {
    let both = async {
        for _ in 0..50 {
            Always.await; // one leaf
            Always.await; // another one
        }
    };
    assert_eq!(polls(coop(32, both)), 4);
}

#[test]
fn what_is_left_of_one_poll_is_not_saved_up() {
    let mut pended = false;
    let waits_once = std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut pended, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let task = async {
        times(10).await;
        waits_once.await;
        times(40).await;
    };
    assert_eq!(polls(coop(32, task)), 3, "10, then 32, then 8");
}

#[test]
fn outside_of_a_task_there_is_no_limit() {
    assert_eq!(polls(times(1000)), 1);
    assert_eq!(polls(coop(8, times(3))), 1);
    assert_eq!(polls(times(1000)), 1, "the budget of the last poll is over");
    let panics = async {
        Always.await;
        panic!("on purpose");
    };
    let caught = panic::catch_unwind(AssertUnwindSafe(|| polls(coop(2, panics))));
    assert!(caught.is_err());
    assert_eq!(polls(times(1000)), 1, "after a panic, too");
}

#[test]
fn a_task_in_a_task_has_its_own() {
    let inner = async {
        times(3).await;
        coop(2, times(2)).await;
        times(5).await;
    };
    assert_eq!(polls(coop(8, inner)), 1, "3 and 5 are 8; what the inner one used was its own");
}
