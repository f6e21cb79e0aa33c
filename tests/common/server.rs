//! The demo server as a child process, for tests with real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a client waits for an answer before the test fails: a bound on failure, not a measure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. It is ended, by its id, when this is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the server on a port that the system chooses.
    pub fn start(flags: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        Server::start_command(command)
    }

    /// Starts `command`, which must end up as the server.
    pub fn start_command(command: Command) -> Server {
        Server::start_with_log(command, Stdio::piped())
    }

    /// The same, with its stderr elsewhere.
    pub fn start_with_log(mut command: Command, log: Stdio) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the server starts");
        let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the server says where it listens");
        let address = line.trim().rsplit("http://").next().and_then(|text| text.parse().ok());
        Server { address: address.unwrap_or_else(|| panic!("no address in {line:?}")), child }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A new connection, with patience for reads.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// One request on a connection of its own.
    pub fn get(&self, path: &str) -> Answer {
        let mut client = self.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
        client.answer()
    }

    /// What it writes to stderr, from now on. `wait` has nothing left to read then.
    pub fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.child.stderr.take().expect("stderr is taken once"))
    }

    /// Where it reads its input, if its command asked for a pipe.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("stdin is piped, and taken once")
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for its end. Returns how it ended and what it wrote to stderr, if that was not sent elsewhere.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).expect("text");
        }
        (self.child.wait().expect("it ends"), log)
    }

    /// A number from `/metrics`.
    pub fn metric(&self, name: &str) -> u64 {
        metric(&self.get("/metrics").text(), name)
    }

    /// A number in KiB from `/proc/ID/status`, on Linux.
    pub fn memory(&self, field: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(field))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// How many descriptors it has open, on Linux.
    pub fn descriptors(&self) -> Option<usize> {
        Some(std::fs::read_dir(format!("/proc/{}/fd", self.id())).ok()?.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a metric without labels.
pub fn metric(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no metric {name} in {text}"))
}

/// One answer of a server.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A client that reads answers as the RFC says, and nothing more clever.
pub struct Client {
    pub stream: TcpStream,
    /// Bytes that came and were not used yet.
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Client { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sends");
    }

    /// Reads one whole answer to a request other than HEAD.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if let Some(length) = answer.header("content-length") {
            answer.body = self.take(length.parse().expect("a length"));
        } else if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks();
        } else if !matches!(answer.status, 100..=199 | 204 | 304) {
            answer.body = self.rest();
        }
        answer
    }

    /// Reads an answer's head alone.
    pub fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.read() > 0,
                "closed before an answer; so far: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
        };
        let head = String::from_utf8(self.take(end)).expect("a head is text");
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        Answer { status: status.unwrap_or_else(|| panic!("no status in {head:?}")), head, body: Vec::new() }
    }

    /// Reads up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read() > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// Exactly this many bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.read() > 0, "closed inside an answer");
        }
        self.buffer.drain(..count).collect()
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.line();
            let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("bad chunk size {line:?}"));
            body.extend(self.take(size));
            assert_eq!(self.line(), "", "a chunk ends in CR LF");
            if size == 0 {
                return body;
            }
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = String::from_utf8(self.take(end + 2)).expect("text");
                return line.trim_end().to_owned();
            }
            assert!(self.read() > 0, "closed inside a line");
        }
    }

    fn read(&mut self) -> usize {
        let mut bytes = vec![0; 64 * 1024];
        // A signal to this process, for another test, interrupts a read that has a time limit.
        let read = loop {
            match self.stream.read(&mut bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.unwrap_or_else(|error| panic!("no answer in time: {error}")),
            }
        };
        self.buffer.extend_from_slice(&bytes[..read]);
        read
    }
}
