//! Exercise 1 of chapter 15: wait until the last one has left.
//!
//! `Crowd` counts who is there and tells when somebody leaves. `empty` must be ready when nobody is left, at once if
//! nobody was there.
//!
//! - `notify_all` wakes those who wait *now*; it is not remembered.
//! - A wake is a reason to look, not an answer: several may leave between the wake and the poll, and newcomers may
//!   come.
//! - The mistake to repair sits in `empty`.

use std::cell::Cell;
use std::rc::Rc;

use glassbox::sync::Notify;

/// How many are there.
#[derive(Default)]
pub struct Crowd {
    count: Cell<usize>,
    somebody_left: Notify,
}

/// One of them. It leaves when it is dropped, however that comes about.
pub struct Member(Rc<Crowd>);

impl Crowd {
    pub fn enter(self: &Rc<Crowd>) -> Member {
        self.count.set(self.count.get() + 1);
        Member(self.clone())
    }

    pub fn len(&self) -> usize {
        self.count.get()
    }

    /// Waits until nobody is there.
    pub async fn empty(&self) {
        // The mistake to repair: "somebody has left" is taken for "nobody is left".
        self.somebody_left.notified().await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.somebody_left.notify_all();
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
