//! The fuzz targets for a few seconds, on any toolchain; what longer runs have found, each with a name.
//!
//! `tests/fuzz/src/lib.rs` says what the targets promise, and how to run them for longer.

#[allow(dead_code, missing_docs, reason = "the targets' crate, of which a part is used here")]
#[path = "fuzz/src/lib.rs"]
mod fuzz;
mod common;

use std::path::Path;

use common::conversation::{Conversation, statuses};
use fuzz::{TARGETS, disagreements, mutate};
use glassbox::http::scan::HeadScan;
use glassbox::http::{Limits, RequestError, Router};

/// Mutations of each target's corpus in a test: a second or two without optimisation. Under miri, which is a few hundred
/// times slower, the seeds say most.
const EXECUTIONS: u64 = if cfg!(miri) { 2 } else { 4_000 };

fn seeds(name: &str) -> Vec<Vec<u8>> {
    mutate::corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name))
}

fn fuzz(name: &str) {
    let (_, target) = TARGETS.iter().find(|(own, _)| *own == name).expect("a target");
    let mut seeds = seeds(name);
    if cfg!(miri) {
        seeds.truncate(2);
    }
    mutate::run(*target, &seeds, EXECUTIONS, 1);
}

#[test]
fn request() {
    fuzz("request");
}

#[test]
fn connection() {
    fuzz("connection");
}

#[test]
fn response() {
    fuzz("response");
}

#[test]
fn router() {
    fuzz("router");
}

#[test]
fn form() {
    fuzz("form");
}

/// The list of disagreements with httparse and hyper has no entry that no seed shows. `--nocapture` prints it.
#[test]
fn every_disagreement_on_the_list_is_met() {
    for seed in seeds("request") {
        fuzz::request::run(&seed);
    }
    for (count, known) in disagreements::met() {
        println!("{:?} {:?}: {}", known.peers, known.kind, known.why);
        assert!(count > 0, "no seed shows this: {:?} {}", known.kind, known.why);
    }
}

/// A difference that is not on the list is a failure, not a shrug.
#[test]
#[should_panic(expected = "not on the list of disagreements")]
fn an_unknown_disagreement_fails() {
    let sound = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    disagreements::note(
        disagreements::Peer::Hyper,
        disagreements::Kind::HeadRefused(RequestError::Host),
        sound,
    );
}

/// The mutator can find something: a target that fails when a length meets two chunks.
#[test]
#[should_panic(expected = "found")]
fn the_mutator_finds_a_planted_mistake() {
    fn planted(bytes: &[u8]) {
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!(has(b"Content-Length") && has(b"5\r\nhello\r\n")), "found");
    }
    mutate::run(planted, &seeds("request"), 50_000, 1);
}

/// Each target has a folder of seeds, a binary for cargo-fuzz, and all seeds together stay small.
#[test]
fn seeds_and_binaries_are_there() {
    let manifest = include_str!("fuzz/Cargo.toml");
    let mut bytes = 0;
    for (name, _) in TARGETS {
        bytes += seeds(name).iter().map(Vec::len).sum::<usize>();
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} has no binary");
    }
    println!("{bytes} bytes of seeds");
    assert!(bytes < 200_000, "{bytes} bytes of seeds");
}

/// What `HeadScan` says to these bytes, at once and one by one.
fn scanned(bytes: &[u8], limits: &Limits) -> [Option<RequestError>; 2] {
    let whole = HeadScan::default().advance(bytes, limits).err();
    let mut scan = HeadScan::default();
    let one_by_one = (0..=bytes.len()).find_map(|end| scan.advance(&bytes[..end], limits).err());
    [whole, one_by_one]
}

/// A request line beyond the limit was 414 when it came byte by byte, and 400, or nothing yet, when it came whole.
#[test]
fn a_long_request_line_is_refused_alike_however_it_is_cut() {
    let limits = Limits { target: 100, ..Limits::default() };
    for end in ["\n", "\r\n"] {
        let line = format!("GET /{} HTTP/1.1{end}", "a".repeat(500));
        assert_eq!(scanned(line.as_bytes(), &limits), [Some(RequestError::TargetTooLong); 2]);
    }
    let head = format!("GET / HTTP/1.1\r\nA: {}\n", "a".repeat(500));
    let limits = Limits { head: 300, ..Limits::default() };
    assert_eq!(scanned(head.as_bytes(), &limits), [Some(RequestError::HeadersTooLarge); 2]);
}

/// Behind too many empty lines, a HEAD was answered without a body, but only if it came in the same packet as they.
#[test]
fn a_refusal_of_empty_lines_is_the_same_however_they_are_cut() {
    let answer = |pieces: &[&[u8]]| {
        let conversation = Conversation::new(Router::new(), Limits::default());
        let text: String = pieces.iter().map(|piece| conversation.say(piece)).collect();
        conversation.end();
        text
    };
    let head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let whole = answer(&[&[&b"\r\n\r\n\r\n"[..], head].concat()]);
    assert_eq!(statuses(&whole), [400]);
    let bodies =
        [whole, answer(&[b"\r\n\r\n\r\n", head])].map(|text| text.split_once("\r\n\r\n").unwrap().1.len());
    assert!(bodies[0] == bodies[1] && bodies[0] > 0, "{bodies:?}");
}
