//! Exercise 2 of chapter 2: a write that never waits.
//!
//! A non-blocking write takes what fits into the kernel's buffer: all of it, some of it, or nothing (`WouldBlock`).
//! `Outbox` keeps what did not fit, for the next try.
//!
//! `flush` writes until nothing is left (`Ok(true)`) or until the socket says "not now" (`Ok(false)`). No byte may be
//! lost and none may be sent twice.

use std::io::{self, Write};

/// Bytes on their way to a socket.
#[derive(Default)]
pub struct Outbox {
    bytes: Vec<u8>,
}

impl Outbox {
    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes what the socket takes. `true`: everything is gone.
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        // The mistake to repair: it ignores how many bytes were taken, and that there may be room for more.
        let _ = socket.write(&self.bytes)?;
        self.bytes.clear();
        Ok(true)
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
