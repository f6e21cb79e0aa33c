//! The flow of one connection: what was read and not used, what was written and not sent, how long it may wait, and
//! how long it may go on.
//!
//! 1. A buffer is held only while it has bytes in it, and goes back to the pool before a wait for more. A half-sent head
//!    is kept on a shelf of its own size.
//! 2. One timer serves all waits for bytes, another one those for room: a task that reads the body may wait while the
//!    connection waits to write. Each is pushed back lazily and named by what it waits for; `wait.rs` has the limits.
//!    It runs only while we wait for the client, and what the client moves buys time: so much for each byte, that
//!    whoever sends or reads a byte now and then runs out of it.
//! 3. A socket that is always ready, or a client that pipelines without end, would keep its task running for ever and
//!    starve the others: after `BUDGET` transfers and requests in a row the task goes to the end of the queue.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::body::BodyError;
use super::buffer::{BUFFER_SIZE, Buffer};
use super::error::RequestError;
use super::incoming::IncomingBody;
use super::limits::Limits;
use super::pool::Pooled;
use super::scan::HeadScan;
use super::service::Service;
use super::wait::Wait;
use crate::net::Transport;
use crate::runtime::Handle;
use crate::runtime::timer::Sleep;

/// Transfers and requests in a row before others get their turn; a long transfer counts once more for each 16 KiB.
/// Arbitrary.
const BUDGET: u8 = 32;

/// The least room for a read. Less, and a body would come in many small reads.
const MIN_READ: usize = 2 * 1024;

/// One connection's buffers, timer and budget.
pub(super) struct Flow {
    pub(super) input: Option<Pooled<Buffer>>,
    /// Half a head that waits for its rest, in as much memory as it needs. In a buffer of its own, each client that
    /// sends one byte and falls silent would hold 16 KiB.
    pub(super) shelf: Box<[u8]>,
    pub(super) output: Option<Pooled<Buffer>>,
    pub(super) scan: HeadScan,
    pub(super) body: IncomingBody,
    /// The client has sent its last byte.
    pub(super) ended: bool,
    /// For bytes.
    reading: Patience,
    /// For room. Made when a client has to be waited for: most never are.
    writing: Option<Box<Patience>>,
    /// Transfers and requests since the last wait.
    transfers: u8,
}

/// How long one side of a connection may wait.
struct Patience {
    deadline: Sleep,
    /// What `deadline` was set for. `Nothing`: set it anew at the next wait.
    waiting_for: Wait,
    /// It has been waited for since then, and nothing has come: the time runs.
    is_running: bool,
    /// Milliseconds that this wait may still last. Known only while the time does not run.
    left: u32,
}

impl Patience {
    fn new(handle: &Handle) -> Patience {
        let deadline = handle.sleep_until(handle.turn_time());
        Patience { deadline, waiting_for: Wait::Nothing, is_running: false, left: 0 }
    }

    /// Stops the time, and pays for the bytes that came or left.
    fn note_transfer(&mut self, limits: &Limits, wait: Wait, bytes: usize) {
        // A head and a farewell have a limit for the whole of them; the first byte of a request ends the wait for it.
        if self.waiting_for == wait && matches!(wait, Wait::Body | Wait::Write) {
            // A burst may come in many reads. The first one stops the time, and all of them pay.
            let was_running = std::mem::take(&mut self.is_running);
            let left =
                if was_running { self.deadline.left() } else { Duration::from_millis(self.left.into()) };
            let left = left.saturating_add(worth(bytes, limits.min_rate));
            self.left = milliseconds(left.min(wait.limit(limits)));
        }
    }

    /// Ready when the wait has lasted too long.
    fn poll(&mut self, limits: &Limits, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting_for != wait {
            self.waiting_for = wait;
            self.is_running = true;
            self.deadline.reset_after(wait.limit(limits));
        } else if !self.is_running {
            self.is_running = true;
            self.deadline.reset_after(Duration::from_millis(self.left.into()));
        }
        Pin::new(&mut self.deadline).poll(cx)
    }
}

impl Flow {
    pub(super) fn new(handle: &Handle) -> Flow {
        Flow {
            input: None,
            shelf: Box::default(),
            output: None,
            scan: HeadScan::default(),
            body: IncomingBody::none(),
            ended: false,
            reading: Patience::new(handle),
            writing: None,
            transfers: 0,
        }
    }

    /// Whether others must have their turn first. Asking ends the turn.
    pub(super) fn turn_is_over(&mut self) -> bool {
        let over = self.transfers >= BUDGET;
        if over {
            self.transfers = 0;
        }
        over
    }

