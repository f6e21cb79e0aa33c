//! What `Lines` must do. Included by the exercise and by its solution.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use glassbox::sync::{Sender, channel};

use super::*;

/// Polls a future once and drops it.
fn ask_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn send(sender: &Sender<u8>, text: &str) {
    for byte in text.bytes() {
        assert!(ask_once(sender.send(byte)).is_ready(), "the channel has room");
    }
}

fn line(text: &str) -> Poll<Option<String>> {
    Poll::Ready(Some(text.to_owned()))
}

#[test]
fn lines_come_whole() {
    let (sender, receiver) = channel(100);
    let mut lines = Lines::new(receiver);
    send(&sender, "one\n\nthree\n");
    assert_eq!(ask_once(lines.next()), line("one"));
    assert_eq!(ask_once(lines.next()), line(""));
    assert_eq!(ask_once(lines.next()), line("three"));
    assert_eq!(ask_once(lines.next()), Poll::Pending);
}

#[test]
fn dropped_after_every_byte() {
    let (sender, receiver) = channel(100);
    let mut lines = Lines::new(receiver);
    for byte in ["h", "e", "l", "l", "o"] {
        send(&sender, byte);
        assert_eq!(ask_once(lines.next()), Poll::Pending);
    }
    send(&sender, "\nwor");
    assert_eq!(ask_once(lines.next()), line("hello"));
    assert_eq!(ask_once(lines.next()), Poll::Pending);
    send(&sender, "ld\n");
    assert_eq!(ask_once(lines.next()), line("world"));
}

#[test]
fn a_line_is_not_given_twice() {
    let (sender, receiver) = channel(100);
    let mut lines = Lines::new(receiver);
    send(&sender, "a\nb");
    assert_eq!(ask_once(lines.next()), line("a"));
    assert_eq!(ask_once(lines.next()), Poll::Pending);
    drop(sender);
    assert_eq!(ask_once(lines.next()), line("b"), "the last line has no end");
    assert_eq!(ask_once(lines.next()), Poll::Ready(None));
}
