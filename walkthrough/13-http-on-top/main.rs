//! Chapter 13: HTTP/1.1 on top of all that is below: a small server on the library's own floors.
//!
//! `cargo run --example ch13` serves until it is killed; `--listen ADDR` says where, `--head-timeout-ms N` how patient it is.
//! `cargo run --example ch13 -- --demo` lets its own clients ask it, cut their requests up, and lie to it, and then ends.
//!
//! `on_tokio.rs` beside this file is the same server on tokio, and `tests/comparison.rs` cannot tell them apart.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io;
use std::time::Duration;

use glassbox::http::{Limits, Request, Response, Router, Server, Status};
use glassbox::net::TcpListener;
use glassbox::{Recorder, Runtime};

/// The most that `/bytes` makes.
const MAX_BYTES: usize = 16 << 20;

fn router() -> Router {
    Router::new()
        .get("/", async |_| "hello from the top floor\n")
        .get("/hello/{name}", async |request: Request| format!("Hello, {}!\n", request.param("name")))
        .get("/bytes/{count}", bytes)
        .post("/echo", async |mut request: Request| request.bytes().await)
}

/// So many bytes in one piece: more than a socket takes at once.
async fn bytes(request: Request) -> Result<Vec<u8>, Response> {
    match request.param("count").parse() {
        Ok(count) if count <= MAX_BYTES => Ok(vec![b'x'; count]),
        _ => Err(Response::error(Status::BAD_REQUEST, "that is no number up to 16777216")),
    }
}

fn main() -> io::Result<()> {
    let is_demo = args::switch("--demo");
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build()?;
    let address = if is_demo { ([127, 0, 0, 1], 0).into() } else { args::listen() };
    let listener = TcpListener::bind(&runtime.handle(), address)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");

    let mut limits = Limits::default();
    if let Some(patience) = args::value("--head-timeout-ms") {
        limits.head_timeout = Duration::from_millis(patience);
    }
    let server = Server::new(router()).limits(limits);
    if is_demo {
        // The clients block, as clients in a shell script do. So they get a thread, and their end stops the server.
        let clients = runtime.handle().spawn_blocking(move || demo::run(address, &log));
        runtime.block_on(server.run(listener, async { clients.await.expect("the clients do not panic") }));
    } else {
        runtime.block_on(server.run(listener, std::future::pending()));
    }
    Ok(())
}
