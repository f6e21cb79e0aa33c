//! Chapter 4, step by step: laziness, and progress kept between polls.
//!
//! Run it with `cargo test --example ch04 -- --nocapture`: each test prints its trace.

use super::*;

/// One poll by hand.
fn poll_once<T>(input: &Input, future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    input.note("poll");
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Compares the trace, and prints it.
#[track_caller]
fn expect(input: &Input, expected: &[&str]) {
    let trace = input.trace();
    println!("\n{}", trace.join("\n"));
    assert_eq!(trace, expected);
}

/// A future that nobody polls does nothing. Both kinds: the script is untouched.
#[test]
fn a_future_that_is_only_made_has_read_nothing() {
    let input = Input::new(&SCRIPT);
    drop(read_line_by_hand(input.clone()));
    drop(read_line(input.clone()));
    assert_eq!(input.0.script.borrow().len(), SCRIPT.len());
    expect(&input, &[]);
}

/// What one poll has read is still there in the next one, because it is in the future and not on the stack.
#[test]
fn progress_is_kept_between_polls() {
    let input = Input::new(&[Some("a"), None, Some("b"), Some("c\n")]);
    let mut future = pin!(read_line(input.clone()));
    assert_eq!(poll_once(&input, future.as_mut()), Poll::Pending);
    assert_eq!(poll_once(&input, future.as_mut()), Poll::Ready("abc\n".into()));
    expect(
        &input,
        &[
            "poll",
            "    read \"a\"",
            "    read nothing yet", // here it stands still, holding "a"
            "poll",
            "    read \"b\"", // and here it goes on
            "    read \"c\\n\"",
        ],
    );
}

/// A poll that finds nothing new is legal. It costs one vain try and changes nothing.
#[test]
fn a_spurious_poll_does_no_harm() {
    let input = Input::new(&[None, None, None, Some("late\n")]);
    let mut future = pin!(read_line_by_hand(input.clone()));
    for _ in 0..3 {
        assert_eq!(poll_once(&input, future.as_mut()), Poll::Pending);
    }
    assert_eq!(poll_once(&input, future.as_mut()), Poll::Ready("late\n".into()));
}

/// Between two polls a future is a value: it can be kept in a box, handed on, or dropped half-way.
#[test]
fn a_future_can_be_dropped_half_way() {
    let input = Input::new(&SCRIPT);
    let mut future = Box::pin(read_line(input.clone()));
    assert_eq!(poll_once(&input, future.as_mut()), Poll::Pending);
    drop(future);
    input.note("dropped");
    expect(&input, &["poll", "    read \"he\"", "    read nothing yet", "dropped"]);
    assert_eq!(Rc::strong_count(&input.0), 1, "what it held is gone: \"he\" too");
}

/// By hand or by the compiler: the same polls, the same reads, the same value.
#[test]
fn the_async_fn_leaves_the_same_trace() {
    assert_eq!(trace_of(read_line_by_hand), trace_of(read_line));
}
