//! Solution of exercise 2 of chapter 16: who waited longest for its turn?

use std::collections::HashMap;

use glassbox::Event;
use glassbox::runtime::recorder::Record;
use glassbox::runtime::trace::{TaskId, Wake};

/// The task that waited longest in the queue, and for how long.
pub fn longest_delay(records: &[Record]) -> Option<(TaskId, u64)> {
    let mut queued = HashMap::new();
    let mut longest: Option<(TaskId, u64)> = None;
    for record in records {
        match record.event {
            Event::Woken { task, wake: Wake::Queued, .. } => {
                queued.insert(task, record.nanos);
            }
            Event::Polled { task, .. } => {
                // Taken out: the next delay begins with the next wake.
                let Some(since) = queued.remove(&task) else { continue };
                let delay = record.nanos - since;
                if longest.is_none_or(|(_, most)| delay > most) {
                    longest = Some((task, delay));
                }
            }
            _ => {}
        }
    }
    longest
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
