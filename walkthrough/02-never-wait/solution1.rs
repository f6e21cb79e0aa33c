//! Solution of exercise 1 of chapter 2: tell the four answers of a non-blocking read apart.

use std::io::{ErrorKind, Read};

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
    loop {
        return match stream.read(buffer) {
            Ok(0) => Answer::End,
            Ok(count) => Answer::Bytes(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Answer::NotNow,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => Answer::Broken,
        };
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
