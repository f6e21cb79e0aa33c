//! A oneshot: one value, from any thread to one task.
//!
//! ```text
//!   the sender's thread                     the task, in its poll
//!   lock                                    lock
//!   store the value, take the waker         value there? take it     waker stored
//!   unlock                                  unlock                   unlock
//!   call the waker                          Ready                    Pending
//! ```
//!
//! Value and waker sit behind one lock, so "is it there?" and "leave my waker" are one step, and so are "store it" and
//! "who waits?". One of the two steps is first. If it is the poll's, the sender finds the waker. If it is the sender's,
//! the poll finds the value.
//!
//! Left out: a sender that is dropped without sending. The task waits for ever then. Exercise 2 mends that.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What both ends see.
struct State<T> {
    value: Option<T>,
    /// Left by the latest poll that found no value.
    waker: Option<Waker>,
}

/// The end that goes to the other thread.
pub struct Sender<T>(Arc<Mutex<State<T>>>);

/// The end that stays with the task: a future.
pub struct Receiver<T>(Arc<Mutex<State<T>>>);

/// Two ends of one oneshot.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Mutex::new(State { value: None, waker: None }));
    (Sender(state.clone()), Receiver(state))
}

impl<T> Sender<T> {
    /// Stores the value and wakes whoever waits for it. It takes `self`: nobody can send twice.
    pub fn send(self, value: T) {
        let mut state = self.0.lock().expect("cannot be poisoned");
        state.value = Some(value);
        let waker = state.waker.take();
        drop(state); // A waker is foreign code: not under the lock.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone(); // Foreign code, too.
        let mut state = self.0.lock().expect("cannot be poisoned");
        if let Some(value) = state.value.take() {
            return Poll::Ready(value);
        }
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}
