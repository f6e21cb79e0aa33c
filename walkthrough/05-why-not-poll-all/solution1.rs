//! Solution 5.1: the bell is a waker in all but name. The ring is taken back before the poll, so that one that comes
//! during the poll stays.

#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// "Look at me again." Clones are the same bell. A new one has rung: a new task must be polled once.
#[derive(Clone)]
pub struct Bell(Rc<Cell<bool>>);

impl Bell {
    pub fn ring(&self) {
        self.0.set(true);
    }

    /// Whether it has rung since the last call.
    pub fn take(&self) -> bool {
        self.0.take()
    }
}

/// Letters for one task.
#[derive(Clone, Default)]
pub struct Mailbox {
    letters: Rc<RefCell<VecDeque<u32>>>,
    /// The bell of the task that waits here.
    bell: Rc<RefCell<Option<Bell>>>,
}

impl Mailbox {
    /// Brings a letter, and tells whoever waits here.
    pub fn put(&self, letter: u32) {
        self.letters.borrow_mut().push_back(letter);
        if let Some(bell) = self.bell.take() {
            bell.ring();
        }
    }

    /// The next letter, for the task with this bell.
    pub fn next(&self, bell: &Bell) -> impl Future<Output = u32> {
        std::future::poll_fn(move |_| {
            if let Some(letter) = self.letters.borrow_mut().pop_front() {
                return Poll::Ready(letter);
            }
            *self.bell.borrow_mut() = Some(bell.clone());
            Poll::Pending
        })
    }
}

/// A future with its bell.
type Task = (Bell, Pin<Box<dyn Future<Output = ()>>>);

#[derive(Default)]
pub struct Executor {
    tasks: Vec<Task>,
    pub polls: usize,
}

impl Executor {
    /// Starts a task. It is made with its bell.
    pub fn spawn<F: Future<Output = ()> + 'static>(&mut self, make: impl FnOnce(Bell) -> F) {
        let bell = Bell(Rc::new(Cell::new(true)));
        self.tasks.push((bell.clone(), Box::pin(make(bell))));
    }

    /// Polls those whose bell has rung.
    pub fn round(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let polls = &mut self.polls;
        self.tasks.retain_mut(|(bell, future)| {
            if !bell.take() {
                return true; // no news: it stays, and is not asked
            }
            *polls += 1;
            future.as_mut().poll(&mut cx).is_pending()
        });
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
