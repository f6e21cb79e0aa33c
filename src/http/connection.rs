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
//! 2. An answer has exactly one framing, chosen here and nowhere else.
//! 3. What is left of a request's body never becomes the next request: it is read to its end, or the connection closes.
//! 4. A panic in a handler is a 500 on this connection alone.
//!
//! The future that this file makes is what every connection costs in memory, so little is kept across an await.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::body::{Body, BodyError, Chunk};
use super::buffer::BUFFER_SIZE;
use super::encode::{self, Persistence, ResponseFraming};
use super::error::RequestError;
use super::fields::Framing;
use super::handler::{ResponseFuture, Routed};
use super::head::Head;
use super::method::Method;
use super::pool::Pooled;
use super::request::{self, Request};
use super::response::{IntoResponse, Response};
use super::service::{Membership, Service};
use super::status::Status;
use super::wire::Wire;
use super::wire_body::WireBody;
use crate::net::Transport;
use crate::runtime::join::panic_message;
use crate::runtime::timer::Sleep;

/// Up to this many bytes, a body is copied behind its head and both leave in one plain write. More, and two pieces
/// in one vectored write are cheaper than the copy.
const COPY_LIMIT: usize = 4 * 1024;

/// Serves one connection until it ends.
pub(super) async fn serve<T: Transport + 'static>(
    transport: T,
    peer: Option<SocketAddr>,
    member: Membership,
) {
    let wire = Rc::new(Wire::new(transport, member.service.clone()));
    let mut served = 0;
    loop {
        let head = NextHead { wire: &wire, member: &member }.await;
        member.idle.set(false);
        served += 1;
        let outcome = match head {
            Ok(Some(head)) => exchange(&wire, head, peer, served).await,
            Ok(None) | Err(BodyError::Io(_)) => return,
            Err(BodyError::Request(error)) => refuse(&wire, error).await,
        };
        match outcome {
            Ok(After::Keep) => {}
            Ok(After::Close) => break,
            Err(error) => {
                log::debug!("a connection was cut: {error}");
                return;
            }
        }
    }
    let flushed = Send { wire: &wire, chunk: &[], sent: 0 }.await;
    if flushed.is_ok() && !wire.is_quiet() {
        Linger { wire: &wire, said: false, discarded: 0 }.await;
    }
}

/// Whether another request may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Keep,
    Close,
}

/// What of a request decides the form of its answer; the request itself is the handler's by then.
#[derive(Clone, Copy)]
struct Asked {
    method: Method,
    minor_version: u8,
    keep_alive: bool,
}

/// Answers one request.
async fn exchange<T: Transport + 'static>(
    wire: &Rc<Wire<T>>,
    head: Pooled<Head>,
    peer: Option<SocketAddr>,
    served: u64,
) -> Result<After, BodyError> {
    let service = &wire.service;
    let began = service.handle.turn_time();
    let number = service.next_request();
    service.handle.mark("request", number, "parsed");
    let last = served >= service.limits.requests_per_connection;
    let asked = Asked {
        method: head.method(),
        minor_version: head.minor_version(),
        keep_alive: head.keep_alive() && !last,
    };
    wire.begin_body(&head, number);
    let context = request::Context { peer, number, collected: service.limits.collected };
    let body = incoming_body(wire, head.framing(), number);
    let request = Request::new(head, body, context);
    let in_flight = service.stats.begin();
    let mut response = answer(wire, request).await?;
    drop(in_flight);
    // An answer that passes the request's own body on waits for its first buffer, or its end: until then the
    // request can still turn out to be broken, and 400 is a better answer than half of a 200.
    if response.body().is_incoming() {
        response = hold_back(wire, response).await;
    }
    let after = if may_keep(wire, asked, &response) { After::Keep } else { After::Close };
    service.stats.answered(response.status().code(), service.handle.now().saturating_duration_since(began));
    service.handle.mark("request", number, "answered");
    send(wire, asked, after, response).await?;
    wire.revoke_body();
    if after == After::Close || (Drain { wire, drained: 0 }).await {
        return Ok(after);
    }
    Ok(After::Close)
}

