//! Chapter 2: a web server on one thread that never waits for anybody. It asks everybody, again and again.
//!
//! `cargo run --example ch02` serves until it is killed. `-- --demo` plays a slow and a fast client, then counts what
//! silent clients cost, and ends. `--nap` sleeps for 20 ms when a whole pass found nothing to do.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const LONGEST_HEAD: usize = 8 * 1024;
const NAP: Duration = Duration::from_millis(20);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n";
const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn main() -> io::Result<()> {
    if args::switch("--demo") {
        return demo::play();
    }
    let mut server = Server::bind(args::listen())?;
    println!("listening on http://{}", server.listener.local_addr()?);
    loop {
        let useful = server.pass();
        if useful == 0 && args::switch("--nap") {
            thread::sleep(NAP);
        }
    }
}

/// Everything that the server knows. With no thread per client, what a thread's stack would remember, such as "half of
/// the head is here", stands in a struct.
struct Server {
    listener: TcpListener,
    connections: Vec<Connection>,
    meter: Meter,
}

/// What the loop has asked the operating system, and how often in vain.
#[derive(Default)]
struct Meter {
    calls: u64,
    would_block: u64,
}

/// How far one client has come.
struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    /// What is still to be sent; empty while the head is not complete.
    unsent: &'static [u8],
}

/// What became of a connection in one pass.
#[derive(PartialEq, Eq)]
enum State {
    /// The operating system said "not now".
    Waiting,
    /// Something moved.
    Moved,
    /// Answered, or broken.
    Done,
}

impl Server {
    fn bind(address: std::net::SocketAddr) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        // From here on `accept` returns at once, with a connection or with `WouldBlock`.
        listener.set_nonblocking(true)?;
        Ok(Server { listener, connections: Vec::new(), meter: Meter::default() })
    }

    /// Asks everybody once. Returns how often that was of use.
    fn pass(&mut self) -> usize {
        let mut useful = 0;
        self.meter.calls += 1;
        match self.listener.accept() {
            Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                self.connections.push(Connection { stream, head: Vec::new(), unsent: b"" });
                useful += 1;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.meter.would_block += 1,
            // The client is gone already, or there is no descriptor left: the next pass tries again.
            _ => {}
        }
        let meter = &mut self.meter;
        self.connections.retain_mut(|connection| {
            let state = connection.go_on(meter);
            useful += usize::from(state != State::Waiting);
            state != State::Done
        });
        useful
    }
}

impl Connection {
    /// One step: a read while the head is not complete, a write after that.
    fn go_on(&mut self, meter: &mut Meter) -> State {
        meter.calls += 1;
        let result = if self.unsent.is_empty() { self.read() } else { self.write() };
        match result {
            Ok(state) => state,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                meter.would_block += 1;
                State::Waiting
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => State::Moved,
            Err(_) => State::Done,
        }
    }

    fn read(&mut self) -> io::Result<State> {
        let mut buffer = [0; 1024];
        let count = self.stream.read(&mut buffer)?;
        self.head.extend_from_slice(&buffer[..count]);
        if self.head.windows(4).any(|window| window == b"\r\n\r\n") {
            self.unsent = if self.head.starts_with(b"GET ") { HELLO } else { BAD };
        } else if count == 0 || self.head.len() > LONGEST_HEAD {
            return Ok(State::Done);
        }
        Ok(State::Moved)
    }

    /// A write may take less than it is given. The rest waits for the next pass.
    fn write(&mut self) -> io::Result<State> {
        let count = self.stream.write(self.unsent)?;
        self.unsent = &self.unsent[count..];
        Ok(if self.unsent.is_empty() { State::Done } else { State::Moved })
    }
}
