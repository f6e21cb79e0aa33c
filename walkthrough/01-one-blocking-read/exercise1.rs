//! Exercise 1 of chapter 1: read a request's head, however it is cut.
//!
//! TCP is a stream of bytes. One `write` of the client may come out of three `read`s here, and two writes out of one.
//! `read_head` must return all bytes up to and with the first empty line (`\r\n\r\n`), and nothing behind it.
//!
//! - Fewer bytes than a head, and then the end: an error of the kind `UnexpectedEof`.
//! - `ErrorKind::Interrupted` means that a signal came in between: try again.
//!
//! Read one byte at a time if you like: here it is the answer that counts, not the speed.

use std::io::{self, Read};

/// The bytes up to and with the first empty line.
pub fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    // The mistake to repair: it believes that one read is one message.
    let mut buffer = [0; 64];
    let count = stream.read(&mut buffer)?;
    Ok(buffer[..count].to_vec())
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
