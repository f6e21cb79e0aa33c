//! The wire: one connection's transport, with the bytes that are on their way in and out.
//!
//! The problem: the connection reads heads, the handler reads the body, both from one socket; and answers must leave
//! before anybody waits. So the socket and its two buffers live here, shared by the connection and by the
//! request's body, and every wait of a connection is a `poll_` function of this file.
//!
//! ```text
//!   transport ==> input ==> head scan ==> Head           (poll_head)
//!                      \==> body decoder ==> Chunk       (poll_body, called through the request's Body)
//!   transport <== output <== heads and small bodies      (poll_flush)
//!   transport <== output + a large chunk, one writev     (poll_send)
//! ```
//!
//! 1. **Answer before you wait.** Whoever is about to wait for bytes flushes first. While the next request is in
//!    the input already nobody waits, and the answers to all pipelined requests leave in one write.
//! 2. A buffer is held only while it has bytes in it. A connection that waits holds none.
//! 3. Every wait has a deadline: one `Sleep`, pushed back lazily, named by what it waits for.
//! 4. A socket that is always ready would keep its task running for ever, and starve the others: after
//!    `BUDGET` transfers in a row the task goes to the end of the queue.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::body::{BodyError, BodySource, Chunk};
use super::buffer::Buffer;
use super::error::RequestError;
use super::head::Head;
use super::incoming::{IncomingBody, Taken};
use super::method::Method;
use super::pool::Pooled;
use super::scan::HeadScan;
use super::service::Service;
use super::wait::Wait;
use crate::net::Transport;
use crate::runtime::timer::Sleep;

/// Transfers in a row before others get their turn. Arbitrary: 32 buffers are half a megabyte.
const BUDGET: u32 = 32;

/// The least room for a read. Less, and a body would come in many small reads.
const MIN_READ: usize = 2 * 1024;

/// One connection's transport and buffers.
pub(super) struct Wire<T> {
    transport: T,
    pub(super) service: Rc<Service>,
    /// Borrowed for one `poll_` call at a time. The transport runs under that borrow and must not come back here.
    state: RefCell<State>,
    /// Which request the body belongs to: a `Body` that outlives its request reads nothing.
    request: Cell<u64>,
}

struct State {
    input: Option<Pooled<Buffer>>,
    /// Half a head that waits for its rest, in as much memory as it needs. In a buffer of its own, each client that
    /// sends one byte and falls silent would hold 16 KiB.
    shelf: Vec<u8>,
    output: Option<Pooled<Buffer>>,
    scan: HeadScan,
    body: IncomingBody,
    /// The client has sent its last byte.
    ended: bool,
    deadline: Sleep,
    /// What `deadline` was set for. `Nothing`: set it anew at the next wait.
    waiting_for: Wait,
    transfers: u32,
}

impl<T: Transport> Wire<T> {
    pub(super) fn new(transport: T, service: Rc<Service>) -> Wire<T> {
        let state = State {
            input: None,
            shelf: Vec::new(),
            output: None,
            scan: HeadScan::default(),
            body: IncomingBody::none(),
            ended: false,
            deadline: service.handle.sleep_until(service.handle.turn_time()),
            waiting_for: Wait::Nothing,
            transfers: 0,
        };
        Wire { transport, service, state: RefCell::new(state), request: Cell::new(0) }
    }

