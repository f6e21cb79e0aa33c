//! The chunked decoder (RFC 9112, 7.1): a state machine that eats bytes in any portions.
//!
//! ```text
//!   5;name="v"\r\n hello\r\n 0\r\n Trailer: x\r\n \r\n
//!   |size|  ext   | data    |last| trailers  | end
//! ```
//!
//! 1. Each byte is looked at once and none is kept: a chunk that comes one byte at a time costs no memory.
//! 2. Sizes are hex digits and nothing else: no `0x`, no sign, no underscore; more than 64 bits is refused.
//! 3. Extensions and trailers are checked against the grammar, counted against a limit, and thrown away.
//! 4. It stops behind the last byte of the body: what follows is the next request.

use super::error::RequestError;
use super::limits::Limits;
use super::token::{is_text, is_token};

/// Sixteen hex digits are 64 bits. A few leading zeros more are harmless, but there must be an end to them.
const MAX_DIGITS: u8 = 32;

/// Where in the body the decoder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first digit of a size; then inside the digits.
    SizeStart,
    Size,
    /// White space before a `;`, or around a name; RFC 9112 calls it "bad" but allows it.
    BeforeExtension,
    ExtensionName {
        empty: bool,
    },
    AfterName,
    ExtensionValue {
        empty: bool,
    },
    Quoted,
    QuotedPair,
    AfterQuoted,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

/// What the decoder found at the front of its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// Skip this many bytes of framing; then this many bytes of data follow.
    Data {
        /// Bytes before the data.
        skip: usize,
        /// Bytes of data. At least 1.
        length: usize,
    },
    /// All input is eaten and more is needed.
    NeedMore,
    /// The body is over; it ended this many bytes in.
    End {
        /// Bytes that still belonged to the body's framing.
        skip: usize,
    },
}

/// Decodes one chunked body.
#[derive(Clone, Copy, Debug)]
pub struct ChunkedDecoder {
    state: State,
    /// The size being read; then the bytes of the chunk that are left.
    size: u64,
    /// How many digits it has so far.
    digits: u8,
    /// All data so far, and what is allowed.
    total: u64,
    max_total: u64,
    /// Bytes of extensions that are still allowed, and the most that can be saved up. Each byte of data allows one
    /// more: an honest client may sign every chunk, a hostile one cannot make us read framing for ever.
    extensions_left: u64,
    extensions_max: u64,
    /// Bytes of trailers that are still allowed.
    trailers_left: usize,
}

impl ChunkedDecoder {
    /// A decoder before the first byte.
    pub fn new(limits: &Limits) -> ChunkedDecoder {
        ChunkedDecoder {
            state: State::SizeStart,
            size: 0,
            digits: 0,
            total: 0,
            max_total: limits.body,
            extensions_left: limits.chunk_extensions as u64,
            extensions_max: limits.chunk_extensions as u64,
            trailers_left: limits.trailers,
        }
    }

    /// Looks at the input from its front. The caller removes what was skipped and the data, and calls again.
    ///
    /// # Errors
    /// When the framing is malformed or a limit is reached. The connection cannot go on after that.
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, RequestError> {
        for (skip, &byte) in input.iter().enumerate() {
            match self.state {
                State::Data => return Ok(self.take_data(skip, input.len() - skip)),
                State::End => return Ok(Decoded::End { skip }),
                _ => self.eat(byte)?,
            }
        }
        if self.state == State::End { Ok(Decoded::End { skip: input.len() }) } else { Ok(Decoded::NeedMore) }
    }

    fn take_data(&mut self, skip: usize, available: usize) -> Decoded {
        let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(available);
        self.size -= length as u64;
        if self.size == 0 {
            self.state = State::DataReturn;
        }
        Decoded::Data { skip, length }
    }

    /// One byte of framing.
    fn eat(&mut self, byte: u8) -> Result<(), RequestError> {
        self.state = match (self.state, byte) {
            (State::SizeStart | State::Size, _) => self.eat_size(byte)?,
            (
                State::BeforeExtension
                | State::ExtensionName { .. }
                | State::AfterName
                | State::ExtensionValue { .. }
                | State::Quoted
                | State::QuotedPair
                | State::AfterQuoted,
                _,
            ) => self.eat_extension(byte)?,
            (State::SizeLineFeed, b'\n') => self.begin_chunk()?,
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => State::SizeStart,
            (State::EndLineFeed, b'\n') => State::End,
            (State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLineFeed, _) => {
                self.eat_trailer(byte)?
            }
            _ => return Err(RequestError::Chunk),
        };
        Ok(())
    }

