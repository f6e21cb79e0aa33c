//! What can be wrong with a task, in words.
//!
//! The names are those of tokio-console where it has one (`tokio-console/src/state/tasks.rs`, `warnings.rs`).

use std::fmt;
use std::panic::Location;

use crate::runtime::trace::TaskId;

/// A kind of mistake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lint {
    /// A task's poll returned Pending and nobody held its waker. (If the last copy goes later, no poll follows to judge:
    /// the census shows that.)
    LostWaker,
    /// A task's first poll goes on and on.
    NeverYielded,
    /// A poll holds the thread, and with it everybody.
    Blocked,
    /// A task mostly wakes itself and does nothing else.
    SelfWakes,
    /// A task is mostly polled for nothing.
    SpuriousPolls,
    /// A future of many kilobytes.
    LargeFuture,
}

/// A mistake that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its kind.
    pub lint: Lint,
    /// The task that makes it.
    pub task: TaskId,
    /// Where the task was spawned. `None`: before anybody watched.
    pub at: Option<&'static Location<'static>>,
    /// How much of it was seen: milliseconds, polls or bytes. What it counts depends on the lint.
    pub amount: u64,
}

impl Lint {
    /// All kinds.
    pub const ALL: [Lint; 6] = [
        Lint::LostWaker,
        Lint::NeverYielded,
        Lint::Blocked,
        Lint::SelfWakes,
        Lint::SpuriousPolls,
        Lint::LargeFuture,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Lint::LostWaker => "lost-waker",
            Lint::NeverYielded => "never-yielded",
            Lint::Blocked => "blocked",
            Lint::SelfWakes => "self-wakes",
            Lint::SpuriousPolls => "spurious-polls",
            Lint::LargeFuture => "large-future",
        }
    }

    /// Why it matters.
    pub fn why(self) -> &'static str {
        match self {
            Lint::LostWaker => {
                "no wake can ever come: only an abort, or the runtime's end, frees what it owns"
            }
            Lint::NeverYielded => {
                "its first await that had to wait has not come yet; nobody else runs before it does"
            }
            Lint::Blocked => {
                "there is one thread: no other task is polled, no socket is heard, no timer fires"
            }
            Lint::SelfWakes => {
                "it is polled again and again though nothing has changed: a loop that burns the CPU"
            }
            Lint::SpuriousPolls => "a wake should mean news; polls that find none are wasted",
            Lint::LargeFuture => "it is moved when it is spawned, and each task of this kind holds as much",
        }
    }

    /// What to do about it.
    pub fn mend(self) -> &'static str {
        match self {
            Lint::LostWaker => {
                "before a poll returns Pending, store cx.waker() where whoever has news finds it"
            }
            Lint::NeverYielded => "put yield_now().await into its loop, or give the work to spawn_blocking",
            Lint::Blocked => "give the work to spawn_blocking; to wait, use handle.sleep, not thread::sleep",
            Lint::SelfWakes => "return Pending without a wake, and let whoever has news wake it",
            Lint::SpuriousPolls => "drop waits that are over, so that their wakers go; read until WouldBlock",
            Lint::LargeFuture => "put large buffers on the heap (vec![0; n]), or Box::pin the inner future",
        }
    }

    /// The chapter of the walkthrough that explains it.
    pub fn chapter(self) -> u8 {
        match self {
            Lint::LostWaker => 8,
            Lint::NeverYielded | Lint::Blocked => 12,
            Lint::SelfWakes => 5,
            Lint::SpuriousPolls => 11,
            Lint::LargeFuture => 14,
        }
    }
}

impl Finding {
    /// What was seen.
    fn seen(&self) -> String {
        let amount = self.amount;
        match self.lint {
            Lint::LostWaker => {
                "its poll returned Pending, and no copy of its waker is left anywhere".to_owned()
            }
            Lint::NeverYielded => format!("its first poll has lasted {amount} ms, and went on"),
            Lint::Blocked => format!("a poll of it has lasted {amount} ms, and went on"),
            Lint::SelfWakes => {
                format!("in {amount} of its polls, over half, it woke itself and did nothing else")
            }
            Lint::SpuriousPolls => {
                format!("{amount} of its polls, over half, were for a socket that had nothing")
            }
            Lint::LargeFuture => format!("its future has {amount} bytes"),
        }
    }
}

/// Five lines: which task, what was seen, why it matters, what to do, where to read more.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lint = self.lint;
        write!(f, "lint {}: {}", lint.name(), self.task)?;
        if let Some(at) = self.at {
            write!(f, ", spawned at {}:{}", at.file(), at.line())?;
        }
        write!(f, "\n  seen: {}\n  why:  {}", self.seen(), lint.why())?;
        write!(f, "\n  mend: {}\n  read: chapter {}", lint.mend(), lint.chapter())
    }
}
