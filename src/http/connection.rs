//! One connection: requests in, answers out, in order, until one side has had enough.
//!
//! ```text
//!        +--> head --> handler --> answer --> rest of the body ---+
//!        |     |                                                  | keep?
//!        |     +-- refused: say why, close                        |
//!        +----------------------- yes ----------------------------+-- no --> linger, close
//! ```
//!
//! 1. One answer per request, in the order of the requests (RFC 9112, 9.3.2).
//! 2. An answer has exactly one framing, chosen by `exchange::framing_of` and nowhere else.
//! 3. What is left of a request's body never becomes the next request: it is read to its end, or the connection closes.
//! 4. A panic in a handler or a body concerns this connection alone; see `guest.rs`. One that blocks the thread concerns
//!    everybody.
//!
//! Every idle connection holds the future that this file begins with. So that one is written by hand, and holds no more than
//! it must. What is needed only for a while are `async fn`s: they stand below it, are kept in a box, and own a share of the
//! wire.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::body::{Body, BodyError, Chunk};
use super::buffer::BUFFER_SIZE;
use super::encode::{self, ResponseFraming};
use super::error::RequestError;
use super::exchange::{
    After, Asked, Begun, COPY_LIMIT, Step, framing_of, is_head_alone, note_answer, poll_requests, write_head,
};
use super::guest::{Answer, NextPiece};
use super::handler::Answering;
use super::response::{IntoResponse, Response};
use super::wire::Wire;
use crate::net::Transport;

/// Serves one connection until it ends. It may be moved, so its task needs no box for it. (Counted by cachegrind with 1,000
/// connections: that, and no cell for a result, saves 0.8 of 14 cache lines that a request must fetch again.)
pub(super) struct Serve<T> {
    /// `None` once it is over: the socket closes then, not when somebody drops this future.
    wire: Option<Rc<Wire<T>>>,
    stage: Stage,
}

/// What a connection does.
enum Stage {
    /// Waits for requests, and answers them as long as nobody has to wait for anything else.
    Answering,
    /// Finishes an exchange that waits, or refuses a request.
    Finishing(Pin<Box<dyn Future<Output = Result<After, BodyError>>>>),
    /// There will be no other request: sends what is left in the output.
    Flushing,
    /// Says that no more will be sent.
    ShuttingDown,
    /// Waits for the client to say so, too.
    Lingering { discarded: u64 },
}

impl<T: Transport + 'static> Serve<T> {
    pub(super) fn new(wire: Rc<Wire<T>>) -> Serve<T> {
        Serve { wire: Some(wire), stage: Stage::Answering }
    }
}

impl<T: Transport + 'static> Future for Serve<T> {
    type Output = ();

    /// # Panics
    /// When it is polled after its end.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let wire = this.wire.as_ref().expect("cannot be polled after its end");
        while let Some(next) = ready!(this.stage.poll(wire, cx)) {
            this.stage = next;
        }
        this.stage = Stage::Answering; // Drops the box of `Finishing`, in which is the wire, too.
        this.wire = None;
        Poll::Ready(())
    }
}

impl Stage {
    /// Goes on to the end of this stage. The next one; `None`: the connection is over.
    #[inline(always)] // See `Registration::poll_io`.
    fn poll<T: Transport + 'static>(
        &mut self,
        wire: &Rc<Wire<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Stage>> {
        if let Stage::Answering = self {
            return Poll::Ready(after_answering(wire, ready!(poll_requests(wire, cx))));
        }
        self.poll_other(wire, cx)
    }

    /// The same, for the stages that most connections are not in.
    #[inline(never)] // See `HalfHead::read`.
    fn poll_other<T: Transport + 'static>(
        &mut self,
        wire: &Rc<Wire<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Stage>> {
        let next = match self {
            Stage::Answering => unreachable!("`poll` has seen to that"),
            Stage::Finishing(rest) => after_finishing(ready!(rest.as_mut().poll(cx))),
            Stage::Flushing => {
                wire.note_owner(cx);
                let is_flushed = ready!(wire.poll_flush(cx)).is_ok();
                // Closed without a farewell if nobody can miss one.
                (is_flushed && !wire.is_quiet()).then_some(Stage::ShuttingDown)
            }
            Stage::ShuttingDown => {
                ready!(wire.poll_shutdown(cx)).then_some(Stage::Lingering { discarded: 0 })
            }
            Stage::Lingering { discarded } => {
                ready!(wire.poll_linger(cx, discarded));
                None
            }
        };
        Poll::Ready(next)
    }
}

