//! Solution of exercise 1 of chapter 10: what to tell epoll.
//!
//! Rounded up, and cut off at the largest number. A sleep that ends after 24 days because the number was too large is no
//! harm: the runtime looks at its table, finds that nothing is due, and sleeps again.

use std::time::Duration;

/// The timeout for `epoll_wait`. `None`: no timer is armed.
pub fn epoll_timeout(until: Option<Duration>) -> i32 {
    let Some(until) = until else { return -1 };
    let millis = until.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis).unwrap_or(i32::MAX)
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
