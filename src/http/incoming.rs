//! The request's body, as it comes out of the input buffer. Bytes in, chunks out: no socket here.
//!
//! ```text
//!   Length(left):  the whole buffer becomes the chunk, if all of it belongs to the body: no copy
//!   Chunked:       the data of all chunks in the buffer, copied together
//!   Done           the next byte belongs to the next request
//!   Failed         nobody knows where the next request begins; the connection must end
//! ```

use super::body::{BodyError, Chunk};
use super::buffer::Buffer;
use super::chunked::{ChunkedDecoder, Decoded};
use super::error::RequestError;
use super::fields::Framing;
use super::head::Head;
use super::limits::Limits;
use super::service::Service;

/// How much of a request's body is still to come.
pub(super) struct IncomingBody {
    state: State,
}

/// `continue_due`: the client waits for `100 Continue`, and nobody has asked for the body yet. (Beside this enum it would cost
/// each connection another word; in here it lies beside the tag.)
#[derive(Debug)]
enum State {
    /// All of it was read, or there was none.
    Done,
    Length {
        left: u64,
        continue_due: bool,
    },
    /// Boxed: few requests need one, and every idle connection would hold it.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        continue_due: bool,
    },
    Failed(RequestError),
}

/// In whose hands a request's body is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hands {
    /// The request has none, or its time is over.
    Nobody,
    /// Somebody holds it, and may read it.
    Somebody,
    /// Whoever had it has dropped it.
    LetGo,
}

/// What the input held of a body.
pub(super) enum Taken {
    Piece(Chunk),
    NeedMore,
    Over,
}

impl IncomingBody {
    pub(super) fn none() -> IncomingBody {
        IncomingBody { state: State::Done }
    }

    /// The next request's body begins. The one before is done, or there would be no next request.
    pub(super) fn begin(&mut self, head: &Head, limits: &Limits) {
        debug_assert!(self.is_done(), "bytes of a body were taken for a head");
        let continue_due = head.expects_continue();
        self.state = match head.framing() {
            Framing::None => return, // Most requests. It is done as it is.
            Framing::Length(left) => State::Length { left, continue_due },
            Framing::Chunked => {
                State::Chunked { decoder: Box::new(ChunkedDecoder::new(limits)), continue_due }
            }
        };
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether reading the rest can make the connection usable again. Not if the client still waits for
    /// `100 Continue`: nobody knows whether it will send the body or not.
    pub(super) fn can_be_drained(&self, limit: u64) -> bool {
        match self.state {
            State::Done => true,
            State::Failed(_) => false,
            State::Length { left, continue_due } => !continue_due && left <= limit,
            State::Chunked { continue_due, .. } => !continue_due,
        }
    }

    pub(super) fn fail(&mut self, error: RequestError) {
        self.state = State::Failed(error);
    }

    /// Somebody wants the body. `true`, once: the client waits to be told so.
    pub(super) fn promise(&mut self) -> bool {
        match &mut self.state {
            State::Length { continue_due, .. } | State::Chunked { continue_due, .. } => {
                std::mem::take(continue_due)
            }
            State::Done | State::Failed(_) => false,
        }
    }

    /// Takes a piece of the body out of the input.
    pub(super) fn take(
        &mut self,
        input: &mut Option<Box<Buffer>>,
        service: &Service,
    ) -> Result<Taken, RequestError> {
        match &mut self.state {
            State::Done => Ok(Taken::Over),
            State::Failed(error) => Err(*error),
            State::Length { left, .. } => {
                let left = *left;
                Ok(self.take_length(left, input, service).map_or(Taken::NeedMore, Taken::Piece))
            }
            State::Chunked { decoder, .. } => {
                let taken = take_chunked(decoder, input, service);
                let (taken, over) = taken.inspect_err(|error| self.fail(*error))?;
                if over {
                    self.state = State::Done;
                }
                Ok(taken)
            }
        }
    }

    /// If all input belongs to the body, the buffer itself is the chunk: no copy.
    fn take_length(
        &mut self,
        left: u64,
        input: &mut Option<Box<Buffer>>,
        service: &Service,
    ) -> Option<Chunk> {
        let bytes = input.as_mut()?;
        let available = bytes.len() as u64;
        if available <= left {
            self.state = match left - available {
                0 => State::Done,
                left => State::Length { left, continue_due: false },
            };
            return input.take().map(|input| service.chunk(input));
        }
        let part = usize::try_from(left).expect("cannot exceed the input's length");
        let mut copy = service.buffer_for(part);
        copy.push(&bytes[..part]);
        bytes.consume(part);
        self.state = State::Done;
        Some(service.chunk(copy))
    }

    /// What a read meant for the body: its end before the body's end, and every error, ends it.
    pub(super) fn note_read(&mut self, read: Result<usize, BodyError>) -> Result<(), BodyError> {
        let error = match read {
            Ok(0) => RequestError::Truncated.into(),
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        self.fail(match error {
            BodyError::Request(error) => error,
            BodyError::Io(_) => RequestError::Truncated,
        });
        Err(error)
    }
}

/// Collects the data of all chunks in the input: tiny chunks do not become tiny writes. And whether the body is over.
fn take_chunked(
    decoder: &mut ChunkedDecoder,
    input: &mut Option<Box<Buffer>>,
    service: &Service,
) -> Result<(Taken, bool), RequestError> {
    let Some(bytes) = input.as_mut() else { return Ok((Taken::NeedMore, false)) };
    let most = bytes.len();
    let mut data: Option<Box<Buffer>> = None;
    let over = loop {
        // An error ends the connection, and frees what was collected.
        match decoder.decode(bytes)? {
            Decoded::Data { skip, length } => {
                data.get_or_insert_with(|| service.buffer_for(most)).push(&bytes[skip..skip + length]);
                bytes.consume(skip + length);
            }
            Decoded::NeedMore => {
                bytes.consume(usize::MAX);
                break false;
            }
            Decoded::End { skip } => {
                bytes.consume(skip);
                break true;
            }
        }
    };
    let taken = match data {
        Some(data) => Taken::Piece(service.chunk(data)),
        None if over => Taken::Over,
        None => Taken::NeedMore,
    };
    Ok((taken, over))
}
