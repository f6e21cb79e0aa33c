//! Exercise 1 of chapter 2: tell the four answers of a non-blocking read apart.
//!
//! A read that never waits has more to say than a number of bytes. Map each answer to its meaning:
//!
//! - some bytes;
//! - no bytes, which means that the other side will send no more;
//! - "not now" (`ErrorKind::WouldBlock`), which is not an error;
//! - a signal came in between (`ErrorKind::Interrupted`): try again at once, and report what that says;
//! - anything else: the connection is broken.

use std::io::Read;

/// What a read said.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Bytes(usize),
    End,
    NotNow,
    Broken,
}

/// One try to read.
pub fn try_read(stream: &mut impl Read, buffer: &mut [u8]) -> Answer {
    // The mistake to repair: it takes every error for the end of the connection.
    match stream.read(buffer) {
        Ok(count) => Answer::Bytes(count),
        Err(_) => Answer::Broken,
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
