//! The request decoder: bytes in, a checked request head out. It never touches a socket.
//!
//! The problem: a head can come in any number of pieces, can lie about the length of what follows, and can be
//! written by somebody who hopes that two programs read it differently.
//!
//! ```text
//!   bytes so far --> HeadScan: is the empty line there?  no: None, remember how far we looked
//!                                                        yes: its length
//!   the head's bytes --> Head::parse: httparse cuts it up, then every rule that decides where the
//!                        body ends and whom it is for is checked here, once
//! ```
//!
//! 1. Each byte is looked at once by the scan, however the head is cut up; then the head is parsed once. Parsing
//!    again after every read makes a head that comes byte by byte cost its length squared.
//! 2. A line ends in CR LF. A lone LF is refused at once: some programs take it for a line end and some do not.
//! 3. Exactly one reading of the body's length, or a refusal (RFC 9112, 6.3). No repair.
//! 4. Headers are ranges into one owned copy of the head: no allocation per header.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::error::RequestError;
use super::limits::{Limits, MAX_HEADERS};
use super::method::Method;
use super::pool::Reuse;
use super::uri::{self, TargetParts};

/// The room for a method and a version that is left in a request line besides its target.
const REQUEST_LINE_EXTRA: usize = 64;

/// Empty lines that are skipped in front of a request line. RFC 9112, 2.2 asks for one; old clients send it
/// behind a body.
const EMPTY_LINES: usize = 2;

/// How far the search for a head's end has come.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeadScan {
    /// Bytes looked at.
    scanned: usize,
    /// Where the current line starts.
    line_start: usize,
    /// Lines seen, and empty lines skipped before the first.
    lines: usize,
    skipped: usize,
    /// Where the request line starts.
    start: usize,
}

impl HeadScan {
    /// Looks at the bytes that came since the last call. `Some`: where the head is; the body starts behind it.
    ///
    /// # Errors
    /// When the head can no longer become a good one.
    pub fn advance(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<Range<usize>>, RequestError> {
        while let Some(offset) = bytes[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let line_end = self.scanned + offset;
            self.scanned = line_end + 1;
            if line_end == self.line_start || bytes[line_end - 1] != b'\r' {
                return Err(RequestError::LineEnd);
            }
            let is_empty = line_end - 1 == self.line_start;
            self.line_start = line_end + 1;
            if !is_empty {
                self.lines += 1;
                self.check_size(limits)?;
            } else if self.lines > 0 {
                return Ok(Some(self.start..self.scanned));
            } else {
                self.skip_empty_line()?;
            }
        }
        self.scanned = bytes.len();
        self.check_size(limits)?;
        Ok(None)
    }

    /// Whether any byte of a request has come: empty lines do not count.
    pub fn has_begun(&self) -> bool {
        self.scanned > self.start
    }

    fn skip_empty_line(&mut self) -> Result<(), RequestError> {
        self.skipped += 1;
        self.start = self.scanned;
        if self.skipped > EMPTY_LINES { Err(RequestError::RequestLine) } else { Ok(()) }
    }

    fn check_size(&self, limits: &Limits) -> Result<(), RequestError> {
        let length = self.scanned - self.start;
        let in_request_line = self.lines == 0;
        let first_line = if in_request_line { length } else { 0 };
        if first_line > limits.target + REQUEST_LINE_EXTRA {
            return Err(RequestError::TargetTooLong);
        }
        if length > limits.head || self.lines > limits.headers + 1 {
            return Err(RequestError::HeadersTooLarge);
        }
        Ok(())
    }
}

/// How the end of a request's body is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks, until one of size 0.
    Chunked,
}

/// One header: two ranges of the head's bytes.
#[derive(Clone, Debug)]
struct HeaderSpan {
    name: Range<usize>,
    value: Range<usize>,
}

/// A request's head: checked, owned, and reused from request to request.
#[derive(Debug)]
pub struct Head {
    bytes: Vec<u8>,
    headers: Vec<HeaderSpan>,
    target: Range<usize>,
    parts: TargetParts,
    host: Option<Range<usize>>,
    method: Method,
    minor_version: u8,
    framing: Framing,
    expects_continue: bool,
    keep_alive: bool,
    /// Path parameters, decoded: filled by the router, in the order of the pattern's names.
    params: Vec<String>,
}

