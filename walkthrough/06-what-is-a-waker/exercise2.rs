//! Exercise 6.2: a waker for each child.
//!
//! In exercise 5.2 a thousand children shared the waker of their task, and each wake polled all that were not done. Here
//! each child gets a waker of its own: it notes which child has news, and then wakes the task. Make `poll` ask only the
//! children that were woken. The parent's waker may be another one at each poll: the newest counts.
//! Run `cargo test --example exercises ch06_exercise2`.

#![allow(dead_code)]

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// What a child's waker points at.
pub struct ChildWaker {
    /// This child has news. True at the start: everybody is polled once.
    news: AtomicBool,
    /// The waker of the task that all children belong to.
    parent: Arc<Mutex<Waker>>,
}

impl Wake for ChildWaker {
    /// MISSING: note that this child has news, and wake the task (not under the lock).
    fn wake(self: Arc<Self>) {
        let _not_used_yet = (&self.news, &self.parent);
    }
}

/// Waits for all children.
pub struct JoinAll<F> {
    /// `None`: done.
    children: Vec<(Arc<ChildWaker>, Option<F>)>,
    parent: Arc<Mutex<Waker>>,
}

pub fn join_all<F>(futures: Vec<F>) -> JoinAll<F> {
    let parent = Arc::new(Mutex::new(Waker::noop().clone()));
    let child = |future| {
        let waker = ChildWaker { news: AtomicBool::new(true), parent: parent.clone() };
        (Arc::new(waker), Some(future))
    };
    JoinAll { children: futures.into_iter().map(child).collect(), parent }
}

impl<F: Future<Output = ()> + Unpin> Future for JoinAll<F> {
    type Output = ();

    /// WRONG: hands the task's waker to every child, and asks all of them.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut running = false;
        for (_waker, child) in &mut self.children {
            let Some(future) = child else { continue };
            match Pin::new(future).poll(cx) {
                Poll::Ready(()) => *child = None,
                Poll::Pending => running = true,
            }
        }
        if running { Poll::Pending } else { Poll::Ready(()) }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
