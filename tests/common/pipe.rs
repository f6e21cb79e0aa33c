//! A connection in memory: the server's end is a `Transport`, the client's end is in the hands of the test.
//!
//! ```text
//!   test: client_send(..) --> inbox --> poll_read   (server)
//!   test: client_take()  <-- outbox <-- poll_write  (server; refused when the outbox is full)
//! ```

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use glassbox::net::Transport;

/// Both ends; clones are the same pipe.
#[derive(Clone)]
pub struct Pipe(Rc<State>);

struct State {
    /// What the client has sent, in the pieces in which the server will read it.
    inbox: RefCell<VecDeque<Vec<u8>>>,
    /// The client will send no more.
    ended: Cell<bool>,
    outbox: RefCell<Vec<u8>>,
    /// How many bytes the outbox holds before writes wait.
    room: Cell<usize>,
    /// Calls of `poll_write` that took something.
    writes: Cell<usize>,
    /// The server has said that it sends no more, or has dropped its end.
    closed: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    writer: RefCell<Option<Waker>>,
}

impl Pipe {
    /// An open pipe with plenty of room.
    pub fn new() -> Pipe {
        Pipe(Rc::new(State {
            inbox: RefCell::default(),
            ended: Cell::new(false),
            outbox: RefCell::default(),
            room: Cell::new(usize::MAX),
            writes: Cell::new(0),
            closed: Cell::new(false),
            reader: RefCell::default(),
            writer: RefCell::default(),
        }))
    }

    /// The server's end. The pipe counts as closed when it is dropped.
    pub fn server_end(&self) -> ServerEnd {
        ServerEnd(self.clone())
    }

    /// Sends bytes; the server reads them in one piece if its buffer is large enough.
    pub fn client_send(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.inbox.borrow_mut().push_back(bytes.to_vec());
        }
        wake(&self.0.reader);
    }

    /// Says that no more bytes will come.
    pub fn client_end(&self) {
        self.0.ended.set(true);
        wake(&self.0.reader);
    }

    /// Takes what the server has written.
    pub fn client_take(&self) -> Vec<u8> {
        let taken = self.0.outbox.take();
        wake(&self.0.writer);
        taken
    }

    /// Takes what the server has written, as text.
    pub fn client_text(&self) -> String {
        String::from_utf8(self.client_take()).expect("text")
    }

    /// Lets the outbox hold only this much until it is taken: a client that reads slowly.
    pub fn set_room(&self, room: usize) {
        self.0.room.set(room);
    }

    /// Bytes that were written and not taken.
    pub fn waiting(&self) -> usize {
        self.0.outbox.borrow().len()
    }

    /// How many writes the server needed.
    pub fn writes(&self) -> usize {
        self.0.writes.get()
    }

    /// Whether the server has closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }
}

fn wake(place: &RefCell<Option<Waker>>) {
    let waker = place.take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// What the server holds.
pub struct ServerEnd(Pipe);

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.0.0.closed.set(true);
    }
}

impl Transport for ServerEnd {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let state = &*self.0.0;
        let mut inbox = state.inbox.borrow_mut();
        let Some(piece) = inbox.front_mut() else {
            if state.ended.get() {
                return Poll::Ready(Ok(0));
            }
            state.reader.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            inbox.pop_front();
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let state = &*self.0.0;
        let mut outbox = state.outbox.borrow_mut();
        let mut room = state.room.get().saturating_sub(outbox.len());
        if room == 0 {
            state.writer.replace(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        let before = outbox.len();
        for part in parts {
            let count = part.len().min(room);
            outbox.extend_from_slice(&part[..count]);
            room -= count;
        }
        state.writes.set(state.writes.get() + 1);
        Poll::Ready(Ok(outbox.len() - before))
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.0.closed.set(true);
        Poll::Ready(Ok(()))
    }
}
