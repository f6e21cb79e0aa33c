//! Exercise 1 of chapter 14: an outbox with a limit.
//!
//! A task makes pieces of an answer and pushes them; the socket takes them out when the client reads. If the client
//! does not read, the outbox must not grow: the maker has to wait. That is backpressure.
//!
//! - `poll_push` is `Ready` if the outbox is empty, or if the piece fits under `limit`. Then it takes the piece.
//!   Otherwise it is `Pending`, leaves `piece` alone, and has kept the newest waker.
//! - A piece larger than `limit` must get through as well, alone: hence "if the outbox is empty".
//! - `take` removes up to `count` bytes from the front. If it removed any, whoever waits is woken, once.
//! - No waker is called while anything is borrowed: `take` has `&self`.

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
    pub fn poll_push(&self, _cx: &mut Context<'_>, piece: &mut Vec<u8>) -> Poll<()> {
        // The first mistake to repair: it looks at what is there, not at what comes, and leaves no waker.
        if self.len() > self.limit {
            return Poll::Pending;
        }
        self.bytes.borrow_mut().extend(piece.drain(..));
        Poll::Ready(())
    }

    /// Takes bytes off the front: the client has read.
    pub fn take(&self, count: usize) -> Vec<u8> {
        let mut bytes = self.bytes.borrow_mut();
        // The second mistake: it wakes too often, and under the borrow.
        if let Some(waker) = self.waiter.take() {
            waker.wake();
        }
        let count = count.min(bytes.len());
        bytes.drain(..count).collect()
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
