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
use super::chunked::{ChunkedDecoder, Decoded};
use super::error::RequestError;
use super::head::{Framing, Head, HeadScan};
use super::limits::Limits;
use super::pool::Pooled;
use super::service::Service;
use crate::net::Transport;
use crate::runtime::timer::Sleep;

/// Transfers in a row before others get their turn. Arbitrary: 32 buffers are half a megabyte.
const BUDGET: u32 = 32;

/// The least room for a read. Less, and a body would come in many small reads.
const MIN_READ: usize = 2 * 1024;

/// How long a closing connection listens for the client's own close.
const LINGER: Duration = Duration::from_secs(2);

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
    output: Option<Pooled<Buffer>>,
    scan: HeadScan,
    body: BodyState,
    /// The client waits for `100 Continue`, and nobody has asked for the body yet.
    continue_due: bool,
    /// The client has sent its last byte.
    ended: bool,
    deadline: Sleep,
    /// What `deadline` was set for. `Nothing`: set it anew at the next wait.
    waiting_for: Wait,
    transfers: u32,
}

/// What a connection waits for, and so which limit applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    Nothing,
    Request,
    Head,
    Body,
    Write,
    Linger,
}

/// What the input held of a body.
enum Taken {
    Piece(Chunk),
    NeedMore,
    Over,
}

#[derive(Clone, Copy, Debug)]
enum BodyState {
    /// All of it was read, or there was none.
    Done,
    Length(u64),
    Chunked(ChunkedDecoder),
    Failed(RequestError),
}

