//! The journey of one request: out of all events those that belong to it.
//!
//! The problem: a hundred requests are under way at once, and their events are mixed. A learner wants to follow one.
//!
//! ```text
//!   find "request 7 parsed"      --> the task in whose poll it stands; the tasks that this one spawns
//!   go back to where it begins   --> its socket's opening, or the end of the request before
//!   go on to where it ends       --> the end of the poll in which "request 7 sent" stands
//!   keep: events of these tasks, of the sources and timers that they touch; the sleep that such an event ended
//! ```
//!
//! A poll of somebody else is shown, without what it does besides, if something of ours happens in it: the accept
//! loop spawns our task.

use std::collections::HashSet;

use crate::runtime::recorder::Record;
use crate::runtime::sentence::Timeline;
use crate::runtime::trace::{Direction, Event, SourceId, TaskId, TimerId};

/// What marks of requests are called (`http/exchange.rs`).
const REQUEST: &str = "request";

/// The events of one request, in order. `None`: its mark is not among the records. It has not come yet, or it is so
/// long ago that the ring has dropped it, or the beginning of the poll in which it stands.
pub fn journey(records: &[Record], request: u64) -> Option<Vec<Record>> {
    let (parsed, owner) = find(records, request)?;
    let from = beginning(records, owner, parsed, request);
    let to = end(records, owner, parsed, request);
    let own = Own::of(&records[..to], from, owner);
    let mut ours: Vec<bool> = records[..to].iter().map(|record| own.owns(&record.event, request)).collect();
    welcome(records, owner, from, &mut ours);
    let mut kept = Vec::new();
    for (start, end) in spans(records, from, to) {
        own.keep(&records[start..end], &ours[start..end], &mut kept);
    }
    Some(kept)
}

/// A journey as text, as `--trace` would have printed it.
pub fn text(journey: &[Record]) -> String {
    let mut timeline = Timeline::default();
    journey.iter().map(|record| timeline.line(&record.event) + "\n").collect()
}

/// The numbers of the first and the last request that the records tell of.
pub fn requests(records: &[Record]) -> Option<(u64, u64)> {
    let mut numbers = records.iter().filter_map(|record| match record.event {
        Event::Mark { what: REQUEST, number, stage: "parsed" } => Some(number),
        _ => None,
    });
    let first = numbers.next()?;
    Some((first, numbers.next_back().unwrap_or(first)))
}

/// Where the request was parsed, and by whom.
fn find(records: &[Record], request: u64) -> Option<(usize, TaskId)> {
    let mut running = None;
    for (at, record) in records.iter().enumerate() {
        running = running_after(running, &record.event);
        if matches!(record.event, Event::Mark { what: REQUEST, number, stage: "parsed" } if number == request)
        {
            return Some((at, running?));
        }
    }
    None
}

/// The task that is being polled behind this event.
pub(super) fn running_after(running: Option<TaskId>, event: &Event) -> Option<TaskId> {
    match *event {
        Event::Polled { task, .. } => Some(task),
        Event::Pending { task, .. } | Event::Finished { task, .. } if running == Some(task) => None,
        _ => running,
    }
}

/// Who and what belongs to the request.
struct Own {
    tasks: HashSet<TaskId>,
    sources: HashSet<SourceId>,
    timers: HashSet<TimerId>,
}

impl Own {
    /// The connection's socket and timers are older than its second request, so all records are searched for them.
    /// A task that it spawned before `from` belongs to an earlier request.
    fn of(records: &[Record], from: usize, owner: TaskId) -> Own {
        let tasks = HashSet::from([owner]);
        let mut own = Own { tasks, sources: HashSet::new(), timers: HashSet::new() };
        let mut running = None;
        for (at, record) in records.iter().enumerate() {
            running = running_after(running, &record.event);
            match record.event {
                Event::Spawned { .. } if at < from => {}
                event if running.is_some_and(|task| own.tasks.contains(&task)) => own.adopt(&event),
                _ => {}
            }
        }
        own
    }

    /// Takes in what an own task touches.
    fn adopt(&mut self, event: &Event) {
        match *event {
            Event::Spawned { task, .. } => {
                self.tasks.insert(task);
            }
            Event::SourceOpened { source }
            | Event::SourceRegistered { source }
            | Event::Io { source, .. }
            | Event::WouldBlock { source, .. } => {
                self.sources.insert(source);
            }
            Event::TimerArmed { timer, .. } => {
                self.timers.insert(timer);
            }
            _ => {}
        }
    }

    /// Keeps what is ours of one span: a whole poll, or what stands between two polls.
    fn keep(&self, span: &[Record], ours: &[bool], kept: &mut Vec<Record>) {
        if !ours.contains(&true) {
            return;
        }
        let is_foreign_poll =
            matches!(span[0].event, Event::Polled { task, .. } if !self.tasks.contains(&task));
        if is_foreign_poll {
            // Its frame, so that the reader sees who does it.
            let last = span.len() - 1;
            let shown = |at: usize| at == 0 || at == last || ours[at];
            kept.extend((0..span.len()).filter(|at| shown(*at)).map(|at| span[at]));
        } else {
            keep_between(span, ours, kept);
        }
    }

