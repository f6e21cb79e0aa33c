//! A logger that keeps each thread's lines apart, so that tests side by side do not read each other's.

use std::cell::RefCell;

use log::{Level, LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = (record.level(), format!("{}: {}", record.target(), record.args()));
        LINES.with(|lines| lines.borrow_mut().push(line));
    }

    fn flush(&self) {}
}

/// Keeps what is logged from here on, up to this level. The level is the whole process's: one for all tests of a file.
pub fn keep(level: LevelFilter) {
    let _ = log::set_logger(&Lines); // Another test of this file may have done it already.
    log::set_max_level(level);
    take();
}

/// What this thread has logged since the last call: the level, the target, the text.
pub fn take() -> Vec<(Level, String)> {
    LINES.with(|lines| std::mem::take(&mut *lines.borrow_mut()))
}
