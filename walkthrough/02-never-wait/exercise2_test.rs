//! What `Outbox` must do. Included by the exercise and by its solution.

use std::io::{self, ErrorKind, Write};

use super::*;

/// A socket with room for `room` bytes, which takes at most three per write.
#[derive(Default)]
struct Narrow {
    room: usize,
    taken: Vec<u8>,
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room).min(3);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= count;
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn everything_leaves_if_there_is_room() {
    let (mut outbox, mut socket) = (Outbox::default(), Narrow { room: 100, ..Narrow::default() });
    outbox.push(b"hello, world");
    assert!(outbox.flush(&mut socket).expect("no error"));
    assert_eq!(socket.taken, b"hello, world");
}

#[test]
fn what_did_not_fit_waits() {
    let (mut outbox, mut socket) = (Outbox::default(), Narrow { room: 5, ..Narrow::default() });
    outbox.push(b"hello, world");
    assert!(!outbox.flush(&mut socket).expect("full is not an error"));
    assert_eq!(socket.taken, b"hello");
    assert!(!outbox.flush(&mut socket).expect("still full"));
    socket.room = 100;
    outbox.push(b", again");
    assert!(outbox.flush(&mut socket).expect("no error"));
    assert_eq!(socket.taken, b"hello, world, again");
    assert!(outbox.flush(&mut socket).expect("nothing to do"));
    assert_eq!(socket.taken, b"hello, world, again", "nothing is sent twice");
}