impl Head {
    /// Reads a whole head, from its request line to its empty line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), RequestError> {
        self.clean();
        self.bytes.extend_from_slice(bytes);
        lower_minor_version(&mut self.bytes)?;
        let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut []);
        let source = std::mem::take(&mut self.bytes);
        let parsed = request.parse_with_uninit_headers(&source, &mut storage);
        let complete = parsed.map_err(syntax_error)?.is_complete();
        let (Some(method), Some(target), Some(version), true) =
            (request.method, request.path, request.version, complete)
        else {
            return Err(RequestError::RequestLine);
        };
        let span = |part: &[u8]| {
            let start = part.as_ptr() as usize - source.as_ptr() as usize;
            start..start + part.len()
        };
        self.target = span(target.as_bytes());
        self.minor_version = version;
        for header in &*request.headers {
            self.headers.push(HeaderSpan { name: span(header.name.as_bytes()), value: span(header.value) });
        }
        let method = Method::from_bytes(method.as_bytes());
        self.bytes = source;
        self.check(method, limits)
    }

    /// The rules that need the headers' meaning.
    fn check(&mut self, method: Option<Method>, limits: &Limits) -> Result<(), RequestError> {
        if self.target.len() > limits.target {
            return Err(RequestError::TargetTooLong);
        }
        let fields = self.read_fields()?;
        self.check_host(&fields)?;
        self.framing = fields.framing(self.minor_version)?;
        if self.framing != Framing::None
            && matches!(self.framing, Framing::Length(length) if length > limits.body)
        {
            return Err(RequestError::BodyTooLarge);
        }
        self.method = method.ok_or(RequestError::Method)?;
        self.check_target()?;
        self.keep_alive =
            if self.minor_version == 0 { fields.keep_alive && !fields.close } else { !fields.close };
        self.expects_continue = fields.expects_continue && self.minor_version > 0;
        if fields.unknown_expectation && self.minor_version > 0 {
            return Err(RequestError::Expectation);
        }
        Ok(())
    }

    /// One pass over the headers for those that the connection itself must understand.
    fn read_fields(&mut self) -> Result<Fields, RequestError> {
        let mut fields = Fields::default();
        for header in &self.headers {
            let value = &self.bytes[header.value.clone()];
            let name = &self.bytes[header.name.clone()];
            // The length decides first: most headers are none of these, and cost one comparison.
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"host") => fields.host(header.value.clone())?,
                6 if name.eq_ignore_ascii_case(b"expect") => fields.expect(value),
                10 if name.eq_ignore_ascii_case(b"connection") => fields.connection(value),
                14 if name.eq_ignore_ascii_case(b"content-length") => fields.content_length(value)?,
                17 if name.eq_ignore_ascii_case(b"transfer-encoding") => fields.transfer_encoding(value),
                _ => {}
            }
        }
        Ok(fields)
    }

    fn check_host(&mut self, fields: &Fields) -> Result<(), RequestError> {
        self.host.clone_from(&fields.host);
        match &self.host {
            None if self.minor_version > 0 => Err(RequestError::Host),
            // An empty Host is allowed: the client has no name for us (RFC 9110, 7.2).
            Some(host) if !host.is_empty() && !uri::is_authority(&self.bytes[host.clone()]) => {
                Err(RequestError::Host)
            }
            _ => Ok(()),
        }
    }

    /// Which forms of a target go with which method: RFC 9112, 3.2.
    fn check_target(&mut self) -> Result<(), RequestError> {
        let start = self.target.start;
        let target = &self.bytes[self.target.clone()];
        match (self.method, target) {
            // Understood, but this server opens no tunnels.
            (Method::Connect, target) if uri::is_authority(target) => return Err(RequestError::Method),
            (Method::Connect, _) => return Err(RequestError::Target),
            (Method::Options, b"*") => {
                self.parts = TargetParts { path: self.target.clone(), query: None, authority: None };
                return Ok(());
            }
            _ => {}
        }
        let parts = uri::split_target(target).ok_or(RequestError::Target)?;
        let shift = |range: Range<usize>| range.start + start..range.end + start;
        self.parts = TargetParts {
            path: shift(parts.path),
            query: parts.query.map(shift),
            authority: parts.authority.map(shift),
        };
        // The target's own authority overrides Host (RFC 9112, 3.2.2).
        if let Some(authority) = &self.parts.authority {
            self.host = Some(authority.clone());
        }
        Ok(())
    }

    /// What the request wants done.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path, still percent-encoded; `*` for `OPTIONS *`.
    pub fn path(&self) -> &str {
        if self.parts.path.is_empty() { "/" } else { self.text(&self.parts.path) }
    }

    /// What stands behind the `?`, still encoded.
    pub fn query(&self) -> Option<&str> {
        self.parts.query.as_ref().map(|query| self.text(query))
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
        self.headers.iter().map(|header| (self.text(&header.name), &self.bytes[header.value.clone()]))
    }

    /// Decoded path parameters, in the order of the pattern.
    pub fn params(&self) -> &[String] {
        &self.params
    }

    /// Stores the path parameters that the router found.
    pub fn set_params(&mut self, params: impl Iterator<Item = String>) {
        self.params.clear();
        self.params.extend(params);
    }

    /// A part that the checks above have found to be ASCII.
    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }
}

