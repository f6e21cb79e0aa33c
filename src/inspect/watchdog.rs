//! A thread that notices, while it happens, that a poll does not end.
//!
//! The problem: a task that blocks holds the only thread that could say so. Somebody else must look.
//!
//! ```text
//!   runtime's thread  | poll 7 |   poll 8 ........................................ |
//!   watchdog             look      look      look      look      look: still poll 8, for 100 ms: say so
//! ```
//!
//! 1. Time counts only while the poll could have gone on. What the kernel kept the thread waiting for a CPU (its run
//!    queue delay, from /proc) is taken off: a busy machine is not the task's mistake. The kernel adds such a wait only
//!    when it is over; while it lasts, the thread is runnable and its time on a CPU stands still.
//! 2. Of the time between two looks at most two periods count. If the whole process was stopped, so was the watchdog.
//!
//! The kernel's own softlockup detector (`kernel/watchdog.c`) works like this one: a second party and a heartbeat.

use std::fs;
use std::path::PathBuf;
use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use super::lint::Lint;
use crate::runtime::trace::TaskId;

/// How often it looks: often enough to notice 100 ms soon, seldom enough to cost nothing that one could measure.
const PERIOD: Duration = Duration::from_millis(20);

/// A poll of this length holds everybody up. Alice Ryhl's advice is 10 to 100 microseconds between two awaits ("Async:
/// What is blocking?"); what a person notices is 100 ms.
const BLOCKED: Duration = Duration::from_millis(100);

/// A first poll of this length: the task has no await that ever had to wait. tokio-console uses the same.
const NEVER_YIELDED: Duration = Duration::from_secs(1);

/// Whoever knows which poll goes on, and whom to tell of one that lasts.
pub(super) trait Watched: Send + Sync + 'static {
    /// The poll that goes on.
    fn running(&self) -> Option<RunningPoll>;
    /// It has lasted too long: so many milliseconds.
    fn find(&self, lint: Lint, task: TaskId, millis: u64);
}

/// A poll that goes on.
#[derive(Clone, Copy)]
pub(super) struct RunningPoll {
    pub(super) task: TaskId,
    /// Which of the task's polls this is.
    pub(super) nth: u64,
    /// Which of all polls this is, from 1: the same number, the same poll.
    pub(super) number: u64,
}

/// Starts a watchdog for the calling thread. It ends when `watched` is gone.
pub(super) fn start(watched: Weak<impl Watched>) {
    // A link to this thread's own folder, such as "1234/task/1240".
    let folder = fs::read_link("/proc/thread-self").map(|link| PathBuf::from("/proc").join(link));
    let kernel = Kernel { folder: folder.ok() };
    let watch = move || {
        let times = kernel.times();
        let mut watch = Watch { kernel, number: 0, lasted: Duration::ZERO, times, looked: Instant::now() };
        while let Some(watched) = watched.upgrade() {
            watch.look(&*watched);
            drop(watched);
            thread::park_timeout(PERIOD);
        }
    };
    if let Err(error) = thread::Builder::new().name("watchdog".into()).spawn(watch) {
        log::warn!("nobody watches for blocked polls: {error} (hint: raise the limit on processes)");
    }
}

struct Watch {
    kernel: Kernel,
    /// The poll that went on at the latest look; 0: none did.
    number: u64,
    /// For how long it has been seen to go on.
    lasted: Duration,
    /// What the kernel said at the latest look.
    times: Times,
    looked: Instant,
}

impl Watch {
    fn look(&mut self, watched: &impl Watched) {
        let since = self.looked.elapsed();
        self.looked = Instant::now();
        let Some(running) = watched.running() else {
            self.number = 0;
            return;
        };
        let times = self.kernel.times();
        let waits_for_cpu = times.on_cpu == self.times.on_cpu && self.kernel.says_runnable();
        if running.number != self.number {
            (self.number, self.lasted) = (running.number, Duration::ZERO);
        } else if !waits_for_cpu {
            let delayed = times.delayed.saturating_sub(self.times.delayed);
            self.lasted += since.saturating_sub(delayed).min(2 * PERIOD);
        }
        self.times = times;
        let millis = u64::try_from(self.lasted.as_millis()).unwrap_or(u64::MAX);
        if self.lasted >= BLOCKED {
            watched.find(Lint::Blocked, running.task, millis);
        }
        if self.lasted >= NEVER_YIELDED && running.nth == 1 {
            watched.find(Lint::NeverYielded, running.task, millis);
        }
    }
}

/// How long the watched thread has been on a CPU, and has waited for one, in all.
#[derive(Clone, Copy, Default)]
struct Times {
    on_cpu: Duration,
    delayed: Duration,
}

/// What the kernel tells of the watched thread.
struct Kernel {
    /// The thread's folder in /proc.
    folder: Option<PathBuf>,
}

impl Kernel {
    /// Where the kernel does not tell, nothing is taken off.
    fn times(&self) -> Times {
        // Time on a CPU, time in the run queue (both in nanoseconds), and the number of turns.
        let text = self.read("schedstat");
        let mut numbers = text.split(' ').map(|nanos| Duration::from_nanos(nanos.parse().unwrap_or(0)));
        Times { on_cpu: numbers.next().unwrap_or_default(), delayed: numbers.next().unwrap_or_default() }
    }

    /// Whether it runs, or would if there were a CPU for it.
    fn says_runnable(&self) -> bool {
        // The name, in brackets, may hold anything; the state stands behind it.
        self.read("stat").rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
    }

    fn read(&self, name: &str) -> String {
        let file = self.folder.as_ref().map(|folder| folder.join(name));
        file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
    }
}
