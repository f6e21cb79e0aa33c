//! Exercise 4.1: be the compiler.
//!
//! `two_lines` below is an `async fn` with two awaits. Write the same by hand: `TwoLines` must leave the same trace, poll
//! by poll. Run `cargo test --example exercises ch04_exercise1`.

#![allow(dead_code)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Lines that come when they come: `None` means "not yet". `tries` counts how often somebody asked.
#[derive(Clone, Default)]
pub struct Lines {
    script: Rc<RefCell<VecDeque<Option<&'static str>>>>,
    tries: Rc<RefCell<u32>>,
}

impl Lines {
    pub fn new(script: &[Option<&'static str>]) -> Lines {
        Lines { script: Rc::new(RefCell::new(script.iter().copied().collect())), tries: Rc::default() }
    }

    /// One try.
    pub fn poll_line(&self) -> Poll<&'static str> {
        *self.tries.borrow_mut() += 1;
        self.script.borrow_mut().pop_front().flatten().map_or(Poll::Pending, Poll::Ready)
    }

    pub fn tries(&self) -> u32 {
        *self.tries.borrow()
    }
}

/// The original. `poll_fn` makes a leaf of a closure: each poll calls it.
pub async fn two_lines(lines: Lines) -> String {
    let first = std::future::poll_fn(|_| lines.poll_line()).await;
    let second = std::future::poll_fn(|_| lines.poll_line()).await;
    format!("{first} {second}")
}

/// Yours. Which variants does it need? Which variables are alive in each?
pub struct TwoLines {
    lines: Lines,
}

impl TwoLines {
    pub fn new(lines: Lines) -> TwoLines {
        TwoLines { lines }
    }
}

impl Future for TwoLines {
    type Output = String;

    /// This one forgets the first line whenever the second has not come yet.
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<String> {
        let Poll::Ready(first) = self.lines.poll_line() else { return Poll::Pending };
        let Poll::Ready(second) = self.lines.poll_line() else { return Poll::Pending };
        Poll::Ready(format!("{first} {second}"))
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
