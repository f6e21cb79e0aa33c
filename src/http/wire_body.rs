//! A request's body in a handler's hands.
//!
//! The problem: a handler may keep the body, or give it to a task of its own, while the connection goes on. So the
//! body holds the wire weakly (it must not keep the socket open), and it has a time: from the request's head to the
//! end of its answer. After that it yields an error. A clean end would say that the client had sent no more, and what
//! comes then belongs to the next request.

use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use super::body::{BodyError, BodySource, Chunk};
use super::error::RequestError;
use super::wire::Wire;
use crate::net::Transport;

/// The source of an incoming `Body`.
pub(super) struct WireBody<T: Transport> {
    wire: Weak<Wire<T>>,
    request: u64,
}

impl<T: Transport> WireBody<T> {
    pub(super) fn new(wire: &Rc<Wire<T>>, request: u64) -> WireBody<T> {
        wire.hold_body(request, true);
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
        if let Some(wire) = self.wire.upgrade() {
            wire.hold_body(self.request, false);
        }
    }
}
