//! The demo server on real sockets: every route, every way to cut up a request, bodies both ways.
//!
//! Run it with `cargo test --test integration_tests`.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use common::server::{Client, Server};
use socket2::SockRef;

/// All routes that need no flag, asked once each.
#[test]
fn every_route_answers() {
    let server = Server::start(&[]);
    for (path, status, body) in [
        ("/hello/you", 200, "Hello, you!\n"),
        ("/hello/a%20b", 200, "Hello, a b!\n"),
        ("/bytes/5", 200, "xxxxx"),
        ("/bytes/0", 200, ""),
        ("/chunked/5", 200, "xxxxx"),
        ("/chunked/0", 200, ""),
        ("/sleep/1", 200, "slept 1 ms\n"),
        ("/events/1", 200, "data: tick 1 of 1\n\n"),
        ("/healthz", 200, "ok\n"),
        ("/readyz", 200, "ready\n"),
        ("/nowhere", 404, "404 Not Found\n"),
        ("/bytes/many", 400, "400 Bad Request: give a whole number from 0 to 1073741824\n"),
        ("/bytes/1073741825", 400, "400 Bad Request: give a whole number from 0 to 1073741824\n"),
        ("/sleep/60001", 400, "400 Bad Request: give a whole number from 0 to 60000\n"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{path}");
    }
    assert!(server.get("/").text().contains("curl"));
    assert!(server.get("/metrics").text().contains("glassbox_connections_open"));
}

/// A known path with a method that it does not have says which it has; HEAD works wherever GET does.
#[test]
fn methods() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    client.send(b"HEAD /hello/you HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head();
    assert_eq!((head.status, head.header("content-length")), (200, Some("12")));
    assert_eq!(client.answer().text(), "ok\n", "no body of the HEAD stands before this answer");
}

const POST: &[u8] = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n\
                      5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

fn expect_both(client: &mut Client) {
    let echo = client.answer();
    assert_eq!((echo.status, echo.text().as_str()), (200, "hello world"));
    assert_eq!(echo.header("content-type"), Some("text/x"));
    assert_eq!(client.answer().text(), "ok\n");
}

/// TCP may cut a request anywhere. Two pieces, cut at every byte; and one byte at a time.
#[test]
fn a_request_cut_anywhere_gets_the_same_answer() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for cut in 1..POST.len() {
        client.send(&POST[..cut]);
        client.send(&POST[cut..]);
        expect_both(&mut client);
    }
    for byte in POST {
        client.send(std::slice::from_ref(byte));
    }
    expect_both(&mut client);
}

/// A thousand requests in one go are answered in their order.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let requests: Vec<String> =
        (0..1000).map(|n| format!("GET /hello/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let requests = requests.concat();
    let mut writer = client.stream.try_clone().expect("a second handle");
    let sender = thread::spawn(move || writer.write_all(requests.as_bytes()));
    for n in 0..1000 {
        assert_eq!(client.answer().text(), format!("Hello, {n}!\n"));
    }
    sender.join().expect("the sender ends").expect("all is sent");
}

/// 64 MiB there and back, with a length and in chunks. The server's memory does not follow the body's size.
#[test]
fn large_bodies_go_both_ways_in_bounded_memory() {
    const SIZE: usize = 64 << 20;
    let server = Server::start(&[]);
    let body: Vec<u8> = (0..=250).cycle().take(SIZE).collect();
    assert_eq!(server.get("/healthz").status, 200);
    let before = server.memory("VmHWM");
    for chunked in [false, true] {
        let mut client = server.connect();
        let mut writer = client.stream.try_clone().expect("a second handle");
        let sent = body.clone();
        let sender = thread::spawn(move || send_body(&mut writer, &sent, chunked));
        let answer = client.answer();
        sender.join().expect("the sender ends");
        assert_eq!(answer.status, 200);
        assert!(answer.body == body, "the body came back changed (chunked: {chunked})");
    }
    let mut client = server.connect();
    client.send(b"GET /bytes/268435456 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body.len(), 268_435_456);
    if let (Some(before), Some(after)) = (before, server.memory("VmHWM")) {
        println!("peak memory: {before} KiB before, {after} KiB after");
        assert!(after < before + 4096, "the peak grew from {before} to {after} KiB");
    }
}

fn send_body(writer: &mut impl Write, body: &[u8], chunked: bool) {
    let framing = if chunked {
        "Transfer-Encoding: chunked".to_owned()
    } else {
        format!("Content-Length: {}", body.len())
    };
    let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    writer.write_all(head.as_bytes()).expect("sends");
    for piece in body.chunks(100_003) {
        if chunked {
            writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).expect("sends");
        }
        writer.write_all(piece).expect("sends");
        if chunked {
            writer.write_all(b"\r\n").expect("sends");
        }
    }
    if chunked {
        writer.write_all(b"0\r\n\r\n").expect("sends");
    }
}

/// A client that does not read fills the kernel's buffers, so that writes take only a part, and then none. Others are
/// served meanwhile, and when it reads at last it gets every byte.
#[test]
fn a_slow_reader_gets_everything_and_holds_nobody_up() {
    let server = Server::start(&[]);
    let mut slow = server.connect();
    slow.send(b"GET /bytes/40000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..100 {
        assert_eq!(server.get("/healthz").status, 200, "while the slow one has not read a byte");
    }
    let answer = slow.answer();
    assert!(answer.body.len() == 40_000_000 && answer.body.iter().all(|byte| *byte == b'x'));
}

/// A client may close its half after its last request, and still gets all answers, then the server's end.
#[test]
fn half_close() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(b"GET /sleep/20 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello/b HTTP/1.1\r\nHost: a\r\n\r\n");
    client.stream.shutdown(Shutdown::Write).expect("half closed");
    assert_eq!(client.answer().text(), "slept 20 ms\n");
    assert_eq!(client.answer().text(), "Hello, b!\n");
    assert_eq!(client.rest(), b"");
}

