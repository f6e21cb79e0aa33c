//! Solution of exercise 2 of chapter 2: a write that never waits.

use std::io::{self, ErrorKind, Write};

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
        while !self.bytes.is_empty() {
            match socket.write(&self.bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) => drop(self.bytes.drain(..taken)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
