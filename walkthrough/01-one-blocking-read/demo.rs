//! The clients of chapter 1, played on one thread, so that what they see comes in one order.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::serve;

/// How long the fast client is willing to wait while the slow one is silent.
const PATIENCE: Duration = Duration::from_millis(300);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

/// A server on a thread of its own. It ends with the process.
fn start(threads: bool) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || serve(&listener, threads));
    Ok(address)
}

/// A slow client sends half of its request, then a fast one comes.
pub fn slow_and_fast(threads: bool) -> io::Result<()> {
    let address = start(threads)?;
    let (half, rest) = REQUEST.split_at(10);

    let mut slow = TcpStream::connect(address)?;
    slow.write_all(half)?;
    println!("slow: connected, sent half of a request");

    let mut fast = TcpStream::connect(address)?;
    fast.write_all(REQUEST)?;
    println!("fast: connected, sent a whole request");

    fast.set_read_timeout(Some(PATIENCE))?;
    let mut early = [0; 15];
    match fast.read_exact(&mut early) {
        Ok(()) => println!("fast: {}", String::from_utf8_lossy(&early)),
        Err(_) => println!("fast: no answer within 300ms"),
    }

    slow.write_all(rest)?;
    println!("slow: sent the other half");
    println!("slow: {}", status(&mut slow)?);
    if early[0] == 0 {
        fast.set_read_timeout(None)?;
        println!("fast: {}", status(&mut fast)?);
    }
    Ok(())
}

/// The first line of an answer.
fn status(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Connects so many clients that say nothing, each of which has a thread that waits for it.
pub fn crowd(count: usize) -> io::Result<()> {
    let address = start(true)?;
    let before = threads()?;
    let clients: Result<Vec<_>, _> = (0..count).map(|_| TcpStream::connect(address)).collect();
    let clients = clients.inspect_err(|error| println!("{error} (hint: ulimit -n 20000)"))?;
    // A client that gets an answer has come after all of the silent ones: now each of them has its thread.
    let mut last = TcpStream::connect(address)?;
    last.write_all(REQUEST)?;
    status(&mut last)?;
    // That last client's thread may be there still, or not.
    let waiting = (threads()? - before).min(clients.len());
    println!("{} silent clients: {waiting} threads that wait", clients.len());
    Ok(())
}

/// How many threads this process has, as Linux counts them.
fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}
