//! Exercise 8.2: one socket, two directions.
//!
//! A task reads from a socket while another one writes to it. This `ScheduledIo` has one place for a waker, keeps the
//! first that it gets, wakes it for any event, and forgets what it was told. Repair all four: a place for each
//! direction, the newest waker, the direction of the event alone, and `ready` remembered until it is cleared.
//! Run `cargo test --example exercises ch08_exercise2`.

#![allow(dead_code)]

use std::cell::RefCell;
use std::task::{Context, Poll, Waker};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Read,
    Write,
}

/// What is known of one socket. Both directions start as ready: the first try costs nothing but a system call.
#[derive(Default)]
pub struct ScheduledIo {
    waiter: RefCell<Option<Waker>>,
    would_block: RefCell<bool>,
}

impl ScheduledIo {
    /// `Ready`: try the system call. `Pending`: the waker of `cx` will be called when that may help.
    pub fn poll_ready(&self, _direction: Direction, cx: &mut Context<'_>) -> Poll<()> {
        if !*self.would_block.borrow() {
            return Poll::Ready(());
        }
        let mut waiter = self.waiter.borrow_mut();
        if waiter.is_none() {
            *waiter = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The try said `WouldBlock`: not ready until the next event.
    pub fn clear(&self, _direction: Direction) {
        *self.would_block.borrow_mut() = true;
    }

    /// The operating system says that this direction may be worth a try.
    pub fn event(&self, _direction: Direction) {
        if let Some(waiter) = &*self.waiter.borrow() {
            waiter.wake_by_ref();
        }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
