//! `Flag`: raised once, seen by everybody, on every thread. How one Ctrl-C stops several runtimes.
//!
//! The one thing in this folder that other threads touch, so it has a lock. It is the same bargain as in
//! `runtime/blocking.rs`: "is it raised?" and "leave my waker" are one step under the lock, so that a raise
//! either sees the waker or is seen. The wakers are called after the lock is released.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::runtime::shared::{Mutex, MutexGuard};
use crate::runtime::waker_cell::wake;

/// A flag that goes up and stays up. Clones are the same flag.
#[derive(Clone, Default)]
pub struct Flag(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    raised: bool,
    waiters: BTreeMap<u64, Waker>,
    last: u64,
}

impl Flag {
    /// A flag that is down.
    pub fn new() -> Flag {
        Flag::default()
    }

    /// Raises it and wakes everybody who waits, on any thread.
    pub fn raise(&self) {
        let waiters = {
            let mut state = self.lock();
            state.raised = true;
            std::mem::take(&mut state.waiters)
        };
        waiters.into_values().for_each(wake);
    }

    /// Whether it is up.
    pub fn is_raised(&self) -> bool {
        self.lock().raised
    }

    /// Waits until it is up.
    pub fn raised(&self) -> Raised {
        Raised { flag: self.clone(), ticket: None }
    }

    /// Nothing that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future of [`Flag::raised`].
#[must_use = "futures do nothing unless polled"]
pub struct Raised {
    flag: Flag,
    ticket: Option<u64>,
}

impl Future for Raised {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = cx.waker().clone(); // Foreign code, like the drop below: not under the lock.
        let mut state = this.flag.lock();
        if state.raised {
            return Poll::Ready(());
        }
        let ticket = *this.ticket.get_or_insert_with(|| {
            state.last += 1;
            state.last
        });
        let replaced = state.waiters.insert(ticket, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = self.flag.lock().waiters.remove(&ticket);
            drop(waker);
        }
    }
}
