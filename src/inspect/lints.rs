//! An observer that knows the classic mistakes, and names the task that makes one.
//!
//! The problem: the classic mistakes of async code are silent. A lost waker is a request that never ends, a blocking
//! call is a server that is slow "sometimes". The runtime sees each of them happen, so it can say so.
//!
//! ```text
//!   Polled ----> Running { task, what it does } ----> Pending: judge this poll, add it to the task's facts
//!                     ^
//!                     | looks in from time to time
//!                 Watchdog, a thread: has the same poll lasted too long? (watchdog.rs)
//! ```
//!
//! 1. No guesses. Each rule is about events that stand in the log. A poll that only computes, or only takes a value out
//!    of a channel, leaves no event. It is not called spurious; but a task that yields after each such poll wakes itself
//!    as often as a busy loop does, and is told so. The mend is the same: yield less often.
//! 2. One finding per rule and place of spawn: a thousand connections with one mistake make one message.
//! 3. The message is given without our lock held, so whoever gets it may wake tasks. It is still given inside of
//!    `observe`, or on the watchdog's thread: it must be short, must not panic, and must not call into the runtime.
//!
//! Left out: futures that are awaited inside a task and never spawned. Only tasks are seen.

use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::lint::{Finding, Lint};
use super::watchdog::{self, RunningPoll, Watched};
use crate::runtime::trace::{Event, Observer, TaskId};

/// A future of more bytes than this is large. clippy's `large_futures` draws the same line.
const LARGE: usize = 16 * 1024;

/// A task is not judged by fewer polls of a kind than this: a task may well yield now and then.
const ENOUGH_POLLS: u64 = 100;

/// Who hears of findings.
type Sink = Box<dyn Fn(&Finding) + Send + Sync>;

/// Watches a runtime for mistakes.
pub struct Lints {
    state: Mutex<State>,
    sink: Sink,
    /// Whether a thread watches for polls that do not end.
    with_watchdog: bool,
    /// Itself, for the watchdog to look at for as long as there is something to look at.
    this: Weak<Lints>,
}

#[derive(Default)]
struct State {
    tasks: HashMap<TaskId, Facts>,
    running: Option<Running>,
    /// How many polls there were: the number of the latest.
    polls: u64,
    /// We stand behind a `Ready`, before the next timer, poll or trip: a wake here is a socket's.
    socket_heard: bool,
    /// What was told already.
    told: HashSet<(Lint, Option<&'static Location<'static>>)>,
    watched: bool,
}

/// What is known of a task.
#[derive(Default)]
struct Facts {
    at: Option<&'static Location<'static>>,
    polls: u64,
    self_woken: u64,
    spurious: u64,
    /// The reactor woke it for its next poll.
    woken_by_reactor: bool,
}

/// What is known of the poll that goes on.
struct Running {
    poll: RunningPoll,
    woken_by_reactor: bool,
    woke_itself: bool,
    /// It moved bytes, armed a timer, woke or spawned somebody: anything that leaves an event.
    did_something: bool,
}

impl Lints {
    /// Lints that tell `sink` of each finding, once. A thread watches for polls that do not end.
    pub fn new(sink: impl Fn(&Finding) + Send + Sync + 'static) -> Arc<Lints> {
        Lints::build(Box::new(sink), true)
    }

    /// The same without the thread: for programs that stop on purpose, in a debugger or step by step.
    pub fn without_watchdog(sink: impl Fn(&Finding) + Send + Sync + 'static) -> Arc<Lints> {
        Lints::build(Box::new(sink), false)
    }

