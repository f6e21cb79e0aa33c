//! Exercise 1 of chapter 3: answer an edge.
//!
//! The selector reports a *change*, once: bytes have come. Whoever stops before the socket says `WouldBlock` is not
//! told again, however many bytes are left. `drain` is called for each event; it must take all there is.
//!
//! Return what was read, and whether the connection has ended.

use std::io::{self, Read};

/// Everything that can be read now, and whether the other side has closed.
pub fn drain(socket: &mut impl Read) -> io::Result<(Vec<u8>, bool)> {
    // The mistake to repair: it reads once per event.
    let mut buffer = [0; 16];
    let count = socket.read(&mut buffer)?;
    Ok((buffer[..count].to_vec(), false))
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
