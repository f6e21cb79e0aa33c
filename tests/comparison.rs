//! Chapter 13's comparison: the small server on our floors and the same on tokio, asked the same, answer the same.
//!
//! You learn what "observable behaviour" is: all that a client can see, octet by octet, but for the date.
//!
//! `cargo test --test comparison -- --nocapture` prints each conversation once.

mod common;
#[path = "walkthrough/built.rs"]
mod built;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;

use built::Built;
use common::server::{PATIENCE, Server};

/// Long enough for a machine that is busy with other tests, short enough to be waited for.
const HEAD_TIMEOUT_MS: &str = "500";

struct Two {
    ours: Server,
    theirs: Server,
}

impl Two {
    fn start() -> Two {
        let mut built = Built::default();
        built.build(&["build", "--examples"]);
        let start = |name| {
            let mut command = Command::new(built.file("example", name, false).expect("it is built"));
            command.args(["--listen", "127.0.0.1:0", "--head-timeout-ms", HEAD_TIMEOUT_MS]);
            Server::start_command(command)
        };
        Two { ours: start("ch13"), theirs: start("ch13-tokio") }
    }

    /// Says the same to both and compares what comes back until they close. `says_end`: the client closes its half.
    #[track_caller]
    fn expect_same(&self, name: &str, pieces: &[&[u8]], says_end: bool) -> String {
        let [ours, theirs] = [&self.ours, &self.theirs].map(|server| talk(server, pieces, says_end));
        assert_eq!(ours, theirs, "{name}: ours is left, tokio's is right");
        ours
    }
}

/// What a server answers to these pieces, each sent on its own.
fn talk(server: &Server, pieces: &[&[u8]], says_end: bool) -> String {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_nodelay(true).expect("an open socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    for piece in pieces {
        match stream.write_all(piece) {
            // It has heard enough.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
            written => written.expect("it reads"),
        }
    }
    if says_end {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("it answers and closes");
    without_dates(&String::from_utf8_lossy(&bytes))
}

fn without_dates(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("date: ")).collect()
}

/// Requests that both must understand, or refuse, in the same words.
const ALONE: &[(&str, &str)] = &[
    ("a greeting", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a name", "GET /hello/a%20b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a name that is no text", "GET /hello/%ff HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("HEAD", "HEAD /hello/you HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("nowhere", "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("the wrong method", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    ("the other wrong method", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a body with a length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
    ("no body", "POST /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
    (
        "a body in chunks",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n",
    ),
    ("half a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"),
    ("a long body that does not come", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"),
    ("a broken chunk", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\nhello"),
    ("half a head", "GET / HTTP/1.1\r\nHos"),
    ("nothing", ""),
    ("two bytes too many", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (
        "the last one",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    ("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
    ("HTTP/1.0 that wants to stay", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    ("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("a strange method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a lone LF", "GET / HTTP/1.1\nHost: a\n\n"),
    ("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("a length with a sign", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
    (
        "two equal lengths",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ),
    (
        "both lengths",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
    (
        "an unknown coding",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a number", "GET /bytes/5 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no number", "GET /bytes/many HTTP/1.1\r\nHost: a\r\n\r\n"),
];

/// One case after the other, each on a connection of its own: whole, and one byte at a time.
#[test]
fn both_understand_the_same() {
    let two = Two::start();
    for (name, request) in ALONE {
        let answer = two.expect_same(name, &[request.as_bytes()], true);
        println!("{name}: {}", answer.lines().next().unwrap_or("(closed)"));
        let bytes: Vec<&[u8]> = request.as_bytes().chunks(1).collect();
        assert_eq!(two.expect_same(name, &bytes, true), answer, "{name}, byte by byte");
    }
}

/// A head or a target that is too long.
#[test]
fn both_have_the_same_limits() {
    let two = Two::start();
    let long = "x".repeat(40_000);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), "431"),
    ] {
        let answer = two.expect_same(status, &[request.as_bytes()], true);
        assert_eq!(&answer[9..12], status);
    }
}

/// A client that falls silent in the middle of a head hears why it is sent away. It does not close by itself.
#[test]
fn both_lose_patience() {
    let two = Two::start();
    let answer = two.expect_same("half a head", &[b"GET / HTTP/1.1\r\nHos"], false);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// TCP may cut a stream of requests anywhere.
#[test]
fn both_read_a_stream() {
    let two = Two::start();
    let stream = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned()
        + "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyou\r\n0\r\n\r\n"
        + "GET /hello/last HTTP/1.1\r\nHost: a\r\n\r\n";
    let whole = two.expect_same("whole", &[stream.as_bytes()], true);
    assert_eq!(whole.matches("HTTP/1.1 200").count(), 3);
    for cut in 1..stream.len() {
        let (first, second) = stream.as_bytes().split_at(cut);
        assert_eq!(two.expect_same("cut", &[first, second], true), whole, "cut at byte {cut}");
    }
}

/// A hundred requests in one packet, and a body of some megabytes that no socket takes at once.
#[test]
fn both_write_all() {
    let two = Two::start();
    let hundred: String = (0..100).map(|n| format!("GET /hello/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let answers = two.expect_same("a hundred", &[hundred.as_bytes()], true);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 100);
    let large = two.expect_same("8 MiB", &[b"GET /bytes/8388608 HTTP/1.1\r\nHost: a\r\n\r\n"], true);
    assert!(large.len() > 8 << 20);
}

/// The client wants to be told before it sends its body.
#[test]
fn both_say_continue() {
    let two = Two::start();
    let head = b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    for server in [&two.ours, &two.theirs] {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        stream.write_all(head).expect("it reads");
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).expect("it says so");
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"hello").expect("it reads");
        stream.shutdown(Shutdown::Write).expect("an open socket");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
}
