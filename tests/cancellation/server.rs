//! The server's own future, polled by hand and dropped: nobody listens any more, and connections live their own lives
//! to their end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::pin::Pin;
use std::time::Duration;

use glassbox::Runtime;
use glassbox::http::{Router, Server, Stopped, serve};
use glassbox::net::TcpListener;
use glassbox::sync::Flag;

use super::knife::{cut, nothing_is_left, runtime};
use crate::common::sockets::{park, wait_end, wait_readable};

const SECOND: Duration = Duration::from_secs(1);

fn listen(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).expect("listens");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn router(runtime: &Runtime) -> Router {
    let handle = runtime.handle();
    Router::new().get("/", async |_| "ok").get("/sleep", async move |_| {
        handle.sleep(3 * SECOND).await;
        "slept"
    })
}

fn ask(path: &str, address: SocketAddr) -> StdStream {
    let mut client = StdStream::connect(address).expect("connects");
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).expect("sends");
    client
}

/// Lets the runtime work until no task is left.
fn run_out(runtime: &Runtime) {
    while !runtime.tasks().is_empty() {
        if runtime.turn() == 0 {
            park(runtime);
        }
    }
    nothing_is_left(runtime);
}

type Serving = Pin<Box<dyn Future<Output = ()>>>;

/// Both ways to serve for ever. It never ends by itself: cut after up to six polls.
pub fn server(polls: usize) -> bool {
    let run = |runtime: &Runtime, listener| -> Serving {
        let server = Server::new(router(runtime));
        Box::pin(async move {
            server.run(listener, std::future::pending()).await;
        })
    };
    let plain = |runtime: &Runtime, listener| -> Serving { Box::pin(serve(listener, router(runtime))) };
    for make in [&run as &dyn Fn(&Runtime, TcpListener) -> Serving, &plain] {
        let runtime = runtime();
        let (listener, address) = listen(&runtime);
        let mut client = None;
        let output = cut(polls, make(&runtime, listener), |nth| {
            if nth == 2 {
                client = Some(ask("/", address));
                while runtime.sources().iter().any(|source| source.read_waiting) {
                    park(&runtime);
                }
            }
        });
        assert!(output.is_none());
        assert!(StdStream::connect(address).is_err(), "nobody listens any more");
        if let Some(mut client) = client {
            if polls > 2 {
                runtime.turn();
                wait_readable(&client);
                let read = client.read(&mut [0; 1000]).expect("a connection that was accepted is answered");
                assert!(read > 0);
            }
            drop(client);
        }
        run_out(&runtime);
    }
    polls == 6
}

/// Cut while it stops: a request in flight is answered all the same, and the connection ends behind it.
pub fn stopping(polls: usize) -> bool {
    let runtime = runtime();
    let (listener, address) = listen(&runtime);
    let stop = Flag::new();
    let stopped = stop.clone();
    let server = Server::new(router(&runtime)).grace(9 * SECOND);
    let client = ask("/sleep", address);
    let output = cut(polls, server.run(listener, async move { stopped.raised().await }), |nth| {
        runtime.run_until_stalled();
        match nth {
            2 => stop.raise(),
            4.. => runtime.advance(SECOND),
            _ => {}
        }
        runtime.run_until_stalled();
    });
    for _ in 0..4 {
        runtime.run_until_stalled();
        runtime.advance(SECOND);
    }
    if polls > 2 {
        wait_end(&client); // Draining, so that the answer is the last.
    }
    drop(client);
    run_out(&runtime);
    assert!(matches!(output, None | Some(Stopped { cut: 0 })), "it was answered within the grace period");
    output.is_some()
}
