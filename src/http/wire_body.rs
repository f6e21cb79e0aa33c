//! A request's body: how it is read off the wire, and how a handler holds it.
//!
//! The problem: a handler may keep the body, or give it to a task of its own, while the connection goes on. So the
//! body holds the wire weakly (it must not keep the socket open), and it has a time: from the request's head to the
//! end of its answer. After that it yields an error. A clean end would say that the client had sent no more, and what
//! comes then belongs to the next request.
//!
//! ```text
//!   open_request --> WireBody::new -----> poll_held_body ... --> its drop -------> close_request
//!    the head         the handler has it   its holder reads       nobody wants it   the answer was written
//! ```

use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use super::body::{BodyError, BodySource, Chunk};
use super::error::RequestError;
use super::incoming::{Hands, Taken};
use super::wait::Wait;
use super::wire::Wire;
use crate::net::Transport;

impl<T: Transport> Wire<T> {
    /// A request begins, of this number: a body that comes now is its. If an answer is in the output, it is the one before.
    pub(super) fn open_request(&self, request: u64) {
        if self.is_unsent.get() {
            self.answered.set(self.request.get());
        }
        self.request.set(request);
        self.is_open.set(true);
    }

    /// Whether the body of request `number` may still be read.
    fn may_read(&self, number: u64) -> bool {
        self.is_open.get() && self.request.get() == number
    }

    /// Behind a refused head nothing can be trusted: whatever comes is thrown away.
    pub(super) fn give_up_body(&self) {
        self.flow.borrow_mut().body.fail(RequestError::Framing);
    }

    /// Keeps the waker of the connection's own task, which is being polled with `cx`, if somebody holds the body.
    pub(super) fn note_owner(&self, cx: &Context<'_>) {
        if self.body_is_held() {
            self.owner.store(cx.waker());
        }
    }

    /// The next piece of the request's body, when the connection's own task asks. It may write, too, before it waits.
    fn poll_body(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.poll_body_after(cx, |cx| self.poll_flush(cx))
    }

    /// The next piece of the request's body. `flush` comes before each wait.
    fn poll_body_after(
        &self,
        cx: &mut Context<'_>,
        flush: impl Fn(&mut Context<'_>) -> Poll<Result<(), BodyError>>,
    ) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.promise_to_read();
        loop {
            match self.take_body() {
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
                Ok(Taken::Piece(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Taken::Over) => return Poll::Ready(None),
                Ok(Taken::NeedMore) => {}
            }
            // Answer before you wait: also the `100 Continue` that the client may be waiting for.
            if let Err(error) = ready!(flush(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            if let Err(error) = ready!(self.poll_fill_body(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn take_body(&self) -> Result<Taken, RequestError> {
        let flow = &mut *self.flow.borrow_mut();
        let taken = flow.body.take(&mut flow.input, &self.service);
        flow.release_empty(&self.service);
        taken
    }

    fn poll_fill_body(&self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        self.with_flow(cx, |flow, cx| {
            ready!(flow.poll_turn());
            let read = ready!(flow.poll_fill(&self.transport, &self.service, Wait::Body, cx));
            Poll::Ready(flow.body.note_read(read))
        })
    }

    /// Somebody wants the body: if the client waits for our word, and the body has not come without it, give it.
    pub(super) fn promise_to_read(&self) {
        let promised = self.flow.borrow_mut().body.promise();
        if promised && self.flow.borrow().input.is_none() {
            self.push(|out| out.push(b"HTTP/1.1 100 Continue\r\n\r\n"));
        }
    }

    /// Whether somebody holds the body and may still read it.
    pub(super) fn body_is_held(&self) -> bool {
        self.hands.get() == Hands::Somebody
    }

    /// The answer is in the output: the body's time is over. Whoever still holds it, in a task of its own perhaps, gets an
    /// error at the next read, never a clean end with bytes missing.
    pub(super) fn close_request(&self) {
        self.is_open.set(false);
        self.is_unsent.set(true);
        if self.hands.replace(Hands::Nobody) != Hands::Nobody {
            drop(self.owner.take());
            self.body_waiter.wake();
        }
    }

    /// The next piece of the body of request `number`, for its holder.
    pub(super) fn poll_held_body(
        &self,
        number: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Chunk, BodyError>>> {
        if !self.may_read(number) {
            return Poll::Ready(Some(Err(RequestError::Truncated.into())));
        }
        self.body_waiter.store(cx.waker());
        if self.owner.will_wake(cx.waker()) {
            return self.poll_body(cx);
        }
        self.poll_body_after(cx, |_| {
            if self.unsent() > 0 {
                self.owner.wake(); // It stores its waker again in the poll that comes of this.
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Whether the request's body was read to its end.
    pub(super) fn body_is_done(&self) -> bool {
        self.flow.borrow().body.is_done()
    }

    /// Whether the answer may leave the body as it is: somebody holds it and may still read it, or what is left can be read
    /// away.
    pub(super) fn body_may_be_left(&self) -> bool {
        self.body_is_held() || self.body_can_be_drained()
    }

    /// Whether it is worth reading what is left of the body, to use the connection again.
    pub(super) fn body_can_be_drained(&self) -> bool {
        self.flow.borrow().body.can_be_drained(self.service.limits.drain)
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
}

/// The source of an incoming `Body`.
pub(super) struct WireBody<T: Transport> {
    wire: Weak<Wire<T>>,
    request: u64,
}

impl<T: Transport> WireBody<T> {
    pub(super) fn new(wire: &Rc<Wire<T>>, request: u64) -> WireBody<T> {
        wire.hands.set(Hands::Somebody);
        WireBody { wire: Rc::downgrade(wire), request }
    }
}

impl<T: Transport> BodySource for WireBody<T> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        match self.wire.upgrade() {
            Some(wire) => wire.poll_held_body(self.request, cx),
            None => Poll::Ready(Some(Err(RequestError::Truncated.into()))),
        }
    }
}

impl<T: Transport> Drop for WireBody<T> {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.upgrade()
            && wire.may_read(self.request)
        {
            wire.hands.set(Hands::LetGo);
        }
    }
}
