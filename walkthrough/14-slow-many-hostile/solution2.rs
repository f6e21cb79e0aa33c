//! Solution of exercise 2 of chapter 14: the clock of a request.

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
        match self.stage {
            // The first byte of a head starts its clock.
            Stage::Waiting => (self.stage, self.since) = (Stage::Head, now),
            // The others do not touch it: else a byte now and then would keep a place for ever.
            Stage::Head => {}
            Stage::Body => self.since = now,
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
        match self.stage {
            Stage::Waiting => false,
            Stage::Head => now - self.since > self.head,
            Stage::Body => now - self.since > self.silence,
        }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
