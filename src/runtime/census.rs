//! The census: every task, what it does now, and who holds its waker.
//!
//! The problem: "why does this task not go on?" A waiting task has no stack to look at. But it can only go on if
//! somebody calls its waker; so whoever holds a copy of the waker is what it waits for.
//!
//! ```text
//!   every waker in a socket's side, a timer, a JoinHandle's cell     ---> points at a TaskWaker
//!   every task's own waker                                           ---> points at the same one: found
//!   copies counted, minus those found                                ---> elsewhere: a channel, a thread, a lock
//! ```
//!
//! 1. Exact: two wakers that point at the same `TaskWaker` wake the same task, and the count of copies is the
//!    reference count of that object.
//! 2. Linear: one pass over each table, however many tasks there are.
//! 3. Made when somebody asks. A task pays nothing for it while it runs.
//!
//! tokio-console shows a task's wakers as a number alone; what holds them it infers from `tracing` spans of resources.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::executor::{Executor, TaskSnapshot, TaskState};
use super::reactor::Reactor;
use super::timer::Timers;
use super::trace::{Direction, SourceId, TaskId, TimerId};

/// Something that holds copies of a task's waker, and so can make it go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A socket: the task waits until it is readable or writable.
    Source(SourceId, Direction),
    /// A timer, due after this long.
    Timer(TimerId, Duration),
    /// The handle of another task: this one waits for its result.
    Join(TaskId),
    /// So many copies are in places that the runtime does not own: a channel, a `Notify`, another thread.
    Elsewhere(usize),
}

/// A task and who can wake it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// The task.
    pub task: TaskSnapshot,
    /// Who holds its waker. Empty while it runs.
    pub held_by: Vec<Holder>,
}

impl TaskReport {
    /// Nothing can ever run this task again.
    pub fn is_lost(&self) -> bool {
        self.task.state == TaskState::Waiting && self.held_by.is_empty()
    }
}

/// Counts everybody. In the order of their birth.
pub(super) fn census(executor: &Executor, reactor: &Reactor, timers: &Timers) -> Vec<TaskReport> {
    let mut found = Found { owners: executor.waker_keys(), holders: HashMap::new() };
    reactor.each_waiter(|source, direction, key| found.note(key, Holder::Source(source, direction)));
    timers.each_waiter(|timer, due, key| found.note(key, Holder::Timer(timer, due)));
    executor.each_joiner(|task, key| found.note(key, Holder::Join(task)));
    let mut reports: Vec<_> = executor.snapshot().into_iter().map(|task| found.report(task)).collect();
    reports.sort_by_key(|report| report.task.id.serial());
    reports
}

/// What a waker points at. Two wakers with the same key wake the same task.
pub(super) type Key = *const ();

struct Found {
    owners: HashMap<Key, TaskId>,
    holders: HashMap<TaskId, Vec<Holder>>,
}

impl Found {
    fn note(&mut self, key: Key, holder: Holder) {
        if let Some(task) = self.owners.get(&key) {
            self.holders.entry(*task).or_default().push(holder);
        }
    }

    fn report(&mut self, task: TaskSnapshot) -> TaskReport {
        let mut held_by = self.holders.remove(&task.id).unwrap_or_default();
        let elsewhere = task.wakers.saturating_sub(held_by.len());
        if elsewhere > 0 {
            held_by.push(Holder::Elsewhere(elsewhere));
        }
        TaskReport { task, held_by }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Source(source, Direction::Read) => write!(f, "{source} (readable)"),
            Holder::Source(source, Direction::Write) => write!(f, "{source} (writable)"),
            Holder::Timer(timer, due) => write!(f, "{timer} (due in {due:?})"),
            Holder::Join(task) => write!(f, "the handle of {task}"),
            Holder::Elsewhere(1) => write!(f, "elsewhere"),
            Holder::Elsewhere(count) => write!(f, "elsewhere ({count} copies)"),
        }
    }
}

/// For example: `task 3 (src/http/server.rs:150) waiting after 2 polls; waker held by source 3 (readable)`.
impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskSnapshot { id, at, polls, state, .. } = self.task;
        let plural = if polls == 1 { "" } else { "s" };
        write!(f, "{id} ({}:{}) ", at.file(), at.line())?;
        match state {
            TaskState::Running => return write!(f, "running, poll {polls}"),
            TaskState::Queued => write!(f, "queued after {polls} poll{plural}")?,
            TaskState::Waiting => write!(f, "waiting after {polls} poll{plural}")?,
        }
        if self.is_lost() {
            return write!(f, ", and lost: nobody holds its waker");
        }
        for (nth, holder) in self.held_by.iter().enumerate() {
            let by = if matches!(holder, Holder::Elsewhere(_)) { "" } else { "by " };
            write!(f, "{}{by}{holder}", if nth == 0 { "; waker held " } else { " and " })?;
        }
        Ok(())
    }
}
