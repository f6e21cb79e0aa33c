//! Exercise 2 of chapter 10: a clock that ticks.
//!
//! An `Interval` of one second ticks one second after it was made, two seconds after, and so on:
//!
//! - The work between two ticks takes time. The next tick comes at its own time all the same: no drift.
//! - Whoever comes too late gets one tick at once, and those that were missed meanwhile are left out. The next one comes on
//!   the beat again.
//! - `tick` may be dropped, by a `race` for example, and asked again. No beat is lost or moved by that.
//!
//! `tick` returns the moment for which it was due. Hint: `Handle::sleep_until`.

use std::time::{Duration, Instant};

use glassbox::Handle;

/// Ticks every `period`.
pub struct Interval {
    handle: Handle,
    period: Duration,
    /// When the next tick is due.
    next: Instant,
}

impl Interval {
    pub fn new(handle: &Handle, period: Duration) -> Interval {
        Interval { handle: handle.clone(), period, next: handle.now() + period }
    }

    /// Waits for the next tick.
    pub async fn tick(&mut self) -> Instant {
        // The mistake to repair: a period from *now*, whenever that is.
        self.handle.sleep(self.period).await;
        self.next = self.handle.now();
        self.next
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
