//! Three clients, and a fourth who comes too late.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use glassbox::http::stats::Stats;
use signal_hook::consts::SIGTERM;

/// How long a client waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(2);

pub fn run(address: SocketAddr, stats: &Stats) {
    let connect = || {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    };
    let mut idle = connect();
    ask(&mut idle, "/");
    read(&mut idle);
    let (mut slow, mut never) = (connect(), connect());
    ask(&mut slow, "/slow");
    ask(&mut never, "/never");
    while stats.in_flight.get() < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    println!("clients: one idle, two with a request in flight; now SIGTERM");
    signal_hook::low_level::raise(SIGTERM).expect("a process can signal itself");
    println!("idle:    {}", read(&mut idle));
    // The listener was closed before the idle connection was.
    let late = TcpStream::connect(address);
    println!("late:    {}", if late.is_ok() { "connected" } else { "refused" });
    println!("slow:    {}", read(&mut slow));
    println!("never:   {}", read(&mut never));
}

fn ask(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("the kernel takes it");
}

/// What comes: an answer and whether it is the last, the end, or nothing.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 1024];
    let Ok(count) = stream.read(&mut bytes) else { return "gave up after 2s".to_owned() };
    let text = String::from_utf8_lossy(&bytes[..count]);
    let Some(status) = text.lines().next() else { return "the connection is closed".to_owned() };
    let last = if text.contains("connection: close") { ", connection: close" } else { "" };
    format!("{status}{last}")
}
