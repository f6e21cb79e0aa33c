//! Solution of exercise 2 of chapter 12: a race that favours nobody.
//!
//! The other order is the same race with its arguments exchanged, and the answer turned round. tokio's `select!` starts at a
//! random branch in each poll for the same reason.

use std::future::Future;

use glassbox::future::{Either, race};

/// Races that take turns in whom they ask first.
#[derive(Default)]
pub struct Fair {
    /// The second argument is asked first this time.
    pub second_first: bool,
}

impl Fair {
    /// Waits for the first of two; the other one is dropped.
    pub async fn race<A: Future, B: Future>(&mut self, a: A, b: B) -> Either<A::Output, B::Output> {
        let second_first = self.second_first;
        self.second_first = !second_first;
        if !second_first {
            return race(a, b).await;
        }
        match race(b, a).await {
            Either::First(value) => Either::Second(value),
            Either::Second(value) => Either::First(value),
        }
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
