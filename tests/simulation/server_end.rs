//! The server's end of a pipe: a transport whose reads and writes are short now and then, and that fails when the client
//! has broken the connection.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use glassbox::net::Transport;

use super::pipe::{Pipe, Written};
use super::sabotage::Place;

/// What the server holds.
pub struct ServerEnd(Pipe);

impl ServerEnd {
    pub fn new(pipe: Pipe) -> ServerEnd {
        ServerEnd(pipe)
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        let state = &self.0.0;
        self.0.note_ending();
        state.dropped.set(Some(state.now.get()));
        state.note("dropped after writing", self.0.written());
        for side in [&state.reader, &state.writer] {
            let waker = side.waker.take();
            drop(waker);
        }
    }
}

impl Transport for ServerEnd {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let state = &*self.0.0;
        if state.reset.get() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let available = state.inbox.borrow().len().min(buffer.len());
        if available == 0 {
            if state.ended.get() {
                return Poll::Ready(Ok(0));
            }
            state.block_reader(cx);
            return Poll::Pending;
        }
        let count = state.short(available, "read");
        for (place, byte) in buffer.iter_mut().zip(state.inbox.borrow_mut().drain(..count)) {
            *place = byte;
        }
        state.consumed.set(state.consumed.get() + count);
        state.reader.note_move(state.now.get(), count, state.consumed.get(), false);
        state.reads.borrow_mut().push((state.consumed.get(), state.now.get()));
        state.note("read", count);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let state = &*self.0.0;
        assert!(state.shutdown.get().is_none(), "the server writes after its shutdown");
        if state.reset.get() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let offered: usize = parts.iter().map(|part| part.len()).sum();
        assert!(offered > 0, "the server writes nothing");
        let room = state.room.get().saturating_sub(state.waiting.get());
        if room == 0 {
            state.block_writer(cx);
            return Poll::Pending;
        }
        let count = state.short(offered.min(room), "write");
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(count).collect();
        state.written.borrow_mut().extend(state.saboteur.spoil(Place::Answer, &bytes).iter());
        if state.room.get() < usize::MAX {
            state.waiting.set(state.waiting.get() + count);
        }
        state.writer.note_move(state.now.get(), count, self.0.written(), count == offered);
        state.writes.borrow_mut().push(Written {
            end: self.0.written(),
            at: state.now.get(),
            consumed: state.consumed.get(),
            ended: state.ended.get(),
        });
        state.note("written", count);
        Poll::Ready(Ok(count))
    }

    /// Not at once, now and then: a transport may have a farewell of its own, as TLS does.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &*self.0.0;
        if state.reset.get() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        if !state.shutdown_asked.replace(true) && state.dice.borrow_mut().one_in(2) {
            state.log.count(("shutdown", "not at once"));
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.0.note_ending();
        state.shutdown.set(Some(state.now.get()));
        state.note("shut down after writing", self.0.written());
        Poll::Ready(Ok(()))
    }
}
