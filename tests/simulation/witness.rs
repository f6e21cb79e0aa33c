//! What a judge has seen, for the tally: by which kinds of luck did this client get its answers, or its end?

use std::ops::Range;
use std::time::Duration;

use glassbox::http::Limits;

use super::judge::{Judge, Position};
use super::pipe::{Ending, Pipe, Written};
use super::tally::Stage;

impl Judge {
    /// Where the connection stands when the server has read so much.
    pub fn stage(&self, pipe: &Pipe, consumed: usize) -> Stage {
        match self.position(consumed) {
            _ if pipe.shutdown_at().is_some() => Stage::Farewell,
            _ if pipe.write_blocked().is_some() => Stage::Answer,
            Position::Head(_) => Stage::Head,
            Position::Body(_) => Stage::Body,
            Position::Between if self.seen < self.complete(consumed) => Stage::Handler,
            Position::Between => Stage::Idle,
        }
    }

    /// Request number `nth` was answered, in these bytes.
    pub(super) fn witness_answer(&self, pipe: &Pipe, nth: usize, bytes: Range<usize>, limits: &Limits) {
        let span = self.spans[nth];
        let (mut in_body, mut in_answer) = (Duration::ZERO, Duration::ZERO);
        pipe.look_at_reads(|reads| {
            for read in reads {
                let before = read.end.saturating_sub(read.count);
                match self.position(before) {
                    Position::Head(at) if at == nth => pipe.count(("split", "a head")),
                    Position::Body(at) if at == nth => {
                        if before > span.head_end {
                            pipe.count(("split", "a body"));
                        }
                        in_body += read.waited;
                    }
                    _ => {}
                }
                if span.end == read.end && self.complete(read.end) >= self.complete(before) + 2 {
                    pipe.count(("pipelined", "two requests in one read"));
                }
            }
        });
        pipe.look_at_writes(|writes| {
            let own = writes.iter().filter(|write| bytes.contains(&(write.end.saturating_sub(1))));
            in_answer = own.map(|write| write.waited).sum();
        });
        if limits.min_rate > 0 && in_body > limits.body_timeout {
            pipe.count(("steady", "with a body, for longer than the timeout"));
        }
        if limits.min_rate > 0 && in_answer > limits.write_timeout {
            pipe.count(("steady", "with an answer, for longer than the timeout"));
        }
        if pipe.write_of(bytes.start).is_some_and(|write| write.ended) && self.sent >= span.end {
            pipe.count(("half-closed", "and answered"));
        }
    }

    /// An error in place of an answer, with a reason.
    pub(super) fn witness_refusal(&self, pipe: &Pipe, status: u16, first: Written, limits: &Limits) {
        match (status, self.position(first.consumed)) {
            (408, Position::Head(_)) => pipe.count(("stalled", "in a head")),
            (408, _) => witness_body_cut(pipe, first.consumed, first.at, limits),
            (400, _) => pipe.count(("half-closed", "in a body")),
            _ => pipe.count(("end of a handler", "by its time limit")),
        }
    }

    /// The connection ended here, and not behind a last answer.
    pub(super) fn witness_end(pipe: &Pipe, ending: Ending, position: Position, limits: &Limits) {
        match position {
            Position::Head(_) => pipe.count(("half-closed", "in a head")),
            Position::Body(_) if ending.ended => pipe.count(("half-closed", "in a body")),
            Position::Body(_) => witness_body_cut(pipe, ending.consumed, ending.at, limits),
            Position::Between if !ending.ended => pipe.count(("stalled", "between requests")),
            Position::Between => {}
        }
    }
}

/// The client was silent, or too slow, with a body.
fn witness_body_cut(pipe: &Pipe, consumed: usize, at: Duration, limits: &Limits) {
    let silent = pipe.waited_since(consumed).map_or(Duration::ZERO, |since| at.saturating_sub(since));
    let is_silent = silent >= limits.body_timeout;
    pipe.count(if is_silent { ("stalled", "in a body") } else { ("slow", "with a body, and cut") });
}

/// The client took too long to read.
pub(super) fn witness_write_cut(pipe: &Pipe, ending: Ending, limits: &Limits) {
    let silent = ending.write_blocked.map_or(Duration::ZERO, |since| ending.at.saturating_sub(since));
    let is_silent = silent >= limits.write_timeout;
    pipe.count(if is_silent { ("stalled", "in an answer") } else { ("slow", "with an answer, and cut") });
}