    /// The next request's head. `None`: the client has closed between two requests, or was idle for too long, or
    /// the server stops.
    pub(super) fn poll_head(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Pooled<Head>>, BodyError>> {
        loop {
            if let Some(head) = self.take_head()? {
                return Poll::Ready(Ok(Some(head)));
            }
            ready!(self.poll_flush(cx))?;
            let begun = self.has_begun();
            if !begun && self.service.draining.get() {
                return Poll::Ready(Ok(None));
            }
            let filled =
                self.state.borrow_mut().poll_fill(self, cx, if begun { Wait::Head } else { Wait::Request });
            match ready!(filled) {
                Ok(0) if begun => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
                }
                Ok(0) => return Poll::Ready(Ok(None)),
                Ok(_) => {}
                Err(BodyError::Request(RequestError::Timeout)) if !begun => return Poll::Ready(Ok(None)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Whether part of a head has come.
    pub(super) fn has_begun(&self) -> bool {
        self.state.borrow().scan.has_begun()
    }

    /// Cuts a head off the input, if there is a whole one.
    fn take_head(&self) -> Result<Option<Pooled<Head>>, RequestError> {
        let state = &mut *self.state.borrow_mut();
        let Some(input) = &mut state.input else { return Ok(None) };
        let Some(range) = state.scan.advance(input, &self.service.limits)? else { return Ok(None) };
        let mut head = self.service.heads.take();
        head.parse(&input[range.clone()], &self.service.limits)?;
        input.consume(range.end);
        state.scan = HeadScan::default();
        state.waiting_for = Wait::Nothing;
        state.release_empty();
        Ok(Some(head))
    }

    /// What the method of a refused request is, as far as its answer is concerned.
    pub(super) fn refused_method(&self) -> Method {
        let state = self.state.borrow();
        let bytes = state.input.as_deref().map_or(&state.shelf[..], |input| input);
        if state.scan.asks_for_head(bytes) { Method::Head } else { Method::Get }
    }

    /// Prepares for a request's body. `request`: its number.
    pub(super) fn begin_body(&self, head: &Head, request: u64) {
        self.state.borrow_mut().body = IncomingBody::new(head, &self.service.limits);
        self.request.set(request);
    }

    /// Behind a refused head nothing can be trusted: whatever comes is thrown away.
    pub(super) fn give_up_body(&self) {
        self.state.borrow_mut().body.fail(RequestError::Framing);
    }

    /// The next piece of the request's body.
    fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.promise_to_read();
        loop {
            match self.take_body() {
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
                Ok(Taken::Piece(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Taken::Over) => return Poll::Ready(None),
                Ok(Taken::NeedMore) => {}
            }
            // Answer before you wait: also the `100 Continue` that the client may be waiting for.
            if let Err(error) = ready!(self.poll_flush(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            if let Err(error) = ready!(self.poll_fill_body(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn take_body(&self) -> Result<Taken, RequestError> {
        let state = &mut *self.state.borrow_mut();
        state.body.take(&mut state.input, &self.service.buffers)
    }

    fn poll_fill_body(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        let state = &mut *self.state.borrow_mut();
        let read = ready!(state.poll_fill(self, cx, Wait::Body));
        Poll::Ready(state.body.note_read(read))
    }

    /// Somebody wants the body: if the client waits for our word, and the body has not come without it, give it.
    pub(super) fn promise_to_read(&self) {
        let promised = self.state.borrow_mut().body.promise();
        if promised && self.state.borrow().input.is_none() {
            self.push(|out| out.push(b"HTTP/1.1 100 Continue\r\n\r\n"));
        }
    }

    /// Whether the request's body was read to its end.
    pub(super) fn body_is_done(&self) -> bool {
        self.state.borrow().body.is_done()
    }

    /// Whether it is worth reading what is left of the body, to use the connection again.
    pub(super) fn body_can_be_drained(&self) -> bool {
        self.state.borrow().body.can_be_drained(self.service.limits.drain)
    }

    /// Reads the rest of the body and throws it away. `true`: that was possible within the limit.
    pub(super) fn poll_drain(&self, cx: &mut Context<'_>, drained: &mut u64) -> Poll<bool> {
        while self.body_can_be_drained() && *drained <= self.service.limits.drain {
            match ready!(self.poll_body(cx)) {
                None => return Poll::Ready(true),
                Some(Ok(chunk)) => *drained += chunk.len() as u64,
                Some(Err(_)) => return Poll::Ready(false),
            }
        }
        Poll::Ready(self.body_is_done())
    }

    /// Calls `write` with the output buffer.
    pub(super) fn push(&self, write: impl FnOnce(&mut Buffer)) {
        let mut state = self.state.borrow_mut();
        write(state.output.get_or_insert_with(|| self.service.buffers.take()));
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.state.borrow().output.as_ref().map_or(0, |output| output.len())
    }

    /// Sends all output.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        self.poll_send(cx, &[], &mut 0)
    }

    /// Sends all output, then `chunk` from `sent` on, in as few system calls as the kernel allows.
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        chunk: &[u8],
        sent: &mut usize,
    ) -> Poll<Result<(), BodyError>> {
        let state = &mut *self.state.borrow_mut();
        loop {
            let queued: &[u8] = state.output.as_deref().map_or(&[], |output| output);
            let rest = &chunk[*sent..];
            if queued.is_empty() && rest.is_empty() {
                state.output = None;
                return Poll::Ready(Ok(()));
            }
            if state.transfers >= BUDGET {
                return state.yield_turn(cx);
            }
            let written = match (queued.is_empty(), rest.is_empty()) {
                (false, false) => self.transport.poll_write(cx, &[IoSlice::new(queued), IoSlice::new(rest)]),
                (false, true) => self.transport.poll_write(cx, &[IoSlice::new(queued)]),
                (true, _) => self.transport.poll_write(cx, &[IoSlice::new(rest)]),
            };
            let Poll::Ready(written) = written else {
                let late = ready!(state.poll_deadline(self.service.limits.write_timeout, Wait::Write, cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, late).into()));
            };
            *sent += state.note_written(written?)?;
        }
    }

    /// Says that no more will be sent, then reads and throws away until the client closes too, but not for long. A
    /// socket closed with unread bytes in it answers with a reset, and a reset can destroy the answer on its way.
    pub(super) fn poll_linger(&self, cx: &mut Context<'_>, said: &mut bool, discarded: &mut u64) -> Poll<()> {
        if !*said {
            *said = true;
            if ready!(self.transport.poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
        }
        let state = &mut *self.state.borrow_mut();
        while *discarded <= self.service.limits.drain && !state.ended {
            state.input = None;
            match ready!(state.poll_fill(self, cx, Wait::Linger)) {
                Ok(0) | Err(_) => break,
                Ok(read) => *discarded += read as u64,
            }
        }
        Poll::Ready(())
    }

    /// Whether a plain close is safe: nothing that we know of is left to read.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state.borrow();
        state.ended || (state.input.is_none() && state.shelf.is_empty() && state.body.is_done())
    }
}

impl State {
    /// Reads once into the input. The number of bytes; 0 is the end.
    fn poll_fill<T: Transport>(
        &mut self,
        wire: &Wire<T>,
        cx: &mut Context<'_>,
        wait: Wait,
    ) -> Poll<Result<usize, BodyError>> {
        if self.transfers >= BUDGET {
            return self.yield_turn(cx);
        }
        let kept = &mut self.shelf;
        let input = self.input.get_or_insert_with(|| {
            let mut buffer = wire.service.buffers.take();
            buffer.push(&std::mem::take(kept));
            buffer
        });
        match wire.transport.poll_read(cx, input.room(MIN_READ)) {
            Poll::Ready(read) => {
                let read = read?;
                input.fill(read);
                self.ended |= read == 0;
                self.release_empty();
                self.note_transfer(wait);
                Poll::Ready(Ok(read))
            }
            Poll::Pending => {
                self.shelve();
                let limit = wait.limit(&wire.service.limits);
                self.poll_deadline(limit, wait, cx).map(|_| Err(RequestError::Timeout.into()))
            }
        }
    }

    /// Removes what was written from the output. How much of it was not output but chunk.
    fn note_written(&mut self, written: usize) -> io::Result<usize> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.note_transfer(Wait::Write);
        let Some(output) = &mut self.output else { return Ok(written) };
        let from_output = written.min(output.len());
        output.consume(from_output);
        Ok(written - from_output)
    }

    fn note_transfer(&mut self, wait: Wait) {
        self.transfers += 1;
        // A head and a farewell have a limit for the whole of them; for the rest each byte buys new time.
        if !matches!(wait, Wait::Head | Wait::Linger) {
            self.waiting_for = Wait::Nothing;
        }
    }

    /// Ready when the wait has lasted too long.
    fn poll_deadline(&mut self, limit: Duration, wait: Wait, cx: &mut Context<'_>) -> Poll<&'static str> {
        self.transfers = 0;
        if self.waiting_for != wait {
            self.waiting_for = wait;
            self.deadline.reset_after(limit);
        }
        Pin::new(&mut self.deadline).poll(cx).map(|()| "the client takes too long")
    }

    /// Goes to the end of the queue: `Pending`, with the wake made already.
    fn yield_turn<R>(&mut self, cx: &mut Context<'_>) -> Poll<R> {
        self.transfers = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives the input buffer back to the pool before a wait, and keeps what is in it on the shelf.
    fn shelve(&mut self) {
        if let Some(input) = self.input.take() {
            self.shelf = input.to_vec();
        }
    }

    /// Gives the input buffer back to the pool if nothing is in it.
    fn release_empty(&mut self) {
        if self.input.as_ref().is_some_and(|input| input.is_empty()) {
            self.input = None;
        }
    }
}

/// A request's body, as its handler holds it.
pub(super) struct WireBody<T> {
    wire: Rc<Wire<T>>,
    request: u64,
}

impl<T> WireBody<T> {
    pub(super) fn new(wire: Rc<Wire<T>>, request: u64) -> WireBody<T> {
        WireBody { wire, request }
    }
}

impl<T: Transport> BodySource for WireBody<T> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        if self.wire.request.get() != self.request {
            // Kept beyond its request: what comes now belongs to somebody else.
            return Poll::Ready(Some(Err(RequestError::Truncated.into())));
        }
        self.wire.poll_body(cx)
    }
}
