//! Solution of exercise 1 of chapter 12: a cooperative budget.
//!
//! The guard puts back what was there before, on every way out of the poll. It is what makes a task in a task, and a panic,
//! no special cases.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    /// What is left of the budget of the task that is being polled. `None`: no limit.
    static BUDGET: Cell<Option<u32>> = const { Cell::new(None) };
}

/// A leaf asks: may I go on?
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    match BUDGET.get() {
        Some(0) => {
            cx.waker().wake_by_ref(); // To the end of the queue, not to sleep.
            return Poll::Pending;
        }
        Some(left) => BUDGET.set(Some(left - 1)),
        None => {}
    }
    Poll::Ready(())
}

/// A future whose leaves share a budget in each poll.
pub fn coop<F: Future>(budget: u32, future: F) -> Coop<F> {
    Coop { budget, future: Box::pin(future) }
}

/// The future of [`coop`].
pub struct Coop<F> {
    budget: u32,
    future: Pin<Box<F>>,
}

/// Puts the budget back that was there before.
struct Restore(Option<u32>);

impl Drop for Restore {
    fn drop(&mut self) {
        BUDGET.set(self.0);
    }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _guard = Restore(BUDGET.replace(Some(self.budget)));
        self.future.as_mut().poll(cx)
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
