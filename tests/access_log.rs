//! The access log: one line for each request, whatever the client writes into it.

mod common;

use std::net::SocketAddr;

use common::log;
use common::pipe::Pipe;
use glassbox::Runtime;
use glassbox::http::{Router, Server, Status, layers, serve_connection};

/// The lines that these requests leave in the log, each on a connection of its own.
fn lines(peer: Option<SocketAddr>, requests: &[&[u8]]) -> Vec<String> {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let router = Router::new()
        .get("/", async |_| "x")
        .get("/gone", async |_| Status::GONE)
        .get("/panic", async |_| -> &str { panic!("on purpose") })
        .with(layers::access_log(runtime.handle()));
    let service = Server::new(router).into_service(runtime.handle());
    log::keep(::log::LevelFilter::Debug);
    for request in requests {
        let pipe = Pipe::new();
        runtime.handle().spawn(serve_connection(service.clone(), pipe.server_end(), peer)).detach();
        pipe.client_send(request);
        runtime.run_until_stalled();
        pipe.client_end();
        runtime.run_until_stalled();
    }
    let all = log::take().into_iter();
    all.filter_map(|(_, line)| line.strip_prefix("access: ").map(str::to_owned)).collect()
}

/// Number, peer, method, target, status, time. The clock stands still here.
#[test]
fn a_line_for_each_request() {
    let peer = "192.0.2.7:4711".parse().ok();
    let seen = lines(
        peer,
        &[
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /gone?a=b&c HTTP/1.1\r\nHost: a\r\n\r\n",
            b"DELETE /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        ],
    );
    let expected = [
        "#1 192.0.2.7:4711 GET / -> 200 in 0ns",
        "#2 192.0.2.7:4711 HEAD /gone?a=b&c -> 410 in 0ns",
        "#3 192.0.2.7:4711 DELETE /nowhere -> 404 in 0ns",
        "#4 192.0.2.7:4711 OPTIONS * -> 204 in 0ns",
    ];
    assert_eq!(seen, expected);
    assert_eq!(lines(None, &[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), ["#1 - GET / -> 200 in 0ns"]);
}

/// Line ends, escape sequences, bytes beyond ASCII: percent-encoded they stay so, and raw they are refused before anybody
/// logs them. A line is one line, and all of it can be shown.
#[test]
fn no_client_writes_a_line_of_its_own() {
    let encoded = b"GET /%0d%0a#9%20-%20GET%20/admin%1b[2J%00?x=%0A HTTP/1.1\r\nHost: a\r\n\r\n";
    let seen = lines(None, &[&encoded[..]]);
    assert_eq!(seen, [""; 0], "a # and a bracket are not allowed in a target either");
    let encoded = b"GET /%0d%0a%239%20-%20GET%20/admin%1b%5b2J%00?x=%0A HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(
        lines(None, &[&encoded[..]]),
        ["#1 - GET /%0d%0a%239%20-%20GET%20/admin%1b%5b2J%00?x=%0A -> 404 in 0ns"]
    );
    for byte in (0..=b' ').chain(0x7f..=0xff) {
        let hostile = [b"GET /a".as_slice(), &[byte], b"b HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert_eq!(lines(None, &[&hostile]), [""; 0], "{byte:#x}");
    }
}

/// A panic has a line of its own, from the connection, and none here.
#[test]
fn a_panic_is_logged_elsewhere() {
    assert_eq!(lines(None, &[b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n"]), [""; 0]);
}
