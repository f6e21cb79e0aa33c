//! System calls that fail in the real binary, as they do now and then on a busy machine: interrupted by a signal, a
//! connection gone before it was accepted, no descriptors, no memory for the selector.
//!
//! strace makes them fail (`apt-get install strace`): it stops the server at each call of a kind, and puts an error in
//! place of some of them. Where it is not installed, or may not trace, this is skipped.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use super::super::common::bystander::undisturbed;
use super::super::common::server::{Client, PATIENCE, Server, metric};
use super::super::{alone, get, healthy, reset, wait_until_alone};

/// Whether calls can be made to fail here.
fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=accept4", "true"]);
    let status = command.stderr(Stdio::null()).status();
    let can = status.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: strace is not installed, or may not trace (hint: apt-get install strace)");
    }
    can
}

/// The server, with these calls failing in this way. `when`: the first that fails, a plus, and how many later the next.
fn start(calls: &str, error: &str, when: &str) -> Server {
    let mut command = Command::new("strace");
    // `-D`: the server is our child, and strace its own affair.
    command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]);
    command.args([
        "-e",
        &format!("trace={calls}"),
        "-e",
        &format!("inject={calls}:error={error}:when={when}"),
    ]);
    command.arg(env!("CARGO_BIN_EXE_glassbox")).args(["--listen", "127.0.0.1:0"]);
    Server::start_command(command)
}

/// A signal may interrupt any call, and a connection may be gone before it is accepted. Nobody notices.
#[test]
fn errors_that_nobody_notices() {
    if !can_trace() {
        return;
    }
    let _alone = alone();
    for (calls, error, when, counted) in [
        ("accept4,recvfrom,sendto,writev,epoll_wait", "EINTR", "2+3", false),
        ("accept4", "ECONNABORTED", "2+3", true),
        ("accept4", "EMFILE", "3+20", true),
    ] {
        undisturbed(
            &format!("{calls}: {error}"),
            || start(calls, error, when),
            |server| {
                let mut crowd: Vec<Client> = (0..50).map(|_| server.connect()).collect();
                for client in &mut crowd {
                    assert!(healthy(client));
                    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
                    assert_eq!(client.answer().text(), "abc");
                    get(client, "/bytes/1000000");
                    assert_eq!(client.answer().body.len(), 1_000_000);
                }
                drop(crowd);
                wait_until_alone(server);
                assert_eq!(server.metric("glassbox_accept_errors_total") > 0, counted);
            },
        );
    }
}

/// What comes back from a server that may cut this very connection.
fn attempt(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    reset(stream);
    read.ok().filter(|_| answer.starts_with("HTTP/1.1 200 OK\r\n")).map(|_| answer)
}

/// An error of one connection ends that one. The others are served, nothing is left of it, and the server ends well.
#[test]
fn errors_that_end_one_connection() {
    if !can_trace() {
        return;
    }
    let _alone = alone();
    for (calls, error) in [
        ("recvfrom", "ECONNRESET"),
        ("recvfrom", "ETIMEDOUT"),
        ("sendto", "EPIPE"),
        ("epoll_ctl", "ENOSPC"),
        ("epoll_ctl", "ENOMEM"),
    ] {
        let server = start(calls, error, "20+4"); // The first calls are those of the start.
        let answered = (0..200).filter(|_| attempt(server.address, "/hello/you").is_some()).count();
        println!("{calls}: {error}: {answered} of 200 are served");
        // A request that comes at once is found without epoll, and then nothing fails.
        let most = if calls == "epoll_ctl" { 200 } else { 199 };
        assert!((50..=most).contains(&answered), "{calls}: {error}: {answered} of 200 are served");
        let left = |name: &str| attempt(server.address, "/metrics").map(|text| metric(&text, name));
        let alone = (0..5000).any(|_| left("glassbox_connections_open") == Some(1));
        assert!(alone, "{calls}: {error}: a connection is left over");
        server.signal("TERM");
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{calls}: {error}: {log}");
        assert!(!log.contains("panic"), "{calls}: {error}: {log}");
    }
}
