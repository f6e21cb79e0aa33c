//! What the outbox must do. Included by the exercise and by its solution.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::task::Waker;

use super::*;

/// A socket with a script: how much each write takes. `None` is "not now".
struct Scripted {
    script: RefCell<VecDeque<Option<usize>>>,
    taken: RefCell<Vec<u8>>,
    writes: Cell<usize>,
}

fn scripted(script: &[Option<usize>]) -> Scripted {
    let script = RefCell::new(script.iter().copied().collect());
    Scripted { script, taken: RefCell::default(), writes: Cell::new(0) }
}

impl Transport for Scripted {
    fn poll_read(&self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        unreachable!("nobody reads here")
    }

    fn poll_write(&self, _: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.writes.set(self.writes.get() + 1);
        assert!(self.writes.get() < 100, "a busy loop");
        let offered: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        match self.script.borrow_mut().pop_front().unwrap_or(None) {
            None => Poll::Pending,
            Some(room) => {
                let count = room.min(offered.len());
                self.taken.borrow_mut().extend_from_slice(&offered[..count]);
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unreachable!("nobody closes here")
    }
}

fn flush(outbox: &mut Outbox, socket: &Scripted) -> Poll<Result<(), ErrorKind>> {
    outbox.poll_flush(socket, &mut Context::from_waker(Waker::noop())).map_err(|error| error.kind())
}

#[test]
fn an_empty_outbox_writes_nothing() {
    let socket = scripted(&[]);
    assert_eq!(flush(&mut Outbox::default(), &socket), Poll::Ready(Ok(())));
    assert_eq!(socket.writes.get(), 0);
}

#[test]
fn short_writes_are_continued() {
    let socket = scripted(&[Some(1), Some(3), Some(2), Some(100)]);
    let mut outbox = Outbox::default();
    outbox.push(b"hello ");
    outbox.push(b"world");
    assert_eq!(flush(&mut outbox, &socket), Poll::Ready(Ok(())));
    assert_eq!(*socket.taken.borrow(), b"hello world");
    assert_eq!((outbox.len(), socket.writes.get()), (0, 4));
}

#[test]
fn a_full_socket_is_waited_for() {
    let socket = scripted(&[Some(4), None, None, Some(2), None, Some(100)]);
    let mut outbox = Outbox::default();
    outbox.push(b"hello");
    assert_eq!(flush(&mut outbox, &socket), Poll::Pending);
    assert_eq!(outbox.len(), 1);
    outbox.push(b" world"); // Behind what is left.
    assert_eq!(flush(&mut outbox, &socket), Poll::Pending);
    assert_eq!(flush(&mut outbox, &socket), Poll::Pending);
    assert_eq!(flush(&mut outbox, &socket), Poll::Ready(Ok(())));
    assert_eq!(*socket.taken.borrow(), b"hello world");
}

#[test]
fn a_write_of_nothing_is_an_error() {
    let socket = scripted(&[Some(2), Some(0)]);
    let mut outbox = Outbox::default();
    outbox.push(b"hello");
    assert_eq!(flush(&mut outbox, &socket), Poll::Ready(Err(ErrorKind::WriteZero)));
    assert_eq!(socket.writes.get(), 2);
}
