//! Solution 8.2: everything twice, once for each direction.

#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Read,
    Write,
}

/// What is known of one socket.
#[derive(Default)]
pub struct ScheduledIo {
    read: Side,
    write: Side,
}

#[derive(Default)]
struct Side {
    waiter: RefCell<Option<Waker>>,
    would_block: Cell<bool>,
}

impl ScheduledIo {
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// `Ready`: try the system call. `Pending`: the waker of `cx` will be called when that may help.
    pub fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<()> {
        let side = self.side(direction);
        if !side.would_block.get() {
            return Poll::Ready(());
        }
        let old = side.waiter.replace(Some(cx.waker().clone()));
        drop(old); // foreign code, with nothing borrowed
        Poll::Pending
    }

    /// The try said `WouldBlock`: not ready until the next event.
    pub fn clear(&self, direction: Direction) {
        self.side(direction).would_block.set(true);
    }

    /// The operating system says that this direction may be worth a try.
    pub fn event(&self, direction: Direction) {
        let side = self.side(direction);
        side.would_block.set(false);
        // A statement of its own: the waker is out of the cell, and the borrow over, before it is called.
        let waiter = side.waiter.take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
