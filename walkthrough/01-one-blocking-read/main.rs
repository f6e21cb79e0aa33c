//! Chapter 1: a web server that waits for one client at a time.
//!
//! `cargo run --example ch01` serves until it is killed. `-- --demo` plays a slow and a fast client, and ends.
//! `--threads` gives every connection a thread of its own; `--crowd N` counts what N silent clients cost then.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A head that is longer is refused. Who does not bound what a stranger sends has given away the memory.
const LONGEST_HEAD: usize = 8 * 1024;

/// How long the server leaves the door alone after an error there. Long enough to cost nothing, short enough to be
/// missed by nobody.
const BACK_OFF: Duration = Duration::from_millis(50);

fn main() -> io::Result<()> {
    if let Some(clients) = args::value("--crowd") {
        return demo::crowd(clients);
    }
    if args::switch("--demo") {
        return demo::slow_and_fast(args::switch("--threads"));
    }
    let listener = TcpListener::bind(args::listen())?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(&listener, args::switch("--threads"))
}

/// The server: one client after the other, or, with `threads`, each on a thread of its own.
fn serve(listener: &TcpListener, threads: bool) -> ! {
    loop {
        // Waits here until somebody connects.
        match listener.accept() {
            // No thread to be had? Then the client's stream is dropped, which closes it, and the next one has its try.
            Ok((stream, _)) if threads => drop(thread::Builder::new().spawn(move || answer(stream))),
            Ok((stream, _)) => answer(stream),
            // The client has gone, or there is no descriptor left. To try again at once would be a busy loop.
            Err(_) => thread::sleep(BACK_OFF),
        }
    }
}

/// One client, from its first byte to its answer. What goes wrong with one client is no reason to stop serving the
/// others, so the error ends here.
fn answer(mut stream: TcpStream) {
    let reply = match read_head(&mut stream) {
        Ok(head) if head.starts_with(b"GET ") => {
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n"
        }
        Ok(_) => "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        Err(_) => return,
    };
    let _ = stream.write_all(reply.as_bytes());
}

/// Reads until the empty line that ends a request's head.
fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        // Waits here until this one client sends something.
        match stream.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if head.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}
