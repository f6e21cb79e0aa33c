//! The report on all tasks: what each does, what it did last, who can wake it.
//!
//! The problem: a server answers no more and nobody knows why. Every task that does not run waits for something, and
//! the report says for what. A task that waits for nothing is the one to look at.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::journey::running_after;
use crate::runtime::Handle;
use crate::runtime::census::TaskReport;
use crate::runtime::executor::TaskState;
use crate::runtime::recorder::Record;
use crate::runtime::trace::{Event, TaskId};

/// Every task of the runtime in two lines each, oldest first. `records`: the latest events, if anybody kept them.
pub fn report(handle: &Handle, records: &[Record]) -> String {
    let (census, stats) = (handle.census(), handle.stats());
    let last = last_events(records);
    let mut text = format!(
        "{}, {}, {}\n",
        counted(census.len() as u64, "task"),
        counted(stats.timers, "timer"),
        counted(stats.sources, "registered source")
    );
    for task in &census {
        let told = last.get(&task.task.id).map_or_else(|| lately(task), Event::to_string);
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {task}\n      last: {told}");
    }
    text
}

/// The last event of a task that nobody recorded: its state tells that much.
fn lately(report: &TaskReport) -> String {
    let nth = report.task.polls;
    match report.task.state {
        TaskState::Running => format!("polled ({nth})"),
        TaskState::Queued => "woken: queued".to_owned(),
        TaskState::Waiting => format!("pending, poll {nth}"),
    }
}

/// For each task the last thing that it did or that was done to it. "Pending" is left out where the poll did
/// something before: the state says it already.
fn last_events(records: &[Record]) -> HashMap<TaskId, Event> {
    let mut last = HashMap::new();
    let mut running = None;
    for record in records {
        running = running_after(running, &record.event);
        match record.event {
            Event::Polled { task, .. } | Event::Spawned { task, .. } | Event::Woken { task, .. } => {
                last.insert(task, record.event);
            }
            Event::Pending { task, .. } => {
                let was = last.entry(task).or_insert(record.event);
                if matches!(was, Event::Polled { .. }) {
                    *was = record.event;
                }
            }
            Event::Finished { task, .. } => {
                last.remove(&task);
            }
            event => {
                if let Some(task) = running {
                    last.insert(task, event);
                }
            }
        }
    }
    last
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
