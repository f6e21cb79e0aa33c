//! Who watches the workers: the observers that the flags ask for.
//!
//! `--trace` prints; `--debug-routes`, `--trace-file` and the others keep the latest events in a ring per worker, so
//! that any worker can show those of all. Without such a flag nobody watches, and an event costs one test of a pointer.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glassbox::inspect::chrome::{self, Lane};
use glassbox::inspect::{Fanout, Finding, Lints, Printer};
use glassbox::{Observer, Recorder};

use super::options::Options;

/// How many events a ring keeps. A request makes about ten: these are the latest six thousand requests, in 6 MB.
const EVENTS: usize = 65_536;

/// The same for a trace file: whoever asks for one wants much of it. 24 MB.
const EVENTS_FOR_FILE: usize = 262_144;

/// The rings of all workers.
#[derive(Default)]
pub struct Watch {
    /// Pushed to when a worker starts, read when somebody asks.
    rings: Mutex<Vec<(usize, Arc<Recorder>)>>,
}

impl Watch {
    /// The observer of a worker, and its ring. `stepper`: whoever stops the runtime, with `--step`.
    pub fn observer(
        &self,
        options: &Options,
        worker: usize,
        stepper: Option<Arc<dyn Observer>>,
    ) -> (Option<Arc<dyn Observer>>, Option<Arc<Recorder>>) {
        let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
        let ring = options.is_watched().then(|| self.add_ring(options, worker));
        observers.extend(ring.clone().map(|ring| ring as Arc<dyn Observer>));
        if options.trace && stepper.is_none() {
            let label = if options.workers > 1 { format!("worker {worker} | ") } else { String::new() };
            observers.push(Printer::new(io::stderr(), &label));
        }
        if options.is_watched() {
            // A program that stops on purpose would be "blocked" all the time.
            observers.push(if stepper.is_some() { Lints::without_watchdog(say) } else { Lints::new(say) });
        }
        observers.extend(stepper);
        (Fanout::of(observers), ring)
    }

    fn add_ring(&self, options: &Options, worker: usize) -> Arc<Recorder> {
        let events = if options.trace_file.is_some() { EVENTS_FOR_FILE } else { EVENTS };
        let ring = Recorder::with_capacity(events);
        self.lock().push((worker, ring.clone()));
        ring
    }

    /// All rings as Chrome trace JSON.
    pub fn chrome_trace(&self) -> String {
        let lane = |(worker, ring): &(usize, Arc<Recorder>)| Lane {
            name: format!("worker {worker}"),
            records: ring.records(),
        };
        let lanes: Vec<_> = self.lock().iter().map(lane).collect();
        chrome::render(&lanes)
    }

    /// Writes all rings to a file that was opened at the start.
    pub fn write_to(&self, mut file: &File) -> io::Result<()> {
        file.write_all(self.chrome_trace().as_bytes())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, Arc<Recorder>)>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A finding goes to stderr in one write.
fn say(finding: &Finding) {
    let _ = io::stderr().write_all(format!("{finding}\n").as_bytes());
}
