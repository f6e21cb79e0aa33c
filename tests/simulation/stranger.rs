//! The other thread: it does what it is told, one thing at a time, while this one waits.
//!
//! A wake from another thread takes another way through the runtime (the ready queue with its lock) than one from the
//! runtime's own. Waiting for the stranger keeps the order of events the same in every run.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that works for this one. It ends when this is dropped.
pub struct Stranger {
    jobs: Sender<Job>,
    done: Receiver<()>,
}

impl Stranger {
    pub fn new() -> Stranger {
        let (jobs, work) = mpsc::channel::<Job>();
        let (tell, done) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(job) = work.recv() {
                job();
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Stranger { jobs, done }
    }

    /// Does it on the other thread and comes back when it is done.
    pub fn call(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("the stranger lives as long as this");
        self.done.recv().expect("the stranger has not panicked");
    }
}