    /// A whole head was taken: the next wait is a new one.
    pub(super) fn note_request(&mut self) {
        self.scan = HeadScan::default();
        self.transfers = self.transfers.saturating_add(1);
        self.reading.waiting_for = Wait::Nothing;
        self.release_empty();
    }

    /// Reads once into the input. The number of bytes; 0 is the end.
    pub(super) fn poll_fill(
        &mut self,
        transport: &impl Transport,
        service: &Service,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, BodyError>> {
        if !transport.may_read() {
            // Nearly every request ends here: to leave the waker it needs no buffer from the pool. (Measured: 300 of 6,100
            // instructions per request.)
            return match transport.poll_read(cx, &mut []) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                _ => self.poll_late(service, wait, cx),
            };
        }
        let kept = &mut self.shelf;
        let is_large = wait == Wait::Body && self.body.lacks(BUFFER_SIZE);
        let input = self.input.get_or_insert_with(|| {
            let pool = if is_large { &service.body_buffers } else { &service.buffers };
            let mut buffer = pool.take();
            buffer.push(&std::mem::take(kept));
            buffer
        });
        match transport.poll_read(cx, input.room(MIN_READ)) {
            Poll::Ready(read) => {
                let read = read?;
                input.fill(read);
                self.ended |= read == 0;
                self.release_empty();
                self.note_transfer(&service.limits, wait, read);
                Poll::Ready(Ok(read))
            }
            Poll::Pending => self.poll_late(service, wait, cx),
        }
    }

    /// There is nothing to read now: waits, but not for ever.
    fn poll_late(
        &mut self,
        service: &Service,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, BodyError>> {
        self.shelve();
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
        if !self.body.is_done() || self.input.is_some() || !self.shelf.is_empty() {
            return Poll::Pending;
        }
        let mut buffer = service.buffers.take();
        let read = ready!(transport.poll_read(cx, buffer.room(MIN_READ)))?;
        self.ended = read == 0;
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        buffer.fill(read);
        self.input = Some(buffer);
        Poll::Pending
    }

    /// Removes what was written from the output. How much of it was not output but chunk.
    pub(super) fn note_written(&mut self, limits: &Limits, written: usize) -> io::Result<usize> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.note_transfer(limits, Wait::Write, written);
        let Some(output) = &mut self.output else { return Ok(written) };
        let from_output = written.min(output.len());
        output.consume(from_output);
        Ok(written - from_output)
    }

    /// Gives the output back if the client has taken all of it; what comes next is a new wait then. Whether it has.
    pub(super) fn end_output(&mut self) -> bool {
        if self.output.as_ref().is_some_and(|output| !output.is_empty()) {
            return false;
        }
        self.output = None;
        self.writing = None;
        true
    }

    fn note_transfer(&mut self, limits: &Limits, wait: Wait, bytes: usize) {
        // One for the transfer, and one for each buffer's worth: a streamed chunk can be many times as long.
        let worth = u8::try_from(bytes / BUFFER_SIZE).unwrap_or(u8::MAX).saturating_add(1);
        self.transfers = self.transfers.saturating_add(worth);
        match (wait, &mut self.writing) {
            (Wait::Write, None) => {}
            (Wait::Write, Some(writing)) => writing.note_transfer(limits, wait, bytes),
            _ => self.reading.note_transfer(limits, wait, bytes),
        }
    }

    /// Ready when the wait has lasted too long.
    pub(super) fn poll_deadline(&mut self, service: &Service, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        self.transfers = 0;
        let patience = if wait == Wait::Write {
            self.writing.get_or_insert_with(|| Box::new(Patience::new(&service.handle)))
        } else {
            &mut self.reading
        };
        patience.poll(&service.limits, wait, cx)
    }

    /// Gives the input buffer back to the pool before a wait, and keeps what is in it on the shelf. Not if that is
    /// much: a long head that comes byte by byte would be copied again for each byte.
    fn shelve(&mut self) {
        if let Some(input) = self.input.take_if(|input| input.len() * 4 <= BUFFER_SIZE) {
            self.shelf = input.to_vec().into();
        }
    }

    /// Gives the input buffer back to the pool if nothing is in it.
    fn release_empty(&mut self) {
        if self.input.as_ref().is_some_and(|input| input.is_empty()) {
            self.input = None;
        }
    }
}

/// The time that this many bytes buy, rounded up. Without a rate each byte buys all that there is.
fn worth(bytes: usize, min_rate: u64) -> Duration {
    let micros = (bytes as u64).saturating_mul(1_000_000);
    if min_rate == 0 { Duration::MAX } else { Duration::from_micros(micros.div_ceil(min_rate)) }
}

/// In whole milliseconds, and 49 days at the most: a quarter of the memory, for each connection.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u32::MAX)
}
