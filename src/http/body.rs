//! Bodies: what a request brings and what a response carries. Always pulled, never pushed.
//!
//! The problem: a body can be larger than memory, and the other side can be slow. So a body is a source that is
//! asked for its next piece when there is somewhere to put it. Whoever does not ask, does not read: the kernel's
//! buffers fill up and the sender waits. That is backpressure, and it costs nothing.
//!
//! ```text
//!   Body::chunk().await --> Empty:     None
//!                           Full:      the one chunk, then None
//!                           Streaming: poll_chunk() of the source: a socket, a generator, a channel
//! ```
//!
//! 1. A chunk is a piece of memory that can be written as it is: static, owned, or a lent buffer. No copy is made
//!    between a source and the socket.
//! 2. After `None` or an error a body is over.
//! 3. A source's `drop` is not ours. A panic in it is logged and ends there, wherever the body is dropped.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::buffer::Buffer;
use super::error::RequestError;
use super::pool::Pooled;
use crate::runtime::panics::quietly;

/// A piece of a body. At least one byte long, or it says nothing.
pub enum Chunk {
    /// Part of the program.
    Static(&'static [u8]),
    /// Made by a handler.
    Owned(Vec<u8>),
    /// A buffer that goes back to its pool when the chunk is dropped.
    Pooled(Pooled<Buffer>),
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Chunk::Static(bytes) => bytes,
            Chunk::Owned(bytes) => bytes,
            Chunk::Pooled(buffer) => buffer,
        }
    }
}

/// Makes a body piece by piece.
pub trait BodySource {
    /// The next piece, `None` at the end. `Pending` means that `cx`'s waker was kept for when there is one.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>>;

    /// Whether nobody listens any more once the client has closed its side. Usually not so: a client may say "that was
    /// all" behind its request and wait for the answer. But a stream that has no end of its own would go on for nobody,
    /// since a close and a half-close look the same from here.
    fn ends_with_client(&self) -> bool {
        false
    }
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The request's framing is broken, a limit was reached, or it took too long.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A body. `Body::default()` is empty.
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Chunk),
    Streaming {
        source: Source,
        length: Option<u64>,
        /// It is a request's body, on its way from the client.
        incoming: bool,
    },
}

/// Somebody's source, dropped with care. `None` only inside `drop`.
struct Source(Option<Box<dyn BodySource>>);

impl Drop for Source {
    fn drop(&mut self) {
        let source = self.0.take();
        quietly("the drop of a body", || drop(source));
    }
}

impl Body {
    /// A body that is at hand. (Most callers know the kind of the chunk. Inlined, the questions about it fall away: 40 of 2,590
    /// instructions for a request, by callgrind.)
    #[inline(always)]
    pub fn full(chunk: Chunk) -> Body {
        if chunk.is_empty() { Body(Kind::Empty) } else { Body(Kind::Full(chunk)) }
    }

    /// A body that `source` makes. With a `length`, the answer carries it as Content-Length and the source must make
    /// exactly that many bytes; without one, the answer is chunked.
    pub fn stream(source: impl BodySource + 'static, length: Option<u64>) -> Body {
        Body(Kind::Streaming { source: Source(Some(Box::new(source))), length, incoming: false })
    }

    /// A request's body.
    pub(super) fn incoming(source: impl BodySource + 'static, length: Option<u64>) -> Body {
        Body(Kind::Streaming { source: Source(Some(Box::new(source))), length, incoming: true })
    }

    pub(super) fn is_incoming(&self) -> bool {
        matches!(self.0, Kind::Streaming { incoming: true, .. })
    }

    /// How many bytes it has, if that is known beforehand.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Empty => Some(0),
            Kind::Full(chunk) => Some(chunk.len() as u64),
            Kind::Streaming { length, .. } => *length,
        }
    }

    /// Whether there are no bytes, for certain.
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Kind::Empty)
    }

    /// All of it, if it is here in one piece.
    pub(super) fn at_hand(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Empty => Some(&[]),
            Kind::Full(chunk) => Some(chunk),
            Kind::Streaming { .. } => None,
        }
    }

    /// Waits for the next piece. `None`: the end.
    pub fn chunk(&mut self) -> NextChunk<'_> {
        NextChunk { body: self }
    }

    /// As `chunk`, for a `poll` that is written by hand.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(_) => Poll::Ready(self.take_full().map(Ok)),
            Kind::Streaming { source: Source(source), .. } => {
                source.as_mut().expect("cannot be gone before its drop").poll_chunk(cx)
            }
        }
    }

    /// See [`BodySource::ends_with_client`].
    pub(super) fn ends_with_client(&self) -> bool {
        match &self.0 {
            Kind::Streaming { source: Source(Some(source)), .. } => source.ends_with_client(),
            _ => false,
        }
    }

    /// The whole body, if it is at hand in one piece; what is left is empty then.
    pub(super) fn take_full(&mut self) -> Option<Chunk> {
        if !matches!(self.0, Kind::Full(_)) {
            return None;
        }
        match std::mem::take(&mut self.0) {
            Kind::Full(chunk) => Some(chunk),
            _ => None,
        }
    }

    /// This body with a piece in front of it that was taken out already.
    pub(super) fn preceded_by(self, first: Chunk) -> Body {
        let length = self.length().map(|length| length + first.len() as u64);
        Body::stream(Preceded { first: Some(first), rest: self }, length)
    }

    /// Collects the whole body in memory.
    ///
    /// # Errors
    /// `BodyTooLarge` beyond `limit` bytes; whatever the source reports.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await {
            let chunk = chunk?;
            if all.len() + chunk.len() > limit {
                return Err(RequestError::BodyTooLarge.into());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

struct Preceded {
    first: Option<Chunk>,
    rest: Body,
}

impl BodySource for Preceded {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        match self.first.take() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None => self.rest.poll_chunk(cx),
        }
    }
}

/// The future of [`Body::chunk`].
#[must_use = "futures do nothing unless polled"]
pub struct NextChunk<'a> {
    body: &'a mut Body,
}

impl Future for NextChunk<'_> {
    type Output = Option<Result<Chunk, BodyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.body.poll_chunk(cx)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::full(Chunk::Static(text.as_bytes()))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::full(Chunk::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::full(Chunk::Owned(bytes))
    }
}