fn incoming_body<T: Transport + 'static>(wire: &Rc<Wire<T>>, framing: Framing, number: u64) -> Body {
    match framing {
        Framing::None => Body::default(),
        Framing::Length(length) => Body::incoming(WireBody::new(wire, number), Some(length)),
        Framing::Chunked => Body::incoming(WireBody::new(wire, number), None),
    }
}

/// Finds the handler and runs it.
async fn answer<T: Transport>(wire: &Rc<Wire<T>>, request: Request) -> Result<Response, BodyError> {
    let router = &wire.service.router;
    match panic::catch_unwind(AssertUnwindSafe(|| router.call(request))) {
        Ok(Routed::Response(response)) => Ok(response),
        Ok(Routed::Future(handler)) => Answer { wire, handler, timeout: None }.await,
        Err(payload) => Ok(panicked(&wire.service, &payload)),
    }
}

fn panicked(service: &Service, payload: &crate::runtime::join::Payload) -> Response {
    service.stats.panics.add(1);
    log::error!("a handler panicked: {} (answered 500)", panic_message(payload));
    Response::of(Status::INTERNAL_SERVER_ERROR).closing()
}

/// Whether the connection can go on behind this answer.
fn may_keep<T: Transport>(wire: &Rc<Wire<T>>, asked: Asked, response: &Response) -> bool {
    // While somebody holds the body it may still be read; only a body that nobody can read any more is judged here.
    let unread = !wire.body_is_done() && !wire.body_is_held();
    asked.keep_alive
        && !response.closes()
        && !wire.service.draining.get()
        && (!unread || wire.body_can_be_drained())
        && framing_of(asked, response) != ResponseFraming::UntilClose
}

/// How the client shall find the end of this answer (RFC 9112, 6.3).
fn framing_of(asked: Asked, response: &Response) -> ResponseFraming {
    match response.body().length() {
        _ if response.status().is_bodiless() => ResponseFraming::Bodiless,
        Some(length) => ResponseFraming::Length(length),
        None if asked.minor_version == 0 => ResponseFraming::UntilClose,
        None => ResponseFraming::Chunked,
    }
}

/// Sends an answer, or leaves it in the output, to leave together with the next one.
async fn send<T: Transport>(
    wire: &Rc<Wire<T>>,
    asked: Asked,
    after: After,
    response: Response,
) -> Result<(), BodyError> {
    let framing = framing_of(asked, &response);
    let persistence = match (after, asked.minor_version) {
        (After::Close, _) => Persistence::Close,
        (After::Keep, 0) => Persistence::KeepAliveSaid,
        (After::Keep, _) => Persistence::KeepAlive,
    };
    // Somebody still holds the body, and may read it while the answer is sent. `100 Continue` can only come before.
    if wire.body_is_held() {
        wire.promise_to_read();
    }
    let service = &wire.service;
    service.date.with(service.handle.turn_time(), |date| {
        wire.push(|out| encode::write_head(out, &response, date, framing, persistence));
    });
    let mut body = response.into_body();
    if asked.method == Method::Head || framing == ResponseFraming::Bodiless {
        return Ok(());
    }
    match body.take_full() {
        Some(chunk) if chunk.len() <= COPY_LIMIT => wire.push(|out| out.push(&chunk)),
        Some(chunk) => Send { wire, chunk: &chunk, sent: 0 }.await?,
        None if body.is_empty() => {}
        None => send_stream(wire, body, framing).await?,
    }
    if wire.unsent() >= BUFFER_SIZE {
        Send { wire, chunk: &[], sent: 0 }.await?;
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
        if framing == ResponseFraming::Chunked && !chunk.is_empty() {
            wire.push(|out| encode::push_chunk_size(out, chunk.len()));
        }
        Send { wire, chunk: &chunk, sent: 0 }.await?;
        if framing == ResponseFraming::Chunked && !chunk.is_empty() {
            wire.push(|out| out.push(b"\r\n"));
        }
    }
    match framing {
        ResponseFraming::Chunked => wire.push(|out| out.push(b"0\r\n\r\n")),
        ResponseFraming::Length(_) if left > 0 => return Err(wrong_length("fewer")),
        _ => {}
    }
    Ok(())
}

