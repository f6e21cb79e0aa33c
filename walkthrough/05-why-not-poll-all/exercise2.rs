//! Exercise 5.2: wait for all of them, in one task.
//!
//! `JoinAll` is a future made of futures. The one below is wrong in two ways: it polls futures that have returned
//! `Ready`, and it loses their values. Each child is to be polled in each poll until it is ready, and never again.
//! Run `cargo test --example exercises ch05_exercise2`. Then count: how many polls do 1,000 children cost if one of them
//! becomes ready at a time?

#![allow(dead_code)]

use std::pin::Pin;
use std::task::{Context, Poll};

/// `F: Unpin`, here and below, keeps the exercise free of pinning, and so does `F::Output: Unpin`.
pub struct JoinAll<F: Future> {
    children: Vec<F>,
}

/// Waits for all, and returns their values in the order of the futures.
pub fn join_all<F: Future + Unpin>(children: Vec<F>) -> JoinAll<F> {
    JoinAll { children }
}

impl<F: Future + Unpin> Future for JoinAll<F>
where
    F::Output: Unpin,
{
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut values = Vec::new();
        for child in &mut self.children {
            if let Poll::Ready(value) = Pin::new(child).poll(cx) {
                values.push(value);
            }
        }
        if values.len() == self.children.len() { Poll::Ready(values) } else { Poll::Pending }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
