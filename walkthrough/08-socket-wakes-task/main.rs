//! Chapter 8: a server on the executor and the reactor. It sends lines back, and answers a GET.
//!
//! `cargo run --example ch08` serves until it is killed; `nc 127.0.0.1 8080` and `curl` are good clients. `-- --demo` plays
//! two clients and prints what the runtime says; `-- --moved` moves a future from one task to another while it waits.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io;
use std::time::Duration;

use glassbox::net::{TcpListener, TcpStream};
use glassbox::{Handle, Runtime};

/// A line that is longer ends the connection. Who does not bound what a stranger sends has given away the memory.
const LONGEST_LINE: usize = 8 * 1024;

/// How long the server leaves the door alone after an error there.
const BACK_OFF: Duration = Duration::from_millis(50);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n";

fn main() -> io::Result<()> {
    if args::switch("--demo") {
        return demo::two_clients();
    }
    if args::switch("--moved") {
        return demo::a_future_that_moves();
    }
    let runtime = Runtime::new()?;
    let listener = TcpListener::bind(&runtime.handle(), args::listen())?;
    println!("listening on http://{}", listener.local_addr()?);
    runtime.handle().spawn(accept_all(runtime.handle(), listener)).detach();
    // The loop that `block_on` hides; chapter 9 takes it apart.
    loop {
        runtime.turn(); // poll whoever is ready
        runtime.park(None)?; // ask the operating system; sleep if nobody is ready
    }
}

/// One task that waits at the door, and starts a task for each client.
async fn accept_all(handle: Handle, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => handle.spawn(serve(stream)).detach(),
            // The client has gone, or there is no descriptor left. To try again at once would be a busy loop.
            Err(_) => handle.sleep(BACK_OFF).await,
        }
    }
}

/// One client, from its first byte to its last. It reads like a program that blocks, and holds no thread while it waits.
async fn serve(stream: TcpStream) -> io::Result<()> {
    let mut lines = Lines { stream: &stream, buffer: Vec::new() };
    while let Some(line) = lines.next().await? {
        if line.starts_with(b"GET ") {
            // The rest of the head says nothing that this server would understand.
            while lines.next().await?.is_some_and(|line| line != b"\r\n") {}
            return stream.write_all(HELLO).await;
        }
        stream.write_all(&line).await?;
    }
    Ok(())
}

/// A stream of bytes, cut into lines.
struct Lines<'a> {
    stream: &'a TcpStream,
    /// What was read and not given out. It lives outside of the read's future: whoever drops that loses nothing.
    buffer: Vec<u8>,
}

impl Lines<'_> {
    /// The next line with its end. `None`: the client sends no more.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.buffer.drain(..=end).collect()));
            }
            if self.buffer.len() > LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut piece = [0; 1024];
            match self.stream.read(&mut piece).await? {
                0 => return Ok(None),
                count => self.buffer.extend_from_slice(&piece[..count]),
            }
        }
    }
}
