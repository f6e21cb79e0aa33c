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
//! 2. What the parts mean, and whether they go together, is asked in `head.rs`, for both ways, and which bytes a target may
//!    have, in `uri.rs`. What passes there, the long way takes as well, and reads alike. A fuzz target sends every head both
//!    ways.
//!
//! It is here for its speed alone. (Measured by callgrind: it saves 450 of 3,230 instructions for a request with one header,
//! beside httparse and a second pass over what that had found.)

use super::fields::{Fields, is_name};
use super::limits::{Limits, MAX_HEADERS};
use super::method::Method;
use super::search;
use super::token::is_token;
use super::uri;

/// A request line, as far as its grammar goes. The long way makes one, too.
#[derive(Clone, Copy)]
pub(super) struct RequestLine<'a> {
    /// `None`: one that we do not know. Only the long way has that.
    pub(super) method: Option<Method>,
    pub(super) target: &'a [u8],
    /// Where the target's path ends, if each byte of the target was found to be one that it may have. Only the short way knows.
    pub(super) path_end: Option<usize>,
    pub(super) minor_version: u8,
}

/// Reads a head off the front of `input`: its request line, and its length. `fields` takes in what its headers say about the
/// connection; after a `None` it is of no use. `known_host`: one that passed the check before.
#[inline(always)] // Else its result, and `fields`, would be written to memory and read again.
pub(super) fn read<'a>(
    input: &'a [u8],
    limits: &Limits,
    known_host: &[u8],
    fields: &mut Fields<'a>,
) -> Option<(RequestLine<'a>, usize)> {
    let (method, behind) = read_method(input)?;
    let ends = uri::ends_of(behind, 0);
    let (target, behind) = behind.split_at(ends.target);
    let [minor @ (b'0' | b'1'), behind @ ..] = behind.strip_prefix(b" HTTP/1.")? else { return None };
    let line =
        RequestLine { method: Some(method), target, path_end: Some(ends.path), minor_version: minor - b'0' };
    let mut rest = behind.strip_prefix(b"\r\n")?;
    let mut headers = 0;
    while !rest.starts_with(b"\r\n") {
        headers += 1;
        rest = read_header(rest, known_host, fields)?;
    }
    let length = input.len() - rest.len() + 2;
    // Nothing to ask about the length of the request line: besides the target there is less in it than `scan.rs` allows.
    let fits = length <= limits.head
        && headers <= limits.headers.min(MAX_HEADERS)
        && (1..=limits.target).contains(&target.len());
    fits.then_some((line, length))
}

/// The method, and what stands behind the space behind it.
fn read_method(line: &[u8]) -> Option<(Method, &[u8])> {
    if let Some(behind) = line.strip_prefix(b"GET ") {
        return Some((Method::Get, behind)); // Most requests.
    }
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((Method::from_bytes(&line[..space])?, &line[space + 1..]))
}

/// Reads one header off the front of `lines`; what stands behind its line.
#[inline(always)] // For the same reason. (By callgrind, saves 40 of 2,690 instructions for a request.)
fn read_header<'a>(lines: &'a [u8], known_host: &[u8], fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    // The line must end behind it: `a.b:800` begins with `a.b:80`, too.
    if let Some(value) = strip_host(lines)
        && let Some(behind) = value.strip_prefix(known_host).and_then(|behind| behind.strip_prefix(b"\r\n"))
    {
        fields.note_known_host(&value[..known_host.len()]).ok()?;
        return Some(behind);
    }
    read_any_header(lines, fields)
}

/// The same, whatever it says.
#[inline(never)] // Not on every request's way: see `HalfHead::read`.
fn read_any_header<'a>(lines: &'a [u8], fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let name_end = lines.iter().position(|byte| !is_token(*byte)).filter(|end| *end > 0)?;
    let (name, behind) = lines.split_at(name_end);
    let ([b':', b' ', behind @ ..] | [b':', behind @ ..]) = behind else { return None };
    let mut value_end = search::control(behind)?;
    while behind[value_end] == b'\t' {
        value_end += 1 + search::control(&behind[value_end + 1..])?;
    }
    let (value, behind) = behind.split_at(value_end);
    let [b'\r', b'\n', behind @ ..] = behind else { return None };
    fields.note(name, trim(value)).ok()?;
    Some(behind)
}

/// The value of a Host header as most clients write it, and what stands behind it. Nearly every head begins with this header,
/// so it is looked for before anything else is asked. (Measured by callgrind, together with `known_host`: 120 of 2,300
/// instructions for a request.)
fn strip_host(lines: &[u8]) -> Option<&[u8]> {
    let (name, behind) = lines.split_first_chunk::<4>()?;
    if is_name(name, b"host") { behind.strip_prefix(b": ") } else { None }
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
        read(head.as_bytes(), &Limits::default(), b"", &mut Fields::default()).map(|(_, length)| length)
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
            "GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /%a HTTP/1.1\r\nHost: a\r\n\r\n",
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
    }

    /// A Host that is equal to the one that passed before, and written the usual way, is known; no other is.
    #[test]
    fn a_known_host() {
        let told = |host: &str| {
            let head = format!("GET / HTTP/1.1\r\n{host}\r\n\r\n");
            let mut fields = Fields::default();
            read(head.as_bytes(), &Limits::default(), b"a.b:80", &mut fields)?;
            Some((fields.host_is_known, String::from_utf8_lossy(fields.host?).into_owned()))
        };
        let known = |is_known, host: &str| Some((is_known, host.to_owned()));
        // Wherever the header stands.
        for header in ["Host: a.b:80", "hOsT: a.b:80", "x: y\r\nHost: a.b:80\r\nz: a.b:80"] {
            assert_eq!(told(header), known(true, "a.b:80"), "{header:?}");
        }
        // Still to be checked: another one, or one that is written in another way.
        for (header, host) in [
            ("Host: a.b:8", "a.b:8"),
            ("Host: a.b:800", "a.b:800"),
            ("Host: a.B:80", "a.B:80"),
            ("Host:a.b:80", "a.b:80"),
            ("Host:  a.b:80", "a.b:80"),
            ("Host: a.b:80 ", "a.b:80"),
            ("Host: ", ""),
            ("Hosts: a.b:80\r\nHost: c", "c"),
        ] {
            assert_eq!(told(header), known(false, host), "{header:?}");
        }
        // Not plain: two of them, or a wrong line end.
        for header in [
            "Host: a.b:80\r\nHost: a.b:80",
            "Host: c\r\nHost: a.b:80",
            "Host: a.b:80\rx: y",
            "Host: a.b:80\n",
        ] {
            assert_eq!(told(header), None, "{header:?}");
        }
    }

    /// A head as long as a limit allows is taken, a longer one is not.
    #[test]
    fn limits() {
        let head = "GET / HTTP/1.1\r\nhost: a\r\nx: b\r\n\r\n";
        let taken = |headers, head_limit| {
            let limits = Limits { headers, head: head_limit, ..Limits::default() };
            read(head.as_bytes(), &limits, b"", &mut Fields::default()).is_some()
        };
        assert!(taken(2, head.len()));
        assert!(!taken(1, head.len()));
        assert!(!taken(2, head.len() - 1));
        let many = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(count));
        let limits = Limits { headers: usize::MAX, ..Limits::default() };
        assert!(read(many(MAX_HEADERS).as_bytes(), &limits, b"", &mut Fields::default()).is_some());
        assert!(read(many(MAX_HEADERS + 1).as_bytes(), &limits, b"", &mut Fields::default()).is_none());
    }
}
