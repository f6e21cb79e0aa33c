//! The wire: one connection's transport, with the bytes that are on their way in and out.
//!
//! The problem: the connection reads heads, the handler reads the body, both from one socket; and answers must leave
//! before anybody waits. So the socket and its two buffers live here, shared by the connection and by the
//! request's body, and every wait for the client is a `poll_` function of this file, or, for a body's bytes, of
//! `wire_body.rs`. (`guest.rs` waits for handlers and for the sources of bodies.)
//!
//! ```text
//!   transport ==> input ==> Head                         (poll_head)
//!                      \==> body decoder ==> Chunk       (poll_held_body, through the request's Body)
//!   transport <== output <== heads and small bodies      (poll_flush)
//!   transport <== output + a large chunk, one writev     (poll_send)
//! ```
//!
//! 1. **Answer before you wait.** Whoever is about to wait for bytes flushes first. While the next request is in
//!    the input already nobody waits, and the answers to all pipelined requests leave in one write.
//! 2. Every wait for bytes or room has a deadline, and every stretch of work an end: `flow.rs` keeps both.
//! 3. A request's body can be read from its head to the end of its answer, and not a moment longer.
//! 4. The transport keeps one waker for each direction. A body that is read in another task takes the one for reading;
//!    the one for writing stays the connection's, or an answer would wait for a wake that goes to somebody else.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use super::body::BodyError;
use super::buffer::{BUFFER_SIZE, Buffer};
use super::error::RequestError;
use super::flow::Flow;
use super::incoming::Hands;
use super::method::Method;
use super::peer::Peer;
use super::pool::Pooled;
use super::request::Parts;
use super::service::{Connection, Service};
use super::wait::Wait;
use crate::net::Transport;
use crate::runtime::join::AbortHandle;
use crate::runtime::waker_cell::WakerCell;
use crate::sync::Permit;

/// One connection's transport and buffers.
///
/// In this order in memory, too: what each request touches comes first, as far as `peer`. With the counts of the `Rc` in front
/// it is shorter than four cache lines. Each line that a connection touches was lost from the caches since its last turn, if
/// connections are many or requests few. (Counted with 1,000 connections: this order saves one and a half lines. Sampled at
/// 5,000 requests a second: a fifth line, for the peer's address, was a tenth of our own time.)
#[repr(C)]
pub(super) struct Wire<T> {
    pub(super) transport: T,
    pub(super) service: Rc<Service>,
    /// Borrowed for one `poll_` call at a time. The transport and the timer run under that borrow, which keep a waker
    /// in place of the one before, and must not come back here. No waker is called under it.
    pub(super) flow: RefCell<Flow>,
    /// The number of the latest request.
    pub(super) request: Cell<u64>,
    /// The latest request is not answered yet: its body may be read.
    pub(super) is_open: Cell<bool>,
    /// An answer is in the output, and "sent" was not told yet: of the latest request, or, while that is open, of the one
    /// before, `answered`.
    pub(super) is_unsent: Cell<bool>,
    /// The connection waits for a request, and nothing else is under way. Written by `poll_head`.
    idle: Cell<bool>,
    /// In whose hands the request's body is.
    pub(super) hands: Cell<Hands>,
    /// Requests so far. The last number stands for all above it.
    served: Cell<u32>,
    /// Who is at the other end.
    pub(super) peer: Peer,
    /// The request whose answer was in the output when the latest one came.
    pub(super) answered: Cell<u64>,
    /// Whoever waits for the body: told when its time is over.
    pub(super) body_waiter: WakerCell,
    /// The connection's own task, while somebody holds the body. It does all the writing.
    pub(super) owner: WakerCell,
    /// Our entry in the list of connections.
    key: usize,
    /// The task that runs the connection, if it has one of its own.
    task: Cell<Option<AbortHandle>>,
    /// A permit, if the number of connections is limited. Given back when this one is gone.
    _permit: Option<Permit>,
}

impl<T: Transport> Wire<T> {
    /// Shared: the connection's future holds one pointer, the list of connections and the request's body a weak one each.
    pub(super) fn new(
        transport: T,
        peer: Option<SocketAddr>,
        service: Rc<Service>,
        permit: Option<Permit>,
    ) -> Rc<Wire<T>>
    where
        T: 'static,
    {
        Rc::new_cyclic(|wire: &Weak<Wire<T>>| Wire {
            transport,
            flow: RefCell::new(Flow::new(&service.handle)),
            peer: Peer::new(peer),
            key: service.enter(wire.clone()),
            task: Cell::new(None),
            _permit: permit,
            request: Cell::new(0),
            is_open: Cell::new(false),
            is_unsent: Cell::new(false),
            answered: Cell::new(0),
            idle: Cell::new(false),
            hands: Cell::new(Hands::Nobody),
            served: Cell::new(0),
            body_waiter: WakerCell::default(),
            owner: WakerCell::default(),
            service,
        })
    }

    /// Says which task runs the connection.
    pub(super) fn set_task(&self, task: AbortHandle) {
        self.task.set(Some(task));
    }

    /// Counts a request. Whether it is the last that this connection may make.
    pub(super) fn count_request(&self) -> bool {
        self.served.set(self.served.get().saturating_add(1));
        u64::from(self.served.get()) >= self.service.limits.requests_per_connection
    }

