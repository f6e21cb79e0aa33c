//! Exercise 2 of chapter 13: an outbox that survives short writes.
//!
//! Answers go into the outbox, and `poll_flush` sends them. The socket is a `Transport`: its `poll_write` takes *some* of what
//! it is offered, or says `Pending` and keeps the waker.
//!
//! - Every byte leaves once, in order, however little is taken at a time.
//! - `Pending` in the middle is no reason to forget what is left; the next `poll_flush` goes on there.
//! - `Ready(Ok(()))` means that the outbox is empty. An empty outbox writes nothing.
//! - A write that takes 0 bytes of some is an error, `WriteZero`: to try again for ever would be a busy loop.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use glassbox::net::Transport;

/// Bytes that wait for the socket.
#[derive(Default)]
pub struct Outbox {
    bytes: Vec<u8>,
}

impl Outbox {
    /// Adds an answer at the end.
    pub fn push(&mut self, answer: &[u8]) {
        self.bytes.extend_from_slice(answer);
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Sends until nothing is left.
    pub fn poll_flush(&mut self, socket: &impl Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The mistake to repair: it does not look at how much was taken.
        let written = socket.poll_write(cx, &[IoSlice::new(&self.bytes)]);
        written.map_ok(|_| self.bytes.clear())
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
