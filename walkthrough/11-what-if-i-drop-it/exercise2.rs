//! Exercise 2 of chapter 11: a gate that survives those who give up.
//!
//! Tasks wait at a gate, and `let_one` lets the one pass that has waited for the longest. `Pass` is the future of one wait.
//! Its `Drop` is empty. Fill it:
//!
//! - Whoever gives up leaves the line, and its waker with it.
//! - Whoever was let through, and is dropped before it was polled again, hands its turn to the next in line. Otherwise a
//!   turn is lost, and somebody who stands right behind it waits for ever.
//! - Whoever has passed leaves nothing, and takes nothing.
//!
//! Take care: a waker's drop is foreign code, and so is `wake`. Nothing may be borrowed meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Lets one pass at a time.
#[derive(Default)]
pub struct Gate {
    /// Who waits: the smallest ticket has waited for the longest.
    waiting: RefCell<BTreeMap<u64, Waker>>,
    /// Tickets of those who were let through and have not been polled since.
    passing: RefCell<BTreeSet<u64>>,
    last: Cell<u64>,
}

impl Gate {
    /// Waits to be let through.
    pub fn pass(&self) -> Pass<'_> {
        Pass { gate: self, ticket: None }
    }

    /// Lets the oldest one pass. `false`: nobody waits.
    pub fn let_one(&self) -> bool {
        let Some((ticket, waker)) = self.waiting.borrow_mut().pop_first() else { return false };
        self.passing.borrow_mut().insert(ticket);
        waker.wake();
        true
    }

    /// How many stand in line.
    pub fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }
}

/// One wait at the gate.
pub struct Pass<'a> {
    gate: &'a Gate,
    /// The place in the line, from the first poll until the gate was passed.
    ticket: Option<u64>,
}

impl Future for Pass<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let gate = self.gate;
        let ticket = *self.ticket.get_or_insert_with(|| {
            gate.last.set(gate.last.get() + 1);
            gate.last.get()
        });
        if gate.passing.borrow_mut().remove(&ticket) {
            self.ticket = None;
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let replaced = gate.waiting.borrow_mut().insert(ticket, waker);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // To do: it may stand in `waiting`, in `passing`, or in neither.
        let _ = (self.gate, self.ticket);
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