    /// Lends the flow for one poll. If that ends because the task's turn is over, the wake that sends it to the end of the
    /// queue is made here. The waker may be a guest's, who waits for a body with one of his own: so the flow is not
    /// borrowed when it is called. (Once for a poll, not for each step of it, and once for an answer: measured by callgrind,
    /// 115 of 4,170 instructions for a request.)
    pub(super) fn with_flow<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Flow, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let mut flow = self.flow.borrow_mut();
        let polled = poll(&mut flow, cx);
        let goes_on_later = flow.take_turn_over();
        drop(flow);
        if goes_on_later {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// The next request, its head read. `None`: the client has closed between two requests, or was idle for too long, or
    /// the server stops.
    pub(super) fn poll_head(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Pooled<Parts>>, BodyError>> {
        self.idle.set(false);
        self.with_flow(cx, |flow, cx| self.poll_head_of(flow, cx))
    }

    fn poll_head_of(
        &self,
        flow: &mut Flow,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Pooled<Parts>>, BodyError>> {
        loop {
            ready!(flow.poll_turn());
            if flow.unsent() >= BUFFER_SIZE {
                ready!(self.poll_flush_of(flow, cx))?;
            }
            // The input is asked here, too: two of three times there is none.
            if flow.input.is_some()
                && let Some(parts) = flow.take_head(&self.service)?
            {
                return Poll::Ready(Ok(Some(parts)));
            }
            ready!(self.poll_flush_of(flow, cx))?;
            let begun = flow.has_begun();
            let wait = if begun { Wait::Head } else { Wait::Request };
            let filled = flow.poll_fill(&self.transport, &self.service, wait, cx);
            if filled.is_pending() && !begun {
                if self.service.draining.get() {
                    return Poll::Ready(Ok(None)); // Asked last: a request that has come already is still answered.
                }
                self.idle.set(true); // If an answer had not left, we would not be here.
            }
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

    /// What the method of a refused request is, as far as its answer is concerned.
    pub(super) fn refused_method(&self) -> Method {
        if self.flow.borrow().asks_for_head() { Method::Head } else { Method::Get }
    }

    /// Whether the client is still there, for those who wait for something else than its bytes. `Ready(Ok)`: it has
    /// closed its side, and may or may not wait for the answer. An error: it is gone for certain.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        self.flow.borrow_mut().poll_end(&self.transport, &self.service, cx)
    }

    /// Calls `write` with the output buffer. It must write something: see `Flow::output`.
    pub(super) fn push(&self, write: impl FnOnce(&mut Buffer)) {
        write(self.flow.borrow_mut().output(&self.service));
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.flow.borrow().unsent()
    }

    /// Sends all output.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        self.with_flow(cx, |flow, cx| self.poll_flush_of(flow, cx))
    }

    /// Sends all output, then `parts` from byte `sent` on, in as few system calls as the kernel allows.
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        parts: [&[u8]; 2],
        sent: &mut usize,
    ) -> Poll<Result<(), BodyError>> {
        self.with_flow(cx, |flow, cx| {
            ready!(flow.poll_send(&self.transport, &self.service, cx, parts, sent))?;
            self.note_sent();
            Poll::Ready(Ok(()))
        })
    }

    /// Sends all output, if there is any.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll_flush_of(&self, flow: &mut Flow, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        // Asked here, too: half of all calls find nothing to send.
        if flow.has_output() {
            ready!(flow.poll_flush(&self.transport, &self.service, cx))?;
        }
        self.note_sent();
        Poll::Ready(Ok(()))
    }

    /// Nothing is left in the output: the kernel has all answers so far.
    fn note_sent(&self) {
        if self.is_unsent.get() {
            self.is_unsent.set(false);
            let number = if self.is_open.get() { self.answered.get() } else { self.request.get() };
            self.service.handle.mark("request", number, "sent");
        }
    }

    /// Says that no more will be sent. Whether the client has to be waited for behind that.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<bool> {
        match self.transport.poll_shutdown(cx) {
            Poll::Ready(done) => Poll::Ready(done.is_ok()),
            Poll::Pending => {
                self.flow.borrow_mut().poll_deadline(&self.service, Wait::Linger, cx).map(|()| false)
            }
        }
    }

    /// Reads and throws away until the client closes too, but not for long. A socket closed with unread bytes in it answers
    /// with a reset, and a reset can destroy the answer on its way.
    pub(super) fn poll_linger(&self, cx: &mut Context<'_>, discarded: &mut u64) -> Poll<()> {
        self.with_flow(cx, |flow, cx| {
            while *discarded <= self.service.limits.drain && !flow.ended {
                ready!(flow.poll_turn());
                flow.give_back_input(&self.service);
                match ready!(flow.poll_fill(&self.transport, &self.service, Wait::Linger, cx)) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => *discarded += read as u64,
                }
            }
            Poll::Ready(())
        })
    }

    /// Whether a plain close is safe: nothing that we know of is left to read.
    pub(super) fn is_quiet(&self) -> bool {
        let flow = self.flow.borrow();
        flow.ended || (flow.input.is_none() && flow.body.is_done())
    }
}

impl<T> Connection for Wire<T> {
    fn is_idle(&self) -> bool {
        self.idle.get()
    }

    fn take_task(&self) -> Option<AbortHandle> {
        self.task.take()
    }
}

impl<T> Drop for Wire<T> {
    /// The connection has ended, perhaps in the middle of an answer: whoever waits for the body would wait for ever.
    fn drop(&mut self) {
        self.flow.get_mut().give_back_all(&self.service);
        self.service.leave(self.key);
        self.body_waiter.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::net::TcpStream;

    /// What each request touches fits into four cache lines, with two words to spare. Exact, so that a change is noticed.
    #[test]
    fn four_cache_lines() {
        // In front lie the two counts of the `Rc`, and the transport, of 48 bytes, but for what mio adds in a debug build.
        let in_front = 2 * size_of::<usize>() + 48;
        let start = offset_of!(Wire<TcpStream>, service);
        let length = in_front + offset_of!(Wire<TcpStream>, answered) - start;
        assert_eq!(length, 4 * 64 - 16);
        if !cfg!(debug_assertions) {
            assert_eq!(start, 48);
        }
    }
}
