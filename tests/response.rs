//! What handlers may return, which headers they may set, and what they can ask a request for.

mod common;

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::task::{Context, Poll};

use common::conversation::{Conversation, expect_one, statuses};
use glassbox::http::{
    Body, BodyError, BodySource, Chunk, Handler, IntoResponse, Limits, Request, RequestError, Response,
    Router, Status,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn on(handler: impl Handler, limits: Limits) -> Conversation {
    Conversation::new(Router::new().get("/", handler), limits)
}

/// The whole answer to a GET for a handler that returns this, without its date.
fn sent(value: impl IntoResponse + 'static) -> String {
    let once = std::cell::Cell::new(Some(value));
    let conversation = on(async move |_| once.take().expect("asked once").into_response(), Limits::default());
    let text = conversation.say(GET);
    conversation.end();
    let (before, rest) = text.split_once("date: ").expect("a date");
    before.to_owned() + rest.split_once("\r\n").expect("a line").1
}

const TEXT: &str = "content-type: text/plain; charset=utf-8";

fn text(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{TEXT}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Texts, bytes, statuses and nothing, octet by octet as they are sent.
#[test]
fn plain_answers() {
    assert_eq!(sent("text"), text("200 OK", "text"));
    assert_eq!(sent("\u{e9}".to_owned()), text("200 OK", "\u{e9}"));
    assert_eq!(sent(""), text("200 OK", ""));
    assert_eq!(
        sent(vec![b'a', 0]),
        "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 2\r\n\r\na\0"
    );
    assert_eq!(
        sent(Response::json("{}")),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    );
    assert_eq!(sent(Response::new(Status::OK)), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(sent(()), "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(sent(Status::NO_CONTENT), "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(sent(Status::NOT_MODIFIED), "HTTP/1.1 304 Not Modified\r\n\r\n");
    assert_eq!(sent(Status::RESET_CONTENT), "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(sent(Status::GONE), text("410 Gone", "410 Gone\n"));
    let unnamed = Status::new(599).expect("a final status");
    assert_eq!(
        sent((unnamed, "x")),
        text("599 ", "x"),
        "a reason may be empty, its space may not be missing"
    );
}

/// Pairs, options and results are made of the others, to any depth. `None` is 404.
#[test]
fn answers_made_of_answers() {
    assert_eq!(sent((Status::CREATED, "made")), text("201 Created", "made"));
    assert_eq!(sent((Status::ACCEPTED, (Status::CREATED, "x"))), text("202 Accepted", "x"));
    assert_eq!(sent((Status::NO_CONTENT, "x")), format!("HTTP/1.1 204 No Content\r\n{TEXT}\r\n\r\n"));
    assert_eq!(sent(Some("x")), text("200 OK", "x"));
    assert_eq!(sent(None::<String>), text("404 Not Found", "404 Not Found\n"));
    assert_eq!(sent(Ok::<_, Status>("x")), text("200 OK", "x"));
    assert_eq!(sent(Err::<&str, _>((Status::CONFLICT, "no".to_owned()))), text("409 Conflict", "no"));
    assert_eq!(sent(Ok::<Option<()>, ()>(None)), text("404 Not Found", "404 Not Found\n"));
}

/// An error of a request or of its body is an answer, too: with its own status, and its message in words.
#[test]
fn errors_are_answers() {
    let large = "413 Content Too Large: the body is too large\n";
    assert_eq!(sent(RequestError::BodyTooLarge), text("413 Content Too Large", large));
    assert_eq!(sent(BodyError::Request(RequestError::BodyTooLarge)), text("413 Content Too Large", large));
    let lost = sent(BodyError::Io(io::ErrorKind::ConnectionReset.into()));
    expect_one(&lost, 400, true);
}

/// Headers leave in the order in which they were set, the type first. Setting the type again replaces it, in any
/// case; any other name is added.
#[test]
fn headers_as_they_were_set() {
    let response = Response::text("x")
        .with_header("x-b", "1")
        .with_header("X-A", "2")
        .with_header("x-b", "\u{e9}\t~")
        .with_header("Content-Type", "text/x");
    assert_eq!(response.header("x-a"), Some("2"));
    assert_eq!(response.header("x-B"), Some("1"), "the first");
    assert_eq!(response.header("content-type"), Some("text/x"));
    assert_eq!(response.header("x-none"), None);
    let expected = "content-type: text/x\r\nx-b: 1\r\nX-A: 2\r\nx-b: \u{e9}\t~\r\ncontent-length: 1\r\n\r\nx";
    assert_eq!(sent(response), format!("HTTP/1.1 200 OK\r\n{expected}"));
}

/// A value that would end its line would let whoever chose it write headers, or a whole answer. It becomes 500, nothing
/// of it is sent, and a header that is set afterwards leaves it a 500.
#[test]
fn a_header_cannot_be_injected() {
    for value in ["a\r\nevil: 1", "a\nevil: 1", "a\revil: 1", "evil\0", "evil\x7f", "\x1bevil"] {
        for name in ["x-a", "content-type", "location"] {
            let response = Response::text("evil").with_header("x-before", "evil").with_header(name, value);
            let answer = sent(response.with_header("x-after", "1"));
            expect_one(&answer, 500, true);
            assert!(!answer.contains("evil"), "{name}: {value:?}: {answer}");
            assert!(answer.contains("\r\nx-after: 1\r\n"), "{answer}");
        }
    }
}

/// What a panic says.
fn panic_of<T>(call: impl FnOnce() -> T) -> Option<String> {
    let payload = panic::catch_unwind(AssertUnwindSafe(call)).err()?;
    payload.downcast_ref::<String>().cloned()
}

/// The headers that frame an answer are the connection's: setting one is a mistake of the program, in any case.
#[test]
fn the_connections_headers_cannot_be_set() {
    for name in
        ["connection", "Content-Length", "DATE", "keep-alive", "trailer", "Transfer-Encoding", "upgrade"]
    {
        let message = panic_of(|| Response::text("x").with_header(name, "1"));
        let expected = format!("{name} is written by the connection and cannot be set by a handler");
        assert_eq!(message, Some(expected));
    }
}

/// A name that is no token is a mistake of the program.
#[test]
fn header_names_are_tokens() {
    for name in ["", "a b", "a:", "a\r\n", "\u{e9}", "(a)"] {
        let message = panic_of(|| Response::text("x").with_header(name, "1"));
        assert_eq!(message, Some(format!("{name:?} is not a header name")));
    }
    assert_eq!(panic_of(|| Response::text("x").with_header("!#$%&'*+-.^_`|~09aZ", "1")), None);
}

/// Such a mistake in a handler is 500 on its connection, and the server goes on.
#[test]
fn a_panic_over_a_header_is_500() {
    let conversation = on(async |_| Response::text("x").with_header("date", "today"), Limits::default());
    expect_one(&conversation.say(GET), 500, true);
    conversation.end();
}

/// The first value of a name in the query, decoded on both sides of the `=`.
#[test]
fn query_values() {
    let conversation =
        on(async |request: Request| format!("{:?}", request.query_value("q x")), Limits::default());
    for (query, expected) in [
        ("", "None"),
        ("?", "None"),
        ("?q", "None"),
        ("?q+x", "Some(\"\")"),
        ("?q%20x=", "Some(\"\")"),
        ("?a=1&&q+x=b=c&q+x=2", "Some(\"b=c\")"),
        ("?q+x=%26%3D%2B+", "Some(\"&=+ \")"),
        ("?q+x=%C3%A9%FF", "Some(\"\u{e9}\u{fffd}\")"),
        ("?Q+x=1", "None"),
    ] {
        let answer = conversation.say(format!("GET /{query} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{query}: {answer}");
    }
    conversation.end();
}

/// Reads a form and tells what was in it.
async fn form(mut request: Request) -> Result<String, BodyError> {
    Ok(format!("{:?}", request.form().await?))
}

fn post(body: &str) -> String {
    format!("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A form is a list of pairs in the order in which they were sent, however it was framed. One that is larger than what
/// may be collected is 413.
#[test]
fn forms() {
    let limits = Limits { collected: 20, ..Limits::default() };
    let conversation = Conversation::new(Router::new().post("/form", form), limits);
    for (body, expected) in [
        ("", "[]"),
        ("a=1&a=2", "[(\"a\", \"1\"), (\"a\", \"2\")]"),
        ("b&%61=%ff", "[(\"b\", \"\"), (\"a\", \"\u{fffd}\")]"),
        ("a=45678901234567890", "[(\"a\", \"45678901234567890\")]"),
    ] {
        let answer = conversation.say(post(body));
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{body}: {answer}");
    }
    let head = "POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = conversation.say(format!("{head}2\r\na=\r\n1\r\n7\r\n0\r\n\r\n"));
    assert!(chunked.ends_with("[(\"a\", \"7\")]"), "{chunked}");
    assert_eq!(statuses(&conversation.say(post("a=4567890123456789012"))), [413]);
    conversation.end();
}

/// A body that shall be text and is not UTF-8 is 400.
#[test]
fn texts_are_utf8() {
    let handler = async |mut request: Request| request.text().await;
    let conversation = Conversation::new(Router::new().post("/form", handler), Limits::default());
    assert!(conversation.say(post("\u{e9}")).ends_with("\r\n\r\n\u{e9}"));
    let head = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n";
    let bad = conversation.say([head.as_bytes(), b"\xff"].concat());
    assert!(bad.ends_with("400 Bad Request: the body or query is malformed\n"), "{bad}");
    conversation.end();
}

/// A status that allows no body has none, whatever the handler says; and the next answer begins where it should.
#[test]
fn a_status_without_content_sends_none() {
    struct Stream;
    impl BodySource for Stream {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
            Poll::Ready(Some(Ok(Chunk::Static(b"never sent"))))
        }
    }
    for (status, length) in [(204, None), (205, Some("0")), (304, None)] {
        for streamed in [false, true] {
            let handler = async move |_| {
                let body = if streamed { Body::stream(Stream, None) } else { Body::from("never sent") };
                Response::new(Status::new(status).expect("a final status")).with_body(body)
            };
            let conversation = on(handler, Limits::default());
            let text = conversation.say(GET.repeat(2));
            assert_eq!(statuses(&text), [status; 2], "{text}");
            assert!(
                text.ends_with("\r\n\r\n") && !text.contains("sent") && !text.contains("chunked"),
                "{text}"
            );
            let said = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            assert_eq!(said, length);
            conversation.end();
        }
    }
}

/// An answer that a header has spoiled is a 500, whatever was set before and whatever is set afterwards: neither is it
/// sent as if nothing had happened, nor does one part of it become a part of something else. Headers that are added
/// later, as by a middleware, are sent.
#[test]
fn a_spoiled_answer_stays_a_500() {
    let spoil = |response: Response| response.with_header("x-bad", "a\r\nx-injected: b");
    let expected = "HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain; charset=utf-8\r\n";
    let body = "connection: close\r\ncontent-length: 26\r\n\r\n500 Internal Server Error\n";
    let before = Response::text("secret").with_header("x-before", "1").with_status(Status::CREATED);
    assert_eq!(sent(spoil(before)), format!("{expected}{body}"));
    assert_eq!(sent(spoil(Response::text("x")).with_status(Status::OK)), format!("{expected}{body}"));
    assert_eq!(sent((Status::NO_CONTENT, spoil(Response::text("x")))), format!("{expected}{body}"));
    let after = spoil(Response::text("x")).with_body("later").with_header("content-type", "image/png");
    assert_eq!(sent(after), format!("{expected}{body}"));
    let added = spoil(Response::text("x")).with_header("x-after", "1");
    assert_eq!(sent(added), format!("{expected}x-after: 1\r\n{body}"));
    let twice = spoil(spoil(Response::text("x")).with_header("x-between", "1")).with_header("x-after", "1");
    assert_eq!(sent(twice), format!("{expected}x-after: 1\r\n{body}"));
}