impl<T: Transport> Wire<T> {
    pub(super) fn new(transport: T, service: Rc<Service>) -> Wire<T> {
        let state = State {
            input: None,
            output: None,
            scan: HeadScan::default(),
            body: BodyState::Done,
            continue_due: false,
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

    /// Prepares for a request's body. `request`: its number.
    pub(super) fn begin_body(&self, head: &Head, request: u64) {
        let state = &mut *self.state.borrow_mut();
        state.body = match head.framing() {
            Framing::None => BodyState::Done,
            Framing::Length(length) => BodyState::Length(length),
            Framing::Chunked => BodyState::Chunked(ChunkedDecoder::new(&self.service.limits)),
        };
        state.continue_due = head.expects_continue() && head.framing() != Framing::None;
        self.request.set(request);
    }

    /// How the body's end is found, before anything of it was read.
    pub(super) fn body_framing(&self) -> Framing {
        match self.state.borrow().body {
            BodyState::Length(length) => Framing::Length(length),
            BodyState::Chunked(_) => Framing::Chunked,
            BodyState::Done | BodyState::Failed(_) => Framing::None,
        }
    }

    /// Behind a refused head nothing can be trusted: whatever comes is thrown away.
    pub(super) fn give_up_body(&self) {
        self.state.borrow_mut().body = BodyState::Failed(RequestError::Framing);
    }

    /// The next piece of the request's body.
    fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.state.borrow_mut().promise_to_read(self);
        loop {
            let taken = self.state.borrow_mut().take_body(self);
            match taken {
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
                Ok(Taken::Piece(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Taken::Over) => return Poll::Ready(None),
                Ok(Taken::NeedMore) => {}
            }
            if let Err(error) = ready!(self.poll_flush(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            let filled = ready!(self.state.borrow_mut().poll_fill(self, cx, Wait::Body));
            if let Some(error) = self.state.borrow_mut().note_body_read(filled) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Whether the request's body was read to its end.
    pub(super) fn body_is_done(&self) -> bool {
        matches!(self.state.borrow().body, BodyState::Done)
    }

    /// Whether it is worth reading what is left of the body, to use the connection again. Not if the client
    /// still waits for `100 Continue`: nobody knows whether it will send the body or not.
    pub(super) fn body_can_be_drained(&self) -> bool {
        let state = self.state.borrow();
        match state.body {
            BodyState::Done => true,
            BodyState::Failed(_) => false,
            BodyState::Length(left) => !state.continue_due && left <= self.service.limits.drain,
            BodyState::Chunked(_) => !state.continue_due,
        }
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
        state.ended || (state.input.is_none() && matches!(state.body, BodyState::Done))
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
        let input = self.input.get_or_insert_with(|| wire.service.buffers.take());
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
                self.release_empty();
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

    /// Somebody wants the body: if the client waits for our word, and the body has not come without it, give it.
    fn promise_to_read<T>(&mut self, wire: &Wire<T>) {
        if std::mem::take(&mut self.continue_due) && self.input.is_none() {
            let output = self.output.get_or_insert_with(|| wire.service.buffers.take());
            output.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Takes a piece of the body out of the input.
    fn take_body<T>(&mut self, wire: &Wire<T>) -> Result<Taken, RequestError> {
        match self.body {
            BodyState::Done => Ok(Taken::Over),
            BodyState::Failed(error) => Err(error),
            BodyState::Length(left) => Ok(self.take_length(wire, left).map_or(Taken::NeedMore, Taken::Piece)),
            BodyState::Chunked(decoder) => self.take_chunked(wire, decoder).inspect_err(|error| {
                self.body = BodyState::Failed(*error);
            }),
        }
    }

    /// If all input belongs to the body, the whole buffer is the chunk: no copy.
    fn take_length<T>(&mut self, wire: &Wire<T>, left: u64) -> Option<Chunk> {
        let input = self.input.as_mut()?;
        let available = input.len() as u64;
        if available <= left {
            self.body = if available == left { BodyState::Done } else { BodyState::Length(left - available) };
            return self.input.take().map(Chunk::Pooled);
        }
        let mut copy = wire.service.buffers.take();
        let part = usize::try_from(left).expect("cannot exceed the input's length");
        copy.push(&input[..part]);
        input.consume(part);
        self.body = BodyState::Done;
        Some(Chunk::Pooled(copy))
    }

    /// Collects the data of all chunks in the input: tiny chunks do not become tiny writes.
    fn take_chunked<T>(
        &mut self,
        wire: &Wire<T>,
        mut decoder: ChunkedDecoder,
    ) -> Result<Taken, RequestError> {
        let Some(input) = &mut self.input else { return Ok(Taken::NeedMore) };
        let mut data: Option<Pooled<Buffer>> = None;
        let over = loop {
            match decoder.decode(input)? {
                Decoded::Data { skip, length } => {
                    let copy = data.get_or_insert_with(|| wire.service.buffers.take());
                    copy.push(&input[skip..skip + length]);
                    input.consume(skip + length);
                }
                Decoded::NeedMore => {
                    input.consume(usize::MAX);
                    break false;
                }
                Decoded::End { skip } => {
                    input.consume(skip);
                    break true;
                }
            }
        };
        self.body = if over { BodyState::Done } else { BodyState::Chunked(decoder) };
        self.release_empty();
        Ok(match data {
            Some(data) => Taken::Piece(Chunk::Pooled(data)),
            None if over => Taken::Over,
            None => Taken::NeedMore,
        })
    }

    /// What a read meant for the body. An error ends it.
    fn note_body_read(&mut self, read: Result<usize, BodyError>) -> Option<BodyError> {
        let error = match read {
            Ok(0) => RequestError::Truncated.into(),
            Ok(_) => return None,
            Err(error) => error,
        };
        self.body = BodyState::Failed(match error {
            BodyError::Request(error) => error,
            BodyError::Io(_) => RequestError::Truncated,
        });
        Some(error)
    }

    /// Gives the input buffer back to the pool if nothing is in it.
    fn release_empty(&mut self) {
        if self.input.as_ref().is_some_and(|input| input.is_empty()) {
            self.input = None;
        }
    }
}

impl Wait {
    fn limit(self, limits: &Limits) -> Duration {
        match self {
            Wait::Nothing => Duration::MAX,
            Wait::Request => limits.idle_timeout,
            Wait::Head => limits.head_timeout,
            Wait::Body => limits.body_timeout,
            Wait::Write => limits.write_timeout,
            Wait::Linger => LINGER,
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
