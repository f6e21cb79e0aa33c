//! Exercise 2 of chapter 15: finish, but not for ever.
//!
//! `stop` runs when a server is asked to stop. `finished` is ready when the last request is done.
//!
//! - If that is within `grace`, the answer is `Finished`, as soon as it is so.
//! - If not, the answer is `Cut`, after `grace`, and `finished` has been dropped: drop is how one cancels.
//! - Either way no timer is left.
//! - If both happen in the same poll, the requests are done: `Finished`.
//!
//! `glassbox::future::race` is allowed; `Handle::timeout` would be too easy.

use std::future::Future;
use std::time::Duration;

use glassbox::Handle;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Finished,
    Cut,
}

/// Waits for `finished`, at most `grace`.
pub async fn stop(handle: &Handle, grace: Duration, finished: impl Future<Output = ()>) -> End {
    // The mistake to repair: it is polite, one after the other, and whoever does not finish holds the server.
    finished.await;
    handle.sleep(grace).await;
    End::Cut
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
