//! A server on a stage: bytes in, answers out, all in memory, on a frozen clock; and a reader of answers that forgives
//! nothing.

use std::cell::RefCell;

use glassbox::Runtime;
use glassbox::http::{Limits, Router, Server, serve_connection};

use super::pipe::Pipe;

thread_local! {
    /// A runtime costs four system calls to make. It is used again, unless a failed run has left something in it.
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// What the server writes to a client that sends these pieces, then says that it sends no more. Checks that nothing
/// is left of the connection.
pub fn talk(router: Router, limits: Limits, pieces: &[&[u8]]) -> Vec<u8> {
    let runtime =
        RUNTIME.take().unwrap_or_else(|| Runtime::builder().frozen_clock().build().expect("a runtime"));
    let service = Server::new(router).limits(limits).into_service(runtime.handle());
    let pipe = Pipe::new();
    runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
    for piece in pieces {
        pipe.client_send(piece);
        runtime.run_until_stalled();
    }
    pipe.client_end();
    runtime.run_until_stalled();
    assert!(pipe.is_closed(), "the server has not closed");
    assert_eq!(runtime.tasks(), [], "a task is left");
    assert_eq!(runtime.timers(), [], "a timer is left");
    RUNTIME.set(Some(runtime));
    pipe.client_take()
}

/// One answer, read strictly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The words behind it.
    pub reason: String,
    /// Names as they were written, in their order; without the date, which was checked.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, out of its framing.
    pub body: Vec<u8>,
    /// Its end was the connection's end.
    pub until_close: bool,
}

impl Answer {
    /// The values of all headers with this name.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let found = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &value[..]).collect()
    }

    /// Whether it says that the connection ends.
    pub fn closes(&self) -> bool {
        self.until_close || self.values("connection") == [b"close"]
    }
}

/// Why a byte stream is no list of answers, or how far it is one.
pub type Unreadable = String;

/// Reads answers until nothing is left. `to_head` says for the n-th whether its request was HEAD. Interim answers
/// are skipped.
///
/// # Errors
/// When something is left that is no whole answer: what was read before it, and why.
pub fn read_answers(
    mut bytes: &[u8],
    to_head: impl Fn(usize) -> bool,
) -> Result<Vec<Answer>, (Vec<Answer>, Unreadable)> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        if let Some(rest) = bytes.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n") {
            bytes = rest;
            continue;
        }
        match read_answer(bytes, to_head(answers.len())) {
            Ok((answer, rest)) => {
                answers.push(answer);
                bytes = rest;
            }
            Err(why) => return Err((answers, why)),
        }
    }
    Ok(answers)
}

fn read_answer(bytes: &[u8], to_head: bool) -> Result<(Answer, &[u8]), Unreadable> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|error| format!("httparse: {error}"))?;
    let httparse::Status::Complete(length) = parsed else { return Err("half a head".to_owned()) };
    assert_eq!(response.version, Some(1), "the version");
    assert!(!bytes[..length].windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r'), "a lone LF");
    let headers = response.headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec()));
    let (dates, headers): (Vec<_>, Vec<_>) = headers.partition(|(name, _)| name == "date");
    assert!(
        dates.len() == 1 && dates[0].1.len() == 29 && dates[0].1.ends_with(b" GMT"),
        "the date: {dates:?}"
    );
    let mut answer = Answer {
        status: response.code.unwrap_or_default(),
        reason: response.reason.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
        until_close: false,
    };
    let rest = read_body(&mut answer, &bytes[length..], to_head)?;
    Ok((answer, rest))
}

/// Exactly one framing, and exactly as many bytes as it says.
fn read_body<'a>(answer: &mut Answer, rest: &'a [u8], to_head: bool) -> Result<&'a [u8], Unreadable> {
    let lengths: Vec<Vec<u8>> = answer.values("content-length").iter().map(|value| value.to_vec()).collect();
    let codings: Vec<Vec<u8>> =
        answer.values("transfer-encoding").iter().map(|value| value.to_vec()).collect();
    assert!(lengths.len() + codings.len() <= 1, "two framings: {lengths:?} {codings:?}");
    if matches!(answer.status, 204 | 304) {
        assert!(lengths.is_empty() && codings.is_empty(), "a framing for no body");
        return Ok(rest);
    }
    if to_head {
        return Ok(rest);
    }
    if let Some(coding) = codings.first() {
        assert_eq!(coding, b"chunked");
        return read_chunks(&mut answer.body, rest);
    }
    let Some(length) = lengths.first() else {
        answer.until_close = true;
        answer.body = rest.to_vec();
        return Ok(&[]);
    };
    let length: usize =
        std::str::from_utf8(length).ok().and_then(|text| text.parse().ok()).expect("a length");
    let (body, rest) = rest.split_at_checked(length).ok_or("half a body")?;
    answer.body = body.to_vec();
    Ok(rest)
}

/// Chunks without extensions and trailers, their sizes without needless zeros.
fn read_chunks<'a>(body: &mut Vec<u8>, mut rest: &'a [u8]) -> Result<&'a [u8], Unreadable> {
    loop {
        let end = rest.iter().position(|byte| *byte == b'\r').ok_or("half a chunk size")?;
        let digits = &rest[..end];
        assert!(
            digits == b"0" || !digits.starts_with(b"0"),
            "a size of {:?}",
            digits.escape_ascii().to_string()
        );
        let text = std::str::from_utf8(digits).expect("digits");
        let size = usize::from_str_radix(text, 16).map_err(|error| format!("size {text:?}: {error}"))?;
        let data = rest[end..].strip_prefix(b"\r\n").ok_or("half a chunk size")?;
        let (data, behind) = data.split_at_checked(size).ok_or("half a chunk")?;
        body.extend_from_slice(data);
        rest = behind.strip_prefix(b"\r\n").ok_or("no CR LF behind a chunk")?;
        if size == 0 {
            return Ok(rest);
        }
    }
}
