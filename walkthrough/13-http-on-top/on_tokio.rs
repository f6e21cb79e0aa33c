//! Chapter 13, the comparison: the server of `main.rs` on tokio.
//!
//! Below the line between bytes and sockets everything is tokio's: the runtime, tasks, timers, streams. Above it is what
//! our library has for bytes alone: it never touches a socket, so it does not care whose socket it is.
//!
//! ```text
//!   main.rs:      Server, connection, Wire, Flow | TcpStream, Sleep, JoinHandle, Runtime
//!   on_tokio.rs:  serve, Connection              | tokio::net, tokio::time, tokio::task, tokio::runtime
//!   both:         HeadScan, Head, ChunkedDecoder, Response, write_head; and `race`, which is a future like any other
//! ```
//!
//! Left out, beside ours: bodies are collected and not streamed, buffers belong to their connection, and nothing waits for
//! requests in flight at the end.

#[path = "../args.rs"]
mod args;

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant as StdInstant};

use glassbox::future::{Either, race};
use glassbox::http::body::BodyError;
use glassbox::http::buffer::Buffer;
use glassbox::http::chunked::{ChunkedDecoder, Decoded};
use glassbox::http::date::DateCache;
use glassbox::http::encode::{self, Persistence, ResponseFraming};
use glassbox::http::fields::Framing;
use glassbox::http::head::Head;
use glassbox::http::pool::Reuse;
use glassbox::http::scan::HeadScan;
use glassbox::http::uri::percent_decode;
use glassbox::http::{Limits, Method, RequestError, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The most that `/bytes` makes.
const MAX_BYTES: usize = 16 << 20;

/// How long a closing connection listens for the client's own close.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    // One thread, like ours. The drivers for sockets and timers are separate parts and are switched on.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let mut limits = Limits::default();
    if let Some(patience) = args::value("--head-timeout-ms") {
        limits.head_timeout = Duration::from_millis(patience);
    }
    // Our tasks hold an `Rc` over an await. tokio's `spawn` asks for `Send`, whatever the runtime; a `LocalSet` does not.
    LocalSet::new().block_on(&runtime, serve(Rc::new(limits)))
}

async fn serve(limits: Rc<Limits>) -> io::Result<()> {
    // No handle: tokio finds its runtime through a thread-local.
    let listener = TcpListener::bind(args::listen()).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // Out of descriptors: do not spin.
            continue;
        };
        stream.set_nodelay(true)?;
        // The handle is dropped, and the task goes on: as with ours.
        spawn_local(Connection::new(stream, limits.clone()).serve());
    }
}

/// What a handler answers.
struct Answer {
    status: Status,
    content_type: &'static str,
    /// The methods that there are, if the request had another one.
    allow: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    fn text(status: Status, text: impl Into<Vec<u8>>) -> Answer {
        Answer { status, content_type: "text/plain; charset=utf-8", allow: None, body: text.into() }
    }

    fn bytes(body: Vec<u8>) -> Answer {
        Answer { content_type: "application/octet-stream", ..Answer::text(Status::OK, body) }
    }

    fn error(status: Status, message: &str) -> Answer {
        Answer::text(status, format!("{status}: {message}\n"))
    }
}

/// Finds the handler and calls it. Ours is a tree of routes, and its handlers are futures.
fn route(head: &Head, body: Vec<u8>) -> Answer {
    let one_segment = |prefix: &str| {
        let rest = head.path().strip_prefix(prefix)?;
        (!rest.is_empty() && !rest.contains('/')).then_some(rest)
    };
    let (name, count) = (one_segment("/hello/"), one_segment("/bytes/"));
    let known = match head.path() {
        "/echo" => Method::Post,
        "/" => Method::Get,
        _ if name.is_some() || count.is_some() => Method::Get,
        _ => return Answer::text(Status::NOT_FOUND, format!("{}\n", Status::NOT_FOUND)),
    };
    if head.method() != known && (head.method(), known) != (Method::Head, Method::Get) {
        let methods = if known == Method::Get { "GET, HEAD, OPTIONS" } else { "POST, OPTIONS" };
        let hint = format!("the methods here are {methods}");
        return Answer { allow: Some(methods), ..Answer::error(Status::METHOD_NOT_ALLOWED, &hint) };
    }
    if let Some(name) = name {
        return match String::from_utf8(percent_decode(name.as_bytes()).into_owned()) {
            Ok(name) => Answer::text(Status::OK, format!("Hello, {name}!\n")),
            Err(_) => Answer::error(Status::BAD_REQUEST, "the path is not UTF-8"),
        };
    }
    match count.map(str::parse) {
        Some(Ok(count)) if count <= MAX_BYTES => Answer::bytes(vec![b'x'; count]),
        Some(_) => Answer::error(Status::BAD_REQUEST, "that is no number up to 16777216"),
        None if known == Method::Post => Answer::bytes(body),
        None => Answer::text(Status::OK, "hello from the top floor\n"),
    }
}

/// One connection: what `Wire` and `Flow` are in `src/http`.
struct Connection {
    stream: TcpStream,
    limits: Rc<Limits>,
    /// Bytes that were read and not used.
    input: Vec<u8>,
    /// Bytes of answers that were not sent yet.
    output: Buffer,
    head: Head,
    dates: DateCache,
}

impl Connection {
    fn new(stream: TcpStream, limits: Rc<Limits>) -> Connection {
        let (output, head) = (Buffer::fresh(), Head::fresh());
        Connection {
            stream,
            limits,
            input: Vec::new(),
            output,
            head,
            dates: DateCache::new(StdInstant::now()),
        }
    }

