//! The clients of `--demo`. They use the standard library, block, and know nothing of the server but its address.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use glassbox::runtime::trace::Direction;
use glassbox::{Event, Recorder};
use socket2::{Domain, Socket, Type};

/// How long a client waits for the server's first write. It comes within milliseconds, or the demo is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, and what has come and was not used.
struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("an open socket"); // Each write becomes a packet of its own.
        Client { stream, bytes: Vec::new() }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// One answer: its status and its body. The server always says the length here.
    fn answer(&mut self) -> (u16, Vec<u8>) {
        let end = loop {
            match self.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.read().expect("a whole head"),
            }
        };
        let head = String::from_utf8(self.bytes.drain(..end).collect()).expect("a head is text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let length = length.parse().expect("a number");
        while self.bytes.len() < length {
            self.read().expect("a whole body");
        }
        (head[9..12].parse().expect("a status"), self.bytes.drain(..length).collect())
    }

    /// Reads once. `None`: the server has closed.
    fn read(&mut self) -> Option<()> {
        let mut piece = [0; 4096];
        let count = self.stream.read(&mut piece).expect("an open connection");
        self.bytes.extend_from_slice(&piece[..count]);
        (count > 0).then_some(())
    }

    /// Says that it is done, and waits until the server has closed, too: then all that it did is on record.
    fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        while self.read().is_some() {}
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n")
}

/// How many reads and writes the server made since the last call that moved something.
fn transfers(log: &Recorder) -> (usize, usize) {
    let events = log.take();
    let count = |wanted| {
        let moved = |event: &&Event| matches!(event, Event::Io { direction, count, .. } if *direction == wanted && *count > 1);
        events.iter().filter(moved).count()
    };
    (count(Direction::Read), count(Direction::Write))
}

pub fn run(address: SocketAddr, log: &Recorder) {
    one_request(address);
    cut_everywhere(address);
    ten_in_one_packet(address, log);
    two_lengths(address);
    a_slow_reader(address, log);
}

fn one_request(address: SocketAddr) {
    let mut client = Client::connect(address);
    client.send(get("/hello/you"));
    let (status, body) = client.answer();
    println!("one request: {status} {:?}", String::from_utf8_lossy(&body));
    client.end();
}

/// TCP is a stream of bytes: no cut means anything.
fn cut_everywhere(address: SocketAddr) {
    let mut client = Client::connect(address);
    let request =
        "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n";
    let expected = (200, b"hello".to_vec());
    let mut good = 0;
    for cut in 1..request.len() {
        client.send(&request[..cut]);
        client.send(&request[cut..]);
        good += usize::from(client.answer() == expected);
    }
    println!("cut in two behind each of its bytes: {good} of {} answers are right", request.len() - 1);
    request.bytes().for_each(|byte| client.send([byte]));
    println!("one byte at a time: {}", if client.answer() == expected { "right" } else { "wrong" });
    client.end();
}

/// A client need not wait for an answer before it sends the next request.
fn ten_in_one_packet(address: SocketAddr, log: &Recorder) {
    transfers(log);
    let mut client = Client::connect(address);
    client.send((0..10).map(|n| get(&format!("/hello/{n}"))).collect::<String>());
    let answers: String =
        (0..10).map(|_| String::from_utf8_lossy(&client.answer().1).replace('\n', " ")).collect();
    client.end();
    let (reads, writes) = transfers(log);
    println!("ten in one packet: {answers}\n  the server read {reads} time and wrote {writes} time");
}

/// A body that ends at two places. Whoever believes the length sees one request, whoever believes the chunks sees two.
fn two_lengths(address: SocketAddr) {
    let mut client = Client::connect(address);
    let hidden = get("/hello/smuggler");
    let body = format!("0\r\n\r\n{hidden}");
    let length = body.len();
    client.send(format!(
        "POST /echo HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
    ));
    let (status, text) = client.answer();
    client.end();
    let more = if client.bytes.is_empty() { "nothing" } else { "another answer" };
    println!(
        "two lengths: {}  behind that: {more}, and the connection is closed ({status})",
        String::from_utf8_lossy(&text)
    );
}

/// Waits until the server has written something. How many writes that were.
fn until_it_writes(log: &Recorder) -> usize {
    let start = Instant::now();
    loop {
        let (_, writes) = transfers(log);
        if writes > 0 || start.elapsed() > PATIENCE {
            return writes;
        }
        thread::yield_now();
    }
}

/// The kernel takes what fits into its buffers. Its `write` then says how much that was. A client that reads on another
/// core meanwhile makes room, and then one write may take all: so this one does not begin before the write is over.
fn a_slow_reader(address: SocketAddr, log: &Recorder) {
    const SIZE: usize = 8 << 20;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an open socket"); // Before it connects, or it is too late.
    socket.connect(&address.into()).expect("the server listens");
    transfers(log);
    let mut client = Client { stream: socket.into(), bytes: Vec::new() };
    client.send(get(&format!("/bytes/{SIZE}")));
    let first = until_it_writes(log);
    let (_, body) = client.answer();
    client.end();
    let whole = body.len() == SIZE && body.iter().all(|byte| *byte == b'x');
    let writes = first + transfers(log).1;
    println!("8 MiB to a slow reader: whole: {whole}; in more than one write: {}", writes > 1);
}