/// A body that does not keep to its Content-Length cannot be mended: the connection is cut, so that the client sees it.
fn wrong_length(what: &str) -> BodyError {
    log::error!("a streamed body has {what} bytes than its length says: the connection is cut");
    std::io::Error::other("a streamed body does not have the length that it promised").into()
}

/// Waits for the first buffer or the end of an incoming body that is to be the answer's body.
async fn hold_back<T: Transport>(wire: &Rc<Wire<T>>, response: Response) -> Response {
    if response.body().length().is_some_and(|length| length > BUFFER_SIZE as u64) {
        return response; // Framed by its length: there is little that can still be wrong with it.
    }
    let (response, mut body) = response.split();
    let mut held = wire.service.buffers.take();
    while held.len() <= BUFFER_SIZE {
        match (NextPiece { wire, body: &mut body }).await {
            Some(Ok(chunk)) => held.push(&chunk),
            Some(Err(error)) => return error.into_response().closing(),
            None => return response.with_body(Body::full(Chunk::Pooled(held))),
        }
    }
    response.with_body(body.preceded_by(Chunk::Pooled(held)))
}

/// Says why a request is refused. Behind a refusal nobody knows where the next request begins.
async fn refuse<T: Transport>(wire: &Rc<Wire<T>>, error: RequestError) -> Result<After, BodyError> {
    let response = error.into_response();
    log::debug!("refused a request: {error} ({})", response.status());
    wire.service.stats.refused.add(1);
    wire.service.stats.answered(response.status().code(), std::time::Duration::ZERO);
    let asked = Asked { method: wire.refused_method(), minor_version: 1, keep_alive: false };
    send(wire, asked, After::Close, response).await?;
    wire.give_up_body();
    Ok(After::Close)
}

/// Waits for the next request's head.
struct NextHead<'a, T> {
    wire: &'a Wire<T>,
    member: &'a Membership,
}

impl<T: Transport> Future for NextHead<'_, T> {
    type Output = Result<Option<Pooled<Head>>, BodyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.wire.poll_head(cx);
        // A shutdown may cut idle connections, but not one with half a request, or an answer that waits to leave.
        self.member.idle.set(polled.is_pending() && self.wire.is_idle());
        polled
    }
}

/// Runs a handler. While it waits, earlier answers leave, and the time limit counts.
struct Answer<'a, T> {
    wire: &'a Wire<T>,
    handler: ResponseFuture,
    /// Made when the handler waits for the first time: most never do.
    timeout: Option<Sleep>,
}

impl<T: Transport> Future for Answer<'_, T> {
    type Output = Result<Response, BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wire.note_owner(cx);
        let service = &this.wire.service;
        match panic::catch_unwind(AssertUnwindSafe(|| this.handler.as_mut().poll(cx))) {
            Ok(Poll::Ready(response)) => return Poll::Ready(Ok(response)),
            Ok(Poll::Pending) => {}
            Err(payload) => return Poll::Ready(Ok(panicked(service, &payload))),
        }
        if let Poll::Ready(Err(error)) = this.wire.poll_flush(cx) {
            return Poll::Ready(Err(error)); // The client is gone: nobody waits for this handler.
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

/// Waits for the next piece of an answer's body; what is ready to be sent leaves meanwhile.
struct NextPiece<'a, T> {
    wire: &'a Wire<T>,
    body: &'a mut Body,
}

impl<T: Transport> Future for NextPiece<'_, T> {
    type Output = Option<Result<Chunk, BodyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.wire.note_owner(cx);
        if let Poll::Ready(piece) = self.body.poll_chunk(cx) {
            return Poll::Ready(piece);
        }
        match self.wire.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            _ => Poll::Pending,
        }
    }
}

/// Sends all output, then a chunk.
struct Send<'a, T> {
    wire: &'a Wire<T>,
    chunk: &'a [u8],
    sent: usize,
}

impl<T: Transport> Future for Send<'_, T> {
    type Output = Result<(), BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wire.note_owner(cx);
        this.wire.poll_send(cx, this.chunk, &mut this.sent)
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

/// Closes without destroying the answer on its way.
struct Linger<'a, T> {
    wire: &'a Wire<T>,
    said: bool,
    discarded: u64,
}

impl<T: Transport> Future for Linger<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.wire.poll_linger(cx, &mut this.said, &mut this.discarded)
    }
}