    /// Serves one request after the other. The stream is closed when this returns.
    async fn serve(mut self) {
        loop {
            match self.exchange().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(BodyError::Request(error)) => {
                    let refusal = Answer::error(error.status(), &error.to_string());
                    self.answer(&refusal, Persistence::Close, true);
                    break;
                }
                Err(BodyError::Io(_)) => return,
            }
        }
        if self.flush().await.is_ok() {
            self.linger().await;
        }
    }

    /// Reads a request and answers it. `false`: it was the last one.
    async fn exchange(&mut self) -> Result<bool, BodyError> {
        if !self.read_head().await? {
            return Ok(false);
        }
        let body = self.read_body().await?;
        let answer = route(&self.head, body);
        let keeps = self.head.keep_alive();
        let persistence = match (keeps, self.head.minor_version()) {
            (false, _) => Persistence::Close,
            (true, 0) => Persistence::KeepAliveSaid,
            (true, _) => Persistence::KeepAlive,
        };
        self.answer(&answer, persistence, self.head.method() != Method::Head);
        Ok(keeps)
    }

    /// The next request's head. `false`: the client has closed between two requests, or was idle for too long.
    async fn read_head(&mut self) -> Result<bool, BodyError> {
        let mut scan = HeadScan::default();
        let mut begun = false;
        let mut deadline = Instant::now() + self.limits.idle_timeout;
        loop {
            if let Some(range) = scan.advance(&self.input, &self.limits)? {
                self.head.parse(&self.input[range.clone()], &self.limits)?;
                self.input.drain(..range.end);
                return Ok(true);
            }
            self.flush().await?; // Answer before you wait.
            if scan.has_begun() && !begun {
                begun = true;
                deadline = Instant::now() + self.limits.head_timeout;
            }
            match self.read_some(deadline).await {
                Ok(0) if begun => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Err(BodyError::Request(RequestError::Timeout)) if !begun => return Ok(false),
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Collects the request's body.
    async fn read_body(&mut self) -> Result<Vec<u8>, BodyError> {
        let framing = self.head.framing();
        if self.head.expects_continue() && framing != Framing::None && self.input.is_empty() {
            self.output.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let mut body = Vec::new();
        let mut left = match framing {
            Framing::None => return Ok(body),
            Framing::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Framing::Chunked => return self.read_chunks(body).await,
        };
        loop {
            let part = left.min(self.input.len());
            body.extend(self.input.drain(..part));
            left -= part;
            if body.len() > self.limits.collected {
                return Err(RequestError::BodyTooLarge.into());
            }
            if left == 0 {
                return Ok(body);
            }
            self.read_more_body().await?;
        }
    }

    async fn read_chunks(&mut self, mut body: Vec<u8>) -> Result<Vec<u8>, BodyError> {
        let mut decoder = ChunkedDecoder::new(&self.limits);
        loop {
            match decoder.decode(&self.input)? {
                Decoded::Data { skip, length } => {
                    self.input.drain(..skip);
                    body.extend(self.input.drain(..length));
                    if body.len() > self.limits.collected {
                        return Err(RequestError::BodyTooLarge.into());
                    }
                }
                Decoded::NeedMore => {
                    self.input.clear();
                    self.read_more_body().await?;
                }
                Decoded::End { skip } => {
                    self.input.drain(..skip);
                    return Ok(body);
                }
            }
        }
    }

    async fn read_more_body(&mut self) -> Result<(), BodyError> {
        self.flush().await?;
        match self.read_some(Instant::now() + self.limits.body_timeout).await? {
            0 => Err(RequestError::Truncated.into()),
            _ => Ok(()),
        }
    }

    /// Reads once, behind what is there. `timeout_at` drops the read when the time is over: a read that is dropped has
    /// taken nothing, in tokio as with us.
    async fn read_some(&mut self, deadline: Instant) -> Result<usize, BodyError> {
        match timeout_at(deadline, self.stream.read_buf(&mut self.input)).await {
            Ok(read) => Ok(read?),
            Err(_) => Err(RequestError::Timeout.into()),
        }
    }

    /// Writes an answer into the output. It leaves with the next flush: before the next wait.
    fn answer(&mut self, answer: &Answer, persistence: Persistence, with_body: bool) {
        let mut response = Response::new(answer.status).with_header("content-type", answer.content_type);
        if let Some(methods) = answer.allow {
            response = response.with_header("allow", methods);
        }
        let framing = ResponseFraming::Length(answer.body.len() as u64);
        encode::write_head(&mut self.output, &response, &self.dates, StdInstant::now(), framing, persistence);
        if with_body {
            self.output.push(&answer.body);
        }
    }

    /// Sends all output. `write_all` is the loop over short writes.
    async fn flush(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + self.limits.write_timeout;
        let sent = match timeout_at(deadline, self.stream.write_all(&self.output)).await {
            Ok(sent) => sent,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        self.output.consume(usize::MAX);
        sent
    }

    /// Says that no more will come, and reads until the client closes, but not for long.
    async fn linger(&mut self) {
        let deadline = Instant::now() + LINGER;
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let ends = async {
            let mut thrown_away = [0; 4096];
            while matches!(self.stream.read(&mut thrown_away).await, Ok(1..)) {}
        };
        // Our own race, polled by tokio. It wants a future and a waker, and does not ask whose.
        match race(ends, sleep_until(deadline)).await {
            Either::First(()) | Either::Second(()) => {}
        }
    }
}
