//! What a runtime counts, readable on any thread: `/metrics` of one runtime tells of all.

use std::sync::Arc;

use super::counter::Counter;
use super::executor::Counters;
use super::local::LocalCounters;
use super::ready::ReadyQueue;

/// Counters of one runtime since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Calls of `poll` on tasks.
    pub polls: u64,
    /// Wakes that queued a task.
    pub wakes: u64,
    /// Wakes of tasks that were queued already.
    pub coalesced: u64,
    /// Ids that came off the queue after their task had ended.
    pub stale: u64,
    /// Trips to the operating system.
    pub parks: u64,
    /// Those of them that had nothing else to do and slept, or could have.
    pub sleeps: u64,
    /// Tasks alive now.
    pub tasks: u64,
    /// Ids on the ready queue now.
    pub ready: u64,
    /// Timers armed now.
    pub timers: u64,
    /// Sources registered with the operating system now.
    pub sources: u64,
}

/// A runtime's counters, to be read on any thread. It keeps nothing of the runtime alive but the numbers.
#[derive(Clone)]
pub struct Monitor {
    pub(super) ready: Arc<ReadyQueue>,
    pub(super) local: Arc<LocalCounters>,
    pub(super) executor: Arc<Counters>,
    pub(super) timers: Arc<Counter>,
    pub(super) sources: Arc<Counter>,
    pub(super) parks: Arc<Counter>,
    pub(super) sleeps: Arc<Counter>,
}

impl Monitor {
    /// What was counted so far. Numbers of a runtime that works meanwhile may be from slightly different moments.
    pub fn stats(&self) -> Stats {
        let (wakes, coalesced) = self.ready.wakes();
        Stats {
            polls: self.executor.polls.get(),
            wakes: wakes + self.local.pushed.get(),
            coalesced,
            stale: self.executor.stale.get(),
            parks: self.parks.get(),
            sleeps: self.sleeps.get(),
            tasks: self.executor.tasks.get(),
            ready: self.ready.len() as u64 + self.local.waiting.get(),
            timers: self.timers.get(),
            sources: self.sources.get(),
        }
    }
}
