//! Solution 6.1: one entry per task; the list is taken away before anybody is called.

#![allow(dead_code)]

use std::mem;
use std::sync::Mutex;
use std::task::Waker;

#[derive(Default)]
pub struct Bulletin {
    pub waiters: Mutex<Vec<Waker>>,
}

impl Bulletin {
    /// Keeps a waker until the next news. `will_wake` may say "no" for two wakers of one task; that costs a vain poll.
    pub fn wait(&self, waker: &Waker) {
        let mut waiters = self.waiters.lock().expect("cannot be poisoned");
        if !waiters.iter().any(|waiter| waiter.will_wake(waker)) {
            waiters.push(waker.clone());
        }
    }

    /// Wakes everybody who waits, once.
    pub fn news(&self) {
        // A statement of its own: in the head of the `for` the lock would live as long as the loop.
        let waiters = mem::take(&mut *self.waiters.lock().expect("cannot be poisoned"));
        for waker in waiters {
            waker.wake();
        }
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
