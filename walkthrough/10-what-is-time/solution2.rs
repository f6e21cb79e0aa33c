//! Solution of exercise 2 of chapter 10: a clock that ticks.
//!
//! The beat is kept as an `Instant`, and all sleeps are `sleep_until`. What must outlive a dropped `tick` lives in `self`
//! and is written after the await, when the tick has happened: before it, dropping would lose a beat.

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
        self.handle.sleep_until(self.next).await;
        let (due, now) = (self.next, self.handle.now());
        while self.next <= now {
            self.next += self.period;
        }
        due
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
