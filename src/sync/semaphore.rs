//! `Semaphore`: at most n at a time. The server holds one permit for each connection.
//!
//! 1. A permit is freed when its `Permit` is dropped, however the holder ended: done, aborted, panicked.
//! 2. A freed permit goes to whoever has waited for the longest, not to whoever asks next: newcomers do not overtake.
//! 3. An `Acquire` that was granted a permit and is dropped before it looked gives the permit on.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::waiters::{Ticket, Waiters};

/// A counter of permits.
pub struct Semaphore {
    free: Cell<usize>,
    waiters: Waiters,
}

impl Semaphore {
    /// A semaphore with this many permits.
    pub fn new(permits: usize) -> Rc<Semaphore> {
        Rc::new(Semaphore { free: Cell::new(permits), waiters: Waiters::default() })
    }

    /// Waits for a permit.
    pub fn acquire(self: &Rc<Self>) -> Acquire {
        Acquire { semaphore: self.clone(), ticket: None }
    }

    /// A permit, if one is free and nobody waits for it.
    pub fn try_acquire(self: &Rc<Self>) -> Option<Permit> {
        let free = self.free.get();
        if free == 0 {
            return None;
        }
        self.free.set(free - 1);
        Some(Permit { semaphore: self.clone() })
    }

    /// Permits that nobody holds.
    pub fn free(&self) -> usize {
        self.free.get()
    }

    /// Tasks that wait for a permit.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// Takes one permit back: hands it to the oldest waiter, or keeps it. While somebody waits `free` is 0, so
    /// that `try_acquire` cannot overtake.
    fn release(&self) {
        if !self.waiters.grant_next() {
            self.free.set(self.free.get() + 1);
        }
    }
}

/// One of the n. Dropping it gives it back.
#[must_use = "a permit that is dropped at once holds nobody back"]
pub struct Permit {
    semaphore: Rc<Semaphore>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}

/// The future of [`Semaphore::acquire`].
#[must_use = "futures do nothing unless polled"]
pub struct Acquire {
    semaphore: Rc<Semaphore>,
    ticket: Option<Ticket>,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let this = &mut *self;
        if this.ticket.is_none()
            && let Some(permit) = this.semaphore.try_acquire()
        {
            return Poll::Ready(permit);
        }
        this.semaphore
            .waiters
            .poll_turn(&mut this.ticket, cx)
            .map(|()| Permit { semaphore: this.semaphore.clone() })
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if self.semaphore.waiters.leave(&mut self.ticket) {
            self.semaphore.release();
        }
    }
}
