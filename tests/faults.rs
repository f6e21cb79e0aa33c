//! Faults against the real binary: crowds, slow clients, floods, resets, garbage, signals, a log that is gone, time that
//! jumps, system calls that fail. During each of them a bystander asks small things on a connection of his own; see
//! `common/bystander.rs`.
//!
//! Everything is on loopback, bounded in number and time, and ends the processes that it started, by their ids. One
//! storm at a time: each would disturb the others' bystanders. `cargo test --test faults -- --nocapture` prints what
//! the bystanders saw. `FAULTS=10` plays ten times as much garbage and ten times as many resets.
//!
//! Two clocks can jump. Nothing but the `Date` header reads the wall clock: `faults/wall_clock.rs` moves it. All time limits
//! use the monotonic one. That one cannot jump by itself, but a process that was stopped for a while sees it jump, and so
//! `SIGSTOP` and `SIGCONT` are played in `faults/outside.rs`.

mod common;

mod faults {
    mod outside;
    mod system_calls;
    mod wall_clock;
}

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use common::bystander::undisturbed;
use common::server::{Client, PATIENCE, Server};
use socket2::SockRef;

/// One storm at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many times the ordinary dose.
fn dose() -> usize {
    std::env::var("FAULTS").map_or(1, |text| text.parse().expect("FAULTS is a number"))
}

/// Raises the limit on open files, and says how many clients fit.
fn room_for(wanted: usize) -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be read");
    let fits = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(200);
    if fits < wanted {
        println!("scaled down: {fits} connections in place of {wanted} (the limit on open files is {limit})");
    }
    wanted.min(fits)
}

fn server(flags: &[&str]) -> Server {
    Server::start(flags)
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

fn get(client: &mut Client, path: &str) {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
}

fn healthy(client: &mut Client) -> bool {
    get(client, "/healthz");
    client.answer().status == 200
}

/// Time passes on the server's own clock: the test waits for an answer, not for a time.
fn let_pass(server: &Server, ms: u32) {
    assert_eq!(server.get(&format!("/sleep/{ms}")).status, 200);
}

/// Asks until nobody is connected but the bystander and whoever asks.
fn wait_until_alone(server: &Server) {
    let alone = (0..5000).any(|_| server.metric("glassbox_connections_open") <= 2);
    assert!(alone, "{} connections are left over", server.metric("glassbox_connections_open"));
}

/// Closes with a reset in place of a farewell.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    drop(stream);
}

/// Ten thousand connections come, stay idle, and go.
#[test]
fn ten_thousand_idle_connections() {
    let _alone = alone();
    let count = room_for(10_000);
    undisturbed(
        "ten thousand idle connections",
        || server(&[]),
        |server| {
            let mut crowd: Vec<Client> = (0..count).map(|_| server.connect()).collect();
            let open = (0..5000).any(|_| server.metric("glassbox_connections_open") > count as u64);
            assert!(open, "all of them are in");
            let_pass(server, 1000);
            for nth in (0..count).step_by(count / 50) {
                assert!(healthy(&mut crowd[nth]), "each of them is alive");
            }
            drop(crowd);
            wait_until_alone(server);
        },
    );
}

/// Three hundred clients each send a head, a body, and read an answer, a byte now and then. All of them are cut in time:
/// the first and second with a 408.
#[test]
fn slow_clients() {
    let _alone = alone();
    let flags = ["--head-timeout", "2", "--body-timeout", "2", "--write-timeout", "2"];
    undisturbed(
        "slow clients",
        || server(&flags),
        |server| {
            let mut heads: Vec<Client> = (0..300).map(|_| server.connect()).collect();
            let mut bodies: Vec<Client> = (0..300).map(|_| server.connect()).collect();
            let mut readers: Vec<Client> = (0..300).map(|_| server.connect()).collect();
            for client in &mut bodies {
                client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
            }
            for client in &mut readers {
                get(client, "/bytes/100000000");
            }
            // A byte each, every half second. Whoever is cut already hears of it below.
            for _ in 0..10 {
                for client in heads.iter_mut().chain(&mut bodies) {
                    let _ = client.stream.write(b"x");
                }
                for client in &mut readers {
                    let _ = client.stream.read(&mut [0]);
                }
                let_pass(server, 500);
            }
            wait_until_alone(server);
            for client in heads.iter_mut().chain(&mut bodies) {
                assert_eq!(client.answer().status, 408);
            }
            assert!(server.metric("glassbox_slow_clients_total") >= 900);
        },
    );
}

/// Three hundred connections where there is room for sixty. Those who are in are served, those who wait come in when
/// others leave.
#[test]
fn more_connections_than_descriptors() {
    let _alone = alone();
    let start = || {
        let mut command = Command::new("sh");
        let script = "ulimit -n 60; exec \"$0\" \"$@\"";
        command.args(["-c", script, env!("CARGO_BIN_EXE_glassbox"), "--listen", "127.0.0.1:0"]);
        Server::start_command(command)
    };
    undisturbed("more connections than descriptors", start, |server| {
        let mut inside = server.connect();
        assert!(healthy(&mut inside));
        let mut crowd: Vec<Client> = (0..300).map(|_| server.connect()).collect();
        let metric = |client: &mut Client, name: &str| {
            get(client, "/metrics");
            common::server::metric(&client.answer().text(), name)
        };
        while metric(&mut inside, "glassbox_accept_errors_total") == 0 {}
        get(&mut inside, "/sleep/1500");
        assert_eq!(inside.answer().status, 200);
        let mut last = crowd.pop().expect("a crowd");
        drop(crowd);
        assert!(healthy(&mut last), "the last one gets its turn");
        while metric(&mut inside, "glassbox_connections_open") > 3 {}
    });
}

