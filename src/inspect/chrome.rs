//! Records as Chrome trace JSON, which Perfetto (ui.perfetto.dev) and speedscope (speedscope.app) open.
//!
//! The problem: a timeline of ten thousand lines shows order, but neither how long something took nor where nothing
//! happened. A picture with a time axis does.
//!
//! ```text
//!   reactor    [ sleep in epoll        ][wake]          [ sleep ...
//!   task 2                                    [poll 2]
//!   task 3                               \----------->[poll 1]         an arrow for each wake that led to a poll
//!   run queue  0                         1            0                a counter
//! ```
//!
//! 1. Slices are pairs of B and E, in the order of the events. On each track they nest: a task is polled by nobody
//!    else while it is polled, and the reactor sleeps or wakes.
//! 2. An arrow (s to f) is written only if both ends are among the records.
//! 3. Times never fall: the recorder takes them under its lock.
//!
//! The format: "Trace Event Format", Google, 2016. Each runtime is a process of its own there.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::journey::running_after;
use crate::runtime::recorder::Record;
use crate::runtime::trace::{Event, TaskId, Wake};

/// The records of one runtime.
pub struct Lane {
    /// What the viewer shall call it.
    pub name: String,
    /// Its events.
    pub records: Vec<Record>,
}

/// Tracks that are not a task's.
const REACTOR: u64 = 1;
const OTHER_THREADS: u64 = 2;
const MAIN: u64 = 3;

/// A task's track: its serial, behind the tracks above.
fn track_of(task: TaskId) -> u64 {
    100 + task.serial()
}

