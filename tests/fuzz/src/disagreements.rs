//! Where we and others read the same bytes differently, each with its reason. What is not on this list is a bug.
//!
//! An entry holds only for inputs that show its reason: `shows` looks at the bytes by a naive way of its own. And
//! an entry that no input shows any more is a bug as well: `tests/fuzzing.rs` wants to see each of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use glassbox::http::RequestError;

use super::raw::{Raw, is_authority, is_target};

/// Whose reading differs from ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// The head parser that we use too, here on its own.
    Httparse,
    /// hyper's HTTP/1 server.
    Hyper,
}

/// How it differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// We refuse a head that they accept.
    HeadRefused(RequestError),
    /// We accept a head that they refuse.
    HeadAccepted,
    /// We refuse a body that they accept.
    BodyRefused(RequestError),
    /// We accept a body that they refuse. There is no entry of this kind.
    BodyAccepted,
}

/// One known difference.
pub struct Disagreement {
    /// With whom.
    pub peers: &'static [Peer],
    /// Who is stricter.
    pub kind: Kind,
    /// What the input looks like, and why we read it as we do.
    pub why: &'static str,
    /// Whether this input is of that kind.
    pub shows: fn(&Raw<'_>) -> bool,
}

const BOTH: &[Peer] = &[Peer::Httparse, Peer::Hyper];
const HTTPARSE: &[Peer] = &[Peer::Httparse];
const HYPER: &[Peer] = &[Peer::Hyper];

use Kind::{BodyRefused, HeadAccepted, HeadRefused};

/// The list.
pub const LIST: [Disagreement; 20] = [
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::LineEnd),
        why: "a lone LF ends a line for them. RFC 9112, 2.2 allows both; two programs that differ here can be \
              made to see different requests",
        shows: |raw| raw.has_bare_line_feed,
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::RequestLine),
        why: "more than two empty lines in front of a request. They skip any number; RFC 9112, 2.2 asks for one",
        shows: |raw| raw.empty_lines > 2,
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Target),
        why: "a target with a byte, a form or a percent sign that RFC 3986 and RFC 9112, 3.2 do not allow",
        shows: |raw| raw.method() == b"CONNECT" || !is_target(raw.method(), raw.target()),
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Host),
        why: "Host is missing, there twice, or no host. RFC 9112, 3.2: a server must answer 400; they leave it to \
              whoever uses them",
        shows: |raw| match raw.values("host")[..] {
            [host] => !is_authority(host),
            _ => true,
        },
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Framing),
        why: "Content-Length and Transfer-Encoding together. hyper drops the length; RFC 9112, 6.1 lets a server \
              refuse, and it is how requests are smuggled",
        shows: |raw| raw.is_chunked() && !raw.values("content-length").is_empty(),
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Framing),
        why: "two lines of Content-Length. hyper takes equal ones; whoever stands before us may have joined or \
              picked differently",
        shows: |raw| raw.values("content-length").len() > 1,
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Framing),
        why: "chunked twice. hyper looks at the end of the last line only; RFC 9112, 6.1: a sender must not do that",
        shows: |raw| {
            raw.members("transfer-encoding").iter().filter(|coding| **coding == b"chunked").count() > 1
        },
    },
    Disagreement {
        peers: HTTPARSE,
        kind: HeadRefused(RequestError::Framing),
        why: "a length or a coding that says nothing, or a coding in HTTP/1.0. httparse does not look at values",
        shows: |raw| {
            let digits = |value: &&[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let codings = raw.members("transfer-encoding");
            !raw.values("content-length").iter().all(digits)
                || raw.is_chunked()
                    && (raw.version() == b"HTTP/1.0" || codings.last().is_none_or(|last| last != b"chunked"))
        },
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::TransferCoding),
        why: "a coding besides chunked. hyper hands the coded bytes to its service; we would not know what they mean",
        shows: |raw| raw.members("transfer-encoding").len() > 1,
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Method),
        why: "a method that RFC 9110 does not name, or CONNECT: 501, no handler could have been given for it",
        shows: |raw| {
            let known: [&[u8]; 8] =
                [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE"];
            !known.contains(&raw.method())
        },
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::BodyTooLarge),
        why: "a length beyond the limit is refused before the body comes",
        shows: |raw| {
            raw.values("content-length").iter().any(|value| {
                std::str::from_utf8(value).is_ok_and(|text| text.trim_start_matches('0').len() >= 10)
            })
        },
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::Expectation),
        why: "an expectation other than 100-continue. RFC 9110, 10.1.1 lets a server answer 417",
        shows: |raw| raw.values("expect").iter().any(|value| !value.eq_ignore_ascii_case(b"100-continue")),
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::TargetTooLong),
        why: "a target of more than 8 KiB. hyper's limit is 64 KiB",
        shows: |raw| raw.lines.first().is_some_and(|line| line.len() > 8 * 1024),
    },
    Disagreement {
        peers: BOTH,
        kind: HeadRefused(RequestError::HeadersTooLarge),
        why: "a head of more than 32 KiB. hyper's limit is some 400 KiB",
        shows: |raw| raw.length > 32 * 1024,
    },
    Disagreement {
        peers: BOTH,
        kind: HeadAccepted,
        why: "HTTP/1.2 to 1.9. RFC 9110, 2.5: to be read as the highest minor version that one knows",
        shows: |raw| {
            let version = raw.version();
            version.len() == 8 && version.starts_with(b"HTTP/1.") && (b'2'..=b'9').contains(&version[7])
        },
    },
    Disagreement {
        peers: HYPER,
        kind: HeadAccepted,
        why: "an empty member behind chunked, in its line or in a line of its own. RFC 9110, 5.6.1.2: a recipient \
              must ignore it; hyper takes it for an unknown coding",
        shows: |raw| {
            raw.values("transfer-encoding").last().is_some_and(|value| {
                value.rsplit(|byte| *byte == b',').next().is_some_and(|last| last.trim_ascii().is_empty())
            })
        },
    },
    Disagreement {
        peers: HYPER,
        kind: HeadAccepted,
        why: "a percent sign, or an empty port, in an absolute target's host. RFC 3986, 3.2.2 and 3.2.3 allow both",
        shows: |raw| raw.authority().is_some_and(|host| host.contains(&b'%') || host.ends_with(b":")),
    },
    Disagreement {
        peers: HYPER,
        kind: BodyRefused(RequestError::Chunk),
        why: "a chunk extension that is none by the grammar of RFC 9112, 7.1.1. hyper skips anything but a line end",
        shows: |raw| chunk_lines(raw).0.iter().any(|line| line.iter().any(|byte| !byte.is_ascii_hexdigit())),
    },
    Disagreement {
        peers: HYPER,
        kind: BodyRefused(RequestError::Chunk),
        why: "a chunk size of more than 32 digits, zeros in front included. hyper reads zeros without end",
        shows: |raw| chunk_lines(raw).0.iter().any(|line| line.len() > 32),
    },
    Disagreement {
        peers: HYPER,
        kind: BodyRefused(RequestError::Chunk),
        why: "a line of the trailers that is no header, such as a lone LF, which hyper overlooks",
        shows: |raw| !chunk_lines(raw).1.is_empty(),
    },
];

