//! The response writer: what it writes is read back, by others, as what was meant.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use glassbox::http::{Body, BodyError, BodySource, Chunk, Limits, Method, Request, Response, Router, Status};

use super::choices::Choices;
use super::stage::{Answer, read_answers, talk};

/// An answer, and the request that it answers.
#[derive(Debug)]
struct Plan {
    method: Method,
    version: &'static str,
    connection: &'static str,
    status: u16,
    headers: Vec<(String, String)>,
    body: Source,
}

/// Where the body comes from.
#[derive(Debug)]
enum Source {
    None,
    Whole(Vec<u8>),
    /// In these pieces, of which some may be empty; the length said beforehand, or not.
    Pieces {
        pieces: Vec<Vec<u8>>,
        length: Option<u64>,
    },
}

/// The target.
pub fn run(bytes: &[u8]) {
    let plan = Rc::new(plan(&mut Choices::new(bytes)));
    let request = format!(
        "{} / {}\r\nHost: a\r\n{}\r\n{} /second HTTP/1.1\r\nHost: a\r\n\r\n",
        plan.method, plan.version, plan.connection, "GET"
    );
    let made = plan.clone();
    let router = Router::new()
        .route(plan.method, "/", move |_: Request| {
            let response = made.response();
            async move { response }
        })
        .get("/second", async |_| "second");
    let written = talk(router, Limits::default(), &[request.as_bytes()]);
    let read = read_answers(&written, |index| index == 0 && plan.method == Method::Head);
    match read {
        Ok(answers) => plan.expect(&answers),
        Err((answers, why)) => {
            assert!(answers.is_empty() && plan.lies(), "{why}: {plan:?} wrote {}", written.escape_ascii());
        }
    }
}

fn plan(choices: &mut Choices<'_>) -> Plan {
    const STATUSES: [u16; 15] = [200, 201, 204, 205, 206, 299, 301, 304, 400, 404, 418, 500, 503, 511, 599];
    let method = choices.of(&[Method::Get, Method::Head, Method::Post, Method::Options, Method::Trace]);
    let version = choices.of(&["HTTP/1.1", "HTTP/1.0"]);
    let connection = choices.of(&["", "Connection: close\r\n", "Connection: keep-alive\r\n"]);
    let status = choices.of(&STATUSES);
    let letters = ['a', 'Z', '0', '-', '_', '!', '~', '.'];
    let values = [
        'a', ' ', '\t', ':', ',', '"', '\\', '~', '\u{e9}', '\u{20ac}', '\r', '\n', '\0', '\u{7f}', 'z', '0',
    ];
    let count = choices.below(6);
    let headers = (0..count).map(|_| {
        let name = match choices.below(4) {
            0 => "content-type".to_owned(),
            1 => "set-cookie".to_owned(),
            _ => format!("x{}", choices.text(8, &letters)),
        };
        (name, choices.text(12, &values))
    });
    let headers = headers.collect();
    Plan { method, version, connection, status, headers, body: source(choices) }
}

fn source(choices: &mut Choices<'_>) -> Source {
    match choices.below(4) {
        0 => Source::None,
        1 => Source::Whole(choices.bytes(255).repeat(1 + choices.below(120))),
        way => {
            let count = choices.below(7);
            let pieces: Vec<Vec<u8>> =
                (0..count).map(|_| choices.bytes(40).repeat(1 + choices.below(200))).collect();
            let total = pieces.iter().map(Vec::len).sum::<usize>() as u64;
            // Now and then a source promises another length than it has.
            let length = match choices.below(16) {
                0 => total.saturating_sub(1),
                1 => total + 1,
                _ => total,
            };
            Source::Pieces { pieces, length: (way == 2).then_some(length) }
        }
    }
}

impl Plan {
    fn response(&self) -> Response {
        let status = Status::new(self.status).expect("a status");
        let mut response = Response::new(status);
        for (name, value) in &self.headers {
            response = response.with_header(name.clone(), value.clone());
        }
        match &self.body {
            Source::None => response,
            Source::Whole(bytes) => response.with_body(bytes.clone()),
            Source::Pieces { pieces, length } => {
                response.with_body(Body::stream(Pieces(pieces.clone().into()), *length))
            }
        }
    }

