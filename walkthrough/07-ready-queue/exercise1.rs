//! Exercise 7.1: the bit.
//!
//! A queue of names, and a flag in each waker that says "my name is on the queue". This one forgets to look at the flag,
//! and takes it down at the wrong moment. Make 100 wakes one entry, and lose no wake that comes during a poll.
//! Run `cargo test --example exercises ch07_exercise1`.

#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

pub type Queue = Arc<Mutex<VecDeque<u32>>>;

/// What a waker points at.
pub struct TaskWaker {
    pub name: u32,
    pub queued: AtomicBool,
    pub queue: Queue,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.queued.store(true, Ordering::Release);
        self.queue.lock().expect("cannot be poisoned").push_back(self.name);
    }
}

/// A future, reduced to what matters here: a function that is called with a context and may call the waker.
pub type Work = Box<dyn FnMut(&mut Context<'_>)>;

pub struct Task {
    pub shared: Arc<TaskWaker>,
    pub work: Work,
}

impl Task {
    pub fn new(name: u32, queue: &Queue, work: impl FnMut(&mut Context<'_>) + 'static) -> Task {
        let shared = TaskWaker { name, queued: AtomicBool::new(false), queue: queue.clone() };
        Task { shared: Arc::new(shared), work: Box::new(work) }
    }

    /// One poll: its name has been taken off the queue already.
    pub fn poll(&mut self) {
        let waker = Waker::from(self.shared.clone());
        (self.work)(&mut Context::from_waker(&waker));
        self.shared.queued.store(false, Ordering::Release);
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
