//! Solution 4.1: two awaits are two places to stand still; before the first and after the last come one each.

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

/// One variant per place where `two_lines` can stand still. The first line is alive from the first await's end on.
pub enum TwoLines {
    First { lines: Lines },
    Second { lines: Lines, first: &'static str },
    Done,
}

impl TwoLines {
    pub fn new(lines: Lines) -> TwoLines {
        TwoLines::First { lines }
    }
}

impl Future for TwoLines {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match &*self {
                TwoLines::First { lines } => {
                    let Poll::Ready(first) = lines.poll_line() else { return Poll::Pending };
                    let lines = lines.clone();
                    *self = TwoLines::Second { lines, first };
                }
                TwoLines::Second { lines, first } => {
                    let Poll::Ready(second) = lines.poll_line() else { return Poll::Pending };
                    let both = format!("{first} {second}");
                    *self = TwoLines::Done;
                    return Poll::Ready(both);
                }
                TwoLines::Done => panic!("TwoLines polled after it was ready"),
            }
        }
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
