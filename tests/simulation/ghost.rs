//! Wakes from another thread in the middle of things: while a task is polled, while it is woken, on the way to sleep.
//!
//! The runtime tells of each of its steps, and at some of them, which the seed chooses, another thread calls a waker that
//! somebody has left at a pipe, perhaps long ago. The runtime's thread waits meanwhile: so it is the same moment in every
//! run. To the runtime it is a wake for nothing, at a bad moment.
//!
//! A haunted run holds wakers, so a task whose own waker is lost is not noticed there. Three runs of four are not
//! haunted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};

/// Counts events, and strikes at some of them.
pub struct Ghost {
    /// The runtime's thread.
    home: ThreadId,
    strikes: BTreeSet<usize>,
    events: AtomicUsize,
    /// The latest waker that was left at each place, whoever's it is.
    wakers: Mutex<BTreeMap<usize, Waker>>,
}

impl Ghost {
    /// Strikes behind each event with one of these numbers.
    pub fn new(strikes: &[usize]) -> Ghost {
        Ghost {
            home: thread::current().id(),
            strikes: strikes.iter().copied().collect(),
            events: AtomicUsize::new(0),
            wakers: Mutex::default(),
        }
    }

    fn wakers(&self) -> MutexGuard<'_, BTreeMap<usize, Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note_waiter(&self, place: usize, waker: &Waker) {
        if !self.strikes.is_empty() {
            self.wakers().insert(place, waker.clone());
        }
    }

    /// Lets go of all wakers. Each of them holds the runtime's queue, and that its observer: a ring.
    pub fn rest(&self) {
        let wakers = std::mem::take(&mut *self.wakers());
        drop(wakers);
    }

    /// An event has happened, perhaps on another thread.
    pub fn pass(&self) {
        if self.strikes.is_empty() || thread::current().id() != self.home {
            return;
        }
        let number = self.events.fetch_add(1, Relaxed);
        if !self.strikes.contains(&number) {
            return;
        }
        let waker = {
            let wakers = self.wakers();
            let nth = number % wakers.len().max(1);
            wakers.values().nth(nth).cloned()
        };
        if let Some(waker) = waker {
            thread::spawn(move || waker.wake()).join().expect("a wake does not panic");
        }
    }
}
