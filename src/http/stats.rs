//! What the server counts. One `Stats` per runtime, written by its thread alone, readable by any.

use std::ops::Deref;
use std::time::Duration;

use super::status::Status;
use crate::runtime::counter::Counter;

/// Upper bounds of the latency histogram's buckets, in microseconds. Chosen so that "well under 10 ms" has several
/// buckets of its own.
pub const LATENCY_BOUNDS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// The counters of one server.
#[derive(Debug)]
pub struct Stats {
    /// Connections accepted, and those open now.
    pub accepted: Counter,
    /// Open now.
    pub open: Counter,
    /// Calls of `accept` that failed.
    pub accept_errors: Counter,
    /// Requests answered, by status code: 200 at index 0. Codes above 599 do not exist.
    statuses: [Counter; 400],
    /// Requests by latency bucket; the last is "longer".
    pub latency: [Counter; LATENCY_BOUNDS.len() + 1],
    /// The sum of all latencies, in microseconds.
    pub latency_sum: Counter,
    /// Requests that were refused because of their form, limits or timeouts.
    pub refused: Counter,
    /// Clients that took too long to send a head or a body, or to take an answer.
    pub slow: Counter,
    /// Panics in handlers, and in bodies while they were sent. A drop that panics is logged, not counted.
    pub panics: Counter,
    /// Requests whose head has come and whose answer has not begun.
    pub in_flight: Counter,
}

/// One request in flight, until it is dropped.
pub(super) struct InFlight<S: Deref<Target = Stats>>(S);

impl<S: Deref<Target = Stats>> InFlight<S> {
    /// Counts it.
    pub(super) fn new(stats: S) -> InFlight<S> {
        stats.in_flight.add(1);
        InFlight(stats)
    }
}

impl<S: Deref<Target = Stats>> Drop for InFlight<S> {
    fn drop(&mut self) {
        self.0.in_flight.subtract(1);
    }
}

impl Default for Stats {
    /// All zero.
    fn default() -> Stats {
        Stats {
            accepted: Counter::default(),
            open: Counter::default(),
            accept_errors: Counter::default(),
            statuses: std::array::from_fn(|_| Counter::default()),
            latency: std::array::from_fn(|_| Counter::default()),
            latency_sum: Counter::default(),
            refused: Counter::default(),
            slow: Counter::default(),
            panics: Counter::default(),
            in_flight: Counter::default(),
        }
    }
}

impl Stats {
    /// All zero.
    pub fn new() -> Stats {
        Stats::default()
    }

    /// Counts an answer.
    pub fn answered(&self, status: Status) {
        if let Some(counter) = self.statuses.get(usize::from(status.code().saturating_sub(200))) {
            counter.add(1);
        }
    }

    /// Notes that so many answers took this long each.
    pub fn took(&self, answers: u64, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let bucket = LATENCY_BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(LATENCY_BOUNDS.len());
        self.latency[bucket].add(answers);
        self.latency_sum.add(micros.saturating_mul(answers));
    }

    /// (status code, answers with it), for those that occurred.
    pub fn by_status(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        (200..).zip(self.statuses.iter().map(Counter::get)).filter(|(_, count)| *count > 0)
    }
}
