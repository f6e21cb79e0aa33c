//! Tests for the bug museum (`cargo run --example museum`) about HTTP: conversations in memory, printed.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use common::conversation::{Conversation, statuses};
use common::{frozen_runtime, print_timeline};
use glassbox::http::{Limits, Request, Router, Server};
use glassbox::net::TcpListener;
use glassbox::sync::Flag;

fn greet(router: Router) -> Conversation {
    Conversation::new(router, Limits::default())
}

/// Exhibit 20. A client that takes forty bytes at a time.
#[test]
fn a_short_write_is_continued() {
    let conversation = greet(Router::new().get("/", async |_| "the whole answer\n"));
    conversation.pipe.set_room(40);
    let mut answer = conversation.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    println!("first piece:\n{answer}");
    for _ in 0..20 {
        conversation.runtime.run_until_stalled();
        answer += &conversation.pipe.client_text();
    }
    println!("all pieces:\n{answer}");
    assert!(answer.ends_with("\r\n\r\nthe whole answer\n"), "the rest of the answer was never sent");
}

/// Exhibit 21. The same request in one packet and in two.
#[test]
fn a_request_may_come_in_two_packets() {
    let conversation = greet(Router::new().get("/", async |_| "here you are\n"));
    let whole = conversation.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let first = conversation.say("GET / HTTP/1.1\r\nHo");
    let second = conversation.say("st: a\r\n\r\n");
    println!(
        "in one packet: {:?}\nin two: {:?}, then {:?}",
        statuses(&whole),
        statuses(&first),
        statuses(&second)
    );
    assert_eq!((statuses(&whole), statuses(&first), statuses(&second)), (vec![200], vec![], vec![200]));
}

/// Exhibit 22. One request with two lengths. Somebody in front of us may have believed the other one: to that one,
/// `GET /secret` is a part of the body.
#[test]
fn two_lengths_are_refused() {
    let conversation = greet(
        Router::new()
            .post("/", async |mut request: Request| request.text().await)
            .get("/secret", async |_| "x"),
    );
    let answers = conversation.say(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 56\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET /secret HTTP/1.1\r\nHost: a\r\nX-Padding: 12345\r\n\r\n",
    );
    println!("answers: {:?}", statuses(&answers));
    assert_eq!(statuses(&answers), [400], "a request was hidden in the body of another");
}

/// Exhibit 26. The clock stands still, so nobody can be waiting for the grace period: an idle connection ends at once.
#[test]
fn an_idle_connection_does_not_hold_the_server() {
    let (runtime, log) = frozen_runtime();
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = TcpListener::bind(&runtime.handle(), any).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("cannot ask for the address");
    let stop = Flag::new();
    let (server, raised) = (Server::new(Router::new().get("/", async |_| "hello\n")), stop.raised());
    let mut serving = runtime.handle().spawn(server.run(listener, raised));
    runtime.turn();
    let mut client = TcpStream::connect(address).expect("cannot connect");
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("cannot write");
    let mut tries = 0;
    while runtime.handle().stats().sources < 2 && tries < 1000 {
        runtime.park(Some(std::time::Duration::from_millis(10))).expect("cannot park");
        runtime.turn();
        tries += 1;
    }
    assert!(client.read(&mut [0; 1024]).expect("cannot read") > 0);
    log.take();
    stop.raise();
    runtime.run_until_stalled();
    print_timeline(&log.story());
    let stopped = serving.take().map(|stopped| stopped.expect("it does not panic").cut);
    assert_eq!(stopped, Some(0), "the server waits for a client that has nothing to say");
}
