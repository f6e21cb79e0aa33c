//! Exercise 2 of chapter 14: the clock of a request.
//!
//! A client may be slow in two ways, and each needs a clock of another kind.
//!
//! - **Head**: from its first byte to its last, at most `head` milliseconds in all. A byte now and then buys no time.
//!   Before the first byte there is no head, and this clock does not run.
//! - **Body**: at most `silence` milliseconds without a byte. A large body on a slow line takes as long as it takes.
//!   (The server wants a least rate besides. That is for you to add, when the tests pass.)
//! - Between two requests (`Waiting`) neither runs; that limit is somebody else's.
//!
//! `bytes` is called when bytes came, with the time; `is_over` is asked later. `head_ends` and `body_ends` are called
//! at the moment of the byte that ends them, after `bytes`. Times are milliseconds and never fall.

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Waiting,
    Head,
    Body,
}

/// Says when a client has taken too long.
pub struct RequestClock {
    stage: Stage,
    head: u64,
    silence: u64,
    /// When time began to count.
    since: u64,
}

impl RequestClock {
    pub fn new(head: u64, silence: u64) -> RequestClock {
        RequestClock { stage: Stage::Waiting, head, silence, since: 0 }
    }

    /// Bytes of the client have come.
    pub fn bytes(&mut self, now: u64) {
        // The mistake to repair: every byte of anything buys new time.
        self.since = now;
        if self.stage == Stage::Waiting {
            self.stage = Stage::Head;
        }
    }

    /// The head is complete; `has_body`: a body follows.
    pub fn head_ends(&mut self, now: u64, has_body: bool) {
        self.since = now;
        self.stage = if has_body { Stage::Body } else { Stage::Waiting };
    }

    /// The body is complete.
    pub fn body_ends(&mut self) {
        self.stage = Stage::Waiting;
    }

    /// Whether the client has taken too long.
    pub fn is_over(&self, now: u64) -> bool {
        now - self.since > self.head.max(self.silence)
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
