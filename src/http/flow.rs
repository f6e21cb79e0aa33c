//! The flow of one connection: what was read and not used, what was written and not sent, how long it may wait, and
//! how long it may go on.
//!
//! 1. A buffer is held only while it has bytes in it, and goes back to the pool before a wait for more. A half-sent head
//!    is kept on a shelf of its own size.
//! 2. One timer serves all waits for bytes, another one those for room: a task that reads the body may wait while the
//!    connection waits to write. Each is pushed back lazily and named by what it waits for; `wait.rs` has the limits.
//! 3. A socket that is always ready, or a client that pipelines without end, would keep its task running for ever and
//!    starve the others: after `BUDGET` transfers and requests in a row the task goes to the end of the queue.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// Transfers and requests in a row before others get their turn. Arbitrary: 32 buffers are half a megabyte.
const BUDGET: u32 = 32;

/// The least room for a read. Less, and a body would come in many small reads.
const MIN_READ: usize = 2 * 1024;

/// One connection's buffers, timer and budget.
pub(super) struct Flow {
    pub(super) input: Option<Pooled<Buffer>>,
    /// Half a head that waits for its rest, in as much memory as it needs. In a buffer of its own, each client that
    /// sends one byte and falls silent would hold 16 KiB.
    pub(super) shelf: Vec<u8>,
    pub(super) output: Option<Pooled<Buffer>>,
    pub(super) scan: HeadScan,
    pub(super) body: IncomingBody,
    /// The client has sent its last byte.
    pub(super) ended: bool,
    /// For bytes, and for room.
    reading: Patience,
    writing: Patience,
    /// Transfers and requests since the last wait.
    transfers: u32,
}

/// How long one side of a connection may wait.
struct Patience {
    deadline: Sleep,
    /// What `deadline` was set for. `Nothing`: set it anew at the next wait.
    waiting_for: Wait,
}

impl Patience {
    fn new(handle: &Handle) -> Patience {
        Patience { deadline: handle.sleep_until(handle.turn_time()), waiting_for: Wait::Nothing }
    }
}

impl Flow {
    pub(super) fn new(handle: &Handle) -> Flow {
        Flow {
            input: None,
            shelf: Vec::new(),
            output: None,
            scan: HeadScan::default(),
            body: IncomingBody::none(),
            ended: false,
            reading: Patience::new(handle),
            writing: Patience::new(handle),
            transfers: 0,
        }
    }

    fn patience(&mut self, wait: Wait) -> &mut Patience {
        if wait == Wait::Write { &mut self.writing } else { &mut self.reading }
    }

    /// Whether others must have their turn first; see `yield_turn`.
    pub(super) fn is_over_budget(&self) -> bool {
        self.transfers >= BUDGET
    }

    /// A whole head was taken: the next wait is a new one.
    pub(super) fn note_request(&mut self) {
        self.scan = HeadScan::default();
        self.transfers += 1;
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
        if self.is_over_budget() {
            return self.yield_turn(cx);
        }
        let kept = &mut self.shelf;
        let input = self.input.get_or_insert_with(|| {
            let mut buffer = service.buffers.take();
            buffer.push(&std::mem::take(kept));
            buffer
        });
        match transport.poll_read(cx, input.room(MIN_READ)) {
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
                self.poll_deadline(&service.limits, wait, cx).map(|()| Err(RequestError::Timeout.into()))
            }
        }
    }

    /// Removes what was written from the output. How much of it was not output but chunk.
    pub(super) fn note_written(&mut self, written: usize) -> io::Result<usize> {
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
            self.patience(wait).waiting_for = Wait::Nothing;
        }
    }

    /// Ready when the wait has lasted too long.
    pub(super) fn poll_deadline(&mut self, limits: &Limits, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        self.transfers = 0;
        let patience = self.patience(wait);
        if patience.waiting_for != wait {
            patience.waiting_for = wait;
            patience.deadline.reset_after(wait.limit(limits));
        }
        Pin::new(&mut patience.deadline).poll(cx)
    }

    /// Goes to the end of the queue: `Pending`, with the wake made already.
    pub(super) fn yield_turn<R>(&mut self, cx: &mut Context<'_>) -> Poll<R> {
        self.transfers = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives the input buffer back to the pool before a wait, and keeps what is in it on the shelf. Not if that is
    /// much: a long head that comes byte by byte would be copied again for each byte.
    fn shelve(&mut self) {
        if let Some(input) = self.input.take_if(|input| input.len() * 4 <= BUFFER_SIZE) {
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
