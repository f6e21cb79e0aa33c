//! Exercise 1 of chapter 16: who woke this task?
//!
//! A wake has no field for who made it. The place in the list says it:
//!
//! - between `Polled` of a task and the end of that poll (`Pending` or `Finished` of the same task): that task did it;
//! - behind `TimerFired`, outside of any poll, up to the next event that is not a wake: that timer did it;
//! - behind `Ready`, outside of any poll, in the same way: that socket did it;
//! - `foreign`: another thread, wherever it stands;
//! - anything else, such as the wake of a spawn outside of the loop: nobody that the list knows.
//!
//! Return the waker of each wake that *queued* `task`, in order. A wake that found it queued changed nothing.

use glassbox::Event;
use glassbox::runtime::trace::{SourceId, TaskId, TimerId, Wake};

/// Who called a waker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    Task(TaskId),
    Timer(TimerId),
    Source(SourceId),
    AnotherThread,
    Nobody,
}

/// Who queued `task`, each time.
pub fn who_woke(events: &[Event], task: TaskId) -> Vec<By> {
    let mut found = Vec::new();
    let mut last = By::Nobody;
    for event in events {
        match *event {
            // The mistakes to repair: a poll never ends here, a socket is nobody, a thread is whoever runs.
            Event::Polled { task, .. } => last = By::Task(task),
            Event::TimerFired { timer } => last = By::Timer(timer),
            Event::Woken { task: woken, wake: Wake::Queued, .. } if woken == task => found.push(last),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
