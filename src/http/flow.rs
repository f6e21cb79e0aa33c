//! The flow of one connection: what was read and not used, what was written and not sent, how long it may wait, and
//! how long it may go on.
//!
//! 1. A buffer is held only while it has bytes in it, and goes back to the pool before a wait for more. Up to 4 KiB of a
//!    half-sent head are kept on a shelf of their own size, up to 16 KiB move to a smaller buffer.
//! 2. One timer serves all waits for bytes, another one those for room: a task that reads the body may wait while the
//!    connection waits to write. `patience.rs` says how long.
//! 3. A socket that is always ready, or a client that pipelines without end, would keep its task running for ever and
//!    starve the others: after `BUDGET` transfers and requests in a row the task goes to the end of the queue.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use super::body::BodyError;
use super::buffer::{BUFFER_SIZE, Buffer};
use super::error::RequestError;
use super::half::HalfHead;
use super::incoming::IncomingBody;
use super::limits::Limits;
use super::patience::Patience;
use super::pool::Pooled;
use super::request::Parts;
use super::service::Service;
use super::wait::Wait;
use crate::net::Transport;
use crate::runtime::Handle;

/// Transfers and requests in a row before others get their turn; a long transfer counts once more for each 16 KiB.
/// Arbitrary.
const BUDGET: u32 = 32;

/// The least room for a read. Less, and a body would come in many small reads.
const MIN_READ: usize = 2 * 1024;

/// One connection's buffers, timers and budget.
pub(super) struct Flow {
    /// What was read and not used. `None` if that is nothing: an idle connection has no buffer.
    pub(super) input: Option<Box<Buffer>>,
    /// Most heads take the short way, and need none.
    half: Option<Box<HalfHead>>,
    output: Option<Box<Buffer>>,
    pub(super) body: IncomingBody,
    /// The client has sent its last byte.
    pub(super) ended: bool,
    /// For bytes.
    reading: Patience,
    /// For room. Made when a client has to be waited for: most never are.
    writing: Option<Box<Patience>>,
    /// What was spent of `BUDGET` since the last wait, or the last turn.
    spent: u32,
    /// The budget was used up in this very poll.
    turn_is_over: bool,
}

impl Flow {
    pub(super) fn new(handle: &Handle) -> Flow {
        Flow {
            input: None,
            half: None,
            output: None,
            body: IncomingBody::none(),
            ended: false,
            reading: Patience::new(handle),
            writing: None,
            spent: 0,
            turn_is_over: false,
        }
    }

    /// `Pending` when the budget is used up, and without a waker: whoever lends the flow makes the wake (`Wire::with_flow`).
    pub(super) fn poll_turn(&mut self) -> Poll<()> {
        if self.spent < BUDGET {
            return Poll::Ready(());
        }
        self.spent = 0;
        self.turn_is_over = true;
        Poll::Pending
    }

    /// Whether the poll that ends now has ended for the sake of others, and is to go on behind them.
    pub(super) fn take_turn_over(&mut self) -> bool {
        self.turn_is_over && std::mem::take(&mut self.turn_is_over) // Asked first: hardly ever there is something to take.
    }

