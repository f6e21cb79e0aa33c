//! The request decoder, against itself and against others.
//!
//! 1. However a stream is cut, the same requests come out, and the same refusal.
//! 2. Its verdict on the first head is httparse's, and on all requests and bodies hyper's, but for the differences
//!    that `disagreements.rs` lists.

use glassbox::http::{Limits, RequestError};

use super::choices::{cuts, pieces};
use super::decode::{End, Exchange, Story, decode};
use super::disagreements::{Kind, Peer, note};
use super::peers::{self, Seen};

/// Beyond this many bytes, a cut behind each of them takes too long.
const BYTE_BY_BYTE: usize = 2048;

/// The target.
pub fn run(bytes: &[u8]) {
    for limits in [Limits::default(), tight()] {
        let whole = decode(&[bytes], &limits);
        for count in [1, 4, 16] {
            let places = cuts(bytes, count);
            expect_same(&whole, &decode(&pieces(bytes, &places), &limits), bytes);
        }
        if bytes.len() <= BYTE_BY_BYTE {
            let places: Vec<usize> = (0..bytes.len()).collect();
            expect_same(&whole, &decode(&pieces(bytes, &places), &limits), bytes);
        }
    }
    let ours = decode(&[bytes], &Limits::default());
    against_httparse(&ours, bytes);
    against_hyper(&ours, bytes);
}

/// Limits so low that small inputs reach them.
fn tight() -> Limits {
    Limits {
        head: 160,
        headers: 4,
        target: 24,
        body: 40,
        chunk_extensions: 12,
        trailers: 24,
        ..Limits::default()
    }
}

fn expect_same(whole: &Story, cut: &Story, bytes: &[u8]) {
    // Where a refusal is noticed may differ; that, and what it is, may not.
    let same = (&whole.exchanges, whole.end) == (&cut.exchanges, cut.end);
    assert!(same, "cut up, {:?} is {cut:?}, not {whole:?}", bytes.escape_ascii().to_string());
}

fn against_httparse(ours: &Story, bytes: &[u8]) {
    let theirs = peers::httparse(bytes);
    match (ours.exchanges.first(), theirs, refusal(ours)) {
        (Some(own), Some(other), _) => {
            assert_eq!(own.head.end, other.length, "the head's end");
            assert_eq!(own.target, other.path, "the target");
            expect_same_head(own, &other);
        }
        (Some(_), None, _) => note(Peer::Httparse, Kind::HeadAccepted, bytes),
        (None, Some(_), Some(error)) => note(Peer::Httparse, Kind::HeadRefused(error), bytes),
        (None, Some(_), None) => panic!("we wait, httparse has a head"),
        (None, None, _) => {}
    }
}

fn expect_same_head(own: &Exchange, other: &Seen) {
    assert_eq!(own.method, other.method, "the method");
    assert_eq!(own.minor_version, other.minor_version, "the version");
    let sorted = |headers: &[(String, Vec<u8>)]| {
        let mut headers = headers.to_vec();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        headers
    };
    // hyper keeps headers in a map: only the order among equal names is told.
    assert_eq!(sorted(&own.headers), sorted(&other.headers), "the headers");
}

fn refusal(story: &Story) -> Option<RequestError> {
    if let End::Refused(error) = story.end { Some(error) } else { None }
}

/// Compares request by request, up to the first difference.
fn against_hyper(ours: &Story, bytes: &[u8]) {
    let (theirs, clean) = peers::hyper(bytes);
    let mut start = 0;
    for (index, own) in ours.exchanges.iter().enumerate() {
        let rest = &bytes[start..];
        let Some(other) = theirs.get(index) else {
            assert!(!clean, "hyper closes, we go on: {:?}", bytes.escape_ascii().to_string());
            return note(Peer::Hyper, Kind::HeadAccepted, rest);
        };
        expect_same_head(own, other);
        assert_eq!((&own.path, &own.query), (&other.path, &other.query), "path and query");
        let last = index + 1 == ours.exchanges.len();
        match (&own.body, &other.body) {
            (Some(own), Some(other)) => assert_eq!(own, other, "the body"),
            (Some(_), None) => return note(Peer::Hyper, Kind::BodyAccepted, rest),
            (None, Some(_)) => {
                let error = refusal(ours).expect("we wait for a body, hyper has it");
                return note(Peer::Hyper, Kind::BodyRefused(error), rest);
            }
            (None, None) => return,
        }
        start = if last { ours.rest } else { ours.exchanges[index + 1].head.start };
    }
    if theirs.len() > ours.exchanges.len() {
        match ours.end {
            End::Refused(error) => note(Peer::Hyper, Kind::HeadRefused(error), &bytes[start..]),
            End::Close => panic!("we close, hyper goes on: {:?}", bytes.escape_ascii().to_string()),
            End::Input => panic!("we wait, hyper goes on: {:?}", bytes.escape_ascii().to_string()),
        }
    }
}
