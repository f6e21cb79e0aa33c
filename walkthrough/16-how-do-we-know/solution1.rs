//! Solution of exercise 1 of chapter 16: who woke this task?

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
    // The task that is being polled, and what the reactor or the timers told last outside of a poll.
    let (mut running, mut told) = (None, By::Nobody);
    for event in events {
        match *event {
            Event::Woken { task: woken, wake, foreign } => {
                let by = if foreign { By::AnotherThread } else { running.map_or(told, By::Task) };
                found.extend((woken == task && wake == Wake::Queued).then_some(by));
                continue; // One event may wake several: what was told still holds.
            }
            Event::Polled { task, .. } => running = Some(task),
            Event::Pending { task, .. } | Event::Finished { task, .. } if running == Some(task) => {
                running = None;
            }
            _ => {}
        }
        told = match *event {
            Event::TimerFired { timer } => By::Timer(timer),
            Event::Ready { source, .. } => By::Source(source),
            _ => By::Nobody,
        };
    }
    found
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
