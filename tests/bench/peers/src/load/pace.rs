//! A fixed rate: each request has its time, and its latency is counted from there, however late it could be sent.
//!
//! A server that stops for a second has made all requests of that second late, not one (no coordinated omission). Whoever
//! keeps the pace spins: epoll's timeouts are too coarse, and the generator has a core of its own.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::report::{Report, histogram, micros};

/// A steady beat, and what was late.
pub struct Pace {
    begin: Instant,
    interval: Duration,
    /// Beats so far.
    beats: u32,
    latencies: Histogram<u64>,
    /// How late this program itself was.
    lateness: Histogram<u64>,
}

impl Pace {
    /// So many beats a second, from now on.
    #[must_use]
    pub fn new(rate: u32) -> Pace {
        Pace {
            begin: Instant::now(),
            interval: Duration::from_secs(1) / rate,
            beats: 0,
            latencies: histogram(),
            lateness: histogram(),
        }
    }

    /// The next beat whose time has come by `now`: its number and its time. `now` is the caller's, so that beats that fall due
    /// while he sends wait until he has looked for answers.
    pub fn beat(&mut self, now: Instant) -> Option<(u32, Instant)> {
        let (number, due) = (self.beats, self.begin + self.interval * self.beats);
        let late = now.checked_duration_since(due)?;
        self.beats += 1;
        self.lateness.saturating_record(nanos(late));
        Some((number, due))
    }

    /// What was due then is answered now.
    pub fn answered(&mut self, due: Instant) {
        self.took(due.elapsed());
    }

    /// Something took so long.
    pub fn took(&mut self, time: Duration) {
        self.latencies.saturating_record(nanos(time));
    }

    /// The time is over, and what was due then has no answer yet: it counts with its age. Else a server that stops towards
    /// the end would look fast.
    pub fn give_up(&mut self, dues: impl Iterator<Item = Instant>) {
        dues.for_each(|due| self.answered(due));
    }

    /// The beat goes on, what was measured so far is forgotten.
    pub fn forget(&mut self) {
        (self.latencies, self.lateness) = (histogram(), histogram());
    }

    /// Puts the times into a report.
    pub fn tell(&self, report: &mut Report) {
        report.p50 = micros(&self.latencies, 0.5);
        report.p99 = micros(&self.latencies, 0.99);
        report.p999 = micros(&self.latencies, 0.999);
        report.late = micros(&self.lateness, 0.99);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