/// How often each entry of the list was met.
static MET: [AtomicU64; LIST.len()] = [const { AtomicU64::new(0) }; LIST.len()];

/// Notes a difference. Panics if it is not on the list.
pub fn note(peer: Peer, kind: Kind, bytes: &[u8]) {
    let raw = Raw::new(bytes);
    let found = LIST
        .iter()
        .position(|known| known.peers.contains(&peer) && known.kind == kind && (known.shows)(&raw));
    let Some(index) = found else {
        panic!(
            "not on the list of disagreements: {peer:?} {kind:?} on {:?}",
            bytes.escape_ascii().to_string()
        );
    };
    MET[index].fetch_add(1, Relaxed);
}

/// How often each entry of the list was met so far.
pub fn met() -> Vec<(u64, &'static Disagreement)> {
    MET.iter().map(|count| count.load(Relaxed)).zip(&LIST).collect()
}

/// The size lines and the trailer lines of a chunked body, found by a naive walk.
fn chunk_lines<'a>(raw: &Raw<'a>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    let (mut sizes, mut trailers) = (Vec::new(), Vec::new());
    let mut rest = &raw.bytes[raw.length..];
    let mut in_trailers = false;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let whole = &rest[..end];
        let line = whole.strip_suffix(b"\r").unwrap_or(whole);
        rest = &rest[end + 1..];
        if in_trailers {
            if whole == b"\r" {
                break; // A lone LF does not end a body, for anybody.
            }
            trailers.push(line);
            continue;
        }
        sizes.push(line);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&line[..digits]).ok();
        let size = size.and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(u64::MAX);
        in_trailers = size == 0;
        let skip = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(2);
        rest = if in_trailers { rest } else { rest.get(skip..).unwrap_or_default() };
    }
    (sizes, trailers)
}
