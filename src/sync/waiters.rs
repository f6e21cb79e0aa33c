//! A first-in-first-out list of waiting tasks, in which one after the other is granted its turn.
//!
//! ```text
//!   poll ----> queue: ticket 4 -> waker, ticket 5 -> waker      grant_next: moves the oldest over, wakes it
//!                        |
//!                        v
//!              granted: { 3 }  ----> poll finds its ticket here: Ready
//!                              ----> dropped instead: `leave` says so, and the owner grants the next one
//! ```

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::task::{Context, Poll, Waker};

use crate::runtime::waker_cell::wake;

/// A place in the line. Counted up, so that the smallest has waited for the longest.
pub type Ticket = u64;

/// Who waits, and who was granted a turn that it has not taken yet.
#[derive(Default)]
pub struct Waiters {
    queue: RefCell<BTreeMap<Ticket, Waker>>,
    granted: RefCell<BTreeSet<Ticket>>,
    last: Cell<Ticket>,
}

impl Waiters {
    /// Ready when this ticket's turn was granted. Otherwise stands in line (the first time, a new ticket at the
    /// end) with the newest waker.
    pub fn poll_turn(&self, ticket: &mut Option<Ticket>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(number) = *ticket
            && self.granted.borrow_mut().remove(&number)
        {
            *ticket = None;
            return Poll::Ready(());
        }
        let number = *ticket.get_or_insert_with(|| {
            self.last.set(self.last.get() + 1);
            self.last.get()
        });
        let waker = cx.waker().clone(); // Foreign code, like the drop below: outside the borrow.
        let replaced = self.queue.borrow_mut().insert(number, waker);
        drop(replaced);
        Poll::Pending
    }

    /// Grants the oldest waiter its turn. `false`: nobody waits.
    pub fn grant_next(&self) -> bool {
        let Some((ticket, waker)) = self.queue.borrow_mut().pop_first() else { return false };
        self.granted.borrow_mut().insert(ticket);
        wake(waker);
        true
    }

    /// Wakes all who wait and takes them off the list, without granting anything: they look for themselves.
    pub fn wake_all(&self) {
        let all = self.queue.take();
        all.into_values().for_each(wake);
    }

    /// Gives a ticket up. `true`: its turn had been granted and is now to be given to somebody else.
    pub fn leave(&self, ticket: &mut Option<Ticket>) -> bool {
        let Some(number) = ticket.take() else { return false };
        let waker = self.queue.borrow_mut().remove(&number);
        drop(waker);
        self.granted.borrow_mut().remove(&number)
    }

    /// How many stand in line.
    pub fn len(&self) -> usize {
        self.queue.borrow().len()
    }
}
