//! `Notify`: "something happened, look again". A condition variable for tasks.
//!
//! 1. `notify_one` wakes the task that has waited for the longest. If nobody waits, it is remembered, once: the
//!    next `notified` is ready at once. So a signal that comes a moment before the wait is not lost.
//! 2. `notify_all` wakes everybody who holds a `Notified` now, polled or not. It is not remembered.
//! 3. A `Notified` that got a `notify_one` and is dropped unread hands it on.
//!
//! What nobody can see from outside: a signal that never comes. The waiter's waker lies here, so the census says "held
//! elsewhere", and no lint speaks.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::waiters::{Ticket, Waiters};

/// A signal between tasks.
#[derive(Default)]
pub struct Notify {
    waiters: Waiters,
    /// A `notify_one` that found nobody.
    remembered: Cell<bool>,
    /// Counts the `notify_all`s. A `Notified` is ready when this is not what it was.
    round: Cell<u64>,
}

impl Notify {
    /// Nothing happened yet.
    pub fn new() -> Notify {
        Notify::default()
    }

    /// Wakes one waiter, or remembers for the next.
    pub fn notify_one(&self) {
        if !self.waiters.grant_next() {
            self.remembered.set(true);
        }
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.round.set(self.round.get() + 1);
        self.waiters.wake_all();
    }

    /// Waits for a signal that comes after this call.
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, round: self.round.get(), ticket: None }
    }

    /// How many tasks wait.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }
}

/// The future of [`Notify::notified`].
#[must_use = "futures do nothing unless polled"]
pub struct Notified<'a> {
    notify: &'a Notify,
    round: u64,
    ticket: Option<Ticket>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.round != this.notify.round.get() || this.notify.remembered.take() {
            return Poll::Ready(());
        }
        this.notify.waiters.poll_turn(&mut this.ticket, cx)
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if self.notify.waiters.leave(&mut self.ticket) {
            self.notify.notify_one();
        }
    }
}
