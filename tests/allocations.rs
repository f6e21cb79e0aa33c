//! What a request and a connection cost in memory, counted at the allocator.
//!
//! One test, because the counter is the process's: tests in parallel would count each other's.
//! `cargo test --test allocations -- --nocapture` prints the numbers.

mod common;

use std::alloc::System;

use common::pipe::Pipe;
use glassbox::Runtime;
use glassbox::http::buffer::{BUFFER_SIZE, READ_SIZE};
use glassbox::http::{Request, Router, Server, layers, serve_connection};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROOT: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";

/// A server in memory, and its connections.
struct Bench {
    runtime: Runtime,
    pipes: Vec<Pipe>,
}

impl Bench {
    fn new(connections: usize) -> Bench {
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let router = Router::new()
            .get("/", async |_| "hello")
            .get("/hello/{name}", async |request: Request| format!("Hello, {}!", request.param("name")));
        Bench::with(runtime, router, connections)
    }

    fn with(runtime: Runtime, router: Router, connections: usize) -> Bench {
        let service = Server::new(router).into_service(runtime.handle());
        let pipes: Vec<Pipe> = (0..connections).map(|_| Pipe::new()).collect();
        for pipe in &pipes {
            // As an accepted connection is served.
            runtime.handle().spawn_detached(serve_connection(service.clone(), pipe.server_end(), None));
        }
        runtime.run_until_stalled();
        Bench { runtime, pipes }
    }

    /// One request and its answer on one connection.
    fn ask(&self, pipe: &Pipe, request: &str) {
        pipe.client_send(request.as_bytes());
        self.runtime.run_until_stalled();
        assert!(pipe.client_take().starts_with(b"HTTP/1.1 "));
    }

    /// Allocations of the server for one request in the steady state. The pipe's own are measured and taken off.
    fn cost(&self, request: &str) -> usize {
        let pipe = &self.pipes[0];
        (0..10).for_each(|_| self.ask(pipe, request));
        pipe.client_send(request.as_bytes());
        let region = Region::new(ALLOCATOR);
        self.runtime.run_until_stalled();
        let counted = region.change().allocations;
        pipe.client_take();
        counted - PIPE
    }
}

/// What the pipe allocates while the server runs: the outbox that collects the answer.
const PIPE: usize = 1;

/// A plain request costs nothing: the handler's future lies in a box that was there before (`http/handler.rs`), head and
/// buffers come from pools, the answer is static. A text that the handler formats is an allocation, and so is the line that
/// a 404 has for a body.
#[test]
fn what_things_cost() {
    let bench = Bench::new(1);
    for (name, request, expected) in [
        ("GET /", ROOT, 0),
        ("GET /hello/x", "GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        ("404", "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ] {
        let cost = bench.cost(request);
        println!("{name}: {cost} allocations");
        assert_eq!(cost, expected, "{name}");
    }
    let batch = bench.cost(&ROOT.repeat(10));
    println!("ten pipelined GET /: {batch} allocations");
    assert_eq!(batch, 0);
    no_growth(&bench);
    idle_connections();
    a_byte_that_waits();
    half_a_head();
    an_answer_that_waits();
    a_log_that_is_off();
}

/// An access log that nobody reads formats nothing, and a middleware that is ready at once has its box already.
fn a_log_that_is_off() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let router = Router::new().get("/", async |_| "hello").with(layers::access_log(runtime.handle()));
    let logged = Bench::with(runtime, router, 1).cost(ROOT);
    println!("GET / with a log that is off: {logged} allocations");
    assert_eq!(logged, 0);
}

/// After ten thousand requests as many bytes are held as before.
fn no_growth(bench: &Bench) {
    let held = |region: &Region<'_, System>| {
        let change = region.change();
        change.bytes_allocated.cast_signed() - change.bytes_deallocated.cast_signed()
    };
    let region = Region::new(ALLOCATOR);
    for _ in 0..10_000 {
        bench.ask(&bench.pipes[0], ROOT);
    }
    println!("ten thousand requests: {} bytes more than before", held(&region));
    assert!(held(&region).abs() < 4096, "{} bytes more", held(&region));
}

