//! Chapter 3: a web server on one thread that sleeps until the operating system tells it who can go on.
//!
//! `cargo run --example ch03` serves until it is killed. `-- --demo` plays three scenes with scripted clients, and ends.
//! Two switches put in mistakes: `--one-accept` accepts one client per event, `--one-read` reads once per event.

#[path = "../args.rs"]
mod args;
mod demo;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LONGEST_HEAD: usize = 8 * 1024;
const LISTENER: Token = Token(0);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n";
const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn main() -> io::Result<()> {
    let mistakes =
        Mistakes { one_accept: args::switch("--one-accept"), one_read: args::switch("--one-read") };
    if args::switch("--demo") {
        return demo::play(mistakes);
    }
    let mut server = Server::bind(args::listen(), mistakes)?;
    println!("listening on http://{}", server.listener.local_addr()?);
    loop {
        server.turn()?;
    }
}

/// What can be got wrong on purpose.
#[derive(Clone, Copy)]
struct Mistakes {
    one_accept: bool,
    one_read: bool,
}

/// The server: a selector, and what is known of each connection under the token that names it.
struct Server {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    connections: HashMap<Token, Connection>,
    /// The number of the next connection. Never used twice, so that a late event cannot reach a stranger.
    next: usize,
    mistakes: Mistakes,
    meter: Arc<Meter>,
}

/// What was asked of the operating system. Atomic, because the demonstration reads it from another thread.
#[derive(Default)]
struct Meter {
    sleeps: AtomicU64,
    calls: AtomicU64,
    /// Events of the listener, however many clients each of them stood for.
    knocks: AtomicU64,
}

/// How far one client has come.
struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    /// What is still to be sent; empty while the head is not complete.
    unsent: &'static [u8],
}

impl Server {
    fn bind(address: SocketAddr, mistakes: Mistakes) -> io::Result<Server> {
        let (poll, mut listener) = (Poll::new()?, TcpListener::bind(address)?);
        // "Tell me when a try may succeed, and call it token 0."
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (events, connections) = (Events::with_capacity(64), HashMap::new());
        Ok(Server { poll, events, listener, connections, next: 1, mistakes, meter: Arc::default() })
    }

    /// One turn: sleep until something happens, then do what can be done now.
    fn turn(&mut self) -> io::Result<()> {
        self.meter.sleeps.fetch_add(1, Ordering::Relaxed);
        match self.poll.poll(&mut self.events, None) {
            // A signal ends the sleep early. That is normal.
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let tokens: Vec<Token> = self.events.iter().map(|event| event.token()).collect();
        for token in tokens {
            if token == LISTENER {
                self.accept()?;
            } else {
                self.go_on(token);
            }
        }
        Ok(())
    }

    /// Takes everybody who waits at the door. One event may stand for many clients.
    fn accept(&mut self) -> io::Result<()> {
        self.meter.knocks.fetch_add(1, Ordering::Relaxed);
        loop {
            self.meter.calls.fetch_add(1, Ordering::Relaxed);
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // The client has gone, or there is no descriptor left. Whoever waits there is tried at the next event.
                Err(_) => return Ok(()),
            };
            let token = Token(self.next);
            self.next += 1;
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.connections.insert(token, Connection { stream, head: Vec::new(), unsent: b"" });
            if self.mistakes.one_accept {
                return Ok(());
            }
        }
    }

    /// Lets one connection go on until it has to wait again.
    fn go_on(&mut self, token: Token) {
        // An event for a connection that has ended in this same turn: nobody is there, nothing is to do.
        let Some(connection) = self.connections.get_mut(&token) else { return };
        loop {
            self.meter.calls.fetch_add(1, Ordering::Relaxed);
            match connection.step() {
                Ok(true) if self.mistakes.one_read && connection.unsent.is_empty() => return,
                Ok(true) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Answered, or broken. Dropping the stream closes it, and takes it out of the selector.
                Ok(false) | Err(_) => return drop(self.connections.remove(&token)),
            }
        }
    }
}

impl Connection {
    /// One read or write. `false`: there is nothing more to do.
    fn step(&mut self) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let count = self.stream.write(self.unsent)?;
            self.unsent = &self.unsent[count..];
            return Ok(!self.unsent.is_empty());
        }
        let mut buffer = [0; 1024];
        let count = self.stream.read(&mut buffer)?;
        self.head.extend_from_slice(&buffer[..count]);
        if self.head.windows(4).any(|window| window == b"\r\n\r\n") {
            self.unsent = if self.head.starts_with(b"GET ") { HELLO } else { BAD };
        }
        Ok(!self.unsent.is_empty() || (count > 0 && self.head.len() <= LONGEST_HEAD))
    }
}
