//! Events as sentences, and sentences as a timeline.
//!
//! The problem: a list of events is read by people. What one task does during one poll belongs together, and the eye
//! must see it at once.
//!
//! ```text
//!   task 3 polled (1)
//!       source 3 read 87        <- indented: task 3 does this, before its poll ends
//!   task 3 pending
//! ```
//!
//! A wake from another thread stands at the margin wherever it falls: the running task has not done it.

use std::fmt;
use std::time::Duration;

use super::trace::{Direction, Event, Outcome, TaskId, Wake};

/// Turns events, in order, into the lines of a timeline.
#[derive(Default, Debug)]
pub struct Timeline {
    /// The task that is being polled.
    running: Option<TaskId>,
}

impl Timeline {
    /// The line of the next event, without a line end. A spawn's line says where it was called: that place is the
    /// task's name.
    pub fn line(&mut self, event: &Event) -> String {
        let indent = if self.note(event) { "    " } else { "" };
        match event {
            Event::Spawned { at, .. } => format!("{indent}{event} at {}:{}", at.file(), at.line()),
            _ => format!("{indent}{event}"),
        }
    }

    /// Whether the running task does this: whether it stands between the beginning and the end of its poll.
    pub fn note(&mut self, event: &Event) -> bool {
        match *event {
            Event::Polled { task, .. } => {
                self.running = Some(task);
                false
            }
            Event::Pending { task, .. } | Event::Finished { task, .. } if self.running == Some(task) => {
                self.running = None;
                false
            }
            Event::Woken { foreign: true, .. } => false,
            _ => self.running.is_some(),
        }
    }
}

/// One sentence an event. Tests compare these, so that a test reads like the trace that the server prints.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Direction::{Read, Write};
        match *self {
            Event::Spawned { task, parent: None, .. } => write!(f, "{task} spawned"),
            Event::Spawned { task, parent: Some(parent), .. } => write!(f, "{task} spawned by {parent}"),
            Event::Woken { task, wake, foreign } => {
                let by = if foreign { " by another thread" } else { "" };
                let how = if wake == Wake::Queued { "queued" } else { "already queued" };
                write!(f, "{task} woken{by}: {how}")
            }
            Event::Stale { task } => write!(f, "{task} was queued but has ended"),
            Event::Polled { task, nth } => write!(f, "{task} polled ({nth})"),
            Event::Pending { task, lost: false } => write!(f, "{task} pending"),
            Event::Pending { task, lost: true } => write!(f, "{task} pending, and nobody holds its waker"),
            Event::Finished { task, outcome: Outcome::Completed } => write!(f, "{task} completed"),
            Event::Finished { task, outcome: Outcome::Aborted } => write!(f, "{task} aborted"),
            Event::Finished { task, outcome: Outcome::Panicked } => write!(f, "{task} panicked"),
            Event::SourceOpened { source } => write!(f, "{source} opened"),
            Event::SourceRegistered { source } => write!(f, "{source} registered"),
            Event::SourceClosed { source } => write!(f, "{source} closed"),
            Event::Ready { source, direction: Read } => write!(f, "{source} readable"),
            Event::Ready { source, direction: Write } => write!(f, "{source} writable"),
            Event::Io { source, direction: Read, count } => write!(f, "{source} read {count}"),
            Event::Io { source, direction: Write, count } => write!(f, "{source} wrote {count}"),
            Event::WouldBlock { source, direction: Read } => write!(f, "{source} read would block"),
            Event::WouldBlock { source, direction: Write } => write!(f, "{source} write would block"),
            Event::TimerArmed { timer, after } => write!(f, "{timer} armed for {after:?}"),
            Event::TimerFired { timer } => write!(f, "{timer} fired"),
            Event::TimerCancelled { timer } => write!(f, "{timer} cancelled"),
            Event::Parked { timeout: Some(Duration::ZERO) } => write!(f, "peek at epoll"),
            Event::Parked { timeout: Some(timeout) } => write!(f, "sleep in epoll, at most {timeout:?}"),
            Event::Parked { timeout: None } => write!(f, "sleep in epoll"),
            Event::Unparked { events: 1 } => write!(f, "up again, 1 event"),
            Event::Unparked { events } => write!(f, "up again, {events} events"),
            Event::Mark { what, number, stage } => write!(f, "{what} {number} {stage}"),
        }
    }
}
