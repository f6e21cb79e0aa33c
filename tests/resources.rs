//! What the server does when something runs out, and what its clients cost it.

mod common;

use std::io::Write;
use std::process::Command;

use common::server::{Client, Server};

/// The server under a hard limit of so many descriptors, set by the shell that becomes it.
fn with_descriptors(limit: u32) -> Server {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_glassbox"), "--listen", "127.0.0.1:0"]);
    Server::start_command(command)
}

fn healthy(client: &mut Client) -> bool {
    client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    client.answer().status == 200
}

/// Out of descriptors the server keeps serving those it has, does not spin, complains once in a while, and goes on
/// accepting when somebody leaves.
#[test]
fn out_of_descriptors() {
    let server = with_descriptors(40);
    let mut first = server.connect();
    assert!(healthy(&mut first));
    // More than fit. The kernel completes the others' handshakes; they wait in the backlog.
    let mut crowd: Vec<Client> = (0..60).map(|_| server.connect()).collect();
    let parks = |client: &mut Client| {
        client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let text = client.answer().text();
        let number = |name| common::server::metric(&text, name);
        (number("glassbox_parks_total"), number("glassbox_accept_errors_total"))
    };
    while parks(&mut first).1 == 0 {}
    let before = parks(&mut first);
    first.send(b"GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(first.answer().status, 200, "whoever is in is served");
    let after = parks(&mut first);
    println!("parks and accept errors in a second: {before:?} to {after:?}");
    assert!(after.1 - before.1 <= 20, "it spins: {before:?} to {after:?}");
    assert!(after.0 - before.0 <= 100, "it spins: {before:?} to {after:?}");

    // The first ones leave, and the last one gets its turn.
    let mut last = crowd.pop().expect("a crowd");
    drop(crowd);
    assert!(healthy(&mut last));
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0));
    let complaints = log.matches("cannot accept").count();
    assert!((1..=10).contains(&complaints), "{complaints} complaints:\n{log}");
}

/// At the connection limit others wait in the backlog, and come in when somebody leaves.
#[test]
fn the_number_of_connections() {
    let server = Server::start(&["--max-connections", "2"]);
    let mut inside: Vec<Client> = (0..2).map(|_| server.connect()).collect();
    assert!(inside.iter_mut().all(healthy));
    let mut waiting = server.connect();
    waiting.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    inside[0].send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = inside[0].answer().text();
    assert_eq!(common::server::metric(&text, "glassbox_connections_open"), 2);
    assert!(healthy(&mut inside[1]));
    drop(inside);
    assert_eq!(waiting.answer().status, 200);
}

/// 120,000 requests leave no memory behind.
#[test]
fn memory_does_not_grow_with_requests() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let batch = b"GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    let mut run = |batches: usize| {
        for _ in 0..batches {
            client.send(&batch);
            for _ in 0..1000 {
                assert_eq!(client.answer().status, 200);
            }
        }
    };
    run(10);
    let before = server.memory("VmRSS");
    run(120);
    if let (Some(before), Some(after)) = (before, server.memory("VmRSS")) {
        println!("{before} KiB before, {after} KiB after 120,000 requests");
        assert!(after < before + 2048, "{before} KiB before, {after} KiB after");
    }
}

/// Raises the limit on open files, and says how many clients fit.
fn room_for(wanted: usize) -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be read");
    let fits = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(100);
    if fits < wanted {
        println!("scaled down: {fits} connections in place of {wanted}");
    }
    wanted.min(fits)
}

/// A thousand clients that send half a head each cost little, and all of them are told and cut at the head timeout.
#[test]
fn slow_heads_are_cheap_and_cut() {
    let server = Server::start(&["--head-timeout", "2"]);
    let count = room_for(1000);
    let mut crowd: Vec<Client> = (0..count).map(|_| server.connect()).collect();
    assert_eq!(server.metric("glassbox_connections_open"), count as u64 + 1);
    let before = server.memory("VmRSS");
    for client in &mut crowd {
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n");
    }
    let mut bystander = server.connect();
    assert!(healthy(&mut bystander));
    if let (Some(before), Some(after)) = (before, server.memory("VmRSS")) {
        println!("{count} half heads: {} bytes each", (after.saturating_sub(before)) * 1024 / count as u64);
        assert!((after - before) * 1024 < count as u64 * 4096, "{before} KiB before, {after} KiB after");
    }
    for client in &mut crowd {
        let answer = client.answer();
        assert_eq!(answer.status, 408);
        assert_eq!(client.rest(), b"");
    }
    assert!(healthy(&mut bystander), "somebody else never noticed");
}

/// Ten thousand idle connections are held while a busy one is served; each costs little.
#[test]
fn ten_thousand_idle_connections() {
    let server = Server::start(&[]);
    let mut busy = server.connect();
    assert!(healthy(&mut busy));
    let before = server.memory("VmRSS");
    let count = room_for(10_000);
    let mut idle: Vec<Client> = Vec::with_capacity(count);
    for number in 0..count {
        let mut client = server.connect();
        assert!(healthy(&mut client));
        idle.push(client);
        if number % 100 == 0 {
            assert!(healthy(&mut busy));
        }
    }
    for _ in 0..100 {
        assert!(healthy(&mut busy));
    }
    if let (Some(before), Some(after)) = (before, server.memory("VmRSS")) {
        println!("{count} idle connections: {} bytes each", (after - before) * 1024 / count as u64);
        assert!((after - before) * 1024 < count as u64 * 4096, "{before} KiB before, {after} KiB after");
    }
    idle[count / 2].stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("sends");
    assert_eq!(idle[count / 2].answer().status, 200, "and each of them is alive");
}
