//! How the server stops: what is in flight finishes, what is idle goes at once, and nobody can hold it up.

mod common;

use std::cell::Cell;
use std::io::Write;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use common::conversation::expect_one;
use common::pipe::Pipe;
use common::server::{Client, Server};
use glassbox::Runtime;
use glassbox::future::join;
use glassbox::http::stats::Stats;
use glassbox::http::{self, Request, Router, Status, serve_connection};
use glassbox::net::TcpListener;
use glassbox::sync::Notify;

fn request(client: &mut Client, path: &str) {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
}

/// Waits until a request is in the hands of a handler, besides the one that asks.
fn wait_for_sleeper(server: &Server) {
    let found = (0..1000).any(|_| server.metric("glassbox_requests_in_flight") == 2);
    assert!(found, "the sleeper does not sleep");
}

/// Waits until nobody listens any more: with several workers, each closes its own listener.
fn wait_until_deaf(server: &Server) {
    let deaf = (0..10_000).any(|_| TcpStream::connect(server.address).is_err());
    assert!(deaf, "somebody still listens");
}

/// SIGTERM and SIGINT, with one worker and with three: the request in flight gets its answer, which says that it is the
/// last; an idle connection is closed; new ones are refused; the exit code is 0.
#[test]
fn requests_in_flight_finish() {
    for (signal, workers) in [("TERM", "1"), ("INT", "1"), ("TERM", "3")] {
        let server = Server::start(&["--workers", workers]);
        let mut idle = server.connect();
        request(&mut idle, "/healthz");
        assert_eq!(idle.answer().status, 200);
        let mut busy = server.connect();
        request(&mut busy, "/sleep/1000");
        wait_for_sleeper(&server);

        server.signal(signal);
        assert_eq!(idle.rest(), b"", "idle connections end without a word");
        wait_until_deaf(&server);
        let answer = busy.answer();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert_eq!(answer.text(), "slept 1000 ms\n");
        assert_eq!(busy.rest(), b"");
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("with a request in flight"), "it says what it waits for: {log}");
    }
}

/// A request that comes on a busy connection while the server drains is not lost, and `/readyz` tells the truth.
#[test]
fn readyz_says_503_while_draining() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    request(&mut client, "/sleep/500");
    wait_for_sleeper(&server);
    let mut other = server.connect();
    other.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n");
    // The half request is there for certain when the server has answered somebody who came later.
    assert_eq!(server.get("/readyz").status, 200);
    server.signal("TERM");
    wait_until_deaf(&server);
    other.send(b"\r\n");
    assert_eq!(other.answer().status, 503);
    assert_eq!(client.answer().status, 200);
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Whoever does not finish within the grace period is cut: a long sleeper, half a request, a client that does not read.
#[test]
fn the_grace_period_ends() {
    let server = Server::start(&["--grace", "0.3"]);
    let mut sleeper = server.connect();
    request(&mut sleeper, "/sleep/60000");
    let mut half = server.connect();
    half.send(b"GET / HT");
    let mut stalled = server.connect();
    request(&mut stalled, "/bytes/1000000000");
    assert_eq!(stalled.head().status, 200);
    wait_for_sleeper(&server);
    server.signal("TERM");
    assert_eq!(sleeper.rest(), b"");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("the grace period of 300ms is over: cutting 3 connections"), "{log}");
}

/// A second signal ends the process at once, whatever is in flight.
#[test]
fn a_second_signal_ends_at_once() {
    for signal in ["INT", "TERM"] {
        let server = Server::start(&["--grace", "60"]);
        let mut sleeper = server.connect();
        request(&mut sleeper, "/sleep/60000");
        wait_for_sleeper(&server);
        server.signal(signal);
        wait_until_deaf(&server);
        server.signal(signal);
        assert_eq!(server.wait().0.code(), Some(130));
    }
}

/// A kept-alive connection whose next request arrives in the moment in which the server begins to stop is told the truth
/// as well, and that this was the last answer.
#[test]
fn readyz_says_503_on_a_kept_connection() {
    let draining = Rc::new(Cell::new(false));
    let flag = draining.clone();
    let ready = async move |_| if flag.get() { Status::SERVICE_UNAVAILABLE } else { Status::OK };
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let service = http::Server::new(Router::new().get("/readyz", ready))
        .draining(draining.clone())
        .into_service(runtime.handle());
    let pipe = Pipe::new();
    runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
    for (stops, status) in [(false, 200), (true, 503)] {
        draining.set(stops);
        pipe.client_send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
        runtime.run_until_stalled();
        expect_one(&pipe.client_text(), status, stops);
    }
    assert!(pipe.is_closed());
}

