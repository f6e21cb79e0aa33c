//! A bare loop over mio and httparse, without futures: the practical limit that an async server is measured by.
//!
//! It does what the fastest servers do, and no more:
//!
//! 1. One read buffer for all connections. A connection has memory of its own only while a request or an answer is
//!    half done.
//! 2. Everything that was read is parsed, and all answers go out in one write.
//! 3. A read that is shorter than the buffer has drained the socket: no second read that would block.
//! 4. Read before registering: a connection that is answered and closed at once never meets epoll.
//! 5. Registered once, edge-triggered, both directions; closed without deregistering.
//! 6. Accept until it would block; TCP_NODELAY is inherited from the listener.
//!
//! Left out: limits, timeouts, chunked bodies, everything that a server on the open network needs.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use peers::date::Date;
use peers::peer::{OCTETS, Options, TEXT, octets};
use slab::Slab;

/// The read buffer. Room for a request with a 64 KiB body and its head.
const BUFFER: usize = 128 * 1024;
/// A body up to this length is copied behind its head; a longer one is written from where it lies.
const SMALL: usize = 4096;
/// The listener's name; connection `key` is called `key + 1`.
const LISTENER: Token = Token(0);

fn main() -> io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
    Server::new(TcpListener::from_std(listener), options.greeting)?.run()
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    buffer: Box<[u8]>,
    writer: Writer,
}

struct Connection {
    stream: TcpStream,
    /// Received and not yet answered: the beginning of a request. Empty, without capacity, for an idle connection.
    input: Vec<u8>,
    /// Answered and not yet taken by the kernel.
    output: Vec<u8>,
    /// What follows `output`: the rest of a large body.
    tail: &'static [u8],
}

/// What happens to a connection.
#[derive(PartialEq)]
enum Fate {
    Keep,
    Close,
}

impl Server {
    fn new(mut listener: TcpListener, greeting: &'static str) -> io::Result<Server> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let writer = Writer { date: Date::new(), out: Vec::with_capacity(BUFFER), greeting };
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Server { poll, listener, connections: Slab::new(), buffer, writer })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.writer.date.tick();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(name) => self.serve(name - 1),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => continue,
            };
            let mut connection = Connection { stream, input: Vec::new(), output: Vec::new(), tail: &[] };
            if connection.drive(&mut self.buffer, &mut self.writer) == Fate::Close {
                continue;
            }
            // What arrives between the read and this line is reported at once.
            let entry = self.connections.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut connection.stream, Token(entry.key() + 1), interest)?;
            entry.insert(connection);
        }
    }

    /// An event is a hint: its connection may be gone, or another one under the same name.
    fn serve(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.drive(&mut self.buffer, &mut self.writer) == Fate::Close {
            self.connections.remove(key);
        }
    }
}

impl Connection {
    /// Goes on until the socket has nothing more to give or takes nothing more.
    fn drive(&mut self, buffer: &mut [u8], writer: &mut Writer) -> Fate {
        self.try_drive(buffer, writer).unwrap_or(Fate::Close)
    }

    fn try_drive(&mut self, buffer: &mut [u8], writer: &mut Writer) -> io::Result<Fate> {
        if self.is_stuck() {
            self.push_rest()?;
            if self.is_stuck() {
                return Ok(Fate::Keep);
            }
            // Requests may have waited for this.
            let input = std::mem::take(&mut self.input);
            if self.answer(&input, writer)? == Fate::Close {
                return Ok(Fate::Close);
            }
        }
        loop {
            if self.is_stuck() {
                return Ok(Fate::Keep);
            }
            let old = self.input.len();
            let (read, drained) = match self.receive(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Fate::Keep),
                other => other?,
            };
            if read == 0 {
                return Ok(Fate::Close);
            }
            let fate = if old == 0 {
                self.answer(&buffer[..read], writer)?
            } else {
                let input = std::mem::take(&mut self.input);
                self.answer(&input, writer)?
            };
            if drained || fate == Fate::Close {
                return Ok(fate);
            }
        }
    }

    /// Reads into the buffer of all, and from there behind the beginning of a request if there is one. Says how
    /// much, and whether that was everything.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        let read = self.stream.read(buffer)?;
        // By way of the common buffer: the cost of a copy, without clearing fresh memory for each read.
        if !self.input.is_empty() {
            self.input.extend_from_slice(&buffer[..read]);
        }
        Ok((read, read < buffer.len()))
    }

    /// Answers all whole requests in `data`, in one write where the bodies are small. Keeps what is left over.
    fn answer(&mut self, data: &[u8], writer: &mut Writer) -> io::Result<Fate> {
        // A connection that failed while it was written to may have left its answers here.
        writer.out.clear();
        let mut rest = data;
        let mut fate = Fate::Keep;
        while !rest.is_empty() && fate == Fate::Keep && !self.is_stuck() {
            let request = match Request::parse(rest) {
                Ok(Some(request)) => request,
                Ok(None) => break,
                Err(()) => return Ok(Fate::Close),
            };
            rest = &rest[request.length..];
            if request.close {
                fate = Fate::Close;
            }
            if let Some(large) = writer.add(&request) {
                self.send(&mut writer.out, large)?;
            }
        }
        self.send(&mut writer.out, Large::Static(&[]))?;
        if fate == Fate::Keep && !rest.is_empty() {
            self.input.reserve(BUFFER);
            self.input.extend_from_slice(rest);
        }
        Ok(fate)
    }

    /// One write for the collected answers and a large body. Keeps what the kernel does not take.
    fn send(&mut self, out: &mut Vec<u8>, large: Large<'_>) -> io::Result<()> {
        let body = large.bytes();
        if out.is_empty() && body.is_empty() {
            return Ok(());
        }
        let written = if body.is_empty() {
            self.stream.write(out)
        } else {
            self.stream.write_vectored(&[IoSlice::new(out), IoSlice::new(body)])
        };
        let written = match written {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            other => other?,
        };
        if written < out.len() + body.len() {
            self.output.extend_from_slice(out.get(written..).unwrap_or_default());
            let rest = &body[written.saturating_sub(out.len())..];
            match large {
                Large::Static(bytes) => self.tail = &bytes[bytes.len() - rest.len()..],
                Large::Echo(_) => self.output.extend_from_slice(rest),
            }
            self.push_rest()?;
        }
        out.clear();
        Ok(())
    }

    fn is_stuck(&self) -> bool {
        !self.output.is_empty() || !self.tail.is_empty()
    }

    /// Writes until the kernel takes no more.
    fn push_rest(&mut self) -> io::Result<()> {
        while self.is_stuck() {
            let pieces = [IoSlice::new(&self.output), IoSlice::new(self.tail)];
            let written = match self.stream.write_vectored(&pieces) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            };
            let from_output = written.min(self.output.len());
            self.output.drain(..from_output);
            self.tail = &self.tail[written - from_output..];
        }
        self.output = Vec::new();
        Ok(())
    }
}

