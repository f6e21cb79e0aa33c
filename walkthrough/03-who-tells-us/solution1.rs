//! Solution of exercise 1 of chapter 3: answer an edge.

use std::io::{self, ErrorKind, Read};

/// Everything that can be read now, and whether the other side has closed.
pub fn drain(socket: &mut impl Read) -> io::Result<(Vec<u8>, bool)> {
    let (mut all, mut buffer) = (Vec::new(), [0; 16]);
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok((all, true)),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok((all, false)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
