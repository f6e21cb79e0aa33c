//! Exercise 2 of chapter 12: a race that favours nobody.
//!
//! `glassbox::future::race` asks the first one first. In a loop over two sources that are always ready, the second one never
//! wins: bias is not fairness. A `Fair` remembers who was asked first, and asks the other one first in the next race.
//!
//! - Of two that are always ready, each wins every other race.
//! - If the one that is asked first has nothing, the other one wins as ever.
//! - If neither has anything, both are asked in each poll, and both keep the newest waker.

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
        // The mistake to repair: it asks `a` first, whatever it remembers.
        self.second_first = !self.second_first;
        race(a, b).await
    }
}

#[cfg(test)]
#[path = "exercise2_test.rs"]
mod test;
