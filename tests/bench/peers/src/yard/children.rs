//! The servers that run now, so that an interrupted measurement leaves none behind.
//!
//! A generator needs no such care: it ends by itself, after its time, or when its standard input ends.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Ids of our own children that have not been waited for, so none of them can belong to somebody else.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Notes a child.
pub fn born(id: u32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(id);
}

/// Forgets a child that has ended.
pub fn gone(id: u32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|running| *running != id);
}

/// From now on the first signal ends the servers, then this process.
///
/// # Errors
///
/// The system refuses to tell of signals.
pub fn end_with_us() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            for id in running.iter().filter_map(|id| i32::try_from(*id).ok()) {
                let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            }
            std::process::exit(130);
        }
    });
    Ok(())
}
