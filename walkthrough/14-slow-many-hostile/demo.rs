//! The clients: one that is polite, and several that are not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use glassbox::http::stats::Stats;
use stats_alloc::Region;

const MANY: usize = 300;

/// How long a client waits before it says that there is no answer.
const PATIENCE: Duration = Duration::from_secs(2);

const NO_ANSWER: &str = "no answer";

struct Stage<'a> {
    address: SocketAddr,
    stats: &'a Stats,
}

/// Plays all scenes, one after the other.
pub fn run(address: SocketAddr, stats: &Stats) {
    let stage = Stage { address, stats };
    tell("a polite client", &stage.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    stage.crowd();
    stage.half_heads();
    stage.drip();
    tell("a head of 2 KB", &stage.ask(&format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(2000))));
    tell("a body of 1 GB, announced", &stage.ask(&post(1 << 30)));
    tell("a body that stops after 5 bytes", &stage.ask(&(post(100) + "hello")));
    stage.never_reads();
    tell("the polite client again", &stage.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    println!("connections accepted: {}, panics: {}", stats.accepted.get(), stats.panics.get());
}

fn post(length: u64) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

fn tell(what: &str, answer: &str) {
    println!("{what:<34} {answer}");
}

impl Stage<'_> {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends a request on a connection of its own. What comes back: a status, or nothing.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("the kernel takes it");
        status(&mut stream)
    }

    /// Waits until so many connections are open. The server counts, on its own thread.
    fn until_open(&self, count: u64) {
        while self.stats.open.get() != count {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// As many connections as the server allows, on which nothing happens; and one more.
    fn crowd(&self) {
        self.until_open(0);
        let region = Region::new(super::ALLOCATOR);
        let mut crowd: Vec<TcpStream> = (0..MANY).map(|_| self.connect()).collect();
        self.until_open(MANY as u64);
        tell("300 clients that say nothing", &held(&region));
        let mut late = self.connect();
        late.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("the kernel takes it");
        late.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        tell("  one more, who asks", &status(&mut late));
        late.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        drop(crowd.pop());
        tell("  one of the 300 leaves", &status(&mut late));
    }

    /// The same number of clients send half a head and fall silent.
    fn half_heads(&self) {
        self.until_open(0);
        let region = Region::new(super::ALLOCATOR);
        let mut crowd: Vec<TcpStream> = (0..MANY).map(|_| self.connect()).collect();
        for stream in &mut crowd {
            stream.write_all(b"GET / HTTP/1.1\r\nHo").expect("the kernel takes it");
        }
        self.until_open(MANY as u64);
        tell("300 clients with half a head", &held(&region));
        let first = status(&mut crowd[0]);
        if first == NO_ANSWER {
            tell("  what they get", "nothing, and they keep their places");
            return tell("  a polite client meanwhile", &self.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        }
        let statuses: Vec<String> = crowd.iter_mut().skip(1).map(status).chain([first]).collect();
        let same = statuses.iter().filter(|status| **status == statuses[0]).count();
        tell("  what they get", &format!("{same} times {}", statuses[0]));
    }

    /// A byte every 20 ms: never silent for long, and never done.
    fn drip(&self) {
        let mut stream = self.connect();
        stream.set_nonblocking(true).expect("a socket that does not wait");
        let mut answer = [0; 64];
        for byte in b"GET / HTTP/1.1\r\nX: ".iter().chain([b'x'; 100].iter()) {
            let _ = stream.write(&[*byte]);
            thread::sleep(Duration::from_millis(20));
            match stream.read(&mut answer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(count) => return tell("a byte now and then", &first_line(&answer[..count])),
                Err(error) => return tell("a byte now and then", &error.to_string()),
            }
        }
        tell("a byte now and then", "still listening after 119 bytes");
    }

    /// Asks for a gigabyte and does not read it.
    fn never_reads(&self) {
        self.until_open(0);
        let region = Region::new(super::ALLOCATOR);
        let mut stream = self.connect();
        stream.write_all(b"GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n").expect("the kernel takes it");
        self.until_open(1);
        thread::sleep(Duration::from_millis(100));
        let bytes = bytes_held(&region);
        tell("a client that does not read", &format!("{} KB on the heap", kilobytes(bytes)));
        self.until_open(0); // cut
        let mut all = Vec::new();
        let end = stream.read_to_end(&mut all);
        let whole = end.is_ok() && all.len() as u64 >= super::PROMISED;
        tell("  what it finds later", if whole { "all of it" } else { "a part, and a broken connection" });
    }
}

/// Bytes on the heap that were not there before.
fn bytes_held(region: &Region<'_, std::alloc::System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

fn held(region: &Region<'_, std::alloc::System>) -> String {
    format!("{} KB on the heap for each", kilobytes(bytes_held(region) / MANY))
}

/// Rounded: the compiler's next version may need a few bytes more or less.
fn kilobytes(bytes: usize) -> usize {
    (bytes + 512) / 1024
}

/// The status of an answer, or why there is none.
fn status(stream: &mut TcpStream) -> String {
    let mut answer = [0; 1024];
    match stream.read(&mut answer) {
        Ok(count) => first_line(&answer[..count]),
        Err(_) => NO_ANSWER.to_owned(),
    }
}

fn first_line(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next().unwrap_or("the connection is closed");
    line.trim_start_matches("HTTP/1.1 ").to_owned()
}
