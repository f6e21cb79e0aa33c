//! Chapter 14: the real server with tight limits, and clients that try to hurt it.
//!
//! `cargo run --example ch14` serves until you end it; with `--demo` it plays the clients of `demo.rs` and ends.
//! `--no-head-timeout` and `--whole-body` put a classic mistake in.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use glassbox::Runtime;
use glassbox::http::stats::Stats;
use glassbox::http::{Body, BodyError, BodySource, Chunk, Limits, Request, Response, Router, Server, Status};
use glassbox::net::TcpListener;
use glassbox::sync::Flag;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts every byte on the heap, for the demonstration.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// How many bytes `/bytes` promises: far more than all buffers between here and a client can hold.
const PROMISED: u64 = 1 << 30;

/// What a client may ask for. Each is far below its default, so that the demonstration is short.
fn limits() -> Limits {
    let limits = Limits {
        head: 1024,
        body: 64 * 1024,
        head_timeout: Duration::from_millis(500),
        body_timeout: Duration::from_millis(500),
        write_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_secs(10),
        connections: 300,
        ..Limits::default()
    };
    // The mistake: a head may take as long as it likes.
    if args::switch("--no-head-timeout") { Limits { head_timeout: Duration::MAX, ..limits } } else { limits }
}

fn router() -> Router {
    Router::new()
        .get("/", async |_| "hello\n")
        .post("/", async |mut request: Request| request.text().await)
        .get("/bytes", async |_| Response::new(Status::OK).with_body(large_body()))
}

fn large_body() -> Body {
    if args::switch("--whole-body") {
        // The mistake: the answer is made at the speed of the handler, and waits in memory for the client.
        return vec![b'x'; 64 << 20].into();
    }
    Body::stream(Endless, Some(PROMISED))
}

/// A body that is always ready. What holds it back is the client, who must take each piece before the next is made.
struct Endless;

impl BodySource for Endless {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        static PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];
        Poll::Ready(Some(Ok(Chunk::Static(&PIECE))))
    }
}

fn main() -> io::Result<()> {
    let runtime = Runtime::new()?;
    let demo = args::switch("--demo");
    let wanted = if demo { ([127, 0, 0, 1], 0).into() } else { args::listen() };
    let listener = TcpListener::bind(&runtime.handle(), wanted)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    let (stats, stop) = (Arc::new(Stats::new()), Flag::new());
    let clients = demo.then(|| {
        let (stats, stop) = (stats.clone(), stop.clone());
        thread::spawn(move || {
            demo::run(address, &stats);
            stop.raise();
        })
    });
    let server = Server::new(router()).limits(limits()).stats(stats);
    runtime.block_on(server.run(listener, async move { stop.raised().await }));
    clients.map_or(Ok(()), |clients| clients.join().map_err(|_| io::Error::other("a client panicked")))
}
