//! The timeline of a run: what the world did, what the runtime did, what moved through the pipes, in order. And how often
//! each kind of thing has happened.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use glassbox::runtime::trace::{Outcome, TaskId, Wake};
use glassbox::{Event, Observer};

use super::ghost::Ghost;
use super::script::Step;
use super::tally::{Kind, Tally};

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
pub struct Log {
    story: Mutex<Story>,
    ghost: Ghost,
}

#[derive(Default)]
struct Story {
    entries: Vec<Entry>,
    tally: Tally,
    /// The task that is being polled.
    polling: Option<TaskId>,
    /// The runtime is between "I sleep" and "I am up".
    parking: bool,
    ended: BTreeSet<TaskId>,
}

impl Log {
    /// A log that is haunted at these moments.
    pub fn new(haunted: &[usize]) -> Log {
        Log { story: Mutex::default(), ghost: Ghost::new(haunted) }
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, entry: Entry) {
        self.story().entries.push(entry);
    }

    /// This has happened once more.
    pub fn count(&self, kind: Kind) {
        *self.story().tally.entry(kind).or_default() += 1;
    }

    pub fn tally(&self) -> Tally {
        self.story().tally.clone()
    }

    /// Somebody waits with this waker at one side of a client's pipe.
    pub fn note_waiter(&self, place: usize, waker: &Waker) {
        self.ghost.note_waiter(place, waker);
    }

    /// The run is over.
    pub fn close(&self) {
        self.ghost.rest();
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.story().entries.clone()
    }

    /// What must never happen to a task, if it happened since the `from`th entry; and how many entries there are now.
    pub fn accident(&self, from: usize) -> (Option<String>, usize) {
        let story = self.story();
        let bad = story.entries[from..].iter().find(|entry| {
            matches!(
                entry,
                Entry::Event(
                    Event::Pending { lost: true, .. } | Event::Finished { outcome: Outcome::Panicked, .. }
                )
            )
        });
        (bad.map(|entry| format!("an accident: {entry}")), story.entries.len())
    }
}

impl Story {
    fn note(&mut self, event: Event) {
        match event {
            Event::Polled { task, .. } => self.polling = Some(task),
            Event::Pending { .. } => self.polling = None,
            Event::Finished { task, .. } => {
                self.polling.take_if(|polled| *polled == task);
                self.ended.insert(task);
            }
            Event::Parked { .. } => self.parking = true,
            Event::Unparked { .. } => self.parking = false,
            Event::Woken { task, wake, foreign: true } => {
                let when = if self.ended.contains(&task) {
                    "after the task's end"
                } else if wake == Wake::Coalesced {
                    "while the task is queued"
                } else if self.polling == Some(task) {
                    "in the middle of a poll"
                } else if self.parking {
                    "on the way to sleep"
                } else {
                    "while the task rests"
                };
                *self.tally.entry(("foreign wake", when)).or_default() += 1;
            }
            _ => {}
        }
        self.entries.push(Entry::Event(event));
    }
}

impl Observer for Log {
    fn observe(&self, event: Event) {
        self.story().note(event);
        self.ghost.pass(); // Not under the lock: it makes another thread wake somebody, and that is an event as well.
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
