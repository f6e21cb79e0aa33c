//! Solution of exercise 2 of chapter 9: a oneshot whose sender may go away without sending.
//!
//! Who leaves must tell those who wait for him. `Drop` is the one place that every way of leaving passes: a return, a
//! panic, an abort, and `send` itself, at its end. So the wake is there, and nowhere else.

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
    /// No value will come, or it is there already.
    pub is_gone: bool,
}

pub struct Sender<T>(Arc<Mutex<State<T>>>);

pub struct Receiver<T>(Arc<Mutex<State<T>>>);

pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Mutex::new(State { value: None, waker: None, is_gone: false }));
    (Sender(state.clone()), Receiver(state))
}

impl<T> Sender<T> {
    pub fn send(self, value: T) {
        self.0.lock().expect("cannot be poisoned").value = Some(value);
        // `self` is dropped here, and that wakes.
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock().expect("cannot be poisoned");
        state.is_gone = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Gone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = self.0.lock().expect("cannot be poisoned");
        if let Some(value) = state.value.take() {
            return Poll::Ready(Ok(value));
        }
        // Asked second: a value that was sent counts, however long its sender has been gone.
        if state.is_gone {
            return Poll::Ready(Err(Gone));
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
