//! A number that one thread writes and any thread may read.
//!
//! The problem: with several runtimes, one of them is asked for the numbers of all, and no lock and no locked
//! instruction may stand in the way of a request. A counter with one writer needs neither: adding is a load and a store.
//! (`fetch_add` would be right with many writers, and cost about ten times as much.) A reader on another thread sees a
//! number that was true a moment ago.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that goes up and, for gauges, down.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds. Only the owning thread may call it: two writers would lose each other's additions.
    pub fn add(&self, count: u64) {
        self.set(self.get().wrapping_add(count));
    }

    /// Takes away. Only the owning thread may call it.
    pub fn subtract(&self, count: u64) {
        self.set(self.get().wrapping_sub(count));
    }

    /// Sets. Only the owning thread may call it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Reads, on any thread.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
