//! Solution 5.2: a child is a future or its value.

#![allow(dead_code)]

use std::pin::Pin;
use std::task::{Context, Poll};

enum Child<F: Future> {
    Running(F),
    Done(F::Output),
}

pub struct JoinAll<F: Future> {
    children: Vec<Child<F>>,
}

/// Waits for all, and returns their values in the order of the futures.
pub fn join_all<F: Future + Unpin>(children: Vec<F>) -> JoinAll<F> {
    JoinAll { children: children.into_iter().map(Child::Running).collect() }
}

impl<F: Future + Unpin> Future for JoinAll<F>
where
    F::Output: Unpin,
{
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut running = 0;
        for child in &mut self.children {
            if let Child::Running(future) = child {
                match Pin::new(future).poll(cx) {
                    Poll::Ready(value) => *child = Child::Done(value), // the future is dropped here
                    Poll::Pending => running += 1,
                }
            }
        }
        if running > 0 {
            return Poll::Pending;
        }
        let value = |child| if let Child::Done(value) = child { Some(value) } else { None };
        Poll::Ready(self.children.drain(..).filter_map(value).collect())
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