/// Everything as one JSON text.
pub fn render(lanes: &[Lane]) -> String {
    let mut out = String::from("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    let mut arrows = 0;
    for (nth, lane) in lanes.iter().enumerate() {
        let mut writer = Writer::new(&mut out, nth + 1, &lane.records, &mut arrows);
        writer.meta("process_name", 0, &lane.name);
        for (track, name) in
            [(REACTOR, "reactor"), (OTHER_THREADS, "other threads"), (MAIN, "outside of the loop")]
        {
            writer.meta("thread_name", track, name);
        }
        for (at, record) in lane.records.iter().enumerate() {
            writer.event(at, record);
        }
        writer.close();
    }
    // Each entry ends in ",\n"; JSON allows no comma behind the last.
    out.truncate(out.trim_end_matches([',', '\n']).len());
    out.push_str("\n]}\n");
    out
}

struct Writer<'a> {
    out: &'a mut String,
    process: usize,
    /// The time of the record that is being written, in nanoseconds.
    now: u64,
    running: Option<TaskId>,
    /// Which of the running task's polls goes on.
    nth: u64,
    /// The reactor's open slice, if any.
    reactor: Option<&'static str>,
    /// Arrows by the place of the wake where they begin, and of the poll where they end.
    arrows: HashMap<usize, u64>,
    ready: u64,
    /// Tasks whose track has a name. The spawn of an old one may have left the ring.
    named: HashSet<TaskId>,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut String, process: usize, records: &[Record], last_arrow: &mut u64) -> Writer<'a> {
        let arrows = arrows(records, last_arrow);
        let now = records.first().map_or(0, |record| record.nanos);
        Writer {
            out,
            process,
            now,
            running: None,
            nth: 0,
            reactor: None,
            arrows,
            ready: 0,
            named: HashSet::new(),
        }
    }

    fn event(&mut self, at: usize, record: &Record) {
        self.now = record.nanos;
        let before = self.running;
        self.running = running_after(before, &record.event);
        match record.event {
            Event::Polled { task, nth } => {
                self.end_reactor();
                self.count(self.ready.saturating_sub(1));
                self.nth = nth;
                if self.named.insert(task) {
                    self.meta("thread_name", track_of(task), &task.to_string());
                }
                self.begin(track_of(task), &poll_name(nth));
                if let Some(arrow) = self.arrows.get(&at).copied() {
                    self.arrow("f\",\"bp\":\"e", track_of(task), arrow);
                }
            }
            Event::Pending { task, .. } | Event::Finished { task, .. } if before == Some(task) => {
                self.instant(track_of(task), &record.event);
                self.end(track_of(task), &poll_name(self.nth));
            }
            Event::Woken { wake, foreign, .. } => self.woken(at, wake, foreign),
            Event::Stale { .. } => {
                self.count(self.ready.saturating_sub(1));
                self.instant(self.track(), &record.event);
            }
            Event::Parked { timeout } => {
                self.end_reactor();
                let peek = timeout.is_some_and(|timeout| timeout.is_zero());
                self.begin_reactor(if peek { "peek at epoll" } else { "sleep in epoll" });
            }
            Event::Unparked { .. } => {
                self.end_reactor();
                self.begin_reactor("wake");
            }
            Event::Spawned { task, at, .. } => {
                let name = format!("{task} ({}:{})", at.file(), at.line());
                self.named.insert(task);
                self.meta("thread_name", track_of(task), &name);
                self.instant(self.track(), &record.event);
            }
            _ => self.instant(self.track(), &record.event),
        }
    }

    /// The track of whoever does what happens now.
    fn track(&self) -> u64 {
        match (self.running, self.reactor) {
            (Some(task), _) => track_of(task),
            (None, Some(_)) => REACTOR,
            (None, None) => MAIN,
        }
    }

    fn woken(&mut self, at: usize, wake: Wake, foreign: bool) {
        let track = if foreign { OTHER_THREADS } else { self.track() };
        // An arrow must begin inside of a slice. Outside of the loop there is none: a short one is made.
        let bare = matches!(track, OTHER_THREADS | MAIN);
        if bare {
            self.begin(track, "wake");
        }
        if wake == Wake::Queued {
            self.count(self.ready + 1);
        }
        if let Some(arrow) = self.arrows.get(&at).copied() {
            self.arrow("s", track, arrow);
        }
        if bare {
            self.end(track, "wake");
        }
    }

    fn begin_reactor(&mut self, name: &'static str) {
        self.reactor = Some(name);
        self.begin(REACTOR, name);
    }

    fn end_reactor(&mut self) {
        if let Some(name) = self.reactor.take() {
            self.end(REACTOR, name);
        }
    }

    /// Ends what is still open behind the last record.
    fn close(&mut self) {
        self.end_reactor();
        if let Some(task) = self.running.take() {
            self.end(track_of(task), &poll_name(self.nth));
        }
    }

    fn begin(&mut self, track: u64, name: &str) {
        self.entry("B", track, &format!("\"name\":\"{}\"", escaped(name)));
    }

    /// Perfetto ends whatever is open. speedscope wants the name again, and complains of another one.
    fn end(&mut self, track: u64, name: &str) {
        self.entry("E", track, &format!("\"name\":\"{}\"", escaped(name)));
    }

    fn instant(&mut self, track: u64, event: &Event) {
        self.entry("i", track, &format!("\"s\":\"t\",\"name\":\"{}\"", escaped(&event.to_string())));
    }

    fn arrow(&mut self, kind: &str, track: u64, arrow: u64) {
        self.entry(kind, track, &format!("\"name\":\"wake\",\"cat\":\"wake\",\"id\":{arrow}"));
    }

    fn count(&mut self, ready: u64) {
        self.ready = ready;
        self.entry("C", REACTOR, &format!("\"name\":\"run queue\",\"args\":{{\"ids\":{ready}}}"));
    }

    fn meta(&mut self, what: &str, track: u64, name: &str) {
        self.entry("M", track, &format!("\"name\":\"{what}\",\"args\":{{\"name\":\"{}\"}}", escaped(name)));
    }

    fn entry(&mut self, kind: &str, track: u64, rest: &str) {
        let (micros, nanos) = (self.now / 1000, self.now % 1000);
        let process = self.process;
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            self.out,
            "{{\"ph\":\"{kind}\",\"pid\":{process},\"tid\":{track},\"ts\":{micros}.{nanos:03},{rest}}},"
        );
    }
}

fn poll_name(nth: u64) -> String {
    format!("poll {nth}")
}

/// A number for each wake that led to a poll: under the place of the wake, and under that of the poll.
fn arrows(records: &[Record], last: &mut u64) -> HashMap<usize, u64> {
    let mut woken = HashMap::new();
    let mut arrows = HashMap::new();
    for (at, record) in records.iter().enumerate() {
        match record.event {
            Event::Woken { task, wake: Wake::Queued, .. } => {
                woken.insert(task, at);
            }
            Event::Polled { task, .. } => {
                if let Some(wake) = woken.remove(&task) {
                    *last += 1;
                    arrows.extend([(wake, *last), (at, *last)]);
                }
            }
            _ => {}
        }
    }
    arrows
}

/// Text inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => escaped.extend(['\\', letter]),
            ..' ' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(letter));
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
