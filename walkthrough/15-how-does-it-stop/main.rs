//! Chapter 15: a server that stops in good order.
//!
//! `cargo run --example ch15` serves until Ctrl-C or SIGTERM. `--demo` sends itself a SIGTERM while three clients are
//! connected, and tells what becomes of each. `--drop-first` puts a classic mistake in.

#[path = "../args.rs"]
mod args;
mod demo;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use glassbox::http::stats::Stats;
use glassbox::http::{Router, Server};
use glassbox::net::TcpListener;
use glassbox::signal::StopSignals;
use glassbox::{Handle, Runtime};

/// How long requests in flight may take after the stop.
const GRACE: Duration = Duration::from_millis(500);

fn router(handle: &Handle) -> Router {
    let clock = handle.clone();
    Router::new()
        .get("/", async |_| "hello\n")
        .get("/slow", async move |_| {
            clock.sleep(Duration::from_millis(300)).await;
            "slow, but here\n"
        })
        .get("/never", async |_| std::future::pending::<&'static str>().await)
}

fn main() -> io::Result<()> {
    let demo = args::switch("--demo");
    let runtime = Runtime::new()?;
    let handle = runtime.handle();
    let wanted = if demo { ([127, 0, 0, 1], 0).into() } else { args::listen() };
    let listener = TcpListener::bind(&handle, wanted)?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");

    // The first signal is data that arrives. A second one ends the process in the signal handler, whatever the tasks
    // do.
    let mut signals = StopSignals::new(&handle, 130)?;
    let stats = Arc::new(Stats::new());
    let clients = demo.then(|| {
        let stats = stats.clone();
        thread::spawn(move || demo::run(address, &stats))
    });
    let server = Server::new(router(&handle)).grace(GRACE).stats(stats);
    let stop = async move {
        let name = signals.recv().await.unwrap_or("no signal can be heard");
        println!("server:  {name}");
    };
    let end = if args::switch("--drop-first") {
        // The mistake: the loop ends with the signal, and whatever is in flight is dropped with the runtime.
        let serving = handle.spawn(server.run(listener, std::future::pending()));
        runtime.block_on(stop);
        drop((serving, runtime));
        "gone".to_owned()
    } else {
        let stopped = runtime.block_on(server.run(listener, stop));
        format!("stopped, {} connection cut", stopped.cut)
    };
    let joined = clients.map(thread::JoinHandle::join).transpose();
    println!("server:  {end}");
    joined.map(drop).map_err(|_| io::Error::other("a client panicked"))
}