    fn build(sink: Sink, with_watchdog: bool) -> Arc<Lints> {
        Arc::new_cyclic(|this| Lints { state: Mutex::default(), sink, with_watchdog, this: this.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched for Lints {
    fn running(&self) -> Option<RunningPoll> {
        self.lock().running.as_ref().map(|running| running.poll)
    }

    fn find(&self, lint: Lint, task: TaskId, amount: u64) {
        let mut state = self.lock();
        let at = state.tasks.get(&task).and_then(|facts| facts.at);
        let new = state.told.insert((lint, at));
        drop(state);
        if new {
            (self.sink)(&Finding { lint, task, at, amount });
        }
    }
}

impl Observer for Lints {
    fn observe(&self, event: Event) {
        let mut state = self.lock();
        let starts = self.with_watchdog && !state.watched && matches!(event, Event::Polled { .. });
        state.watched |= starts;
        let found = state.note(&event);
        drop(state);
        if starts {
            watchdog::start(self.this.clone());
        }
        if let Some((lint, task, amount)) = found {
            self.find(lint, task, amount);
        }
    }
}

/// A rule that was broken, by whom, and how much.
type Found = Option<(Lint, TaskId, u64)>;

impl State {
    fn note(&mut self, event: &Event) -> Found {
        match *event {
            Event::Spawned { task, at, bytes, .. } => {
                self.did_something();
                self.tasks.insert(task, Facts { at: Some(at), ..Facts::default() });
                return (bytes > LARGE).then_some((Lint::LargeFuture, task, bytes as u64));
            }
            Event::Woken { task, foreign, .. } => self.woken(task, foreign),
            Event::Polled { task, nth } => self.polled(task, nth),
            Event::Pending { task, lost } => {
                let judged = self.judge(task);
                return if lost { Some((Lint::LostWaker, task, 1)) } else { judged };
            }
            Event::Finished { task, .. } => {
                self.tasks.remove(&task);
                if self.running.as_ref().is_some_and(|running| running.poll.task == task) {
                    self.running = None;
                }
                self.socket_heard = false;
                self.did_something();
            }
            Event::Ready { .. } => self.socket_heard = true,
            Event::TimerFired { .. } | Event::Unparked { .. } | Event::Parked { .. } => {
                self.socket_heard = false;
            }
            // A try that found nothing is what a spurious poll consists of.
            Event::WouldBlock { .. } => {}
            _ => self.did_something(),
        }
        None
    }

    fn did_something(&mut self) {
        if let Some(running) = &mut self.running {
            running.did_something = true;
        }
    }

    fn woken(&mut self, task: TaskId, foreign: bool) {
        match &mut self.running {
            _ if foreign => {}
            Some(running) if running.poll.task == task => running.woke_itself = true,
            Some(running) => running.did_something = true,
            None => {
                let by_reactor = self.socket_heard;
                if let Some(facts) = self.tasks.get_mut(&task) {
                    facts.woken_by_reactor = by_reactor;
                }
            }
        }
    }

    fn polled(&mut self, task: TaskId, nth: u64) {
        self.polls += 1;
        self.socket_heard = false;
        let facts = self.tasks.entry(task).or_default();
        let woken_by_reactor = std::mem::take(&mut facts.woken_by_reactor) && nth > 1;
        let poll = RunningPoll { task, nth, number: self.polls };
        self.running = Some(Running { poll, woken_by_reactor, woke_itself: false, did_something: false });
    }

    /// Judges the poll that has ended.
    fn judge(&mut self, task: TaskId) -> Found {
        let running = self.running.take()?;
        let facts = self.tasks.get_mut(&task)?;
        facts.polls += 1;
        if running.did_something {
            return None;
        }
        if running.woke_itself {
            facts.self_woken += 1;
            return over_half(facts.self_woken, facts.polls).then_some((
                Lint::SelfWakes,
                task,
                facts.self_woken,
            ));
        }
        if running.woken_by_reactor {
            facts.spurious += 1;
            return over_half(facts.spurious, facts.polls).then_some((
                Lint::SpuriousPolls,
                task,
                facts.spurious,
            ));
        }
        None
    }
}

fn over_half(part: u64, whole: u64) -> bool {
    part >= ENOUGH_POLLS && part * 2 > whole
}