    fn eat_size(&mut self, byte: u8) -> Result<State, RequestError> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            // Sixteen times the size must fit: `checked_mul` refuses the seventeenth digit, unless leading zeros.
            let shifted = self.size.checked_mul(16).ok_or(RequestError::Chunk)?;
            self.size = shifted | u64::from(digit);
            self.digits += 1;
            return if self.digits > MAX_DIGITS { Err(RequestError::Chunk) } else { Ok(State::Size) };
        }
        match (self.state, byte) {
            (State::Size, b'\r') => Ok(State::SizeLineFeed),
            (State::Size, b';') => Ok(State::ExtensionName { empty: true }),
            (State::Size, b' ' | b'\t') => Ok(State::BeforeExtension),
            _ => Err(RequestError::Chunk),
        }
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`
    fn eat_extension(&mut self, byte: u8) -> Result<State, RequestError> {
        self.count_extension()?;
        let next = match (self.state, byte) {
            (State::ExtensionName { empty: true }, b' ' | b'\t') => State::ExtensionName { empty: true },
            (State::ExtensionValue { empty: true }, b' ' | b'\t') => State::ExtensionValue { empty: true },
            (State::ExtensionName { empty: false } | State::AfterName, b' ' | b'\t') => State::AfterName,
            (State::ExtensionValue { empty: false } | State::AfterQuoted, b' ' | b'\t') => {
                State::BeforeExtension
            }
            (State::ExtensionName { .. }, byte) if is_token(byte) => State::ExtensionName { empty: false },
            (State::ExtensionName { empty: false } | State::AfterName, b'=') => {
                State::ExtensionValue { empty: true }
            }
            (State::ExtensionValue { empty: true }, b'"') => State::Quoted,
            (State::ExtensionValue { .. }, byte) if is_token(byte) => State::ExtensionValue { empty: false },
            (State::Quoted, b'"') => State::AfterQuoted,
            (State::Quoted, b'\\') => State::QuotedPair,
            (State::Quoted | State::QuotedPair, byte) if is_text(byte) => State::Quoted,
            (
                State::BeforeExtension
                | State::AfterQuoted
                | State::AfterName
                | State::ExtensionName { empty: false }
                | State::ExtensionValue { empty: false },
                b';',
            ) => State::ExtensionName { empty: true },
            (
                State::AfterQuoted
                | State::ExtensionName { empty: false }
                | State::ExtensionValue { empty: false },
                b'\r',
            ) => State::SizeLineFeed,
            _ => return Err(RequestError::Chunk),
        };
        Ok(next)
    }

    /// A size line is complete: data, or after a size of 0 the trailers.
    fn begin_chunk(&mut self) -> Result<State, RequestError> {
        self.digits = 0;
        self.extensions_left = self.extensions_left.saturating_add(self.size).min(self.extensions_max);
        if self.size == 0 {
            return Ok(State::TrailerStart);
        }
        self.total = self.total.checked_add(self.size).ok_or(RequestError::BodyTooLarge)?;
        if self.total > self.max_total { Err(RequestError::BodyTooLarge) } else { Ok(State::Data) }
    }

    fn eat_trailer(&mut self, byte: u8) -> Result<State, RequestError> {
        self.trailers_left = self.trailers_left.checked_sub(1).ok_or(RequestError::HeadersTooLarge)?;
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::EndLineFeed),
            (State::TrailerStart | State::TrailerName, byte) if is_token(byte) => Ok(State::TrailerName),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerValue, b'\r') => Ok(State::TrailerLineFeed),
            (State::TrailerValue, byte) if is_text(byte) => Ok(State::TrailerValue),
            (State::TrailerLineFeed, b'\n') => Ok(State::TrailerStart),
            _ => Err(RequestError::Chunk),
        }
    }

    fn count_extension(&mut self) -> Result<(), RequestError> {
        self.extensions_left = self.extensions_left.checked_sub(1).ok_or(RequestError::Chunk)?;
        Ok(())
    }
}
