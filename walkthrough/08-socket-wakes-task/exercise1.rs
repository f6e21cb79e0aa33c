//! Exercise 8.1: store, then check.
//!
//! `Source` stands for something that another thread can make ready at any moment. To try every moment without a thread,
//! it counts the operations on it, and the test chooses before which of them the event happens. `Readable` below looks
//! first and stores its waker second. There is a moment at which the event is lost. Close it.
//! Run `cargo test --example exercises ch08_exercise1`.

#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub struct Source {
    ready: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
    /// Operations that are left before the event happens by itself. `None`: it does not.
    event_in: Cell<Option<u32>>,
}

impl Source {
    /// Becomes ready before the `nth` operation from now, 0 being the next.
    pub fn event_before(nth: u32) -> Source {
        Source { event_in: Cell::new(Some(nth)), ..Source::default() }
    }

    /// The event: marks the source as ready, and wakes whoever waits.
    pub fn event(&self) {
        self.event_in.set(None);
        self.ready.set(true);
        let waiter = self.waiter.take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Whether the event has happened.
    pub fn is_ready(&self) -> bool {
        self.meanwhile();
        self.ready.get()
    }

    /// Leaves a waker for the event, in place of the one before.
    pub fn store(&self, waker: &Waker) {
        self.meanwhile();
        self.waiter.replace(Some(waker.clone()));
    }

    /// What another thread does between two operations of ours.
    fn meanwhile(&self) {
        match self.event_in.get() {
            Some(0) => self.event(),
            left => self.event_in.set(left.map(|left| left - 1)),
        }
    }
}

/// Waits until the source is ready.
pub struct Readable(pub Rc<Source>);

impl Future for Readable {
    type Output = ();

    /// WRONG at one moment. Which?
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_ready() {
            return Poll::Ready(());
        }
        self.0.store(cx.waker());
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
