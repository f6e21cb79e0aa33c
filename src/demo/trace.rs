//! `--trace`: every event as one line on stderr.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glassbox::{Event, Observer};

/// Prints events as they happen, those inside of a poll indented.
pub struct Printer {
    inside_poll: AtomicBool,
}

impl Printer {
    pub fn new() -> Arc<Printer> {
        Arc::new(Printer { inside_poll: AtomicBool::new(false) })
    }
}

impl Observer for Printer {
    fn observe(&self, event: Event) {
        match event {
            Event::Pending { .. } | Event::Finished { .. } => {
                self.inside_poll.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
        let indent = if self.inside_poll.load(Ordering::Relaxed) { "    " } else { "" };
        // One write per line, so that lines of several threads do not mix. A closed stderr is not worth a panic.
        let _ = std::io::stderr().write_all(format!("{indent}{event}\n").as_bytes());
        if matches!(event, Event::Polled { .. }) {
            self.inside_poll.store(true, Ordering::Relaxed);
        }
    }
}
