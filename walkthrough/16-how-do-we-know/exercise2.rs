//! Exercise 2 of chapter 16: who waited longest for its turn?
//!
//! From the wake that queues a task to the poll that follows, the task could run and did not: somebody else held the
//! thread, or the queue was long. This time, the *scheduling delay*, is what users feel when a server is "slow
//! sometimes".
//!
//! Return the task with the longest delay, and the delay in nanoseconds. Of two with the same delay, the first to be
//! polled. `None`: nobody was woken and polled.
//!
//! - The delay begins with the wake that queued the task. A wake that found it queued does not begin it anew.
//! - A wake during the task's own poll begins a delay, too: it ends with the next poll.
//! - A task that ends while it is queued was never polled again, and does not count.

use std::collections::HashMap;

use glassbox::Event;
use glassbox::runtime::recorder::Record;
use glassbox::runtime::trace::TaskId;

/// The task that waited longest in the queue, and for how long.
pub fn longest_delay(records: &[Record]) -> Option<(TaskId, u64)> {
    let mut queued = HashMap::new();
    let mut longest: Option<(TaskId, u64)> = None;
    for record in records {
        match record.event {
            // The mistakes to repair: every wake begins the delay anew, and the last of equals wins.
            Event::Woken { task, .. } => {
                queued.insert(task, record.nanos);
            }
            Event::Polled { task, .. } => {
                let delay = record.nanos - queued.get(&task).copied().unwrap_or(record.nanos);
                if longest.is_none_or(|(_, most)| delay >= most) {
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
