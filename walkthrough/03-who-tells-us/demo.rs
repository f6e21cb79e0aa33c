//! The clients of chapter 3. The server has a thread of its own; the clients take turns on ours.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::{Meter, Mistakes, Server};

/// How long a client of ours waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

pub fn play(mistakes: Mistakes) -> io::Result<()> {
    println!("three clients connect before the server looks:");
    let mut server = Server::bind(([127, 0, 0, 1], 0).into(), mistakes)?;
    let (address, meter) = (server.listener.local_addr()?, server.meter.clone());
    let mut burst = Vec::new();
    for name in ["a", "b", "c"] {
        burst.push((name, send(address, REQUEST)?));
    }
    thread::spawn(move || {
        // Until an error, which would be news in this demonstration.
        let error = loop {
            if let Err(error) = server.turn() {
                break error;
            }
        };
        println!("the server has ended: {error}");
    });
    for (name, stream) in burst {
        println!("  {name}: {}", status(stream)?);
    }
    println!("  events of the listener: {}", meter.knocks.load(Ordering::Relaxed));

    println!("a client sends 1,500 bytes at once:");
    let long = REQUEST.replace("here", &"h".repeat(1_474));
    println!("  d: {}", status(send(address, &long)?)?);

    println!("a hundred clients connect and say nothing:");
    silence(address, &meter)
}

fn send(address: SocketAddr, request: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The first line of the answer, if there is one in time.
fn status(mut stream: TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) => Ok(answer.lines().next().unwrap_or("closed").to_owned()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok("no answer within 300ms".to_owned()),
        Err(error) => Err(error),
    }
}

/// What the server does while a hundred clients are silent.
fn silence(address: SocketAddr, meter: &Arc<Meter>) -> io::Result<()> {
    let clients: Result<Vec<_>, _> = (0..100).map(|_| TcpStream::connect(address)).collect();
    let clients = clients?;
    settle(meter);
    let before = [&meter.calls, &meter.sleeps].map(|counter| counter.load(Ordering::Relaxed));
    thread::sleep(PATIENCE);
    let after = [&meter.calls, &meter.sleeps].map(|counter| counter.load(Ordering::Relaxed));
    println!(
        "  {} clients, 300ms: {} calls, {} new sleeps",
        clients.len(),
        after[0] - before[0],
        after[1] - before[1]
    );
    Ok(())
}

/// Waits until the server has done what there was to do: its numbers stand still.
fn settle(meter: &Meter) {
    let mut last = 0;
    while last != meter.sleeps.load(Ordering::Relaxed) {
        last = meter.sleeps.load(Ordering::Relaxed);
        thread::sleep(PATIENCE);
    }
}
