//! A pool of things that are expensive to make and cheap to use again.
//!
//! The problem: a connection needs a buffer while bytes are in flight, and most connections are idle. With a buffer
//! each, 10,000 idle connections would hold 700 MB for nothing. So buffers are lent for as long as they hold
//! something, and an idle connection has none.
//!
//! ```text
//!   Pool::lend() --> Pooled<T> --(used, passed on, dropped: whatever happens)--> back into the pool
//!   Pool::take() --> Box<T> -----(used)-----> Pool::put_back()
//!                       \------> Pool::entrust() --> Pooled<T>, to be passed on
//! ```
//!
//! 1. A `Pooled` goes back when it is dropped. Nobody can forget it, not even a task that is aborted. A box from `take` does
//!    not: its owner puts it back, or makes a `Pooled` of it before others get it. One that is forgotten is freed. A connection
//!    takes boxes, since its buffers come and go with every request. (By callgrind, that saves 90 of 2,620 instructions for
//!    each.)
//! 2. Things are cleaned when they come back, so that nothing of one client is ever shown to another.
//! 3. The pool keeps at most `limit` things (and at least one); what a burst needed beyond that is freed.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// What can live in a pool.
pub trait Reuse {
    /// A new one.
    fn fresh() -> Self;
    /// Removes all traces of its last use that anybody could read. `false`: it has grown too large to be kept.
    fn clean(&mut self) -> bool;
}

/// Lends things and takes them back.
#[allow(clippy::vec_box, reason = "the box is what is lent, not only what is kept")]
pub struct Pool<T> {
    /// Unused ones, besides `latest`. Boxed, so that what is lent is one pointer: it is moved on with every request.
    free: RefCell<Vec<Box<T>>>,
    /// The one that came back last, unless it is lent again. Nearly always only one is lent at a time; a `Cell` is cheaper
    /// than a list. (Measured by callgrind: 40 of 3,560 instructions for a request.)
    latest: Cell<Option<Box<T>>>,
    limit: usize,
    /// Makes another one.
    fresh: fn() -> T,
}

impl<T: Reuse> Pool<T> {
    /// An empty pool that keeps up to `limit` unused things, and at least one.
    pub fn new(limit: usize) -> Rc<Pool<T>> {
        Pool::of(limit, T::fresh)
    }

    /// The same, of things that are made in another way.
    pub fn of(limit: usize, fresh: fn() -> T) -> Rc<Pool<T>> {
        Rc::new(Pool { free: RefCell::default(), latest: Cell::new(None), limit, fresh })
    }

    /// Lends a clean one.
    pub fn lend(self: &Rc<Self>) -> Pooled<T> {
        self.entrust(self.take())
    }

    /// Takes a clean one out, made now if none is free. Whoever has it is to put it back.
    #[allow(clippy::unnecessary_box_returns, reason = "the box is what is lent")]
    pub fn take(&self) -> Box<T> {
        self.latest.take().unwrap_or_else(|| self.take_another())
    }

    /// Lends what was taken out of this pool: from now on nobody need put it back.
    pub fn entrust(self: &Rc<Self>, value: Box<T>) -> Pooled<T> {
        Pooled { value: Some(value), pool: self.clone() }
    }

    #[cold] // So that the short way is short enough to be inlined: 30 of 2,690 instructions for a request, by callgrind.
    #[allow(clippy::unnecessary_box_returns, reason = "the box is what is lent")]
    fn take_another(&self) -> Box<T> {
        let kept = self.free.borrow_mut().pop();
        kept.unwrap_or_else(|| Box::new((self.fresh)()))
    }

    /// Takes back what was taken out of this pool.
    pub fn put_back(&self, mut value: Box<T>) {
        // Before anything is borrowed: what `clean` drops may come back to this very pool, or run foreign code.
        if value.clean()
            && let Some(older) = self.latest.replace(Some(value))
        {
            self.put_aside(older);
        }
    }

    #[cold] // See `take_another`.
    fn put_aside(&self, value: Box<T>) {
        let mut free = self.free.borrow_mut();
        if free.len() + 1 < self.limit {
            free.push(value);
        }
    }
}

/// Something lent by a [`Pool`].
pub struct Pooled<T: Reuse> {
    /// `None` only inside `drop`.
    value: Option<Box<T>>,
    pool: Rc<Pool<T>>,
}

impl<T: Reuse> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("cannot be used after its drop")
    }
}

impl<T: Reuse> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().expect("cannot be used after its drop")
    }
}

impl<T: Reuse> Drop for Pooled<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.pool.put_back(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that says what happens to it.
    struct Marked(u32);

    impl Reuse for Marked {
        fn fresh() -> Marked {
            Marked(0)
        }

        /// 13 is not to be kept.
        fn clean(&mut self) -> bool {
            self.0 != 13
        }
    }

    /// What came back last goes out first; more than the limit is not kept, nor what has grown too large.
    #[test]
    fn what_is_kept() {
        for limit in 1..5 {
            let pool = Pool::<Marked>::new(limit);
            let mut lent: Vec<_> = (0..6).map(|_| pool.lend()).collect();
            for (mark, one) in (1..).zip(&mut lent) {
                one.0 = mark;
            }
            lent[5].0 = 13;
            lent.reverse(); // They come back as 13, 5, 4, ..., 1.
            drop(lent);
            let again: Vec<_> = (0..6).map(|_| pool.lend()).collect();
            let marks: Vec<u32> = again.iter().map(|one| one.0).collect();
            assert_eq!(marks.iter().filter(|mark| **mark > 0).count(), limit, "{marks:?}");
            assert_eq!(marks[0], 1, "the last one to come back");
        }
    }
}
