//! The whole connection: any bytes, cut anyhow, against the hand-driven decoder.
//!
//! 1. However a stream is cut, the same answers come back.
//! 2. Each request that the decoder finds is answered, in order, by what its handler made of it; a refusal by its
//!    status, and then the connection closes.
//! 3. The answers are well-formed, and the client closing leaves nothing behind.

use glassbox::http::{IntoResponse, Limits, Method, Request, Response, Router, Status};

use super::choices::{cuts, pieces};
use super::decode::{End, Exchange, Story, decode};
use super::stage::{Answer, read_answers, talk};

/// The target.
pub fn run(bytes: &[u8]) {
    let limits = Limits { body: 1000, chunk_extensions: 40, trailers: 40, ..Limits::default() };
    let story = decode(&[bytes], &limits);
    let whole = answers(&[bytes], &story, bytes, &limits);
    for count in [1, 6] {
        let places = cuts(bytes, count);
        let cut = answers(&pieces(bytes, &places), &story, bytes, &limits);
        assert_eq!(cut, whole, "cut up at {places:?}: {}", bytes.escape_ascii());
    }
    expect_answers(&whole, &story, bytes);
}

fn answers(pieces: &[&[u8]], story: &Story, bytes: &[u8], limits: &Limits) -> Vec<Answer> {
    let written = talk(router(), limits.clone(), pieces);
    read_answers(&written, |index| is_head(story, index, bytes))
        .unwrap_or_else(|(_, why)| panic!("{why} in {} to {}", written.escape_ascii(), bytes.escape_ascii()))
}

/// Whether the request that gets this answer is one of HEAD, as far as anybody can tell.
fn is_head(story: &Story, index: usize, bytes: &[u8]) -> bool {
    let Some(exchange) = story.exchanges.get(index) else {
        let mut rest = &bytes[story.rest..];
        for _ in 0..2 {
            rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
        }
        return rest.starts_with(b"HEAD ");
    };
    exchange.method == "HEAD"
}

const METHODS: [Method; 8] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Patch,
    Method::Options,
    Method::Trace,
];

/// Answers with what came, in the way that the path's first letter asks for.
fn router() -> Router {
    METHODS.iter().fold(Router::new(), |router, method| router.route(*method, "/{*rest}", echo))
}

async fn echo(mut request: Request) -> Response {
    let seen = format!("{} {}", request.method(), request.target());
    let way = request.param("rest").bytes().next();
    let response = match way {
        // Passed through as it comes; not read at all; or collected.
        Some(b'e') => Response::new(Status::OK).with_body(request.into_body()),
        Some(b'i') => Response::text("ignored"),
        _ => match request.bytes().await {
            Ok(body) => Response::new(Status::OK).with_body(body),
            Err(error) => return error.into_response(),
        },
    };
    response.with_header("x-seen", seen)
}

/// What the decoder found is what was answered.
fn expect_answers(answers: &[Answer], story: &Story, bytes: &[u8]) {
    let context = || format!("{} got {answers:?}", bytes.escape_ascii());
    for (index, exchange) in story.exchanges.iter().enumerate() {
        let last = index + 1 == story.exchanges.len();
        let Some(answer) = answers.get(index) else {
            assert!(exchange.body.is_none() && last, "no answer {index}: {}", context());
            return;
        };
        expect_answer(answer, exchange, story, &context);
        if answer.closes() {
            assert_eq!(answers.len(), index + 1, "an answer behind the last: {}", context());
            return;
        }
        if exchange.body.is_none() {
            // A handler that does not read may answer before the body has come. Nothing follows.
            return assert_eq!(answers.len(), index + 1, "kept behind a broken body: {}", context());
        }
    }
    let rest = &answers[story.exchanges.len()..];
    match story.end {
        End::Refused(error) => {
            assert!(rest.len() == 1 && rest[0].closes(), "one refusal: {}", context());
            assert_eq!(rest[0].status, error.status().code(), "{}", context());
        }
        End::Input | End::Close => assert_eq!(rest, [], "an answer to nothing: {}", context()),
    }
}

fn expect_answer(answer: &Answer, exchange: &Exchange, story: &Story, context: &dyn Fn() -> String) {
    if exchange.target == "*" {
        return assert_eq!(answer.status, 204, "{}", context());
    }
    let ignored = answer.body == b"ignored" || answer.values("content-length") == [b"7"];
    if answer.status == 200 {
        let seen = format!("{} {}", exchange.method, exchange.target);
        assert_eq!(answer.values("x-seen"), [seen.as_bytes()], "{}", context());
        let body = exchange.body.as_deref().unwrap_or_default();
        let same = answer.body == body || exchange.method == "HEAD";
        assert!(same || ignored, "another body: {}", context());
        assert!(
            exchange.body.is_some() || ignored || exchange.method == "HEAD",
            "half a body: {}",
            context()
        );
        return;
    }
    // A path that is not UTF-8 is refused before the body is looked at.
    let broken = match story.end {
        End::Refused(error) if exchange.body.is_none() => error.status().code(),
        _ => 400,
    };
    assert!(answer.status == broken || answer.status == 400, "{}", context());
}
