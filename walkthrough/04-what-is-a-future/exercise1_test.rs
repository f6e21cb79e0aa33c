//! What exercise 4.1 asks for.

use std::pin::pin;
use std::task::Waker;

use super::*;

/// Polls at most 20 times; after each poll: how many tries there were so far, and what came out.
fn trace(lines: &Lines, future: impl Future<Output = String>) -> Vec<(u32, Option<String>)> {
    let mut future = pin!(future);
    let mut trace = Vec::new();
    for _ in 0..20 {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let value = if let Poll::Ready(value) = polled { Some(value) } else { None };
        let ended = value.is_some();
        trace.push((lines.tries(), value));
        if ended {
            break;
        }
    }
    trace
}

fn compare(script: &[Option<&'static str>]) {
    let (theirs, ours) = (Lines::new(script), Lines::new(script));
    assert_eq!(trace(&ours, TwoLines::new(ours.clone())), trace(&theirs, two_lines(theirs.clone())));
}

#[test]
fn both_lines_are_there() {
    compare(&[Some("a"), Some("b")]);
}

#[test]
fn the_second_line_comes_later() {
    compare(&[Some("a"), None, Some("b"), Some("not mine")]);
}

#[test]
fn both_lines_come_late() {
    compare(&[None, None, Some("a"), None, None, Some("b")]);
}

#[test]
fn making_it_reads_nothing() {
    let lines = Lines::new(&[Some("a"), Some("b")]);
    drop(TwoLines::new(lines.clone()));
    assert_eq!(lines.tries(), 0);
}
