//! The request decoder: bytes in, a checked request head out. It never touches a socket.
//!
//! The problem: a head can come in any number of pieces, can lie about the length of what follows, and can be
//! written by somebody who hopes that two programs read it differently.
//!
//! ```text
//!   it is whole and plain:   plain.rs reads it where it lies, in one pass
//!   all others:              scan.rs finds its end, each byte looked at once; then httparse reads it
//!   both:                    fields.rs: what do the headers say about the connection and about the body's length?
//!                            here: do target, method and Host go together?
//! ```
//!
//! 1. Nearly every head is whole and plain. One that is not, or that is refused, goes the long way from its first byte on, so
//!    that what is refused, and why, never depends on how the bytes were cut up.
//! 2. Every rule that decides where the body ends and whom the request is for is checked here. A request that
//!    passes has exactly one reading; one that has more is refused, not repaired.
//! 3. What is kept is one copy of the bytes, and where the few things are that every request is asked for. The other headers
//!    are looked for when somebody asks. So no header costs an allocation, nor does a head: a `Head` is used again for the
//!    next request.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::error::RequestError;
use super::fields::{Fields, Framing};
use super::limits::{Limits, MAX_HEADERS};
use super::method::Method;
use super::plain::{self, RequestLine};
use super::pool::Reuse;
use super::search;
use super::uri::{self, TargetParts};

/// A request's head: checked, owned, and reused from request to request.
#[derive(Debug, Default)]
pub struct Head {
    bytes: Vec<u8>,
    target: Range<usize>,
    /// If the target goes on behind it, that is a `?` and the query.
    path: Range<usize>,
    host: Option<Range<usize>>,
    method: Method,
    minor_version: u8,
    framing: Framing,
    expects_continue: bool,
    keep_alive: bool,
    /// Path parameters: filled by the router, in the order of the pattern's names.
    params: Vec<Param>,
    known_host: KnownHost,
}

/// The latest Host that passed the check. A server has few names, so the next one is most likely equal. `plain::read` compares
/// the next one with it, and does not check an equal one again. It stays when the head is cleaned; no handler can read it.
#[derive(Default)]
struct KnownHost(Vec<u8>);

impl fmt::Debug for KnownHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownHost")
    }
}

impl KnownHost {
    /// Checks a Host, and keeps it if it is good.
    fn admits(&mut self, host: &[u8]) -> bool {
        let good = uri::is_authority(host);
        if good {
            self.0.clear();
            self.0.extend_from_slice(host);
        }
        good
    }
}

/// A path parameter's value.
#[derive(Clone, Debug)]
pub(super) enum Param {
    /// It stands in the path as it is: these bytes of the path.
    Plain(Range<usize>),
    /// It was percent-encoded.
    Decoded(String),
}

impl Head {
    /// Reads a head off the front of `input`, where all that has come lies. How long the head is.
    ///
    /// `None`: it is not whole, or it takes the long way: a search for its end by `HeadScan`, then `parse`. What this one
    /// takes, the long way takes too, and reads alike.
    pub fn parse_plain(&mut self, input: &[u8], limits: &Limits) -> Option<usize> {
        let mut fields = Fields::default();
        self.bytes.clear(); // Parameters only a router finds, and the pool cleans what it lends.
        let (line, length) = plain::read(input, limits, &self.known_host.0, &mut fields)?;
        let head = &input[..length];
        self.check(head, line, &fields, limits).ok()?;
        self.bytes.extend_from_slice(head);
        Some(length)
    }

