//! Solution of exercise 2 of chapter 3: ask for what you need.

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
    Interest { readable: unsent <= ENOUGH, writable: unsent > 0 }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
