//! Exercise 6.1: a list of waiters that several threads share.
//!
//! `Bulletin` wakes everybody who waits whenever there is news. It has three faults: a task that polls twice is in the list
//! twice; whoever was woken stays in the list; and the wakers are called while the list is locked, so that a waker that
//! looks at the bulletin would wait for itself for ever. (The tests look with `try_lock`, so that they fail in place of
//! hanging.) Run `cargo test --example exercises ch06_exercise1`.

#![allow(dead_code)]

use std::sync::Mutex;
use std::task::Waker;

#[derive(Default)]
pub struct Bulletin {
    pub waiters: Mutex<Vec<Waker>>,
}

impl Bulletin {
    /// Keeps a waker until the next news. One entry per task is enough.
    pub fn wait(&self, waker: &Waker) {
        self.waiters.lock().expect("cannot be poisoned").push(waker.clone());
    }

    /// Wakes everybody who waits, once.
    pub fn news(&self) {
        for waker in self.waiters.lock().expect("cannot be poisoned").iter() {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
