//! Exercise 1 of chapter 12: a cooperative budget.
//!
//! `yield_now` after every 32 jobs must be remembered in each loop that somebody writes. tokio does it once, in its leaves:
//! each poll of a task begins with a budget, each leaf that would be ready asks for one unit of it, and when nothing is
//! left, leaves say `Pending` although they could go on.
//!
//! `coop(budget, future)` is the task, and `poll_proceed` is what its leaves ask. Build it:
//!
//! - Each poll of a `Coop` begins with the whole budget, whatever the last one has left.
//! - `poll_proceed` takes one unit and is `Ready`. With none left it is `Pending`, and has made a wake: every `Pending` has.
//! - All leaves of one task share one budget.
//! - Outside of a `Coop`, `poll_proceed` is always `Ready`. That includes: after its poll, also if that has panicked.
//!
//! A thread-local is the way from the task to its leaves: they know nothing of each other.

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
    // To do. As it is, a leaf that is always ready may go on for ever.
    let _ = (cx, BUDGET.get());
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

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // To do: the budget begins here, and ends here.
        let _ = self.budget;
        self.future.as_mut().poll(cx)
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