/// How many bytes each connection holds when it has sent a request and the first byte of another one, and waits. The bench is
/// one where it has to.
fn held_with_a_byte_behind(bench: &Bench) -> usize {
    let region = Region::new(ALLOCATOR);
    for pipe in &bench.pipes {
        pipe.client_send(format!("{ROOT}G").as_bytes());
        bench.runtime.run_until_stalled();
    }
    let change = region.change();
    (change.bytes_allocated - change.bytes_deallocated) / bench.pipes.len()
}

/// Whoever waits with a byte in the input holds a small buffer for it, not one of those that are read into: behind a handler
/// that never answers, and behind a long answer that is not read.
fn a_byte_that_waits() {
    const COUNT: usize = 1000;
    static LONG: &str = include_str!("../CONCEPTS.md");
    let runtime = || Runtime::builder().frozen_clock().build().expect("a runtime");
    let router = Router::new().get("/", async |_: Request| std::future::pending::<&str>().await);
    let each = held_with_a_byte_behind(&Bench::with(runtime(), router, COUNT));
    println!("a slow handler with a byte behind its request: {each} bytes on the heap");
    assert!(each < 20 * 1024, "{each} bytes");

    let stuck = Bench::with(runtime(), Router::new().get("/", async |_: Request| LONG), COUNT);
    stuck.pipes.iter().for_each(|pipe| pipe.set_room(1024));
    let each = held_with_a_byte_behind(&stuck);
    println!("a client that does not read, with a byte behind its request: {each} bytes on the heap");
    assert!(each < 40 * 1024, "{each} bytes, the half-sent answer's buffer included");
}

/// A connection that ends in the middle of a long head gives the buffer back, 68 KiB, in which the head lies so far.
fn half_a_head() {
    let half = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(30_000));
    let bench = Bench::new(8);
    let region = Region::new(ALLOCATOR);
    for pipe in &bench.pipes {
        pipe.client_send(half.as_bytes());
        bench.runtime.run_until_stalled();
        pipe.client_end();
        bench.runtime.run_until_stalled();
        assert!(pipe.is_closed());
    }
    let allocated = region.change().bytes_allocated;
    println!("eight half heads, one after the other: {allocated} bytes allocated");
    // The pipes, in which the bytes were on their way, and one buffer.
    assert!(allocated < 8 * half.len() + 2 * READ_SIZE, "{allocated} bytes: a buffer for each");
}

/// So does one that is cut while its answer, in a buffer of 16 KiB, waits for room.
fn an_answer_that_waits() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let service = Server::new(Router::new().get("/", async |_| "hello")).into_service(runtime.handle());
    let region = Region::new(ALLOCATOR);
    for _ in 0..8 {
        let pipe = Pipe::new();
        pipe.set_room(0);
        let connection = serve_connection(service.clone(), pipe.server_end(), None);
        let task = runtime.handle().spawn_detached(connection);
        pipe.client_send(ROOT.as_bytes());
        runtime.run_until_stalled();
        assert!(!pipe.is_closed());
        task.abort();
        assert!(pipe.is_closed());
    }
    let allocated = region.change().bytes_allocated;
    println!("eight answers that waited, one after the other: {allocated} bytes allocated");
    assert!(allocated < READ_SIZE + 4 * BUFFER_SIZE, "{allocated} bytes: a buffer for each");
}

/// What one idle keep-alive connection holds on the heap, the pipe's own few bytes included.
fn idle_connections() {
    const COUNT: usize = 1000;
    let small = Bench::new(1);
    let region = Region::new(ALLOCATOR);
    let large = Bench::new(COUNT);
    for pipe in &large.pipes {
        large.ask(pipe, ROOT);
    }
    let change = region.change();
    let each = (change.bytes_allocated - change.bytes_deallocated) / COUNT;
    println!("an idle connection: {each} bytes on the heap");
    // What CONCEPTS.md says of it.
    let told = include_str!("../CONCEPTS.md")
        .split(" bytes of heap")
        .next()
        .and_then(|text| text.rsplit(' ').next());
    let told: usize = told.and_then(|text| text.replace(',', "").parse().ok()).expect("a number");
    assert!(each.abs_diff(told) <= 32, "{each} bytes; CONCEPTS.md says {told}");
    drop(small);
}
