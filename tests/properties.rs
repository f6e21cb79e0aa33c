//! Properties: what holds for any request, cut up anyhow, and for any garbage.
//!
//! proptest makes up inputs, and shrinks one that fails to the smallest that still does.

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use common::conversation::Conversation;
use glassbox::http::files::files;
use glassbox::http::{Limits, Request, Response, Router, Status};
use proptest::prelude::*;

fn router() -> Router {
    Router::new()
        .get("/hello/{name}", async |request: Request| format!("Hello, {}!\n", request.param("name")))
        .post("/echo", async |request: Request| Response::new(Status::OK).with_body(request.into_body()))
        .post("/ignore", async |_| "ignored\n")
}

/// Sends pieces one after the other, lets everything happen in between, and returns all that came back.
fn answers(pieces: &[&[u8]]) -> String {
    let conversation = Conversation::new(router(), Limits::default());
    let text: String = pieces.iter().map(|piece| conversation.say(piece)).collect();
    let rest = conversation.wait(Duration::from_secs(3600));
    assert!(conversation.pipe.is_closed(), "an hour of silence ends every connection");
    conversation.end();
    text + &rest
}

/// A request of some kind, well-formed.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let name = "[a-z]{1,8}";
    let body = prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        name.prop_map(|name| format!("GET /hello/{name} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()),
        name.prop_map(
            |name| format!("HEAD /hello/{name} HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\n").into_bytes()
        ),
        (any::<bool>(), body.clone()).prop_map(|(echo, body)| with_length(echo, &body)),
        (any::<bool>(), body, prop::collection::vec(1_usize..50, 1..10))
            .prop_map(|(echo, body, sizes)| in_chunks(echo, &body, &sizes)),
        any::<()>().prop_map(|()| b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
    ]
}

fn path(echo: bool) -> &'static str {
    if echo { "/echo" } else { "/ignore" }
}

fn with_length(echo: bool, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", path(echo), body.len());
    [head.as_bytes(), body].concat()
}

/// The body cut into chunks of the given sizes, again and again, some with an extension.
fn in_chunks(echo: bool, body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut bytes =
        format!("POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path(echo)).into_bytes();
    let mut rest = body;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, tail) = rest.split_at((*size).min(rest.len()));
        let extension = if size % 3 == 0 { ";a=\"b;c\"" } else { "" };
        bytes.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = tail;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// Cuts `bytes` at the given places, taken modulo its length.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        pieces.push(&bytes[start..place]);
        start = place;
    }
    pieces.push(&bytes[start..]);
    pieces
}

/// Two runs may fall into two seconds.
fn without_dates(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
}

/// What comes back for these pieces, without what differs from run to run.
fn run(pieces: &[&[u8]]) -> String {
    without_dates(&answers(pieces))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a stream of requests is cut up, the same answers come back.
    #[test]
    fn any_cut_gets_the_same_answers(
        requests in prop::collection::vec(text_request(), 1..6),
        places in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let stream = requests.concat();
        prop_assert_eq!(run(&cut(&stream, &places)), run(&[&stream]));
    }

    /// Garbage in front of, behind or inside of requests never panics, never hangs, and never keeps a connection for ever.
    #[test]
    fn garbage_is_survived(
        requests in prop::collection::vec(text_request(), 0..3),
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        places in prop::collection::vec(any::<usize>(), 0..4),
        at in any::<usize>(),
    ) {
        let mut stream = requests.concat();
        let at = at % (stream.len() + 1);
        stream.splice(at..at, garbage);
        let conversation = Conversation::new(router(), Limits::default());
        for piece in cut(&stream, &places) {
            conversation.pipe.client_send(piece);
            conversation.runtime.run_until_stalled();
        }
        conversation.runtime.advance(Duration::from_secs(3600));
        conversation.runtime.run_until_stalled();
        prop_assert!(conversation.pipe.is_closed());
        conversation.end();
    }
}

const FILE: &str = "0123456789abcdef";

/// A folder with one file in it, and a secret beside it.
fn folder() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("properties");
        fs::create_dir_all(folder.join("site")).expect("a folder");
        fs::write(folder.join("site/file"), FILE).expect("a file");
        fs::write(folder.join("secret"), "secret").expect("a file");
        folder.join("site")
    });
    FOLDER.clone()
}

