//! Step mode: the runtime stops before each poll and at each event, and waits for a key.
//!
//! The problem: a timeline is read after the fact. To believe it, one wants to stand inside: nothing moves until I say
//! so, and I can look around.
//!
//! ```text
//!   run():      show everything --> ask --> Runtime::step() --> and again
//!                                               |
//!   observe():                                  +--> an event: print it, say why, ask
//! ```
//!
//! 1. `run` is `block_on`, written out with the runtime's public parts. Between two polls nothing is borrowed, so there
//!    everything can be shown: queue, tasks and who holds their wakers, timers, sockets.
//! 2. An event stops the thread where it happens. Behind "source 3 read 87" the answer has not been sent yet: the
//!    curl in the other window waits.
//! 3. The end of the input means "go on": so it works over a pipe, too.

use std::collections::HashSet;
use std::future::Future;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::why::why;
use crate::runtime::Runtime;
use crate::runtime::executor::TaskState;
use crate::runtime::join::{JoinError, JoinHandle};
use crate::runtime::sentence::Timeline;
use crate::runtime::trace::{Event, Observer, TaskId};

const HELP: &str = "\
  Enter   the next event             p     on to the next poll
  t N     on until task N is polled  c     go on without stopping
  q       quit                       ?     this help
";

/// Where to stop next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Event,
    Poll,
    Task(u64),
    Never,
    Quit,
}

/// Stops a runtime at its events and asks what to do.
pub struct Stepper {
    state: Mutex<State>,
    /// The thread that is asked. Another one is not, but its wake waits while this one is: they share the lock.
    home: ThreadId,
}

struct State {
    input: Box<dyn BufRead + Send>,
    out: Box<dyn Write + Send>,
    colour: bool,
    timeline: Timeline,
    until: Until,
}

impl Stepper {
    /// A stepper for a runtime on this thread. `colour`: dim what explains.
    pub fn new(
        input: impl BufRead + Send + 'static,
        out: impl Write + Send + 'static,
        colour: bool,
    ) -> Arc<Stepper> {
        let state = State {
            input: Box::new(input),
            out: Box::new(out),
            colour,
            timeline: Timeline::default(),
            until: Until::Poll,
        };
        Arc::new(Stepper { state: Mutex::new(state), home: thread::current().id() })
    }

