//! The short way through a head: one pass over one that has come whole and has nothing unusual about it.
//!
//! Nearly every head is like that:
//!
//! ```text
//!   GET /a?b HTTP/1.1 CR LF        a method that we know, one space, a target, the version
//!   host: example.org CR LF        a token, a colon, a text
//!   CR LF                          the end
//! ```
//!
//! 1. What is not so is not judged here: `None`, and it takes the long way, from its first byte on (`scan.rs`, then
//!    httparse). So there is one place that refuses, and says why.
//! 2. What the parts mean, and whether they go together, is asked in `head.rs`, for both ways: which bytes a target may have,
//!    too. What passes there, the long way takes as well, and reads alike. A fuzz target sends every head both ways.
//!
//! It is here for its speed alone. (Measured by callgrind: it saves 450 of 3,230 instructions for a request with one header,
//! beside httparse and a second pass over what that had found.)

use super::error::RequestError;
use super::fields::Fields;
use super::limits::{Limits, MAX_HEADERS};
use super::method::Method;
use super::search;
use super::token::is_token;

/// A head, as far as its grammar goes: parts of its bytes. The long way makes one, too. Only there can the method be unknown,
/// or `fields` an error, which is told only behind a target that is too long.
pub(super) struct Syntax<'a> {
    /// `None`: one that we do not know.
    pub(super) method: Option<Method>,
    pub(super) target: &'a [u8],
    pub(super) minor_version: u8,
    /// What its headers say about the connection.
    pub(super) fields: Result<Fields<'a>, RequestError>,
}

/// Reads a head off the front of `input`, and says how long it is.
pub(super) fn read<'a>(input: &'a [u8], limits: &Limits) -> Option<(Syntax<'a>, usize)> {
    let (method, behind) = read_method(input)?;
    let (target, behind) = behind.split_at(search::low_or_del(behind, b'!')?);
    let [minor @ (b'0' | b'1'), b'\r', b'\n', rest @ ..] = behind.strip_prefix(b" HTTP/1.")? else {
        return None;
    };
    let mut rest = rest;
    if target.is_empty() {
        return None;
    }
    let mut fields = Fields::default();
    // So many headers, and the empty line.
    for _ in 0..=limits.headers.min(MAX_HEADERS) {
        if let [b'\r', b'\n', behind @ ..] = rest {
            let length = input.len() - behind.len();
            let syntax =
                Syntax { method: Some(method), target, minor_version: minor - b'0', fields: Ok(fields) };
            // Nothing to ask about the length of the request line: besides the target, which has a limit, there is less in it
            // than `scan.rs` allows.
            return (length <= limits.head).then_some((syntax, length));
        }
        rest = read_header(rest, &mut fields)?;
    }
    None
}

/// The method, and what stands behind the space behind it.
fn read_method(line: &[u8]) -> Option<(Method, &[u8])> {
    if let [b'G', b'E', b'T', b' ', behind @ ..] = line {
        return Some((Method::Get, behind)); // Most requests.
    }
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((Method::from_bytes(&line[..space])?, &line[space + 1..]))
}

/// Reads one header off the front of `lines`; what stands behind its line.
#[inline(always)] // Its result would go through memory: 40 of 2,690 instructions for a request, by callgrind.
fn read_header<'a>(lines: &'a [u8], fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let name_end = lines.iter().position(|byte| !is_token(*byte)).filter(|end| *end > 0)?;
    let (name, behind) = lines.split_at(name_end);
    let ([b':', b' ', behind @ ..] | [b':', behind @ ..]) = behind else { return None };
    let mut value_end = search::low_or_del(behind, b' ')?;
    while behind[value_end] == b'\t' {
        value_end += 1 + search::low_or_del(&behind[value_end + 1..], b' ')?;
    }
    let (value, behind) = behind.split_at(value_end);
    let [b'\r', b'\n', behind @ ..] = behind else { return None };
    fields.note(name, trim(value)).ok()?;
    Some(behind)
}

/// The value without white space around it. Most have none, beside the space behind the colon.
fn trim(value: &[u8]) -> &[u8] {
    match value {
        [b'!'..=255, .., b'!'..=255] => value,
        _ => value.trim_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(head: &str) -> Option<usize> {
        read(head.as_bytes(), &Limits::default()).map(|(_, length)| length)
    }

    /// What clients send is plain: if one of these took the long way, nothing but the time would show it.
    #[test]
    fn usual_heads_are_plain() {
        let heads = [
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
            "GET /a?b=%20c HTTP/1.1\r\nhost: example.org\r\nuser-agent: curl/8.5.0\r\naccept: */*\r\n\r\n",
            "HEAD /x HTTP/1.1\r\nHost: [::1]\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Type:text/plain\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost:\ta \t \r\nx:\r\ny: \r\nz: a\tb  c\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: name=\u{e4}; other=\"quoted\"\r\n\r\n",
        ];
        for head in heads {
            assert_eq!(length(head), Some(head.len()), "{head:?}");
            assert_eq!(length(&format!("{head}GET /next")), Some(head.len()), "{head:?}");
            for end in 0..head.len() {
                assert!(head.get(..end).is_none_or(|part| length(part).is_none()), "{end} bytes of {head:?}");
            }
        }
    }

    /// Everything else is left to others.
    #[test]
    fn unusual_heads_are_not() {
        let heads = [
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nx: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nx: \u{7f}\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
        ];
        for head in heads {
            assert_eq!(length(head), None, "{head:?}");
        }
        assert!(read(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", &Limits::default()).is_some(), "see `uri.rs`");
    }

    /// A head as long as a limit allows is taken, a longer one is not.
    #[test]
    fn limits() {
        let head = "GET / HTTP/1.1\r\nhost: a\r\nx: b\r\n\r\n";
        let taken = |headers, head_limit| {
            read(head.as_bytes(), &Limits { headers, head: head_limit, ..Limits::default() }).is_some()
        };
        assert!(taken(2, head.len()));
        assert!(!taken(1, head.len()));
        assert!(!taken(2, head.len() - 1));
        let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(count));
        let limits = Limits { headers: usize::MAX, ..Limits::default() };
        assert!(read(many(MAX_HEADERS).as_bytes(), &limits).is_some());
        assert!(read(many(MAX_HEADERS + 1).as_bytes(), &limits).is_none());
    }
}
