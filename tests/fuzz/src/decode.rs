//! Our decoder, driven by hand: pieces of a byte stream in, the requests in it out.
//!
//! It uses the low-level parser that the library makes public for this: `HeadScan`, `Head` and `ChunkedDecoder`
//! take bytes and know no sockets. What drives them here is as plain as it can be; `connection.rs` drives the real one.

use std::ops::Range;

use glassbox::http::chunked::{ChunkedDecoder, Decoded};
use glassbox::http::fields::Framing;
use glassbox::http::head::Head;
use glassbox::http::pool::Reuse;
use glassbox::http::scan::HeadScan;
use glassbox::http::{Limits, RequestError};

/// A request as it came out of a byte stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// Where its head begins and ends in the stream, skipped empty lines not included.
    pub head: std::ops::Range<usize>,
    /// The method's name.
    pub method: String,
    /// The target as it was sent.
    pub target: String,
    /// The target's path, `/` if it has none.
    pub path: String,
    /// What stands behind the `?`.
    pub query: Option<String>,
    /// 0 or 1.
    pub minor_version: u8,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body, or `None` if it is broken or incomplete.
    pub body: Option<Vec<u8>>,
}

/// Why no further request came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The stream ended, perhaps inside of a request.
    Input,
    /// The last request was the last by its own word.
    Close,
    /// What came next was refused.
    Refused(RequestError),
}

/// All that was in a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// The requests whose heads were accepted.
    pub exchanges: Vec<Exchange>,
    /// What came behind them.
    pub end: End,
    /// Where in the stream the last thing was found.
    pub rest: usize,
}

/// What is being read.
enum State {
    Head(Option<HeadScan>),
    Length(u64),
    Chunked(ChunkedDecoder),
}

struct Reader<'a> {
    limits: &'a Limits,
    input: Vec<u8>,
    /// How much of the stream was consumed before `input`.
    offset: usize,
    /// For the short way. Kept, since it knows the Host of the head before.
    short: Head,
    state: State,
    body: Vec<u8>,
    exchanges: Vec<Exchange>,
    keep: bool,
}

/// Reads requests until the end, a refusal, or a request that wants to be the last.
pub fn decode(pieces: &[&[u8]], limits: &Limits) -> Story {
    let mut reader = Reader {
        limits,
        input: Vec::new(),
        offset: 0,
        short: Head::fresh(),
        state: State::Head(None),
        body: Vec::new(),
        exchanges: Vec::new(),
        keep: true,
    };
    let mut end = End::Input;
    for piece in pieces {
        reader.input.extend_from_slice(piece);
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => {
                end = End::Close;
                break;
            }
            Err(error) => {
                end = End::Refused(error);
                break;
            }
        }
    }
    Story { exchanges: reader.exchanges, end, rest: reader.offset }
}

impl Reader<'_> {
    /// Takes all that the input holds. `false`: no further request may come.
    fn advance(&mut self) -> Result<bool, RequestError> {
        loop {
            if !self.keep && matches!(self.state, State::Head(_)) {
                return Ok(false);
            }
            let over = match self.state {
                State::Head(scan) => {
                    if !self.take_head(scan)? {
                        return Ok(true);
                    }
                    matches!(self.state, State::Length(0))
                }
                State::Length(left) => self.take_length(left),
                State::Chunked(decoder) => self.take_chunked(decoder)?,
            };
            if over {
                let body = std::mem::take(&mut self.body);
                let exchange = self.exchanges.last_mut().expect("cannot have a body without a head");
                exchange.body = Some(body);
                self.state = State::Head(None);
            } else if self.input.is_empty() {
                return Ok(true);
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.input.drain(..count);
        self.offset += count;
    }

    /// Takes the long way, on which a head may come in pieces, and looks whether the short one agrees.
    fn take_head(&mut self, begun: Option<HeadScan>) -> Result<bool, RequestError> {
        let length = if begun.is_none() { self.short.parse_plain(&self.input, self.limits) } else { None };
        let mut scan = begun.unwrap_or_default();
        let taken = self.take_head_the_long_way(&mut scan);
        if let Some(length) = length {
            let (head, range) = taken.as_ref().ok().and_then(Option::as_ref).expect("both ways take it");
            assert_eq!(*range, 0..length, "where the head ends");
            assert_eq!(format!("{:?}", self.short), format!("{head:?}"), "what it says");
        }
        let Some((head, range)) = taken? else {
            self.state = State::Head(Some(scan));
            return Ok(false);
        };
        self.keep = head.keep_alive();
        let place = self.offset + range.start..self.offset + range.end;
        self.exchanges.push(exchange(&head, place));
        self.consume(range.end);
        self.state = match head.framing() {
            Framing::None => State::Length(0),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(ChunkedDecoder::new(self.limits)),
        };
        Ok(true)
    }

    fn take_head_the_long_way(
        &self,
        scan: &mut HeadScan,
    ) -> Result<Option<(Head, Range<usize>)>, RequestError> {
        let Some(range) = scan.advance(&self.input, self.limits)? else { return Ok(None) };
        let mut head = Head::fresh();
        head.parse(&self.input[range.clone()], self.limits)?;
        Ok(Some((head, range)))
    }

    fn take_length(&mut self, left: u64) -> bool {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.input.len());
        self.body.extend_from_slice(&self.input[..take]);
        self.consume(take);
        let left = left - take as u64;
        self.state = State::Length(left);
        left == 0
    }

    fn take_chunked(&mut self, mut decoder: ChunkedDecoder) -> Result<bool, RequestError> {
        let over = match decoder.decode(&self.input)? {
            Decoded::Data { skip, length } => {
                assert!(length > 0, "a piece of no length");
                self.body.extend_from_slice(&self.input[skip..skip + length]);
                self.consume(skip + length);
                false
            }
            Decoded::NeedMore => {
                self.consume(self.input.len());
                false
            }
            Decoded::End { skip } => {
                self.consume(skip);
                true
            }
        };
        self.state = State::Chunked(decoder);
        Ok(over)
    }
}

fn exchange(head: &Head, place: std::ops::Range<usize>) -> Exchange {
    let headers = head.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_vec()));
    Exchange {
        head: place,
        method: head.method().as_str().to_owned(),
        target: head.target().to_owned(),
        path: head.path().to_owned(),
        query: head.query().map(str::to_owned),
        minor_version: head.minor_version(),
        headers: headers.collect(),
        body: None,
    }
}