/// What a server of these files answers to a GET with these headers: the status, and the body.
fn ask_for_file(path: &str, headers: &str) -> (u16, String) {
    let conversation = Conversation::with(|handle| Router::new().get("/{*path}", files(handle, folder())));
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    let mut answer = conversation.say(request);
    conversation.pipe.client_end();
    // The pool's thread ends each sleep: one to find the file, one to read it.
    for _ in 0..9 {
        if !conversation.pipe.is_closed() {
            conversation.runtime.park(Some(Duration::from_secs(30))).expect("epoll");
            answer += &conversation.say("");
        }
    }
    conversation.end();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

/// A range as RFC 9110, 14.1.2 tells it, read naively: the part of the file, or the status in place of it.
fn part(first: Option<u128>, last: Option<u128>) -> Result<&'static str, u16> {
    let length = FILE.len() as u128;
    let (start, end) = match (first, last) {
        (None, None) => return Err(200),
        (None, Some(suffix)) => (length - suffix.min(length), length),
        (Some(first), None) => (first, length),
        (Some(first), Some(last)) if last < first => return Err(200),
        (Some(first), Some(last)) => (first, (last + 1).min(length)),
    };
    let at = |place: u128| usize::try_from(place).expect("within the file");
    if start >= end { Err(416) } else { Ok(&FILE[at(start)..at(end)]) }
}

fn number() -> impl Strategy<Value = Option<u128>> {
    prop_oneof![
        4 => (0_u128..20).prop_map(Some),
        1 => (0_u128..1 << 70).prop_map(Some),
        1 => any::<()>().prop_map(|()| None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// A range is what a naive reading of the RFC says.
    #[test]
    fn a_range_is_the_part_that_it_says(first in number(), last in number(), zeros in 0_usize..30) {
        let digits = |number: Option<u128>| number.map_or_else(String::new, |number| format!("{}{number}", "0".repeat(zeros)));
        // Of two numbers beyond 64 bits the server does not know which is larger. No file is as long.
        let is_huge = |number: Option<u128>| number.is_some_and(|number| number >= u128::from(u64::MAX));
        prop_assume!(!(is_huge(first) && is_huge(last)));
        let answer = ask_for_file("/file", &format!("Range: bytes={}-{}\r\n", digits(first), digits(last)));
        match part(first, last) {
            Ok(part) => prop_assert_eq!(answer, (206, part.to_owned())),
            Err(200) => prop_assert_eq!(answer, (200, FILE.to_owned())),
            Err(status) => prop_assert_eq!(answer.0, status),
        }
    }

    /// Whatever stands in these headers, the answer is one of those that there are, and its body is of the file.
    #[test]
    fn any_conditions_are_survived(
        range in "(bytes=)?[-0-9, =a*\"]{0,20}",
        tags in "(W/)?[\"*,a-f0-9 -]{0,20}",
        date in "[A-Za-z0-9 ,:]{0,30}",
    ) {
        let headers = format!("Range: {range}\r\nIf-None-Match: {tags}\r\nIf-Modified-Since: {date}\r\nIf-Range: {tags}\r\n");
        let (status, body) = ask_for_file("/file", &headers);
        match status {
            200 => prop_assert_eq!(body, FILE),
            206 => prop_assert!(FILE.contains(&body) && !body.is_empty()),
            304 => prop_assert_eq!((tags.trim(), body), ("*", String::new())),
            416 => {}
            _ => prop_assert!(false, "{} to {}", status, headers),
        }
    }

    /// Whatever the path is, nothing beside the folder is served.
    #[test]
    fn any_path_stays_in_the_folder(
        parts in prop::collection::vec(
            prop::sample::select(vec!["..", "%2e%2e", ".", "%2F", "%5c", "%00", "file", "secret", "site", "", "%ff", "a:b"]), 1..8),
        slash in prop::sample::select(vec!["/", "%2f", "//"]),
    ) {
        let (status, body) = ask_for_file(&format!("/{}", parts.join(slash)), "");
        prop_assert!([200, 400, 404].contains(&status), "{}", status);
        prop_assert!(status != 200 || body == FILE);
        prop_assert!(!body.contains("secret"));
    }
}

/// Requests whose echoed bodies are text, so that answers can be compared as text.
fn text_request() -> impl Strategy<Value = Vec<u8>> {
    request()
        .prop_map(|bytes| bytes.into_iter().map(|byte| if byte.is_ascii() { byte } else { b'?' }).collect())
}