    fn owns(&self, event: &Event, request: u64) -> bool {
        match *event {
            Event::Spawned { task, .. }
            | Event::Woken { task, .. }
            | Event::Stale { task }
            | Event::Polled { task, .. }
            | Event::Pending { task, .. }
            | Event::Finished { task, .. } => self.tasks.contains(&task),
            Event::SourceOpened { source }
            | Event::SourceRegistered { source }
            | Event::SourceClosed { source }
            | Event::Ready { source, .. }
            | Event::Io { source, .. }
            | Event::WouldBlock { source, .. } => self.sources.contains(&source),
            Event::TimerArmed { timer, .. }
            | Event::TimerFired { timer }
            | Event::TimerCancelled { timer } => self.timers.contains(&timer),
            Event::Mark { what, number, .. } => what == REQUEST && number == request,
            Event::Parked { .. } | Event::Unparked { .. } => false,
        }
    }
}

/// Where the journey begins: behind the poll in which the same connection sent its previous answer; for its first
/// request, where the connection was opened.
fn beginning(records: &[Record], owner: TaskId, parsed: usize, request: u64) -> usize {
    let mut running = None;
    let (mut from, mut previous_sent) = (0, false);
    for (at, record) in records[..parsed].iter().enumerate() {
        let before = running;
        running = running_after(running, &record.event);
        let ours = before == Some(owner);
        match record.event {
            Event::Mark { what: REQUEST, number, stage: "sent" } if ours && number < request => {
                (from, previous_sent) = (at + 1, true);
            }
            _ if ours && running.is_none() && previous_sent => (from, previous_sent) = (at + 1, false),
            _ => {}
        }
    }
    from
}

/// Where the journey ends: behind the poll in which the answer was sent, or in which its connection ended.
fn end(records: &[Record], owner: TaskId, parsed: usize, request: u64) -> usize {
    let mut running = Some(owner);
    let mut sent = false;
    for (at, record) in records.iter().enumerate().skip(parsed) {
        let before = running;
        running = running_after(running, &record.event);
        let ours = before == Some(owner);
        sent |= ours
            && matches!(record.event, Event::Mark { what: REQUEST, number, stage: "sent" } if number >= request);
        let ended = matches!(record.event, Event::Finished { task, .. } if task == owner);
        if ended || (sent && ours && running.is_none()) {
            return at + 1;
        }
    }
    records.len()
}

/// How the connection came: the listener was readable, the accept loop was woken, the accept succeeded.
fn welcome(records: &[Record], owner: TaskId, from: usize, ours: &mut [bool]) {
    let is_birth = |record: &Record| matches!(record.event, Event::Spawned { task, .. } if task == owner);
    let Some(birth) = records.iter().position(is_birth).filter(|birth| *birth >= from) else { return };
    let Event::Spawned { parent: Some(parent), .. } = records[birth].event else { return };
    let last =
        |end: usize, is: &dyn Fn(&Event) -> bool| records[from..end].iter().rposition(|r| is(&r.event));
    let accept = last(birth, &|event| matches!(event, Event::Io { direction: Direction::Read, .. }));
    let Some(accept) = accept.map(|at| from + at) else { return };
    let Event::Io { source: listener, .. } = records[accept].event else { return };
    let woken = last(accept, &|event| matches!(event, Event::Woken { task, .. } if *task == parent));
    let ready = last(accept, &|event| matches!(event, Event::Ready { source, .. } if *source == listener));
    for at in [woken, ready].into_iter().flatten() {
        ours[from + at] = true;
    }
    ours[accept] = true;
}

/// Keeps what is ours between two polls, and the trip to the operating system that brought it. A poll of ours is
/// kept here, too: there are no trips in it.
fn keep_between(span: &[Record], ours: &[bool], kept: &mut Vec<Record>) {
    // Each trip begins with `Parked`. What stands before the first one belongs to no trip.
    let is_trip = |at: &usize| matches!(span[*at].event, Event::Parked { .. });
    let starts: Vec<usize> = std::iter::once(0).chain((1..span.len()).filter(is_trip)).collect();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(span.len());
        if ours[*start..end].contains(&true) {
            let frame = |at: usize| matches!(span[at].event, Event::Parked { .. } | Event::Unparked { .. });
            kept.extend((*start..end).filter(|at| frame(*at) || ours[*at]).map(|at| span[at]));
        }
    }
}

/// The spans of `records[from..to]` as (start, end): each poll is one, and so is what stands between two polls.
fn spans(records: &[Record], from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut running = None;
    let mut starts = vec![from];
    for (at, record) in records.iter().enumerate().take(to) {
        let before = running;
        running = running_after(running, &record.event);
        // A poll begins with its `Polled`; the gap behind it begins with the event after its end.
        let start = if before.is_some() && running.is_none() { at + 1 } else { at };
        if before != running && start > from && start < to {
            starts.push(start);
        }
    }
    let ends = starts.iter().copied().skip(1).chain([to]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).collect()
}
