//! A place for one waker: where a future leaves it, and whoever has news takes it.
//!
//! Every wait in this crate ends up in one of these (or in a table of wakers). Two rules live here, so that no
//! future can get them wrong:
//!
//! 1. The **newest** waker wins. A future may be moved from one task to another between two polls (a `race` that
//!    is spawned half-way does that). Only the waker of the latest poll leads to whoever holds the future now.
//! 2. Cloning, waking and dropping a waker can run foreign code. A `Cell` is never borrowed, so that code may do
//!    what it likes, even look into this very cell.
//!
//! A waker that is called may panic. `wake` is the one way to call it, here and wherever wakers are kept.
//!
//! Whoever keeps a waker in a place that is dear to look at notes whose it is: a `WakerId`.
//!
//! The thread-safe relative is `futures::task::AtomicWaker`, with a state machine in place of the `Cell`.

use std::cell::Cell;
use std::task::{RawWakerVTable, Waker};

use super::panics::quietly;

/// Holds at most one waker.
#[derive(Default)]
pub struct WakerCell(Cell<Option<Waker>>);

impl WakerCell {
    /// Keeps this waker in place of the one before. Costs no clone if both wake the same task.
    pub fn store(&self, waker: &Waker) {
        let old = self.0.take();
        if old.as_ref().is_some_and(|old| old.will_wake(waker)) {
            return self.0.set(old);
        }
        // The new one is in its place before the old one is dropped: that drop may call `wake` here.
        self.0.set(Some(waker.clone()));
        drop(old);
    }

    /// Takes the waker out, to wake it or to forget it.
    pub fn take(&self) -> Option<Waker> {
        self.0.take()
    }

    /// Whether somebody waits here.
    pub fn is_set(&self) -> bool {
        self.key().is_some()
    }

    /// What the waker here points at: the same for all wakers of one task.
    pub fn key(&self) -> Option<*const ()> {
        self.look(|waker| waker.map(Waker::data))
    }

    /// Whether the waker here wakes whom this one wakes.
    pub fn will_wake(&self, other: &Waker) -> bool {
        self.look(|waker| waker.is_some_and(|waker| waker.will_wake(other)))
    }

    /// A `Cell` shows what is in it to nobody: so the waker is out of it for as long as `look` takes.
    fn look<R>(&self, look: impl FnOnce(Option<&Waker>) -> R) -> R {
        let waker = self.0.take();
        let seen = look(waker.as_ref());
        self.0.set(waker);
        seen
    }

    /// Wakes whoever waits, once.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            wake(waker);
        }
    }
}

/// Calls a waker, which may be foreign code. If it panics, that ends here: the others are to be woken as well.
pub(crate) fn wake(waker: Waker) {
    quietly("a waker", || waker.wake());
}

/// A waker's identity, to compare without holding the waker. It counts only while that waker lives: afterwards another one may
/// come to lie at the same address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WakerId {
    data: *const (),
    vtable: *const RawWakerVTable,
}

impl WakerId {
    /// Equal for two wakers if [`Waker::will_wake`] says so.
    pub fn of(waker: &Waker) -> WakerId {
        WakerId { data: waker.data(), vtable: waker.vtable() }
    }
}
