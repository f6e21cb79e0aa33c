//! The timeline of a run: what the world did, what the runtime did, what moved through the pipes, in order.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use glassbox::runtime::trace::Outcome;
use glassbox::{Event, Observer};

use super::script::Step;

/// One line of a timeline. Kept as data: a run that passes formats nothing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Entry {
    /// The world did this.
    Step(Step),
    /// The runtime did this.
    Event(Event),
    /// Something happened at a client's pipe.
    Pipe { client: usize, what: &'static str, count: usize },
}

/// Everything so far.
#[derive(Default)]
pub struct Log(Mutex<Vec<Entry>>);

impl Log {
    pub fn push(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What must never happen to a task, if it happened since the `from`th entry; and how many entries there are now.
    pub fn accident(&self, from: usize) -> (Option<String>, usize) {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bad = entries[from..].iter().find(|entry| {
            matches!(
                entry,
                Entry::Event(
                    Event::Pending { lost: true, .. } | Event::Finished { outcome: Outcome::Panicked, .. }
                )
            )
        });
        (bad.map(|entry| format!("an accident: {entry}")), entries.len())
    }
}

impl Observer for Log {
    fn observe(&self, event: Event) {
        self.push(Entry::Event(event));
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Step(step) => write!(f, "* {step:?}"),
            Entry::Event(event) => write!(f, "    {event}"),
            Entry::Pipe { client, what, count } => write!(f, "  client {client}: {what} {count}"),
        }
    }
}

/// A timeline as text, a line an entry.
pub fn text(entries: &[Entry]) -> String {
    let lines: Vec<String> = entries.iter().map(Entry::to_string).collect();
    lines.join("\n")
}
