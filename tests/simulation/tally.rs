//! What has happened in a run, by kinds: proof that the worlds are as wild as their description says.
//!
//! A kind is counted where its effect is seen, not where it is planned: a reset that the server had no connection for, or
//! an event that nobody waited for, is none.

use std::collections::BTreeMap;

/// What, and where or how.
pub type Kind = (&'static str, &'static str);

/// How often each kind has happened.
pub type Tally = BTreeMap<Kind, usize>;

/// Where a connection stood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Idle,
    Head,
    Body,
    Handler,
    Answer,
    Farewell,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Stage::Idle => "between requests",
            Stage::Head => "in a head",
            Stage::Body => "in a body",
            Stage::Handler => "in a handler",
            Stage::Answer => "in an answer",
            Stage::Farewell => "in a farewell",
        }
    }
}

/// All that must happen in a thousand runs, and all that is counted.
pub const KINDS: &[Kind] = &[
    // Clients.
    ("split", "a head"),
    ("split", "a body"),
    ("pipelined", "two requests in one read"),
    ("stalled", "between requests"),
    ("stalled", "in a head"),
    ("stalled", "in a body"),
    ("stalled", "in an answer"),
    ("slow", "with a body, and cut"),
    ("slow", "with an answer, and cut"),
    ("steady", "with a body, for longer than the timeout"),
    ("steady", "with an answer, for longer than the timeout"),
    ("reset", "between requests"),
    ("reset", "in a head"),
    ("reset", "in a body"),
    ("reset", "in a handler"),
    ("reset", "in an answer"),
    ("reset", "in a farewell"),
    ("half-closed", "and answered"),
    ("half-closed", "in a head"),
    ("half-closed", "in a body"),
    // Events.
    ("event", "for nothing"),
    ("event", "twice"),
    ("event", "late"),
    ("event", "late, from another thread"),
    ("read", "short"),
    ("write", "short"),
    ("shutdown", "not at once"),
    ("foreign wake", "while the task rests"),
    ("foreign wake", "while the task is queued"),
    ("foreign wake", "in the middle of a poll"),
    ("foreign wake", "on the way to sleep"),
    ("foreign wake", "after the task's end"),
    // Aborts.
    ("abort of a connection", "between requests"),
    ("abort of a connection", "in a head"),
    ("abort of a connection", "in a body"),
    ("abort of a connection", "in a handler"),
    ("abort of a connection", "in an answer"),
    ("abort of a connection", "in a farewell"),
    ("end of a handler", "by its time limit"),
    ("end of a handler", "of its own task, by an abort"),
    // The world.
    ("clock", "an hour ahead"),
    ("accept", "EMFILE"),
    ("accept", "ENFILE"),
    ("accept", "ECONNABORTED"),
    ("accept", "ECONNRESET"),
    ("accept", "EINTR"),
    ("accept", "a connection, after an error"),
    ("stop", "in good order"),
    ("stop", "with a cut at the end of the grace"),
];
