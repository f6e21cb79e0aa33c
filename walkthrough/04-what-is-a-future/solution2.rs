//! Solution 4.2: the inner future is taken away when it is done.

#![allow(dead_code)]

use std::pin::Pin;
use std::task::{Context, Poll};

/// `None`: it has returned its value.
pub struct Fuse<F> {
    inner: Option<F>,
}

impl<F> Fuse<F> {
    pub fn new(inner: F) -> Fuse<F> {
        Fuse { inner: Some(inner) }
    }
}

impl<F: Future + Unpin> Future for Fuse<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(inner) = &mut self.inner else { return Poll::Pending };
        let polled = Pin::new(inner).poll(cx);
        if polled.is_ready() {
            self.inner = None; // dropped here, and not when the fuse is
        }
        polled
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
