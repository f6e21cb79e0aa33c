//! Many connections at once: every request answered, none lost, everything given back.
//!
//! The client is a glassbox runtime of its own, one task per connection, in this process; the server is another process.
//! `cargo test --test load_tests -- --nocapture` prints latencies; no test asserts one.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::server::Server;
use glassbox::net::TcpStream;
use glassbox::{Handle, Runtime};

/// Requests that each connection sends, one after the other.
const ROUNDS: usize = 5;

/// Raises the limit on open files as far as it goes, and says how many connections fit.
fn room_for(wanted: usize) -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be read");
    let fits = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(100);
    if fits < wanted {
        println!("scaled down: {fits} connections in place of {wanted} (the limit on open files is {limit})");
    }
    wanted.min(fits)
}

/// One keep-alive connection: sends, reads the answer, again.
async fn client(
    handle: Handle,
    address: std::net::SocketAddr,
    number: usize,
    times: Rc<RefCell<Vec<Duration>>>,
) -> TcpStream {
    let stream = TcpStream::connect(&handle, address).await.expect("connects");
    for round in 0..ROUNDS {
        let began = Instant::now();
        let request = format!("GET /hello/{number}-{round} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sends");
        let expected = format!("Hello, {number}-{round}!\n");
        let mut answer = Vec::new();
        while !answer.ends_with(expected.as_bytes()) {
            let mut buffer = [0; 512];
            let read = stream.read(&mut buffer).await.expect("reads");
            assert!(read > 0, "closed before the answer: {:?}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
        times.borrow_mut().push(began.elapsed());
    }
    stream
}

/// Opens all connections at once, lets each send its requests, and gives the open connections back.
fn storm(runtime: &Runtime, server: &Server, connections: usize) -> Vec<TcpStream> {
    let (handle, address) = (runtime.handle(), server.address);
    let times = Rc::new(RefCell::new(Vec::new()));
    let shared = times.clone();
    let streams = runtime.block_on(async move {
        let one = |number| handle.spawn(client(handle.clone(), address, number, shared.clone()));
        let tasks: Vec<_> = (0..connections).map(one).collect();
        let mut streams = Vec::new();
        for task in tasks {
            streams.push(task.await.expect("no client fails"));
        }
        streams
    });
    print_percentiles(&mut times.borrow_mut(), connections);
    assert_eq!(times.borrow().len(), connections * ROUNDS, "every request has its answer");
    streams
}

fn print_percentiles(times: &mut [Duration], connections: usize) {
    times.sort();
    let at = |permille: usize| times[(times.len() - 1) * permille / 1000];
    println!(
        "{connections} connections, {} requests: p50 {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}, max {:?}",
        times.len(),
        at(500),
        at(900),
        at(990),
        at(999),
        at(1000)
    );
}

/// Asks until the server has noticed that all clients are gone.
fn wait_until_alone(server: &Server) -> bool {
    (0..2000).any(|_| server.metric("glassbox_connections_open") == 1)
}

/// A thousand, then eight thousand connections: all answered, and afterwards not one descriptor or task more than before.
#[test]
fn thousands_of_connections() {
    let server = Server::start(&[]);
    let runtime = Runtime::new().expect("a runtime");
    assert!(wait_until_alone(&server));
    let before = (server.descriptors(), server.metric("glassbox_tasks"));
    for wanted in [1000, 8000] {
        let connections = room_for(wanted);
        let streams = storm(&runtime, &server, connections);
        let open = server.metric("glassbox_connections_open");
        assert_eq!(open, connections as u64 + 1, "all are open at once, and the one that asks");
        drop(streams);
        assert!(wait_until_alone(&server), "connections are left over");
        // The connection that asks may be open or closed already when the descriptors are counted: ask again.
        let now = || (server.descriptors(), server.metric("glassbox_tasks"));
        assert!((0..1000).any(|_| now() <= before), "{before:?} before, {:?} now", now());
    }
}

/// A thousand idle keep-alive connections cause no poll and no trip to the operating system. What is counted between
/// two looks is the one request that looks.
#[test]
fn idle_connections_cost_nothing() {
    let server = Server::start(&[]);
    let runtime = Runtime::new().expect("a runtime");
    let streams = storm(&runtime, &server, room_for(1000));
    let mut observer = server.connect();
    let mut look = || {
        observer.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let text = observer.answer().text();
        let number = |name| common::server::metric(&text, name);
        (number("glassbox_polls_total"), number("glassbox_parks_total"))
    };
    look();
    let first = look();
    // An answer that takes half a second: time in which a thousand connections do nothing.
    assert_eq!(server.get("/sleep/500").status, 200);
    let second = look();
    println!(
        "polls and parks in half a second beside {} idle connections: {first:?} to {second:?}",
        streams.len()
    );
    // The sleeper's connection is accepted, polled for its request, its timer and its end; each may take a trip.
    assert!(second.0 - first.0 <= 12, "polls: {first:?} to {second:?}");
    assert!(second.1 - first.1 <= 16, "parks: {first:?} to {second:?}");
}