#[cold] // Rarer than polls.
fn after_answering<T: Transport + 'static>(
    wire: &Rc<Wire<T>>,
    step: Result<Step, BodyError>,
) -> Option<Stage> {
    match step {
        Ok(Step::Finish(begun)) => Some(Stage::Finishing(Box::pin(finish(wire.clone(), begun)))),
        Err(BodyError::Request(error)) => Some(Stage::Finishing(Box::pin(refuse(wire.clone(), error)))),
        Ok(Step::Close) => Some(Stage::Flushing),
        Ok(Step::End) | Err(BodyError::Io(_)) => None,
    }
}

fn after_finishing(finished: Result<After, BodyError>) -> Option<Stage> {
    match finished {
        Ok(After::Keep) => Some(Stage::Answering),
        Ok(After::Close) => Some(Stage::Flushing),
        Err(error) => {
            log::debug!("a connection was cut: {error}");
            None
        }
    }
}

/// What is left of an exchange once somebody has to wait.
async fn finish<T: Transport>(wire: Rc<Wire<T>>, begun: Box<Begun>) -> Result<After, BodyError> {
    let wire = &wire; // For the calls below, which only borrow it.
    let Begun { asked, since, in_flight, answer } = *begun;
    let mut response = match answer {
        Answering::Waits(handler) => Answer::new(wire, handler).await?,
        Answering::Ready(response) => response,
    };
    drop(in_flight);
    // An answer that passes the request's own body on waits for its first 16 KiB, or its end: until then the
    // request can still turn out to be broken, and 400 is a better answer than half of a 200.
    if response.body().is_incoming() {
        response = hold_back(wire, response).await;
    }
    let service = &wire.service;
    service.stats.took(1, service.handle.now().saturating_duration_since(since));
    let framing = framing_of(asked, response.status(), response.body().length());
    let after = note_answer(service, asked, &response, framing, wire.body_may_be_left());
    send(wire, asked, after, response, framing).await?;
    wire.close_request();
    if after == After::Close || wire.body_is_done() || (Drain { wire, drained: 0 }).await {
        return Ok(after);
    }
    Ok(After::Close)
}

/// Sends an answer, or leaves it in the output, to leave together with the next one.
async fn send<T: Transport>(
    wire: &Rc<Wire<T>>,
    asked: Asked,
    after: After,
    response: Response,
    framing: ResponseFraming,
) -> Result<(), BodyError> {
    // Somebody still holds the body, and may read it while the answer is sent. `100 Continue` can only come before.
    if wire.body_is_held() {
        wire.promise_to_read();
    }
    wire.push(|out| write_head(&wire.service, out, asked, after, &response, framing));
    let mut body = if is_head_alone(asked, &response) { Body::default() } else { response.into_body() };
    match body.take_full() {
        Some(chunk) if chunk.len() <= COPY_LIMIT => wire.push(|out| out.push(&chunk)),
        Some(chunk) => SendPiece { wire, chunk: &chunk, ends_line: false, sent: 0 }.await?,
        None if body.is_empty() => {}
        None => send_stream(wire, body, framing).await?,
    }
    if wire.unsent() >= BUFFER_SIZE {
        SendPiece { wire, chunk: b"", ends_line: false, sent: 0 }.await?;
    }
    Ok(())
}

/// Sends a body piece by piece, as fast as the client takes it.
async fn send_stream<T: Transport>(
    wire: &Rc<Wire<T>>,
    mut body: Body,
    framing: ResponseFraming,
) -> Result<(), BodyError> {
    let mut left = if let ResponseFraming::Length(length) = framing { length } else { u64::MAX };
    while let Some(chunk) = (NextPiece { wire, body: &mut body }).await {
        let chunk = chunk?;
        let Some(rest) = left.checked_sub(chunk.len() as u64) else {
            return Err(wrong_length("more"));
        };
        left = rest;
        if chunk.is_empty() {
            continue; // As a chunk it would say that the body is over.
        }
        piece(wire, &chunk, framing == ResponseFraming::Chunked).await?;
    }
    match framing {
        ResponseFraming::Chunked => wire.push(|out| out.push(b"0\r\n\r\n")),
        ResponseFraming::Length(_) if left > 0 => return Err(wrong_length("fewer")),
        _ => {}
    }
    Ok(())
}