    /// Runs until `future` is ready, as `Runtime::block_on` does, but stops and asks. `None`: somebody asked to quit.
    ///
    /// # Panics
    /// With the future's own panic, and if the runtime cannot wait for events.
    #[track_caller]
    pub fn run<F>(&self, runtime: &Runtime, future: F) -> Option<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.lock().print(HELP);
        let mut main = runtime.handle().spawn(future);
        loop {
            // As many polls as ids were ready when the turn began: the sockets must get their turn, too.
            for _ in 0..runtime.ready().len() {
                if !self.may_poll(runtime) {
                    return None;
                }
                runtime.step();
                if let Some(value) = result(&mut main) {
                    return Some(value);
                }
            }
            if !self.may_park() {
                return None;
            }
            runtime.park(None).expect("cannot wait for events");
        }
    }

    /// Asks before a trip to the operating system: once the thread sleeps there, nobody can ask. `false`: quit.
    fn may_park(&self) -> bool {
        let mut state = self.lock();
        if state.until == Until::Event {
            state.print("next:     a trip to epoll\n");
            state.ask();
        }
        state.until != Until::Quit
    }

    /// Stops before a poll, if that was asked for. `false`: quit.
    fn may_poll(&self, runtime: &Runtime) -> bool {
        // As `step` does: ids of tasks that have ended are passed over.
        let alive: HashSet<TaskId> = runtime.tasks().iter().map(|task| task.id).collect();
        let next = runtime.ready().into_iter().find(|id| alive.contains(id));
        let mut state = self.lock();
        let stop = match state.until {
            Until::Event | Until::Poll => true,
            Until::Task(serial) => next.is_some_and(|next| next.serial() == serial),
            Until::Never | Until::Quit => false,
        };
        if let (true, Some(next)) = (stop, next) {
            let picture = picture(runtime, next);
            state.print(&picture);
            state.ask();
        }
        state.until != Until::Quit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Stepper {
    fn observe(&self, event: Event) {
        let mut state = self.lock();
        let line = state.timeline.line(&event);
        state.print(&(line + "\n"));
        if state.until == Until::Event {
            let why = why(&event);
            state.explain(&format!("        {} (chapter {})\n", why.sentence, why.chapter));
            // Not at the trip itself: that question came before it.
            if thread::current().id() == self.home && !matches!(event, Event::Parked { .. }) {
                state.ask();
            }
        }
    }
}

impl State {
    /// Asks until the answer says where to stop next.
    fn ask(&mut self) {
        loop {
            self.print("step> ");
            let mut answer = String::new();
            // An input that cannot be read is at its end.
            if self.input.read_line(&mut answer).unwrap_or(0) == 0 {
                self.print("(the input has ended: going on)\n");
                self.until = Until::Never;
                return;
            }
            match command(&answer) {
                Some(until) => return self.until = until,
                None if answer.trim() == "?" => self.print(HELP),
                None => self.print("what? Enter, p, t N, c, q, or ? for help\n"),
            }
        }
    }

    fn explain(&mut self, text: &str) {
        if self.colour {
            self.print(&format!("\x1b[2m{text}\x1b[0m"));
        } else {
            self.print(text);
        }
    }

    /// A closed output is not worth a panic.
    fn print(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Where to stop next, by the letter that was typed. `None`: it says nothing of the kind.
fn command(answer: &str) -> Option<Until> {
    match answer.trim() {
        "" => Some(Until::Event),
        "p" => Some(Until::Poll),
        "c" => Some(Until::Never),
        "q" => Some(Until::Quit),
        other => other.strip_prefix('t')?.trim().parse().ok().map(Until::Task),
    }
}

/// The main future's value, once there is one.
fn result<T>(main: &mut JoinHandle<T>) -> Option<T> {
    match main.take()? {
        Ok(value) => Some(value),
        Err(JoinError::Panicked(payload)) => std::panic::resume_unwind(payload),
        Err(JoinError::Aborted) => unreachable!("nobody else has a handle to abort it"),
    }
}

/// Everything that can be seen between two polls.
fn picture(runtime: &Runtime, next: TaskId) -> String {
    let census = runtime.census();
    let mut text = String::from("------------------------------------------------------------\n");
    let named = census.iter().find(|report| report.task.id == next);
    let (place, nth) = named.map_or((String::new(), 1), |report| {
        let at = report.task.at;
        (format!(" ({}:{})", at.file(), at.line()), report.task.polls + 1)
    });
    text += &format!("next:     {next}{place}, poll {nth}\n");
    let queue: Vec<_> = runtime.ready().iter().map(ToString::to_string).collect();
    text += &format!("queue:    {}\n", queue.join(", "));
    let sleeping: Vec<_> = census
        .iter()
        .filter(|report| report.task.state == TaskState::Waiting)
        .map(ToString::to_string)
        .collect();
    text += &listed("sleeping: ", &sleeping);
    let timers: Vec<_> =
        runtime.timers().iter().map(|(timer, due)| format!("{timer}, due in {due:?}")).collect();
    text += &listed("timers:   ", &timers);
    let sockets: Vec<_> = runtime
        .sources()
        .iter()
        .map(|source| {
            let read = if source.read_waiting { ", awaited: readable" } else { "" };
            let write = if source.write_waiting { ", awaited: writable" } else { "" };
            format!("{}{read}{write}", source.id)
        })
        .collect();
    text + &listed("epoll:    ", &sockets)
}

/// One item a line, under a heading.
fn listed(heading: &str, items: &[String]) -> String {
    if items.is_empty() {
        return format!("{heading}none\n");
    }
    let pad = " ".repeat(heading.len());
    let lines = items.iter().enumerate();
    lines.map(|(nth, item)| format!("{}{item}\n", if nth == 0 { heading } else { &pad })).collect()
}
