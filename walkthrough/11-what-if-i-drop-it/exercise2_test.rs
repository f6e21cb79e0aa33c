//! What the gate must do. Included by the exercise and by its solution.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

use super::*;

/// Counts its calls.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll(pass: &mut Pass<'_>, waker: &Arc<Counting>) -> Poll<()> {
    Pin::new(pass).poll(&mut Context::from_waker(&Waker::from(waker.clone())))
}

/// `N` that wait, each with a waker of its own.
fn waiting<const N: usize>(gate: &Gate) -> ([Pass<'_>; N], [Arc<Counting>; N]) {
    let wakers = [(); N].map(|()| Arc::<Counting>::default());
    let mut passes = [(); N].map(|()| gate.pass());
    for (pass, waker) in passes.iter_mut().zip(&wakers) {
        assert!(poll(pass, waker).is_pending());
    }
    (passes, wakers)
}

#[test]
fn the_oldest_passes_first() {
    let gate = Gate::default();
    let ([mut a, mut b], wakers) = waiting(&gate);
    assert!(gate.let_one());
    assert_eq!(wakers.each_ref().map(|waker| waker.0.load(SeqCst)), [1, 0]);
    assert!(poll(&mut a, &wakers[0]).is_ready());
    assert!(poll(&mut b, &wakers[1]).is_pending());
}

#[test]
fn whoever_gives_up_leaves_the_line() {
    let gate = Gate::default();
    let ([a, b], wakers) = waiting(&gate);
    drop(a);
    assert_eq!(gate.waiting(), 1);
    assert_eq!(Arc::strong_count(&wakers[0]), 1, "its waker is still held");
    assert!(gate.let_one());
    assert_eq!(wakers.each_ref().map(|waker| waker.0.load(SeqCst)), [0, 1], "the turn is b's");
    drop(b);
}

#[test]
fn a_turn_that_is_not_taken_goes_to_the_next() {
    let gate = Gate::default();
    let ([a, b, mut c], wakers) = waiting(&gate);
    assert!(gate.let_one());
    drop(a); // It was woken, and never polled again.
    assert_eq!(wakers[1].0.load(SeqCst), 1, "b stands in line and nobody lets it pass");
    drop(b); // The same again.
    assert_eq!(wakers[2].0.load(SeqCst), 1);
    assert!(poll(&mut c, &wakers[2]).is_ready());
    assert_eq!((gate.waiting(), gate.passing.borrow().len()), (0, 0));
}

#[test]
fn a_turn_that_nobody_can_take_is_over() {
    let gate = Gate::default();
    let ([a], _) = waiting(&gate);
    assert!(gate.let_one());
    drop(a);
    assert_eq!((gate.waiting(), gate.passing.borrow().len()), (0, 0));
    assert!(!gate.let_one());
}

#[test]
fn whoever_has_passed_takes_nobody_elses_turn() {
    let gate = Gate::default();
    let ([mut a, b], wakers) = waiting(&gate);
    assert!(gate.let_one());
    assert!(poll(&mut a, &wakers[0]).is_ready());
    drop(a);
    drop(gate.pass()); // Never polled.
    assert_eq!(wakers[1].0.load(SeqCst), 0, "b was let through for nothing");
    assert_eq!(gate.waiting(), 1);
    drop(b);
}
