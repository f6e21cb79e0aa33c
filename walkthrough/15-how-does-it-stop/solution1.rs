//! Solution of exercise 1 of chapter 15: wait until the last one has left.

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
        // Look first, and look again after each wake. Nothing can come between the look and the wait: there is no await
        // between them, and this is the only thread.
        while self.count.get() > 0 {
            self.somebody_left.notified().await;
        }
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