    /// Reads a whole head, from its request line to its empty line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), RequestError> {
        self.clean();
        let mut own = std::mem::take(&mut self.bytes);
        own.extend_from_slice(bytes);
        let result = self.parse_own(&mut own, limits);
        self.bytes = own;
        result
    }

    fn parse_own(&mut self, own: &mut [u8], limits: &Limits) -> Result<(), RequestError> {
        let error = match read_with_httparse(own) {
            Ok(read) => return self.check_long(own, read, limits),
            Err(error) => error,
        };
        // A version that the parser does not know may be a later one, and still be understood.
        if error != httparse::Error::Version || !lower_minor_version(own)? {
            return Err(syntax_error(error));
        }
        let read = read_with_httparse(own).map_err(syntax_error)?;
        self.check_long(own, read, limits)
    }

    /// The checks of the long way. Of two faults, the client hears of the target that is too long.
    fn check_long(&mut self, own: &[u8], read: Parsed<'_>, limits: &Limits) -> Result<(), RequestError> {
        let (line, fields) = read;
        if line.target.len() > limits.target {
            return Err(RequestError::TargetTooLong);
        }
        self.check(own, line, &fields?, limits)
    }

    /// The rules that need the meaning of what stands in `bytes`, the head.
    #[inline(always)] // See `plain::read`. (By callgrind, saves 42 of 2,000 instructions for a request.)
    fn check(
        &mut self,
        bytes: &[u8],
        line: RequestLine<'_>,
        fields: &Fields<'_>,
        limits: &Limits,
    ) -> Result<(), RequestError> {
        self.target = span(bytes, line.target);
        self.minor_version = line.minor_version;
        self.check_host(bytes, fields)?;
        self.framing = fields.framing(self.minor_version)?;
        if matches!(self.framing, Framing::Length(length) if length > limits.body) {
            return Err(RequestError::BodyTooLarge);
        }
        self.method = line.method.ok_or(RequestError::Method)?;
        self.check_target(line)?;
        self.keep_alive =
            if self.minor_version == 0 { fields.keep_alive && !fields.close } else { !fields.close };
        self.expects_continue = fields.expects_continue && self.minor_version > 0;
        if fields.unknown_expectation && self.minor_version > 0 {
            return Err(RequestError::Expectation);
        }
        Ok(())
    }

    fn check_host(&mut self, bytes: &[u8], fields: &Fields<'_>) -> Result<(), RequestError> {
        self.host = fields.host.map(|host| span(bytes, host));
        match fields.host {
            None if self.minor_version > 0 => Err(RequestError::Host),
            // An empty Host is allowed: the client has no name for us (RFC 9110, 7.2).
            Some(host) if !host.is_empty() && !fields.host_is_known && !self.known_host.admits(host) => {
                Err(RequestError::Host)
            }
            _ => Ok(()),
        }
    }

    /// Which forms of a target go with which method: RFC 9112, 3.2.
    #[inline(always)] // See `plain::read`.
    fn check_target(&mut self, line: RequestLine<'_>) -> Result<(), RequestError> {
        // The short way has looked at each byte. What begins with a slash needs no more.
        if let (Some(end), [b'/', ..]) = (line.path_end, line.target)
            && self.method != Method::Connect
        {
            self.path = self.target.start..self.target.start + end;
            return Ok(());
        }
        self.check_any_target(line.target)
    }

    #[cold] // Rarer, and so not inlined.
    fn check_any_target(&mut self, target: &[u8]) -> Result<(), RequestError> {
        let parts = match self.method {
            // Understood, but this server opens no tunnels.
            Method::Connect if uri::is_authority(target) => return Err(RequestError::Method),
            Method::Connect => return Err(RequestError::Target),
            Method::Options if target == b"*" => TargetParts { path: 0..1, authority: None },
            _ => uri::split_target(target).ok_or(RequestError::Target)?,
        };
        let start = self.target.start;
        // The target's own authority overrides Host (RFC 9112, 3.2.2).
        if let Some(authority) = parts.authority {
            self.host = Some(start + authority.start..start + authority.end);
        }
        self.path = start + parts.path.start..start + parts.path.end;
        Ok(())
    }

    /// What the request wants done.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path, still percent-encoded; `*` for `OPTIONS *`.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { self.text(&self.path) }
    }

    /// What stands behind the `?`, still encoded.
    pub fn query(&self) -> Option<&str> {
        (self.path.end < self.target.end).then(|| self.text(&(self.path.end + 1..self.target.end)))
    }

    /// The target as it was sent.
    pub fn target(&self) -> &str {
        self.text(&self.target)
    }

    /// Whom the request is for: `host` or `host:port`.
    pub fn host(&self) -> Option<&str> {
        self.host.as_ref().map(|host| self.text(host))
    }

    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// How long the body is.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Whether the client allows another request on this connection.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// The first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers, in the order in which they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let line_end = search::line_feed(&self.bytes).unwrap_or(self.bytes.len());
        Headers(self.bytes.get(line_end + 1..).unwrap_or_default())
    }

    /// A path parameter, decoded.
    pub(super) fn param(&self, index: usize) -> Option<&str> {
        match self.params.get(index)? {
            Param::Plain(range) => self.path().get(range.clone()),
            Param::Decoded(text) => Some(text),
        }
    }

    /// The path's bytes, and the list of its parameters, for the router to fill.
    pub(super) fn path_and_params(&mut self) -> (&[u8], &mut Vec<Param>) {
        let path = if self.path.is_empty() { b"/" } else { &self.bytes[self.path.clone()] };
        (path, &mut self.params)
    }

    /// A part that the checks above have found to be ASCII.
    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }
}

