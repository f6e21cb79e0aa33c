//! What a run takes: time, and the server's CPU time.

use std::time::{Duration, Instant};

use super::pace::Pace;
use super::plan::Plan;
use super::report::Report;
use crate::process::Used;

/// Two readings of both clocks: the first when it is made, the second when it reports.
pub struct Meter {
    server: Option<u32>,
    begin: Instant,
    used: Used,
}

impl Meter {
    /// Begins now. What the pace has measured so far was the warm-up's.
    pub fn start(plan: &Plan, pace: Option<&mut Pace>) -> Meter {
        if let Some(pace) = pace {
            pace.forget();
        }
        Meter { server: plan.server, begin: Instant::now(), used: used(plan.server) }
    }

    /// Since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// What was found. `unanswered` are the times at which those were due that have no answer yet.
    #[must_use]
    pub fn report(
        &self,
        (requests, errors): (u64, u64),
        pace: Option<&mut Pace>,
        unanswered: impl Iterator<Item = Instant>,
    ) -> Report {
        let (time, used) = (self.elapsed(), used(self.server).since(self.used));
        let mut report = Report { requests, errors, time, used, ..Report::default() };
        if let Some(pace) = pace {
            pace.give_up(unanswered);
            pace.tell(&mut report);
        }
        report
    }
}

fn used(server: Option<u32>) -> Used {
    server.map(Used::read).unwrap_or_default()
}
