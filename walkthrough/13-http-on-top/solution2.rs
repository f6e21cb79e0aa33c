//! Solution of exercise 2 of chapter 13: an outbox that survives short writes.
//!
//! What was taken is removed before the next try, so a `Pending` finds nothing to remember. (`drain` moves what is left each
//! time; `src/http/buffer.rs` moves a number instead.)

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

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
        while !self.bytes.is_empty() {
            match ready!(socket.poll_write(cx, &[IoSlice::new(&self.bytes)]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => drop(self.bytes.drain(..taken)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