impl Reuse for Head {
    fn fresh() -> Head {
        Head::default()
    }

    fn clean(&mut self) -> bool {
        self.bytes.clear();
        self.params.clear();
        // One huge head must not make a small pool large for ever.
        self.bytes.capacity() + self.known_host.0.capacity() <= 8 * 1024
    }
}

/// Where `part`, which lies in `bytes`, stands in them.
fn span(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
    start..start + part.len()
}

/// The headers of a head that was found to be good, from its second line on.
struct Headers<'a>(&'a [u8]);

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = self.0.split_at_checked(search::line_feed(self.0)? + 1)?;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            self.0 = &[]; // The empty line: the end.
            return None;
        };
        self.0 = rest;
        Some((std::str::from_utf8(&line[..colon]).unwrap_or_default(), line[colon + 1..].trim_ascii()))
    }
}

/// What httparse finds: the request line, and either what the headers say or what is wrong with them.
type Parsed<'a> = (RequestLine<'a>, Result<Fields<'a>, RequestError>);

/// Lets httparse read a head.
fn read_with_httparse(bytes: &[u8]) -> Result<Parsed<'_>, httparse::Error> {
    let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut storage)?;
    let (Some(method), Some(target), Some(minor_version), true) =
        (request.method, request.path, request.version, status.is_complete())
    else {
        return Err(httparse::Error::Token);
    };
    let mut fields = Fields::default();
    let read =
        request.headers.iter().try_for_each(|header| fields.note(header.name.as_bytes(), header.value));
    let method = Method::from_bytes(method.as_bytes());
    let line = RequestLine { method, target: target.as_bytes(), path_end: None, minor_version };
    Ok((line, read.map(|()| fields)))
}

/// Refuses other major versions, and reads HTTP/1.2 and later as HTTP/1.1 (RFC 9110, 2.5). `false`: there is nothing
/// to lower, what stands there is no version at all.
fn lower_minor_version(head: &mut [u8]) -> Result<bool, RequestError> {
    let line_end = head.iter().position(|byte| *byte == b'\r');
    let Some(start) = line_end.and_then(|end| end.checked_sub(8)) else { return Ok(false) };
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = &mut head[start..start + 8] else {
        return Ok(false);
    };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return Ok(false);
    }
    if *major != b'1' {
        return Err(RequestError::Version);
    }
    let lower = *minor > b'1';
    *minor = (*minor).min(b'1');
    Ok(lower)
}

fn syntax_error(error: httparse::Error) -> RequestError {
    match error {
        httparse::Error::Token | httparse::Error::Version | httparse::Error::Status => {
            RequestError::RequestLine
        }
        httparse::Error::NewLine => RequestError::LineEnd,
        httparse::Error::TooManyHeaders => RequestError::HeadersTooLarge,
        _ => RequestError::Header,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways find the same path and query.
    #[test]
    fn path_and_query() {
        for (method, target, path, query) in [
            ("GET", "/", "/", None),
            ("GET", "/?", "/", Some("")),
            ("GET", "/a?b?c", "/a", Some("b?c")),
            ("GET", "http://h", "/", None),
            ("GET", "http://h?x", "/", Some("x")),
            ("GET", "http://h/a?x", "/a", Some("x")),
            ("OPTIONS", "*", "*", None),
        ] {
            let bytes = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
            let (mut short, mut long) = (Head::fresh(), Head::fresh());
            assert_eq!(short.parse_plain(&bytes, &Limits::default()), Some(bytes.len()), "{target}");
            assert_eq!(long.parse(&bytes, &Limits::default()), Ok(()), "{target}");
            for head in [short, long] {
                assert_eq!((head.target(), head.path(), head.query()), (target, path, query));
            }
        }
    }
}
