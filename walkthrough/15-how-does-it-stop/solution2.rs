//! Solution of exercise 2 of chapter 15: finish, but not for ever.

use std::future::Future;
use std::time::Duration;

use glassbox::Handle;
use glassbox::future::{Either, race};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Finished,
    Cut,
}

/// Waits for `finished`, at most `grace`.
pub async fn stop(handle: &Handle, grace: Duration, finished: impl Future<Output = ()>) -> End {
    // `race` asks its first argument first: if both are ready, the requests are done.
    match race(finished, handle.sleep(grace)).await {
        Either::First(()) => End::Finished,
        Either::Second(()) => End::Cut,
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
