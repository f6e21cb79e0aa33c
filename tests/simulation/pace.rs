//! How far a client is behind what it owes: the server's promise of a least rate, in sums that the server does not do.
//!
//! ```text
//!   behind:  + every moment that it is waited for       (an hour's jump counts as the whole timeout)
//!            - each byte's worth, 1 / rate of a second  (never ahead: it cannot save up)
//!   cut:     when it is behind by the timeout, and not before
//! ```
//!
//! The server counts the other way, in milliseconds that are left, and rounds them up. So it may be late by a
//! millisecond for each transfer, and never early.

use std::time::Duration;

/// One transfer of the server, as its pipe saw it.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// All bytes that had passed by then, these included.
    pub end: usize,
    pub count: usize,
    /// How long the server had been waiting for it.
    pub waited: Duration,
    /// It was all that the server had to send: what comes next is a new wait.
    pub whole: bool,
}

/// What a client owes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub timeout: Duration,
    /// Bytes a second. 0: any byte makes up for everything.
    pub rate: u64,
}

/// How far one client is behind with one body or answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lag {
    behind: Duration,
    pace_timeout: Duration,
    /// What the server may be late by.
    slack: Duration,
}

impl Pace {
    /// The lag after these transfers and `waiting` more.
    pub fn lag(self, moves: impl Iterator<Item = Move>, waiting: Duration) -> Lag {
        let (mut behind, mut slack) = (Duration::ZERO, Duration::ZERO);
        for one in moves {
            behind = (behind + one.waited).min(self.timeout).saturating_sub(self.worth(one.count));
            slack += Duration::from_millis(1);
            if one.whole || behind.is_zero() {
                (behind, slack) = (Duration::ZERO, Duration::ZERO);
            }
        }
        Lag { behind: behind + waiting, pace_timeout: self.timeout, slack }
    }

    fn worth(self, count: usize) -> Duration {
        let nanos = (count as u64 * 1_000_000_000).checked_div(self.rate);
        nanos.map_or(Duration::MAX, Duration::from_nanos)
    }
}

impl Lag {
    /// The server may cut this client.
    pub fn may_be_cut(self) -> bool {
        self.behind >= self.pace_timeout
    }

    /// It must have done so.
    pub fn must_be_cut(self) -> bool {
        self.behind >= self.pace_timeout + self.slack
    }
}
