//! The clients of chapter 2. They and the server take turns on one thread, so that everything comes in one order.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{Meter, Server};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

/// So many passes the meter runs for.
const PASSES: u64 = 1_000;

pub fn play() -> io::Result<()> {
    slow_and_fast()?;
    println!();
    println!("silent clients   passes   system calls   would block");
    for clients in [0, 10, 100] {
        measure(clients)?;
    }
    Ok(())
}

fn start() -> io::Result<(Server, SocketAddr)> {
    let server = Server::bind(([127, 0, 0, 1], 0).into())?;
    let address = server.listener.local_addr()?;
    Ok((server, address))
}

/// The clients of chapter 1 once more: half a request, and a whole one.
fn slow_and_fast() -> io::Result<()> {
    let (mut server, address) = start()?;
    let (half, rest) = REQUEST.split_at(10);
    let mut slow = TcpStream::connect(address)?;
    slow.write_all(half)?;
    println!("slow: connected, sent half of a request");
    let mut fast = TcpStream::connect(address)?;
    fast.write_all(REQUEST)?;
    println!("fast: connected, sent a whole request");
    println!("fast: {}", status(&mut server, fast)?);
    slow.write_all(rest)?;
    println!("slow: sent the other half");
    println!("slow: {}", status(&mut server, slow)?);
    Ok(())
}

/// Lets the server go on until the client has its whole answer. Returns the first line.
fn status(server: &mut Server, mut client: TcpStream) -> io::Result<String> {
    client.set_nonblocking(true)?;
    let mut answer = Vec::new();
    loop {
        server.pass();
        match client.read_to_end(&mut answer) {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}

/// Counts what the loop does while nobody says anything.
fn measure(clients: usize) -> io::Result<()> {
    let (mut server, address) = start()?;
    let silent: Result<Vec<_>, _> = (0..clients).map(|_| TcpStream::connect(address)).collect();
    let silent = silent?;
    while server.connections.len() < silent.len() {
        server.pass();
    }
    server.meter = Meter::default();
    for _ in 0..PASSES {
        server.pass();
    }
    let Meter { calls, would_block } = server.meter;
    println!("{clients:14} {PASSES:8} {calls:14} {would_block:13}");
    Ok(())
}
