//! Chapter 6, step by step: who wakes whom, and who counts.
//!
//! Run it with `cargo test --example ch06`.

use super::*;

/// A ring that comes between the poll and the sleep is kept: the sleep ends before it begins.
#[test]
fn a_ring_before_the_sleep_is_not_lost() {
    let doorbell = Doorbell::new();
    let mut first = true;
    let rings_itself = std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    let ((), polls) = block_on(rings_itself, &doorbell);
    assert_eq!((polls, doorbell.rings()), (2, 1));
}

/// What is cloned is dropped or used up, and in the end nobody is left.
#[test]
fn clone_and_drop_balance() {
    let doorbell = Doorbell::new();
    let waker = Waker::from(doorbell.clone());
    let clones: Vec<Waker> = (0..10).map(|_| waker.clone()).collect();
    assert_eq!(Arc::strong_count(&doorbell), 12, "the test, the waker, ten clones");
    for (number, clone) in clones.into_iter().enumerate() {
        if number % 2 == 0 { clone.wake() } else { drop(clone) }
    }
    assert_eq!((Arc::strong_count(&doorbell), doorbell.rings()), (2, 5));
    drop(waker);
    assert_eq!(Arc::strong_count(&doorbell), 1);
}

/// A waker may be called long after nobody waits any more. That is legal and does nothing.
#[test]
fn a_wake_after_the_end_is_legal() {
    let doorbell = Doorbell::new();
    let mut kept = None;
    let keeps_its_waker = std::future::poll_fn(|cx| {
        kept = Some(cx.waker().clone());
        Poll::Ready(42)
    });
    assert_eq!(block_on(keeps_its_waker, &doorbell), (42, 1));
    kept.expect("it was polled").wake();
    assert_eq!(doorbell.rings(), 1);
}

/// Two wakers are "the same" if they have the same data and the same table. Two doorbells on one thread are not.
#[test]
fn will_wake_compares_data_and_table() {
    let (one, two) = (Waker::from(Doorbell::new()), Waker::from(Doorbell::new()));
    assert!(one.will_wake(&one.clone()));
    assert!(!one.will_wake(&two));
}
