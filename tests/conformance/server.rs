//! The server under test: the real binary as a child process, on a port that the system chooses.
//!
//! It prints where it listens. Both of its streams are read until their end, because a child whose pipe is full stops.
//! Dropping the `Server` kills exactly this child.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

/// How long the server may take to say where it listens. A bound for failures only.
const START: Duration = Duration::from_secs(20);

pub struct Server {
    /// Missing when the server is not ours, see `elsewhere`.
    child: Option<Child>,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(flags: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("GLASSBOX_")) {
            command.env_remove(name);
        }
        let mut child = command.spawn().expect("cannot start the server");
        let (sender, lines) = mpsc::channel();
        pass_on(child.stdout.take().expect("cannot miss: stdout is piped"), sender.clone());
        pass_on(child.stderr.take().expect("cannot miss: stderr is piped"), sender);
        // From here on a panic kills the child, too.
        let mut server = Server { child: Some(child), address: SocketAddr::from(([127, 0, 0, 1], 0)) };

        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(START) {
            if let Some(address) = address_in(&line) {
                server.address = address;
                return server;
            }
            said.push(line);
        }
        panic!("the server did not say where it listens; it said {said:?}");
    }

    /// A server that somebody else started, named by `CONFORMANCE_TARGET=host:port`: to hold another server to the
    /// same cases. It must have the routes of ours.
    pub fn elsewhere() -> Option<Server> {
        let target = env::var("CONFORMANCE_TARGET").ok()?;
        let address = target.to_socket_addrs().ok()?.next().expect("CONFORMANCE_TARGET names no address");
        Some(Server { child: None, address })
    }

    /// What happened to the process, if it is no longer running.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().expect("cannot ask after the child")?;
        Some(status.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill(); // fails only when it has ended by itself
            let _ = child.wait();
        }
    }
}

/// Reads one of the child's streams to its end; nobody may listen any more.
fn pass_on(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let _ = lines.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
}

/// The `HOST:PORT` of the first `http://HOST:PORT` in a line.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !".:[]".contains(letter));
    rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ':']).to_socket_addrs().ok()?.next()
}

#[test]
fn the_address_is_found_in_a_sentence() {
    let expected = Some(SocketAddr::from(([127, 0, 0, 1], 4321)));
    assert_eq!(address_in("glassbox listens on http://127.0.0.1:4321"), expected);
    assert_eq!(address_in("INFO [x] listening: http://127.0.0.1:4321/, try curl"), expected);
    assert_eq!(address_in("nothing here"), None);
}
