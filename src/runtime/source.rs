//! A source of I/O events, as the reactor knows it: for each direction a hint, and a place for one waker.
//!
//! The problem: events and tries come at different times, from different sides. The reactor hears "readable", the task
//! tries to read; what the one has heard the other must find. So both hold the same `ScheduledIo`, and nothing else of
//! each other.
//!
//! ```text
//!   Reactor (table) ---> Rc<ScheduledIo> <--- Registration (the task's side)
//!                          read:  ready? closed? waiter
//!                          write: ready? closed? waiter
//! ```

use std::cell::Cell;

use super::trace::{Direction, SourceId};
use super::waker_cell::WakerCell;

/// What is known of one source. Shared by its registration and the reactor's table.
pub(super) struct ScheduledIo {
    pub(super) id: SourceId,
    pub(super) read: Side,
    pub(super) write: Side,
}

/// One direction of a source.
pub(super) struct Side {
    /// A try may succeed. Set by events, cleared by `WouldBlock` and by short reads.
    pub(super) ready: Cell<bool>,
    /// The other end will send no more (read), or takes no more (write): every try returns at once, for ever.
    pub(super) closed: Cell<bool>,
    /// Who waits: one task per direction, the latest that asked.
    pub(super) waiter: WakerCell,
    /// The number of the latest wait. By it a future that is dropped can tell whether the waker here is still its own. It
    /// wraps: wrong only for a future that is left alone while others make exactly 2^32 waits, more than an hour at a
    /// million a second.
    pub(super) waits: Cell<u32>,
}

impl Side {
    pub(super) fn new() -> Side {
        Side {
            ready: Cell::new(true),
            closed: Cell::new(false),
            waiter: WakerCell::default(),
            waits: Cell::new(0),
        }
    }
}

impl ScheduledIo {
    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    pub(super) fn snapshot(&self) -> SourceSnapshot {
        let (read_waiting, write_waiting) = (self.read.waiter.is_set(), self.write.waiter.is_set());
        SourceSnapshot { id: self.id, read_waiting, write_waiting }
    }
}

/// A source as a debugger would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceSnapshot {
    /// Its id.
    pub id: SourceId,
    /// A task waits for it to become readable.
    pub read_waiting: bool,
    /// A task waits for it to become writable.
    pub write_waiting: bool,
}
