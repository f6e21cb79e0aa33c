//! Exercise 2 of chapter 3: ask for what you need.
//!
//! A *level-triggered* selector answers at once, again and again, as long as something is possible that you asked for.
//! Nearly every socket can be written to nearly all the time. So: which directions does a connection ask for?
//!
//! - A connection always wants to hear of new bytes, unless more than `ENOUGH` bytes of answers wait to be sent: a
//!   client that does not read its answers gets no new ones.
//! - It wants to hear of room to write only while it has something to write.

/// So many bytes of answers may wait.
pub const ENOUGH: usize = 1000;

/// Which directions the selector shall report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    pub readable: bool,
    pub writable: bool,
}

/// What a connection asks for that has `unsent` bytes of answers.
pub fn interest(unsent: usize) -> Interest {
    // The mistake to repair: it asks for everything, always.
    let _ = unsent;
    Interest { readable: true, writable: true }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
