//! Properties: what holds for any request, cut up anyhow, and for any garbage.
//!
//! proptest makes up inputs, and shrinks one that fails to the smallest that still does.

mod common;

use std::time::Duration;

use common::conversation::Conversation;
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

/// Requests whose echoed bodies are text, so that answers can be compared as text.
fn text_request() -> impl Strategy<Value = Vec<u8>> {
    request()
        .prop_map(|bytes| bytes.into_iter().map(|byte| if byte.is_ascii() { byte } else { b'?' }).collect())
}
