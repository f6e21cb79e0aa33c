//! Solution 6.2: the news is noted first, the task is woken second, and taken back before the child's poll.
//!
//! `FuturesUnordered` of the futures crate does this with a queue in place of the loop over all flags.

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
    fn wake(self: Arc<Self>) {
        self.news.store(true, Ordering::Release);
        // A statement of its own: the lock is free again before foreign code runs.
        let parent = self.parent.lock().expect("cannot be poisoned").clone();
        parent.wake();
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

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The newest waker first: whoever is woken from here on reaches it.
        let old =
            std::mem::replace(&mut *self.parent.lock().expect("cannot be poisoned"), cx.waker().clone());
        drop(old);
        let mut running = false;
        for (waker, child) in &mut self.children {
            let Some(future) = child else { continue };
            let news = waker.news.swap(false, Ordering::AcqRel);
            let own = Waker::from(waker.clone());
            if news && Pin::new(future).poll(&mut Context::from_waker(&own)).is_ready() {
                *child = None;
            } else {
                running = true;
            }
        }
        if running { Poll::Pending } else { Poll::Ready(()) }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