/// Sends one piece. The line end behind a chunk leaves with it: alone it would be a system call and a packet of its own.
fn piece<'a, T: Transport>(wire: &'a Wire<T>, bytes: &'a [u8], is_chunk: bool) -> SendPiece<'a, T> {
    if is_chunk {
        wire.push(|out| encode::push_chunk_size(out, bytes.len()));
    }
    if bytes.len() > COPY_LIMIT {
        return SendPiece { wire, chunk: bytes, ends_line: is_chunk, sent: 0 };
    }
    wire.push(|out| out.push(bytes));
    if is_chunk {
        wire.push(|out| out.push(b"\r\n"));
    }
    SendPiece { wire, chunk: b"", ends_line: false, sent: 0 }
}

/// A body that does not keep to its Content-Length cannot be mended: the connection is cut, so that the client sees it.
fn wrong_length(what: &str) -> BodyError {
    log::error!("a streamed body has {what} bytes than its length says: the connection is cut");
    std::io::Error::other("a streamed body does not have the length that it promised").into()
}

/// Waits for the first 16 KiB or the end of an incoming body that is to be the answer's body.
async fn hold_back<T: Transport>(wire: &Rc<Wire<T>>, response: Response) -> Response {
    if response.body().length().is_some_and(|length| length > BUFFER_SIZE as u64) {
        return response; // Framed by its length: there is little that can still be wrong with it.
    }
    let (response, mut body) = response.split();
    let mut held = wire.service.outputs.lend();
    while held.len() <= BUFFER_SIZE {
        match (NextPiece { wire, body: &mut body }).await {
            Some(Ok(chunk)) if held.is_empty() && chunk.len() > BUFFER_SIZE => {
                return response.with_body(body.preceded_by(chunk)); // Enough, and no copy.
            }
            Some(Ok(chunk)) => held.push(&chunk),
            Some(Err(error)) => return error.into_response().closing(),
            None => return response.with_body(Body::full(Chunk::Pooled(held))),
        }
    }
    response.with_body(body.preceded_by(Chunk::Pooled(held)))
}

/// Says why a request is refused. Behind a refusal nobody knows where the next request begins.
async fn refuse<T: Transport>(wire: Rc<Wire<T>>, error: RequestError) -> Result<After, BodyError> {
    let wire = &wire;
    let response = error.into_response();
    log::debug!("refused a request: {error} ({})", response.status());
    wire.service.stats.refused.add(1);
    wire.service.stats.answered(response.status());
    wire.service.stats.took(1, Duration::ZERO);
    let asked = Asked { method: wire.refused_method(), minor_version: 1, keep_alive: false, number: 0 };
    let framing = framing_of(asked, response.status(), response.body().length());
    send(wire, asked, After::Close, response, framing).await?;
    wire.give_up_body();
    Ok(After::Close)
}

/// Sends all output, then a chunk, with a line end if wanted.
struct SendPiece<'a, T> {
    wire: &'a Wire<T>,
    chunk: &'a [u8],
    ends_line: bool,
    /// How much of the chunk and of its line end has left.
    sent: usize,
}

impl<T: Transport> Future for SendPiece<'_, T> {
    type Output = Result<(), BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wire.note_owner(cx);
        let line_end: &[u8] = if this.ends_line { b"\r\n" } else { b"" };
        this.wire.poll_send(cx, [this.chunk, line_end], &mut this.sent)
    }
}

/// Reads what the handler has left of the body.
struct Drain<'a, T> {
    wire: &'a Wire<T>,
    drained: u64,
}

impl<T: Transport> Future for Drain<'_, T> {
    /// Whether the connection can be used again.
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = &mut *self;
        this.wire.poll_drain(cx, &mut this.drained)
    }
}
