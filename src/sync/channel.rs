//! A channel: values from many tasks to one, first in, first out, at most `capacity` at a time.
//!
//! ```text
//!   Sender::send --> acquires a place (Semaphore) --> queue --> Receiver::recv --> gives the place back
//!        waits here while the queue is full                waits here while it is empty
//! ```
//!
//! 1. The limit is the point: a sender that is faster than the receiver is held back (backpressure), where an
//!    unlimited queue would grow until the memory is full.
//! 2. `recv` says `None` when the queue is empty and the last sender is gone. `send` gives the value back when the
//!    receiver is gone. So each side learns of the other's end, and nobody waits for ever.
//! 3. Cancel-safe: a dropped `Send` has sent nothing, a dropped `Recv` has taken nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::waiters::{Ticket, Waiters};
use crate::runtime::waker_cell::WakerCell;

/// A channel that holds up to `capacity` values (at least 1).
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        queue: RefCell::default(),
        free: Cell::new(capacity.max(1)),
        senders: Waiters::default(),
        receiver: WakerCell::default(),
        sender_count: Cell::new(1),
        receiver_gone: Cell::new(false),
    });
    (Sender { shared: shared.clone() }, Receiver { shared })
}

struct Shared<T> {
    queue: RefCell<VecDeque<T>>,
    /// Places that neither hold a value nor were granted to a waiting sender.
    free: Cell<usize>,
    /// Who waits for a place.
    senders: Waiters,
    /// Who waits for a value.
    receiver: WakerCell,
    sender_count: Cell<usize>,
    receiver_gone: Cell<bool>,
}

impl<T> Shared<T> {
    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let value = self.queue.borrow_mut().pop_front();
        if value.is_some() {
            self.release_place();
            return Poll::Ready(value);
        }
        if self.sender_count.get() == 0 {
            return Poll::Ready(None);
        }
        self.receiver.store(cx.waker());
        Poll::Pending
    }

    fn release_place(&self) {
        if !self.senders.grant_next() {
            self.free.set(self.free.get() + 1);
        }
    }
}

/// The receiver is gone; here is the value back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed<T>(pub T);

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel's receiver is gone")
    }
}

/// The end that values go into. Clone it for more senders.
pub struct Sender<T> {
    shared: Rc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Waits for a free place and puts the value into it. Ready with the value when the receiver is gone.
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send { shared: &self.shared, value: Some(value), ticket: None }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.sender_count.set(self.shared.sender_count.get() + 1);
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let left = self.shared.sender_count.get() - 1;
        self.shared.sender_count.set(left);
        if left == 0 {
            self.shared.receiver.wake();
        }
    }
}

/// The end that values come out of.
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
}

impl<T> Receiver<T> {
    /// Waits for a value. `None`: no sender is left and nothing is queued.
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv { shared: &self.shared, waiting: false }
    }

    /// As `recv().await`, for a `poll` that is written by hand.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.shared.poll_recv(cx)
    }
}

impl<T> Drop for Receiver<T> {
    /// Senders that wait are woken and get their values back. Values that nobody received are dropped here.
    fn drop(&mut self) {
        self.shared.receiver_gone.set(true);
        drop(self.shared.receiver.take());
        let unread = self.shared.queue.take();
        self.shared.senders.wake_all();
        drop(unread);
    }
}

/// The future of [`Sender::send`].
#[must_use = "futures do nothing unless polled"]
pub struct Send<'a, T> {
    shared: &'a Shared<T>,
    value: Option<T>,
    ticket: Option<Ticket>,
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), Closed<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if !this.shared.receiver_gone.get() {
            let free = this.shared.free.get();
            if this.ticket.is_none() && free > 0 {
                this.shared.free.set(free - 1);
            } else if this.shared.senders.poll_turn(&mut this.ticket, cx).is_pending() {
                return Poll::Pending;
            }
        }
        let value = this.value.take().expect("a Send was polled after it was ready");
        if this.shared.receiver_gone.get() {
            return Poll::Ready(Err(Closed(value)));
        }
        this.shared.queue.borrow_mut().push_back(value);
        this.shared.receiver.wake();
        Poll::Ready(Ok(()))
    }
}

// The value is moved, never pinned.
impl<T> Unpin for Send<'_, T> {}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        if self.shared.senders.leave(&mut self.ticket) {
            self.shared.release_place();
        }
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a, T> {
    shared: &'a Shared<T>,
    /// The channel holds our waker.
    waiting: bool,
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let received = self.shared.poll_recv(cx);
        self.waiting = received.is_pending();
        received
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        if self.waiting {
            drop(self.shared.receiver.take());
        }
    }
}
