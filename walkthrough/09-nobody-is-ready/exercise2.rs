//! Exercise 2 of chapter 9: a oneshot whose sender may go away without sending.
//!
//! The chapter's oneshot leaves that case out, and its task then waits for ever. Here the receiver's output is
//! `Result<T, Gone>`:
//!
//! - a value that was sent arrives, also if the sender is gone by the time of the poll;
//! - a sender that is dropped without sending wakes the task, and the next poll says `Err(Gone)`;
//! - no waker is called, and none is dropped, while the lock is held;
//! - the newest waker counts.
//!
//! Hint: `send` takes `self`, so the sender is dropped at its end, too.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The sender was dropped and has sent nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

/// What both ends see.
pub struct State<T> {
    pub value: Option<T>,
    pub waker: Option<Waker>,
}

pub struct Sender<T>(Arc<Mutex<State<T>>>);

pub struct Receiver<T>(Arc<Mutex<State<T>>>);

pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Mutex::new(State { value: None, waker: None }));
    (Sender(state.clone()), Receiver(state))
}

impl<T> Sender<T> {
    pub fn send(self, value: T) {
        let mut state = self.0.lock().expect("cannot be poisoned");
        state.value = Some(value);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

// To do: what happens when a `Sender` is dropped? And what must a poll find out, besides the value?

impl<T> Future for Receiver<T> {
    type Output = Result<T, Gone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = self.0.lock().expect("cannot be poisoned");
        if let Some(value) = state.value.take() {
            return Poll::Ready(Ok(value));
        }
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
