//! The latest events, kept: a ring of fixed size.
//!
//! The problem: events come by the million and nobody looks at most of them. But when something is odd, the question is
//! always "what happened before?". So the latest are kept, each with its time, in memory that never grows.
//!
//! ```text
//!   observe(event) --> [ oldest | ... | ... | newest ]     full: the oldest goes, and is counted
//!                           read by: timeline, journey of a request, Chrome trace, tests
//! ```
//!
//! 1. The whole ring is allocated at the start. (Untouched memory costs an address, not a page.)
//! 2. Time and place in the ring are taken under one lock, so that times never fall.
//!
//! Left out: a ring without a lock. Nearly all events come from one thread, which finds the lock free.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::sentence::Timeline;
use super::shared::{Mutex, MutexGuard};
use super::trace::{Event, Observer};

/// An event and when it happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Nanoseconds since the recorder was made.
    pub nanos: u64,
    /// What happened.
    pub event: Event,
}

/// An observer that keeps the latest events, for tests and for looking back.
///
/// ```
/// use glassbox::{Recorder, Runtime};
///
/// let log = Recorder::new();
/// let runtime = Runtime::builder().observer(log.clone()).build()?;
/// runtime.block_on(async {});
/// assert_eq!(log.story()[..3], ["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Recorder {
    /// A ring: when it is full the oldest event goes. Pushed to by any thread.
    ring: Mutex<Ring>,
    /// The most events that the ring holds.
    capacity: usize,
    /// What times are counted from.
    start: Instant,
}

struct Ring {
    records: VecDeque<Record>,
    /// How many events were pushed out because nobody took them in time.
    dropped: u64,
}

impl Recorder {
    /// A recorder of the latest 65,536 events: more than any test of ours makes, and under 6 MiB.
    #[allow(clippy::new_ret_no_self, reason = "an observer is shared from birth")]
    pub fn new() -> Arc<Recorder> {
        Recorder::with_capacity(65_536)
    }

    /// A recorder of the latest `capacity` events.
    pub fn with_capacity(capacity: usize) -> Arc<Recorder> {
        let capacity = capacity.max(1);
        let ring = Ring { records: VecDeque::with_capacity(capacity), dropped: 0 };
        Arc::new(Recorder { ring: Mutex::new(ring), capacity, start: Instant::now() })
    }

    /// Removes and returns what was recorded so far.
    pub fn take(&self) -> Vec<Event> {
        self.lock().records.drain(..).map(|record| record.event).collect()
    }

    /// A copy of what is in the ring, oldest first. It stays there.
    pub fn records(&self) -> Vec<Record> {
        self.lock().records.iter().copied().collect()
    }

    /// What is in the ring as `--trace` prints it: a sentence a line, what happens inside of a poll indented. It stays
    /// in the ring.
    pub fn timeline(&self) -> String {
        let mut timeline = Timeline::default();
        self.records().iter().map(|record| timeline.line(&record.event) + "\n").collect()
    }

    /// Removes what was recorded so far and returns it as one sentence an event.
    pub fn story(&self) -> Vec<String> {
        self.take().iter().map(Event::to_string).collect()
    }

    /// How many events were lost because the ring was full.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A test that panics while it records poisons nothing that matters: the ring is whole after each push.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn observe(&self, event: Event) {
        let mut ring = self.lock();
        let nanos = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if ring.records.len() == self.capacity {
            ring.records.pop_front();
            ring.dropped += 1;
        }
        ring.records.push_back(Record { nanos, event });
    }
}