/// A body that is not copied.
#[derive(Clone, Copy)]
enum Large<'d> {
    Static(&'static [u8]),
    Echo(&'d [u8]),
}

impl<'d> Large<'d> {
    fn bytes(self) -> &'d [u8] {
        match self {
            Large::Static(bytes) | Large::Echo(bytes) => bytes,
        }
    }
}

/// A whole request, as far as the routes need it.
struct Request<'d> {
    method: &'d str,
    path: &'d str,
    body: &'d [u8],
    /// The head and the body.
    length: usize,
    close: bool,
}

impl<'d> Request<'d> {
    /// The first request in `data`, nothing if it is not whole yet, an error if it is none.
    fn parse(data: &'d [u8]) -> Result<Option<Request<'d>>, ()> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = parsed.parse(data).map_err(|_| ())? else { return Ok(None) };
        let (mut body, mut close) = (0, parsed.version == Some(0));
        for header in parsed.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") {
                let text = std::str::from_utf8(header.value).map_err(|_| ())?;
                body = text.parse::<usize>().map_err(|_| ())?;
            } else if header.name.eq_ignore_ascii_case("connection") {
                close = header.value.eq_ignore_ascii_case(b"close");
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(());
            }
        }
        let (Some(method), Some(path)) = (parsed.method, parsed.path) else { return Err(()) };
        let length = head.checked_add(body).ok_or(())?;
        let Some(body) = data.get(head..length) else { return Ok(None) };
        Ok(Some(Request { method, path, body, length, close }))
    }
}

/// Where answers are collected.
struct Writer {
    date: Date,
    out: Vec<u8>,
    greeting: &'static str,
}

impl Writer {
    /// Adds the answer. A large body is given back instead: it must be sent next.
    fn add<'d>(&mut self, request: &Request<'d>) -> Option<Large<'d>> {
        let (status, kind, body) = match (request.method, request.path) {
            ("GET", "/") => ("200 OK", TEXT, Large::Static(self.greeting.as_bytes())),
            ("POST", "/echo") => ("200 OK", OCTETS, Large::Echo(request.body)),
            (_, path) => match path.strip_prefix("/bytes/").and_then(octets) {
                Some(bytes) => ("200 OK", OCTETS, Large::Static(bytes)),
                None => ("404 Not Found", TEXT, Large::Static(b"not found\n")),
            },
        };
        let bytes = body.bytes();
        self.head(status, kind, bytes.len(), request.close);
        if bytes.len() > SMALL {
            return Some(body);
        }
        self.out.extend_from_slice(bytes);
        None
    }

    fn head(&mut self, status: &str, kind: &str, length: usize, close: bool) {
        let mut digits = itoa::Buffer::new();
        let end = if close { "\r\nconnection: close\r\n\r\n" } else { "\r\n\r\n" };
        let length = digits.format(length);
        for piece in [
            "HTTP/1.1 ",
            status,
            "\r\ndate: ",
            self.date.text(),
            "\r\ncontent-type: ",
            kind,
            "\r\ncontent-length: ",
            length,
            end,
        ] {
            self.out.extend_from_slice(piece.as_bytes());
        }
    }
}
