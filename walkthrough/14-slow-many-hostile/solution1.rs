//! Solution of exercise 1 of chapter 14: an outbox with a limit.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// Bytes on their way to a slow client.
pub struct Outbox {
    bytes: RefCell<VecDeque<u8>>,
    limit: usize,
    waiter: Cell<Option<Waker>>,
}

impl Outbox {
    pub fn new(limit: usize) -> Outbox {
        Outbox { bytes: RefCell::default(), limit, waiter: Cell::new(None) }
    }

    pub fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// Adds a piece at the back, when there is room. Afterwards `piece` is empty.
    pub fn poll_push(&self, cx: &mut Context<'_>, piece: &mut Vec<u8>) -> Poll<()> {
        let held = self.len();
        if held > 0 && held + piece.len() > self.limit {
            self.waiter.set(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        self.bytes.borrow_mut().extend(piece.drain(..));
        Poll::Ready(())
    }

    /// Takes bytes off the front: the client has read.
    pub fn take(&self, count: usize) -> Vec<u8> {
        let count = count.min(self.len());
        // A statement of its own: the borrow ends before anybody is woken.
        let taken: Vec<u8> = self.bytes.borrow_mut().drain(..count).collect();
        if count > 0
            && let Some(waker) = self.waiter.take()
        {
            waker.wake();
        }
        taken
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
