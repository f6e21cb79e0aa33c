//! Solution of exercise 1 of chapter 1: read a request's head, however it is cut.

use std::io::{self, ErrorKind, Read};

/// The bytes up to and with the first empty line.
pub fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // One byte a time never reads too far. A server reads into a buffer that outlives the call, and keeps what
        // stands behind the head for the next request.
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => head.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
