//! What the timeline tests share: a workbench with an executor and a recorder, and readable comparisons.

#![allow(dead_code, reason = "each test file uses its part")]

use std::rc::Rc;
use std::sync::Arc;

use glassbox::runtime::executor::Executor;
use glassbox::runtime::join::{self, JoinHandle};
use glassbox::runtime::ready::ReadyQueue;
use glassbox::runtime::trace::{TaskId, Tracer};
use glassbox::{Recorder, Runtime};

/// An executor alone, with everything it does on record. No reactor, no clock.
pub struct Bench {
    pub executor: Rc<Executor>,
    pub ready: Arc<ReadyQueue>,
    pub log: Arc<Recorder>,
}

impl Bench {
    pub fn new() -> Bench {
        let log = Recorder::new();
        let ready = Arc::new(ReadyQueue::new());
        let executor = Rc::new(Executor::new(ready.clone(), Tracer::new(log.clone())));
        Bench { executor, ready, log }
    }

    /// Spawns a task that nobody waits for.
    #[track_caller]
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        let handle = self.join(future);
        let id = handle.id();
        handle.detach();
        id
    }

    /// Spawns a task and keeps the handle to its result.
    #[track_caller]
    pub fn join<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        join::spawn(&self.executor, future)
    }

    pub fn step(&self) -> Option<TaskId> {
        self.executor.step()
    }

    /// Compares the timeline since the last call.
    #[track_caller]
    pub fn expect<const N: usize>(&self, expected: [&str; N]) {
        expect(&self.log, expected);
    }
}

/// A whole runtime with a frozen clock and a recorder.
pub fn frozen_runtime() -> (Runtime, Arc<Recorder>) {
    let log = Recorder::new();
    let runtime = Runtime::builder().frozen_clock().observer(log.clone()).build().expect("cannot build a runtime");
    (runtime, log)
}

/// Takes the timeline out of the recorder, prints it (see it with `--nocapture`), and compares it.
#[track_caller]
pub fn expect<const N: usize>(log: &Recorder, expected: [&str; N]) {
    let story = log.story();
    print_timeline(&story);
    assert_eq!(story, expected, "the timeline is not the expected one");
}

/// Prints a timeline as a numbered list, what happens inside a poll indented.
pub fn print_timeline(story: &[String]) {
    let mut inside = false;
    println!("--- timeline");
    for (number, line) in story.iter().enumerate() {
        let ends = [" pending", " completed", " panicked"].iter().any(|end| line.contains(end));
        inside &= !ends;
        println!("{:4}  {}{line}", number + 1, if inside { "    " } else { "" });
        inside |= line.contains(" polled (");
    }
}
