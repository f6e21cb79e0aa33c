//! A strict reader of HTTP/1.1 responses. It forgives nothing that a browser would.
//!
//! The server under test is the one that answers, so this side must notice what a lenient client hides: two framings,
//! a length that does not fit, an octet too many, a header that bends the grammar. Any of these is an `Err` with a
//! reason, and the case fails.
//!
//! 1. `parse` never reads past the message. What is left over is the start of the next one, and must look like it.
//! 2. The body is framed by exactly one of: nothing (HEAD, 1xx, 204, 304), `Content-Length`, `chunked`, the end of the
//!    connection.
//! 3. Nothing is trimmed or repaired, except the optional whitespace around a header value.
//!
//! Left out: chunk extensions, transfer codings other than chunked, and a 101. The server has no reason to send them.

/// How the end of the body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    UntilClose,
}

#[derive(Clone, Debug)]
#[allow(dead_code, reason = "some fields are only shown")]
pub struct Response {
    pub status: u16,
    /// The minor version: 0 or 1.
    pub minor: u8,
    /// Names in lower case. Each octet of a value is one `char`, so that nothing is lost.
    pub headers: Vec<(String, String)>,
    pub framing: Framing,
    pub body: Vec<u8>,
}

impl Response {
    /// The values of a header, joined as one list.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.headers.iter().filter(|header| header.0 == name).map(|header| header.1.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether a list header has this member, in any case.
    pub fn lists(&self, name: &str, member: &str) -> bool {
        let value = self.header(name).unwrap_or_default();
        value.split(',').any(|item| item.trim_matches([' ', '\t']).eq_ignore_ascii_case(member))
    }

    pub fn closes(&self) -> bool {
        self.lists("connection", "close")
    }
}

#[derive(Debug)]
pub enum Parsed {
    /// The head is not complete.
    Nothing,
    /// The head is complete, the body is not.
    Part(Response),
    /// A whole message, and how many octets it took.
    Whole(Response, usize),
}

/// Reads one response from the front of `bytes`. `at_end` says that no more will come.
pub fn parse(bytes: &[u8], to_head: bool, at_end: bool) -> Result<Parsed, String> {
    let start = b"HTTP/1.";
    let shown = bytes.len().min(start.len());
    if bytes[..shown] != start[..shown] {
        return Err("what follows is not the start of a response".to_string());
    }
    let Some(head) = find(bytes, b"\r\n\r\n") else { return Ok(Parsed::Nothing) };
    let mut lines = split_lines(&bytes[..head])?.into_iter();
    let (minor, status) = status_line(lines.next().unwrap_or_default())?;
    let headers = lines.map(header_line).collect::<Result<Vec<_>, _>>()?;
    once_each(&headers)?;
    let framing = framing(&headers, status, to_head)?;
    let mut response = Response { status, minor, headers, framing, body: Vec::new() };

    let rest = &bytes[head + 4..];
    let (body, taken) = match framing {
        Framing::Nothing => (Vec::new(), Some(0)),
        Framing::Length(length) => {
            (rest[..length.min(rest.len())].to_vec(), (rest.len() >= length).then_some(length))
        }
        Framing::Chunked => dechunk(rest)?,
        Framing::UntilClose => (rest.to_vec(), at_end.then_some(rest.len())),
    };
    response.body = body;
    Ok(match taken {
        Some(taken) => Parsed::Whole(response, head + 4 + taken),
        None => Parsed::Part(response),
    })
}

/// Splits at CRLF. A CR or LF on its own is an error.
fn split_lines(head: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut lines = Vec::new();
    let mut rest = head;
    loop {
        let end = find(rest, b"\r\n").unwrap_or(rest.len());
        if rest[..end].iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err("a CR or LF stands alone in the head".to_string());
        }
        lines.push(&rest[..end]);
        match rest.get(end + 2..) {
            Some(after) => rest = after,
            None => return Ok(lines),
        }
    }
}

/// `HTTP/1.1 200 OK`. The space before an empty reason is required (RFC 9112 4).
fn status_line(line: &[u8]) -> Result<(u8, u16), String> {
    let wrong = || format!("bad status line: {}", show(line));
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), b' ', a, b, c, b' ', reason @ ..] =
        line
    else {
        return Err(wrong());
    };
    let digits = [a, b, c].map(|digit| char::from(*digit).to_digit(10));
    let [Some(a @ 1..=5), Some(b), Some(c)] = digits else { return Err(wrong()) };
    if !reason.iter().copied().all(is_value_byte) {
        return Err(wrong());
    }
    let status = u16::try_from(a * 100 + b * 10 + c).expect("cannot exceed 599");
    Ok((minor - b'0', status))
}

/// `name: value`, the name a token, the value free of control characters.
fn header_line(line: &[u8]) -> Result<(String, String), String> {
    let wrong = || format!("bad header line: {}", show(line));
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(wrong)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty()
        || !name.iter().copied().all(is_token_byte)
        || !value.iter().copied().all(is_value_byte)
    {
        return Err(wrong());
    }
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    Ok((text(name).to_ascii_lowercase(), text(value).trim_matches([' ', '\t']).to_string()))
}

