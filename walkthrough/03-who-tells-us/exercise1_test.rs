//! What `drain` must do. Included by the exercise and by its solution.

use std::io::Write;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::*;

/// A connection whose near end is registered with a selector.
fn connection(poll: &Poll) -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let far = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
    listener.set_nonblocking(true).expect("non-blocking");
    let (mut near, _) = TcpListener::from_std(listener).accept().expect("accepts");
    poll.registry().register(&mut near, Token(0), Interest::READABLE).expect("registers");
    (near, far)
}

/// Whether the selector has something to say within this time.
fn told(poll: &mut Poll, patience: Duration) -> bool {
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, Some(patience)).expect("polls");
    !events.is_empty()
}

#[test]
fn one_event_is_one_event_whatever_came() {
    let mut poll = Poll::new().expect("a selector");
    let (mut near, mut far) = connection(&poll);
    let request = "a request that is longer than the buffer of sixteen bytes";
    far.write_all(request.as_bytes()).expect("sends");
    assert!(told(&mut poll, Duration::from_secs(10)), "bytes have come");
    let (bytes, ended) = drain(&mut near).expect("reads");
    assert!(!told(&mut poll, Duration::ZERO), "nobody tells us twice");
    assert_eq!(String::from_utf8_lossy(&bytes), request);
    assert!(!ended);
}

#[test]
fn the_end_is_told_apart_from_not_now() {
    let mut poll = Poll::new().expect("a selector");
    let (mut near, far) = connection(&poll);
    drop(far);
    assert!(told(&mut poll, Duration::from_secs(10)), "the end is an event");
    assert!(drain(&mut near).expect("reads").1);
}

#[test]
fn a_false_alarm_is_not_an_error() {
    let poll = Poll::new().expect("a selector");
    let (mut near, far) = connection(&poll);
    let (bytes, ended) = drain(&mut near).expect("an event without bytes is legal");
    assert!(bytes.is_empty() && !ended);
    drop(far);
}