impl Reuse for Head {
    fn fresh() -> Head {
        Head {
            bytes: Vec::new(),
            headers: Vec::new(),
            target: 0..0,
            parts: TargetParts { path: 0..0, query: None, authority: None },
            host: None,
            method: Method::Get,
            minor_version: 1,
            framing: Framing::None,
            expects_continue: false,
            keep_alive: false,
            params: Vec::new(),
        }
    }

    fn clean(&mut self) -> bool {
        self.bytes.clear();
        self.headers.clear();
        self.params.clear();
        // One huge head must not make a small pool large for ever.
        self.bytes.capacity() <= 8 * 1024
    }
}

/// What was learned from the headers that concern the connection.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a question with its own answer")]
struct Fields {
    host: Option<Range<usize>>,
    content_length: Option<u64>,
    /// Transfer codings seen in all lines together, how many of them are `chunked`, and whether that is the last.
    codings: usize,
    chunked: usize,
    chunked_is_last: bool,
    has_transfer_encoding: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    unknown_expectation: bool,
}

impl Fields {
    fn host(&mut self, value: Range<usize>) -> Result<(), RequestError> {
        if self.host.replace(value).is_some() { Err(RequestError::Host) } else { Ok(()) }
    }

    fn expect(&mut self, value: &[u8]) {
        if value.eq_ignore_ascii_case(b"100-continue") {
            self.expects_continue = true;
        } else {
            self.unknown_expectation = true;
        }
    }

    fn connection(&mut self, value: &[u8]) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// One line of digits. A second one is refused even if it says the same: somebody before us may have
    /// believed the other.
    fn content_length(&mut self, value: &[u8]) -> Result<(), RequestError> {
        let length = parse_digits(value)?;
        if self.content_length.replace(length).is_some() { Err(RequestError::Framing) } else { Ok(()) }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        self.has_transfer_encoding = true;
        for coding in list(value) {
            self.codings += 1;
            self.chunked_is_last = coding.eq_ignore_ascii_case(b"chunked");
            self.chunked += usize::from(self.chunked_is_last);
        }
    }

    /// RFC 9112, 6.1 and 6.3.
    fn framing(&self, minor_version: u8) -> Result<Framing, RequestError> {
        if !self.has_transfer_encoding {
            return Ok(match self.content_length {
                None | Some(0) => Framing::None,
                Some(length) => Framing::Length(length),
            });
        }
        // HTTP/1.0 does not know Transfer-Encoding: somebody between the client and us may have ignored it.
        if self.content_length.is_some() || minor_version == 0 || self.chunked != 1 || !self.chunked_is_last {
            return Err(RequestError::Framing);
        }
        if self.codings > 1 { Err(RequestError::TransferCoding) } else { Ok(Framing::Chunked) }
    }
}

/// The members of a comma-separated list, without the white space around them.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Digits and nothing else. `str::parse` would take `+5`.
fn parse_digits(value: &[u8]) -> Result<u64, RequestError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(RequestError::Framing);
    }
    let digits = value.iter().map(|byte| u64::from(byte - b'0'));
    let number =
        digits.into_iter().try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(digit));
    // More than 64 bits is a number all right, and larger than any limit.
    number.ok_or(RequestError::BodyTooLarge)
}

/// Refuses other major versions, and reads HTTP/1.2 and later as HTTP/1.1 (RFC 9110, 2.5).
fn lower_minor_version(head: &mut [u8]) -> Result<(), RequestError> {
    let Some(line_end) = head.iter().position(|byte| *byte == b'\r') else { return Ok(()) };
    let Some(version) = line_end.checked_sub(8).map(|start| &mut head[start..line_end]) else {
        return Ok(());
    };
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else { return Ok(()) };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return Ok(()); // Not a version at all: the parser says so.
    }
    if *major != b'1' {
        return Err(RequestError::Version);
    }
    *minor = (*minor).min(b'1');
    Ok(())
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
