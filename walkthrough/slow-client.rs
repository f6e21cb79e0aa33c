//! A client that takes its time, so that a server under `--trace` shows what waiting looks like.
//!
//! curl sends its whole request at once: it is often there before the server's first read, and then nothing waits.
//! This client pauses after each step, so that each time the order is the same:
//!
//! ```text
//!   client                      server, under --trace
//!   connects, pauses            accept; read would block; pending; sleep in epoll
//!   sends half a head, pauses   readable; read; read would block; pending; sleep in epoll
//!   sends the rest              readable; read; request parsed, answered; wrote ...
//!   reads slowly                a short write; pending; sleep in epoll; writable; wrote ...
//! ```
//!
//! Run a server with `cargo run -- --trace`, and in another window
//! `cargo run --example slow-client -- [ADDRESS [MILLISECONDS]]`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// The answer is large, so that the kernel's buffers cannot hold it and the server must wait for this client to read.
const HALVES: [&str; 2] = ["GET /bytes/6000000 HTTP/1.1\r\nHost: slow\r\n", "Connection: close\r\n\r\n"];

/// The kernel keeps so much of what was not read yet (it doubles the number). Small, so that the server waits soon.
const RECEIVE_BUFFER: usize = 16 * 1024;

/// How much it reads between two pauses at first. Behind this many bytes it reads as fast as it can.
const SIP: usize = 16 * 1024;
const SIPS: u32 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let pause = arguments.next().unwrap_or_else(|| "1000".to_owned());
    let (Ok(address), Ok(pause)) = (address.parse(), pause.parse()) else {
        eprintln!("usage: slow-client [ADDRESS [MILLISECONDS]], such as 127.0.0.1:8080 1000");
        std::process::exit(2);
    };
    if let Err(error) = talk(address, Duration::from_millis(pause)) {
        eprintln!("slow-client: {error} (hint: is a server running at {address}?)");
        std::process::exit(1);
    }
}

/// One request, slowly.
fn talk(address: SocketAddr, pause: Duration) -> io::Result<()> {
    let mut stream = connect(address)?;
    println!("connected; the server has accepted, and its first read finds nothing");
    thread::sleep(pause);
    stream.write_all(HALVES[0].as_bytes())?;
    println!("sent half of a head; the server has read it, and waits for the rest");
    thread::sleep(pause);
    stream.write_all(HALVES[1].as_bytes())?;
    println!("sent the rest; the server answers more than the kernel can hold, and waits for us to read");
    let mut sip = [0; SIP];
    let mut total = 0;
    for _ in 0..SIPS {
        thread::sleep(pause);
        let count = stream.read(&mut sip)?;
        total += count as u64;
        println!("read {count} bytes");
    }
    total += io::copy(&mut stream, &mut io::sink())?;
    println!("read the rest: {total} bytes in all");
    Ok(())
}

/// A connection with a small receive buffer. It must be set before the connection is made: TCP announces it then.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}