/// Headers that hold one value may stand once (RFC 9110 5.3).
fn once_each(headers: &[(String, String)]) -> Result<(), String> {
    const SINGLE: [&str; 8] = [
        "content-length",
        "content-type",
        "transfer-encoding",
        "date",
        "etag",
        "location",
        "server",
        "retry-after",
    ];
    for name in SINGLE {
        if headers.iter().filter(|header| header.0 == name).count() > 1 {
            return Err(format!("the header {name} stands twice"));
        }
    }
    Ok(())
}

fn framing(headers: &[(String, String)], status: u16, to_head: bool) -> Result<Framing, String> {
    let find = |name: &str| headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str());
    let (length, coding) = (find("content-length"), find("transfer-encoding"));
    if length.is_some() && coding.is_some() {
        return Err("two framings: Content-Length and Transfer-Encoding".to_string());
    }
    let length = length.map(number).transpose()?;
    if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case("chunked")) {
        return Err(format!("unknown transfer coding {coding:?}"));
    }
    if matches!(status, 100..=199 | 204) && (length.is_some() || coding.is_some()) {
        return Err(format!("a {status} cannot have a body, and its header frames one"));
    }
    Ok(match (length, coding) {
        _ if to_head || matches!(status, 100..=199 | 204 | 304) => Framing::Nothing,
        (Some(length), _) => Framing::Length(length),
        (None, Some(_)) => Framing::Chunked,
        (None, None) => Framing::UntilClose,
    })
}

fn number(text: &str) -> Result<usize, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or(format!("bad Content-Length {text:?}"))
}

/// The body so far, and the octets taken once it is complete.
fn dechunk(bytes: &[u8]) -> Result<(Vec<u8>, Option<usize>), String> {
    let mut body = Vec::new();
    let mut at = 0;
    while let Some(end) = find(&bytes[at..], b"\r\n") {
        let size = chunk_size(&bytes[at..at + end])?;
        at += end + 2;
        if size == 0 {
            return Ok((body, trailers(&bytes[at..])?.map(|taken| at + taken)));
        }
        let rest = &bytes[at..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        let after = &rest[size.min(rest.len())..];
        let crlf = &after[..after.len().min(2)];
        if !b"\r\n".starts_with(crlf) {
            return Err("a chunk is longer than its size says".to_string());
        }
        if crlf.len() < 2 {
            return Ok((body, None));
        }
        at += size + 2;
    }
    Ok((body, None))
}

fn chunk_size(line: &[u8]) -> Result<usize, String> {
    let wrong = || format!("bad chunk size {}", show(line));
    let text = std::str::from_utf8(line).map_err(|_| wrong())?;
    if text.is_empty() || text.len() > 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    usize::from_str_radix(text, 16).map_err(|_| wrong())
}

/// Reads up to the empty line that ends a chunked message.
fn trailers(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut at = 0;
    while let Some(end) = find(&bytes[at..], b"\r\n") {
        if end == 0 {
            return Ok(Some(at + 2));
        }
        header_line(&bytes[at..at + end])?;
        at += end + 2;
    }
    Ok(None)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Bytes as a person reads them, cut in the middle when they are many.
pub fn show(bytes: &[u8]) -> String {
    const MOST: usize = 400; // about four lines of a terminal
    if bytes.len() <= MOST {
        return bytes.escape_ascii().to_string();
    }
    let (start, end) = (&bytes[..MOST * 3 / 4], &bytes[bytes.len() - MOST / 4..]);
    format!("{} [... {} octets ...] {}", start.escape_ascii(), bytes.len() - MOST, end.escape_ascii())
}

/// A checker that never fails would prove nothing: each kind of wrong answer must be seen as wrong.
#[test]
fn wrong_responses_are_noticed() {
    for (name, bytes) in [
        (
            "two framings",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        ("a sign before the length", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"),
        ("a length on a 204", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        ("a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"),
        ("a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"),
        ("a line feed alone", "HTTP/1.1 200 OK\nX: a\r\n\r\n"),
        ("no reason and no space", "HTTP/1.1 200\r\n\r\n"),
        ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        ("another version", "HTTP/2.0 200 OK\r\n\r\n"),
        ("an octet before it", "\nHTTP/1.1 200 OK\r\n\r\n"),
        (
            "a chunk longer than its size",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        ),
        (
            "a chunk size with a sign",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n",
        ),
    ] {
        assert!(parse(bytes.as_bytes(), false, true).is_err(), "{name}");
    }
}

/// What follows a message is left for the next one, and a body that is too short is never whole.
#[test]
fn the_end_of_a_message_is_exact() {
    let counted = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1";
    assert!(
        matches!(parse(counted, false, false), Ok(Parsed::Whole(_, taken)) if taken == counted.len() - 8)
    );
    assert!(
        matches!(parse(&counted[..42], false, true), Ok(Parsed::Part(response)) if response.body == b"hell")
    );
    assert!(
        matches!(parse(counted, true, false), Ok(Parsed::Whole(_, taken)) if taken == counted.len() - 13)
    );

    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert!(matches!(parse(chunked, false, false), Ok(Parsed::Whole(_, taken)) if taken == chunked.len()));
    for end in 48..chunked.len() {
        assert!(!matches!(parse(&chunked[..end], false, true), Ok(Parsed::Whole(..))), "{end}");
    }
}