/// Clients that break off: in a head, in a body, in an answer, in a sleep. Not a task, not a descriptor is left.
#[test]
fn resets() {
    let _alone = alone();
    undisturbed(
        "resets",
        || server(&[]),
        |server| {
            wait_until_alone(server);
            let before = (server.metric("glassbox_tasks"), server.descriptors());
            for nth in 0..1000 * dose() {
                let mut client = server.connect();
                match nth % 4 {
                    0 => client.send(b"GET / HTTP/1.1\r\nHo"),
                    1 => client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"),
                    2 => get(&mut client, "/sleep/60000"),
                    _ => {
                        get(&mut client, "/bytes/100000000");
                        assert_eq!(client.head().status, 200);
                    }
                }
                reset(client.stream);
            }
            wait_until_alone(server);
            let now = || (server.metric("glassbox_tasks"), server.descriptors());
            assert!((0..1000).any(|_| now() <= before), "{before:?} before, {:?} now", now());
        },
    );
}

/// xorshift64: garbage that is the same in every run.
fn garbage(state: &mut u64) -> Vec<u8> {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()
    };
    let length = usize::from(next()[0]) + 1;
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    // Half of it looks like a request for a while.
    let prefixes: [&[u8]; 8] = [
        b"",
        b"",
        b"",
        b"",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n",
    ];
    bytes.splice(0..0, prefixes[usize::from(next()[0] % 8)].iter().copied());
    bytes
}

/// Sends some bytes, closes its half, and reads what comes back, up to the end. Whatever that is, it is HTTP.
fn say_garbage(server: &Server, bytes: &[u8]) {
    let mut stream = TcpStream::connect(server.address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut answer = Vec::new();
    let told = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let read = told.and_then(|()| stream.read_to_end(&mut answer));
    match read {
        Ok(_) => {}
        // The server has closed before all was sent: then there may be no answer to read.
        Err(error) => assert!(
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "no end after {bytes:?}"
        ),
    }
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{answer:?} to {bytes:?}");
    reset(stream); // So that no port is kept for a minute.
}

/// Twenty thousand connections, each with its own nonsense. No panic, nothing left, no memory lost.
#[test]
fn garbage_on_twenty_thousand_connections() {
    let _alone = alone();
    undisturbed(
        "garbage",
        || server(&["--max-head", "4096"]),
        |server| {
            let mut state = 0x9e37_79b9_7f4a_7c15;
            for _ in 0..2000 {
                say_garbage(server, &garbage(&mut state));
            }
            let before = server.memory("VmRSS");
            for _ in 0..18_000 * dose() {
                say_garbage(server, &garbage(&mut state));
            }
            if let (Some(before), Some(after)) = (before, server.memory("VmRSS")) {
                println!("garbage: {before} KiB after 2,000 connections, {after} KiB at the end");
                assert!(after < before + 2048, "{before} KiB before, {after} KiB after");
            }
            assert_eq!(server.metric("glassbox_handler_panics_total"), 0);
            wait_until_alone(server);
        },
    );
}

/// Eight clients ask as fast as they can until the server hangs up. Every answer that has begun is whole; the number of
/// them.
fn load(server: &Server) -> Vec<thread::JoinHandle<usize>> {
    let address = server.address;
    let client = move || {
        let mut stream = TcpStream::connect(address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (mut answers, mut buffer) = (0, [0; 1000]);
        loop {
            if stream.write_all(b"GET /hello/you HTTP/1.1\r\nHost: a\r\n\r\n").is_err() {
                return answers;
            }
            let mut answer = Vec::new();
            while !answer.ends_with(b"Hello, you!\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
                    end => {
                        let late = matches!(&end, Err(error) if error.kind() == ErrorKind::WouldBlock);
                        assert!(answer.is_empty() && !late, "cut inside an answer: {end:?}, {answer:?}");
                        return answers;
                    }
                }
            }
            answers += 1;
        }
    };
    (0..8).map(|_| thread::spawn(client)).collect()
}

/// SIGTERM under load: every answer that has begun is finished, and the exit code is 0, well before the grace is over.
#[test]
fn terminated_under_load() {
    let _alone = alone();
    for workers in ["1", "3"] {
        let server = server(&["--workers", workers, "--grace", "20"]);
        let clients = load(&server);
        while server.metric("glassbox_connections_open") < 9 {}
        let_pass(&server, 300);
        server.signal("TERM");
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("cutting"), "nobody had to be cut: {log}");
        let answers: usize =
            clients.into_iter().map(|client| client.join().expect("no answer was cut")).sum();
        println!("{workers} workers: {answers} answers, then SIGTERM");
        assert!(answers > 0);
    }
}

/// A second signal under load, while a request is in flight that would take a minute: 130, at once.
#[test]
fn killed_twice_under_load() {
    let _alone = alone();
    let server = server(&["--grace", "60"]);
    let clients = load(&server);
    let mut sleeper = server.connect();
    get(&mut sleeper, "/sleep/60000");
    while server.metric("glassbox_requests_in_flight") < 2 {}
    server.signal("TERM");
    while TcpStream::connect(server.address).is_ok() {}
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(130));
    drop(clients); // The end of the process may cut answers: that is what a second signal asks for.
}
