//! Solution 7.1: whoever turns the bit on pushes; the poll takes it down before it begins.
//!
//! `swap` in both places: it reads and writes in one step, so that of two threads that wake, one pushes; and so that the
//! poll sees what a thread wrote that found the bit up.

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
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.lock().expect("cannot be poisoned").push_back(self.name);
        }
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
        self.shared.queued.swap(false, Ordering::AcqRel);
        let waker = Waker::from(self.shared.clone());
        (self.work)(&mut Context::from_waker(&waker));
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