    /// Cuts a head off the input, if there is a whole one.
    #[inline(always)] // See `Registration::poll_io`.
    pub(super) fn take_head(&mut self, service: &Service) -> Result<Option<Pooled<Parts>>, RequestError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        let limits = &service.limits;
        let mut parts = service.parts.lend();
        let head = &mut parts.head;
        let whole = if self.half.is_none() { head.parse_plain(input, limits) } else { None };
        let length = if let Some(length) = whole {
            length
        } else {
            let half = self.half.get_or_insert_default();
            let Some(length) = half.read(head, input, limits)? else { return Ok(None) };
            self.half = None;
            length
        };
        self.body.begin(&parts.head, limits);
        if length < input.len() {
            input.consume(length);
        } else {
            self.give_back_input(service);
        }
        self.note_request();
        Ok(Some(parts))
    }

    /// Whether any byte of a request has come: empty lines do not count.
    pub(super) fn has_begun(&self) -> bool {
        self.half.as_ref().is_some_and(|half| half.has_begun())
    }

    /// Whether the request line, as far as it has come, is one of HEAD.
    pub(super) fn asks_for_head(&self) -> bool {
        let Some(half) = &self.half else { return false };
        half.asks_for_head(self.input.as_deref().map(|input| &**input))
    }

    /// A whole head was taken: the next wait is a new one.
    fn note_request(&mut self) {
        self.spent += 1;
        self.reading.renew();
    }

    /// Reads once into the input. The number of bytes; 0 is the end.
    #[inline(always)] // See `Registration::poll_io`.
    pub(super) fn poll_fill(
        &mut self,
        transport: &impl Transport,
        service: &Service,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, BodyError>> {
        // Nearly every request ends here: to leave the waker it needs no buffer from the pool. (Measured: 300 of 6,100
        // instructions per request.)
        match transport.poll_readable(cx) {
            Poll::Ready(readable) => readable?,
            Poll::Pending => return self.poll_late(service, wait, cx),
        }
        let input = self.input.get_or_insert_with(|| service.inputs.take());
        if let Some(half) = &mut self.half {
            input.push(&std::mem::take(&mut half.shelf)); // The shelf is empty, or the buffer is new.
        }
        match transport.poll_read(cx, input.room(MIN_READ)) {
            Poll::Ready(read) => {
                let read = read?;
                input.fill(read);
                if read == 0 {
                    self.ended = true;
                    self.release_empty(service);
                }
                self.note_transfer(&service.limits, wait, read);
                Poll::Ready(Ok(read))
            }
            Poll::Pending => self.poll_late(service, wait, cx),
        }
    }

    /// There is nothing to read now: waits, but not for ever.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll_late(
        &mut self,
        service: &Service,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, BodyError>> {
        if self.input.is_some() {
            self.shelve(service);
        }
        ready!(self.poll_deadline(service, wait, cx));
        service.stats.slow.add(u64::from(matches!(wait, Wait::Head | Wait::Body)));
        Poll::Ready(Err(RequestError::Timeout.into()))
    }

    /// Looks for the client's end while nobody wants its bytes: `Ready` when it has sent its last one, or is gone. Once
    /// there is something in the input, it looks no further: what comes first is the next request.
    pub(super) fn poll_end(
        &mut self,
        transport: &impl Transport,
        service: &Service,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>> {
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        if !self.body.is_done() || self.input.is_some() {
            self.shrink_input(service);
            return Poll::Pending;
        }
        ready!(transport.poll_readable(cx))?;
        let input = self.input.insert(service.inputs.take());
        let read = transport.poll_read(cx, input.room(MIN_READ));
        if let Poll::Ready(Ok(read)) = read {
            input.fill(read);
        }
        self.release_empty(service); // First: the next line may return.
        self.ended = ready!(read)? == 0;
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        self.shrink_input(service);
        Poll::Pending
    }

    /// Where answers are written to. Whoever takes it must write something: a buffer that is there has bytes in it.
    pub(super) fn output(&mut self, service: &Service) -> &mut Buffer {
        self.output.get_or_insert_with(|| service.outputs.take())
    }

    /// Whether bytes wait to be sent: there is no buffer without.
    pub(super) fn has_output(&self) -> bool {
        self.output.is_some()
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.output.as_ref().map_or(0, |output| output.len())
    }

    /// Sends all output; nearly every answer needs no more. (A function of its own, beside `poll_send`: measured by callgrind,
    /// 40 of 3,480 instructions for a request.)
    #[inline(always)] // See `Registration::poll_io`.
    pub(super) fn poll_flush(
        &mut self,
        transport: &impl Transport,
        service: &Service,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>> {
        while self.has_output() {
            ready!(self.poll_turn());
            let output: &[u8] = self.output.as_ref().map_or(&[], |output| output);
            debug_assert!(
                !output.is_empty(),
                "a buffer without bytes, and a write of none, which would mean the end"
            );
            let written = transport.poll_write(cx, &[IoSlice::new(output)]);
            ready!(self.poll_written(service, cx, written))?;
        }
        // The client has taken all of it. What comes next is a new wait.
        if self.writing.is_some() {
            self.writing = None; // Hardly ever. Without the question, each answer would call a drop.
        }
        Poll::Ready(Ok(()))
    }

    /// Sends all output, then `parts` from byte `sent` on, in as few system calls as the kernel allows.
    pub(super) fn poll_send(
        &mut self,
        transport: &impl Transport,
        service: &Service,
        cx: &mut Context<'_>,
        parts: [&[u8]; 2],
        sent: &mut usize,
    ) -> Poll<Result<(), BodyError>> {
        let length = parts[0].len() + parts[1].len();
        while *sent < length {
            ready!(self.poll_turn());
            let [first, second] = split_off(parts, *sent);
            let queued: &[u8] = self.output.as_ref().map_or(&[], |output| output);
            let all = [queued, first, second].map(IoSlice::new);
            // What is empty at either end is not offered: for one part the kernel has less to do.
            let (start, end) = (usize::from(queued.is_empty()), if second.is_empty() { 2 } else { 3 });
            let written = transport.poll_write(cx, &all[start..end]);
            *sent += ready!(self.poll_written(service, cx, written))?;
        }
        // Nothing is left, unless there were no parts.
        self.poll_flush(transport, service, cx)
    }

    /// Takes in what a write came to: how many bytes of parts have left, besides output. `Pending`: waits for room, with the
    /// write timeout.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll_written(
        &mut self,
        service: &Service,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<Result<usize, BodyError>> {
        match written {
            Poll::Ready(written) => Poll::Ready(Ok(self.note_written(service, written?)?)),
            Poll::Pending => self.poll_room(service, cx).map(|late| Err(late.into())),
        }
    }

    /// There is no room to write now: waits, but not for ever.
    #[cold] // See `HalfHead::read`.
    fn poll_room(&mut self, service: &Service, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.shrink_input(service);
        ready!(self.poll_deadline(service, Wait::Write, cx));
        service.stats.slow.add(1);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client takes too long to read"))
    }

    /// Removes what was written from the output. How much of it was not output but parts.
    #[inline(always)] // See `Registration::poll_io`.
    fn note_written(&mut self, service: &Service, written: usize) -> io::Result<usize> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.note_transfer(&service.limits, Wait::Write, written);
        let unsent = self.unsent();
        if let Some(output) = &mut self.output
            && written < unsent
        {
            output.consume(written);
            return Ok(0);
        }
        if let Some(sent) = self.output.take() {
            service.outputs.put_back(sent); // Where all outputs are from; input may be of either kind.
        }
        Ok(written - unsent)
    }

    #[allow(clippy::cast_possible_truncation, reason = "no buffer is as long as 2^32 others")]
    fn note_transfer(&mut self, limits: &Limits, wait: Wait, bytes: usize) {
        // One for the transfer, and one for each buffer's worth: a streamed chunk can be many times as long.
        self.spent += 1 + (bytes / BUFFER_SIZE) as u32;
        match (wait, &mut self.writing) {
            (Wait::Body, _) => self.reading.note_transfer(limits, wait, bytes),
            (Wait::Write, Some(writing)) => writing.note_transfer(limits, wait, bytes),
            _ => {} // A head and a farewell have one limit for the whole, or no write has waited yet.
        }
    }

    /// Ready when the wait has lasted too long. Who waits has the whole budget again.
    #[inline(always)] // See `Registration::poll_io`.
    pub(super) fn poll_deadline(&mut self, service: &Service, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        self.spent = 0;
        let patience = if wait == Wait::Write {
            self.writing.get_or_insert_with(|| Box::new(Patience::new(&service.handle)))
        } else {
            &mut self.reading
        };
        patience.poll(&service.limits, wait, cx)
    }

    /// Gives the input buffer back to the pool before a wait, and keeps what is in it on the shelf. Not if that is
    /// much: a long head that comes byte by byte would be copied again for each byte.
    #[cold] // See `HalfHead::read`.
    fn shelve(&mut self, service: &Service) {
        if let Some(input) = self.input.take_if(|input| input.len() * 4 <= BUFFER_SIZE) {
            if !input.is_empty() {
                self.half.get_or_insert_default().shelf = input.to_vec().into();
            }
            service.put_back(input);
        }
        self.shrink_input(service);
    }

    /// Moves a short input from a large buffer to a small one: it may have to wait for long. (Twice the size, because a small
    /// one may have grown to that, and is not worth another copy.)
    fn shrink_input(&mut self, service: &Service) {
        if let Some(input) = &mut self.input
            && input.len() <= BUFFER_SIZE
            && input.capacity() > BUFFER_SIZE * 2
        {
            let mut smaller = service.buffer_for(input.len());
            smaller.push(input);
            service.put_back(std::mem::replace(input, smaller));
        }
    }

    /// Gives the input buffer back to the pool if nothing is in it.
    pub(super) fn release_empty(&mut self, service: &Service) {
        if self.input.as_ref().is_some_and(|input| input.is_empty()) {
            self.give_back_input(service);
        }
    }

    /// Throws away what is in the input, and gives its buffer back.
    pub(super) fn give_back_input(&mut self, service: &Service) {
        if let Some(input) = self.input.take() {
            service.put_back(input);
        }
    }

    /// Gives all buffers back: the connection has ended.
    pub(super) fn give_back_all(&mut self, service: &Service) {
        self.give_back_input(service);
        if let Some(output) = self.output.take() {
            service.put_back(output);
        }
    }
}

/// What is left of two parts behind their first `sent` bytes.
fn split_off([first, second]: [&[u8]; 2], sent: usize) -> [&[u8]; 2] {
    let of_first = sent.min(first.len());
    [&first[of_first..], &second[sent - of_first..]]
}
