//! Exercise 4.2: a future that may be polled after its end.
//!
//! A poll after `Ready` is the caller's mistake, and most futures panic. Some callers cannot avoid it: whoever polls
//! several futures in one loop. `Fuse` stands around a future and makes such polls harmless: they say `Pending`, the
//! inner future is not touched, and it is dropped as soon as it is done.
//! Run `cargo test --example exercises ch04_exercise2`.

#![allow(dead_code)]

use std::pin::Pin;
use std::task::{Context, Poll};

/// `F: Unpin` keeps the exercise free of pinning: the inner future may be moved.
pub struct Fuse<F> {
    inner: F,
}

impl<F> Fuse<F> {
    pub fn new(inner: F) -> Fuse<F> {
        Fuse { inner }
    }
}

impl<F: Future + Unpin> Future for Fuse<F> {
    type Output = F::Output;

    /// This one hands every poll on.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