/// The interim answer comes before the body is sent, and the final one after it, even when they are one stream.
#[test]
fn expect_100_continue() {
    let server = Server::start(&[]);
    for length in [5, 100_000] {
        let mut client = server.connect();
        let head = format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        );
        client.send(head.as_bytes());
        assert_eq!(client.head().status, 100, "{length}");
        let mut writer = client.stream.try_clone().expect("a second handle");
        let sender = thread::spawn(move || writer.write_all(&vec![b'z'; length]).expect("sends"));
        assert_eq!(client.answer().body, vec![b'z'; length]);
        sender.join().expect("the sender ends");
    }
    let mut refused = server.connect();
    refused.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(refused.answer().status, 405, "nobody wants the body, so there is no 100");
    assert_eq!(refused.rest(), b"", "and whether the body comes is unknown, so the connection ends");
}

/// A thousand sleeping requests hold a timer each and nothing else: they end together, not one after the other.
#[test]
fn a_thousand_sleeps_at_once() {
    let server = Server::start(&[]);
    let mut clients: Vec<Client> = (0..1000).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer().text(), "slept 300 ms\n");
    }
}

/// Clients that reset the connection, in the middle of a request and of an answer, cost nobody else anything.
#[test]
fn resets_are_survived() {
    let server = Server::start(&[]);
    for request in [
        &b"GET /he"[..],
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
        b"GET /bytes/99999999 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /events/3600 HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for _ in 0..50 {
            let mut client = server.connect();
            client.send(request);
            if request.starts_with(b"GET /bytes") {
                let mut some = [0; 100];
                client.stream.read_exact(&mut some).expect("the answer has begun");
            }
            SockRef::from(&client.stream)
                .set_linger(Some(std::time::Duration::ZERO))
                .expect("reset on close");
        }
    }
    expect_to_be_alone(&server);
}

/// Looks until only the connection that asks is open.
#[track_caller]
fn expect_to_be_alone(server: &Server) {
    assert_eq!(server.get("/healthz").status, 200);
    let alone = (0..1000).any(|_| server.metric("glassbox_connections_open") == 1);
    assert!(alone, "somebody else is still connected");
}

/// A client that leaves a stream of events in the ordinary way is noticed, too, long before the stream's end.
#[test]
fn a_listener_that_leaves_is_noticed() {
    let server = Server::start(&[]);
    for _ in 0..20 {
        let mut client = server.connect();
        client.send(b"GET /events/3600 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().status, 200);
    }
    expect_to_be_alone(&server);
}

/// What is too large is refused with its status, and the connection ends.
#[test]
fn refusals() {
    let server = Server::start(&["--max-body", "10"]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(8192));
    let wide = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(33_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
            413,
        ),
        (long.as_str(), 414),
        (wide.as_str(), 431),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ] {
        let mut client = server.connect();
        client.send(request.as_bytes());
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{request:.60}");
        assert_eq!(client.rest(), b"");
    }
}
