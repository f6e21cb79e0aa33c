//! Guests: the code that is not ours, handlers and streamed bodies, where the connection calls it.
//!
//! The problem: a guest may panic when it is called, when it is polled and when it is dropped. None of that may end
//! the connection's task before it has said what happened, reach another connection, or be counted twice.
//!
//! ```text
//!   call, poll  --> guarded(): caught, counted, logged --> 500 for a handler; for a body the connection is cut
//!   drop        --> quietly(): caught, logged          --> nothing: the answer was made, or nobody waits for it
//! ```
//!
//! A guest that waits holds what it holds, perhaps for ever; so meanwhile the connection looks whether the client is
//! still there. A reset ends the guest at once, unless bytes that nobody has taken (a body, the next request) stand in front
//! of it. A close does so for an endless stream alone: behind a request it may mean "that was all", and the client waits for
//! the answer.
//!
//! 1. One panic is counted once, where it was caught first.
//! 2. The payload of a panic is a guest, too: its drop may panic.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::body::{Body, BodyError, Chunk};
use super::handler::RunningHandler;
use super::response::Response;
use super::service::Service;
use super::status::Status;
use super::wire::Wire;
use crate::net::Transport;
use crate::runtime::panics::{Payload, panic_message, quietly};
use crate::runtime::timer::Sleep;

/// Calls a guest. If it panics, that is counted and logged, and `otherwise` says what counts in place of its value.
/// `who`: for the log.
pub(super) fn guarded<R>(
    service: &Service,
    who: &str,
    call: impl FnOnce() -> R,
    otherwise: impl FnOnce() -> R,
) -> R {
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        note_panic(service, who, payload);
        otherwise()
    })
}

#[cold] // Rare, and it need not be where handlers are called.
fn note_panic(service: &Service, who: &str, payload: Payload) {
    service.stats.panics.add(1);
    log::error!("{who} panicked: {}", panic_message(&payload));
    quietly("the drop of a panic's payload", || drop(payload));
}

/// The answer of a handler that panicked.
pub(super) fn instead_of_a_panic() -> Response {
    Response::of(Status::INTERNAL_SERVER_ERROR).closing()
}

/// Runs a handler. While it waits, earlier answers leave, and the time limit counts.
pub(super) struct Answer<'a, T> {
    wire: &'a Wire<T>,
    /// `None` only inside `drop`.
    handler: Option<RunningHandler>,
    /// Made when the handler waits for the first time: most never do.
    timeout: Option<Sleep>,
    /// The handler was polled before it came here, in this very poll of the task. Nothing has changed since.
    was_polled: bool,
}

impl<'a, T: Transport> Answer<'a, T> {
    /// For a handler that was polled, and is pending.
    pub(super) fn new(wire: &'a Wire<T>, handler: RunningHandler) -> Answer<'a, T> {
        Answer { wire, handler: Some(handler), timeout: None, was_polled: true }
    }
}

impl<T: Transport> Future for Answer<'_, T> {
    type Output = Result<Response, BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wire.note_owner(cx);
        let service = &this.wire.service;
        if !std::mem::take(&mut this.was_polled) {
            let handler = this.handler.as_mut().expect("cannot be polled after its drop");
            let otherwise = || Poll::Ready(instead_of_a_panic());
            if let Poll::Ready(response) =
                guarded(service, "a handler", || handler.as_mut().poll(cx), otherwise)
            {
                return Poll::Ready(Ok(response));
            }
        }
        if let Poll::Ready(Err(error)) = this.wire.poll_flush(cx) {
            return Poll::Ready(Err(error)); // The client is gone: nobody waits for this handler.
        }
        if let Poll::Ready(Err(error)) = this.wire.poll_end(cx) {
            return Poll::Ready(Err(error));
        }
        let limit = service.limits.handler_timeout;
        let timeout = this.timeout.get_or_insert_with(|| service.handle.sleep(limit));
        Pin::new(timeout).poll(cx).map(|()| {
            log::warn!(
                "a handler took longer than {limit:?}: answered 503 (hint: raise the handler timeout)"
            );
            Ok(Response::error(Status::SERVICE_UNAVAILABLE, "the handler took too long").closing())
        })
    }
}

impl<T> Drop for Answer<'_, T> {
    /// After an answer nothing is left in the future. After a panic, at a timeout, or when the client is gone, there
    /// is what the handler held.
    fn drop(&mut self) {
        let handler = self.handler.take();
        quietly("the drop of a handler", || drop(handler));
    }
}

/// Waits for the next piece of an answer's body; what is ready to be sent leaves meanwhile.
pub(super) struct NextPiece<'a, T> {
    pub(super) wire: &'a Wire<T>,
    pub(super) body: &'a mut Body,
}

impl<T: Transport> Future for NextPiece<'_, T> {
    type Output = Option<Result<Chunk, BodyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wire.note_owner(cx);
        // Its answer has begun; only a cut connection can still say that it is not whole.
        let otherwise = || Poll::Ready(Some(Err(std::io::Error::other("a streamed body panicked").into())));
        if let Poll::Ready(piece) =
            guarded(&this.wire.service, "a streamed body", || this.body.poll_chunk(cx), otherwise)
        {
            return Poll::Ready(piece);
        }
        let flushed = match this.wire.poll_flush(cx) {
            Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            flushed => flushed.is_ready(),
        };
        match this.wire.poll_end(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            // Not before all has left: earlier answers may be in front of the stream.
            Poll::Ready(Ok(())) if flushed && this.body.ends_with_client() => {
                Poll::Ready(Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into())))
            }
            _ => Poll::Pending,
        }
    }
}
