//! Each event in one sentence: why it happens, and which chapter of the walkthrough explains it.

use std::time::Duration;

use crate::runtime::trace::{Direction, Event, Outcome, Wake};

/// An explanation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Why {
    /// One sentence.
    pub sentence: &'static str,
    /// The chapter.
    pub chapter: u8,
}

/// Why this event happens.
pub fn why(event: &Event) -> Why {
    let (sentence, chapter) =
        of_a_task(event).or_else(|| of_the_os(event)).or_else(|| of_time(event)).unwrap_or(MARK);
    Why { sentence, chapter }
}

/// What is left: a stage of the program's own.
const MARK: (&str, u8) = ("The server has reached a stage of this request.", 13);

/// The life of a task.
fn of_a_task(event: &Event) -> Option<(&'static str, u8)> {
    Some(match event {
        Event::Spawned { .. } => {
            ("A future became a task: it has a slot, a name, and a waker that carries the name.", 7)
        }
        Event::Woken { foreign: true, .. } => (
            "Another thread called the waker; the id goes through the locked ready queue and ends our sleep.",
            9,
        ),
        Event::Woken { wake: Wake::Queued, .. } => {
            ("Somebody has news for this task, so its id goes to the end of the run queue.", 7)
        }
        Event::Woken { wake: Wake::Coalesced, .. } => {
            ("Its id is on the queue already: many wakes make one poll.", 7)
        }
        Event::Stale { .. } => ("A waker outlived its task; the serial tells, and no stranger is polled.", 7),
        Event::Polled { .. } => {
            ("It is first in the queue, so the executor asks its future whether it can go on.", 4)
        }
        Event::Pending { lost: true, .. } => {
            ("It waits, but nobody holds its waker: it can never run again.", 8)
        }
        Event::Pending { .. } => {
            ("It cannot go on; somebody holds its waker now, and the thread is free for others.", 4)
        }
        Event::Finished { outcome: Outcome::Completed, .. } => {
            ("Its future returned Ready: its slot is free.", 4)
        }
        Event::Finished { outcome: Outcome::Aborted, .. } => {
            ("It was cancelled: its future is dropped where it stood.", 11)
        }
        Event::Finished { outcome: Outcome::Panicked, .. } => {
            ("It panicked; the panic ends this task alone.", 12)
        }
        _ => return None,
    })
}

/// Sockets, system calls, epoll.
fn of_the_os(event: &Event) -> Option<(&'static str, u8)> {
    Some(match event {
        Event::SourceOpened { .. } => {
            ("A socket came under the reactor's care; epoll need not know it yet.", 8)
        }
        Event::SourceRegistered { .. } => {
            ("Somebody must wait for this socket, so epoll is told of it, once.", 8)
        }
        Event::SourceClosed { .. } => ("The socket is gone; closing it takes it out of epoll as well.", 11),
        Event::Ready { direction: Direction::Read, .. } => {
            ("epoll says that a read is worth a try: a hint, no promise.", 8)
        }
        Event::Ready { direction: Direction::Write, .. } => {
            ("epoll says that a write is worth a try: the kernel has room.", 8)
        }
        Event::Io { count: 0, .. } => ("Zero bytes: the other end will send no more.", 13),
        Event::Io { direction: Direction::Read, .. } => {
            ("The system call had bytes (or a connection) for us at once.", 1)
        }
        Event::Io { direction: Direction::Write, .. } => {
            ("The kernel took the bytes into its send buffer.", 1)
        }
        Event::WouldBlock { .. } => {
            ("The system call had nothing for us now: not an error, a reason to wait.", 2)
        }
        Event::Parked { timeout: Some(Duration::ZERO) } => {
            ("Tasks are ready, so the runtime looks at the sockets without sleeping.", 12)
        }
        Event::Parked { .. } => {
            ("Nobody is ready: the thread sleeps until a socket, a timer or another thread.", 9)
        }
        Event::Unparked { .. } => {
            ("epoll has returned; now the wakers of whoever waited for this are called.", 3)
        }
        _ => return None,
    })
}

/// Deadlines.
fn of_time(event: &Event) -> Option<(&'static str, u8)> {
    Some(match event {
        Event::TimerArmed { .. } => {
            ("A deadline went into the table of timers, with the waker of whoever waits.", 10)
        }
        Event::TimerFired { .. } => ("The deadline has come: its waker is called.", 10),
        Event::TimerCancelled { .. } => {
            ("Nobody waits for this deadline any more, so it leaves the table.", 11)
        }
        _ => return None,
    })
}
