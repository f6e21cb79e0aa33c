//! Every event as one line, as it happens.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::runtime::sentence::Timeline;
use crate::runtime::trace::{Event, Observer};

/// Writes a timeline while it happens.
pub struct Printer<W> {
    /// Before each line: whose events these are, if several runtimes print to one place.
    label: String,
    state: Mutex<State<W>>,
}

struct State<W> {
    timeline: Timeline,
    out: W,
}

impl<W: Write> Printer<W> {
    /// A printer onto `out`. A write that fails is ignored: a closed stderr is not worth a panic.
    pub fn new(out: W, label: &str) -> Arc<Printer<W>> {
        let state = Mutex::new(State { timeline: Timeline::default(), out });
        Arc::new(Printer { label: label.to_owned(), state })
    }
}

impl<W: Write + Send> Observer for Printer<W> {
    fn observe(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // One write per line, so that the lines of several threads and processes do not mix.
        let line = format!("{}{}\n", self.label, state.timeline.line(&event));
        let _ = state.out.write_all(line.as_bytes());
    }
}