/// A connection that is over has closed its socket, although somebody still holds its future: here a `join` does, until the
/// other connection is over as well.
#[test]
fn a_connection_that_is_over_is_closed() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let service = http::Server::new(Router::new().get("/", async |_| "hello")).into_service(runtime.handle());
    let pipes = [Pipe::new(), Pipe::new()];
    let [first, second] =
        pipes.each_ref().map(|pipe| serve_connection(service.clone(), pipe.server_end(), None));
    runtime.handle().spawn(join(first, second)).detach();
    pipes[0].client_send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    runtime.run_until_stalled();
    expect_one(&pipes[0].client_text(), 200, true);
    assert!(pipes[0].is_closed());
    assert!(!pipes[1].is_closed());
}

/// A waker that a guest has brought along.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a guest's waker");
    }
}

/// Leaves the bomb as the waker of whoever reads the request's body, and waits for ever.
async fn reads_with_a_bomb(mut request: Request) -> Status {
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(request.body_mut().poll_chunk(&mut Context::from_waker(&bomb)).is_pending());
    std::future::pending().await
}

const HALF_A_REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";

/// A connection that ends while its body's reader has a waker that panics is not counted for ever.
#[test]
fn a_waker_that_panics_does_not_keep_the_connection() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let stats = Arc::new(Stats::new());
    let service = http::Server::new(Router::new().post("/", reads_with_a_bomb))
        .stats(stats.clone())
        .into_service(runtime.handle());
    let pipe = Pipe::new();
    let task = runtime.handle().spawn(serve_connection(service, pipe.server_end(), None));
    pipe.client_send(HALF_A_REQUEST);
    runtime.run_until_stalled();
    assert_eq!(stats.open.get(), 1);
    task.abort();
    assert_eq!(stats.open.get(), 0);
    assert!(pipe.is_closed());
}

/// Nor does it stop the answer of a handler that has left it there and did not wait: when the answer is written, the body's
/// time is over, and its reader is told.
#[test]
fn a_waker_that_panics_does_not_stop_the_answer() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let handler = async |mut request: Request| {
        let bomb = Waker::from(Arc::new(Bomb));
        assert!(request.body_mut().poll_chunk(&mut Context::from_waker(&bomb)).is_pending());
        "not my business"
    };
    let service = http::Server::new(Router::new().post("/", handler)).into_service(runtime.handle());
    let pipe = Pipe::new();
    runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
    pipe.client_send(HALF_A_REQUEST);
    runtime.run_until_stalled();
    let text = pipe.client_text();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("not my business"), "{text:?}");
    assert!(!pipe.is_closed(), "the rest of the body may still come");
}

/// Nor does it keep the server from cutting the others.
#[test]
fn a_waker_that_panics_does_not_keep_the_others() {
    const CONNECTIONS: usize = 3;
    let runtime = Runtime::new().expect("a runtime");
    let (handle, stats) = (runtime.handle(), Arc::new(Stats::new()));
    let (begun, all_have) = (Cell::new(0), Rc::new(Notify::new()));
    let told = all_have.clone();
    let handler = async move |request| {
        begun.set(begun.get() + 1);
        if begun.get() == CONNECTIONS {
            told.notify_one();
        }
        reads_with_a_bomb(request).await
    };
    let listener =
        TcpListener::bind(&handle, "127.0.0.1:0".parse().expect("an address")).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let clients = [(); CONNECTIONS].map(|()| {
        let mut client = TcpStream::connect(address).expect("a connection");
        client.write_all(HALF_A_REQUEST).expect("room");
        client
    });
    let server =
        http::Server::new(Router::new().post("/", handler)).grace(Duration::ZERO).stats(stats.clone());
    let stopped = runtime.block_on(server.run(listener, async move { all_have.notified().await }));
    assert_eq!((stopped.cut, stats.open.get()), (CONNECTIONS, 0));
    drop(clients);
}