    /// Whether a header holds a control byte: the answer is a 500 from there on, and stays one.
    fn is_poisoned(&self) -> bool {
        self.headers.iter().any(Plan::poisons)
    }

    fn poisons((_, value): &(String, String)) -> bool {
        value.bytes().any(|byte| byte != b'\t' && byte < b' ' || byte == 0x7f)
    }

    fn body(&self) -> Vec<u8> {
        match &self.body {
            Source::None => Vec::new(),
            Source::Whole(bytes) => bytes.clone(),
            Source::Pieces { pieces, .. } => pieces.concat(),
        }
    }

    fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 205 | 304) || self.method == Method::Head
    }

    /// Whether the body has another length than was promised: the connection is cut then.
    fn lies(&self) -> bool {
        let Source::Pieces { length: Some(length), .. } = &self.body else { return false };
        *length != self.body().len() as u64 && !self.is_bodiless() && !self.is_poisoned()
    }

    fn expect(&self, answers: &[Answer]) {
        if self.lies() {
            // The promised bytes may have left before there were more. Then the connection was cut.
            let prefix = answers.iter().all(|answer| self.body().starts_with(&answer.body));
            return assert!(answers.len() <= 1 && prefix, "{self:?}: {answers:?}");
        }
        let first = answers.first().expect("an answer");
        if self.is_poisoned() {
            assert_eq!((first.status, answers.len(), first.closes()), (500, 1, true), "{self:?}");
            let text: &[u8] = if self.method == Method::Head { b"" } else { b"500 Internal Server Error\n" };
            assert_eq!(first.body, text, "{self:?}");
            return self.expect_headers(first);
        }
        assert_eq!(first.status, self.status, "{self:?}");
        assert_eq!(first.reason, Status::new(self.status).expect("a status").reason());
        self.expect_headers(first);
        let expected = if self.is_bodiless() { Vec::new() } else { self.body() };
        assert!(first.body == expected, "{self:?} was read as {first:?}");
        let asked_to_close = self.connection.contains("close")
            || self.version == "HTTP/1.0" && !self.connection.contains("keep-alive");
        let unknown_length = matches!(self.body, Source::Pieces { length: None, .. });
        let until_close =
            self.version == "HTTP/1.0" && unknown_length && !matches!(self.status, 204 | 205 | 304);
        assert_eq!(first.closes(), asked_to_close || until_close, "{self:?}: {first:?}");
        let bodies: Vec<&[u8]> = answers[1..].iter().map(|answer| &answer.body[..]).collect();
        let second: &[&[u8]] = if first.closes() { &[] } else { &[b"second"] };
        assert_eq!(bodies, second, "{self:?}");
    }

    /// Content-Type first, the last one that was set, or that of the 500's text; then the others in their order, from
    /// the last one on that spoiled the answer. White space around a value belongs to nobody.
    fn expect_headers(&self, answer: &Answer) {
        let is_type = |(name, _): &&(String, String)| name == "content-type";
        let text = ("content-type".to_owned(), "text/plain; charset=utf-8".to_owned());
        let spoilt = self.headers.iter().rposition(Plan::poisons);
        let headers = &self.headers[spoilt.map_or(0, |place| place + 1)..];
        let content_type = if spoilt.is_some() { Some(&text) } else { headers.iter().rev().find(is_type) };
        let others = headers.iter().filter(|header| !is_type(header));
        let expected = content_type.into_iter().chain(others);
        let expected =
            expected.map(|(name, value)| (name.clone(), value.trim_matches([' ', '\t']).as_bytes().to_vec()));
        let own = ["content-length", "transfer-encoding", "connection"];
        let read = answer.headers.iter().filter(|(name, _)| !own.contains(&&**name));
        assert_eq!(read.cloned().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{self:?}");
    }
}

/// A body in pieces, all of them ready.
struct Pieces(VecDeque<Vec<u8>>);

impl BodySource for Pieces {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Chunk::Owned(piece))))
    }
}
