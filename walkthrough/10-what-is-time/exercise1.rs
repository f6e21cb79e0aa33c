//! Exercise 1 of chapter 10: what to tell epoll.
//!
//! `epoll_wait` takes its timeout as an `i32` of milliseconds: 0 looks and comes back at once, -1 waits for ever. The
//! runtime knows a `Duration`, or that there is no timer at all. Return what to pass, so that
//!
//! - the sleep is never too short: a timer may be late, it may not be early, and a sleep that ends before the timer is due
//!   is a sleep for nothing;
//! - "now" stays a peek;
//! - a very long time stays a very long time. It must not become negative: -1 would be "for ever", and other negative
//!   numbers are an error or worse.

use std::time::Duration;

/// The timeout for `epoll_wait`. `None`: no timer is armed.
pub fn epoll_timeout(until: Option<Duration>) -> i32 {
    // The mistake to repair: `as_millis` throws the rest away, and `as` does not care what fits.
    #[allow(clippy::cast_possible_truncation, reason = "this is the exercise")]
    until.map_or(-1, |until| until.as_millis() as i32)
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
