//! What a `Fair` race must do. Included by the exercise and by its solution.

use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn of_two_that_are_always_ready_each_wins_every_other_race() {
    let mut fair = Fair::default();
    let winners: Vec<_> = (0..6).map(|_| poll_once(fair.race(ready('a'), ready('b')))).collect();
    let (a, b) = (Poll::Ready(Either::First('a')), Poll::Ready(Either::Second('b')));
    assert_eq!(winners, [a, b, a, b, a, b]);
}

#[test]
fn whoever_is_ready_wins() {
    let mut fair = Fair::default();
    for _ in 0..4 {
        assert_eq!(poll_once(fair.race(ready('a'), pending::<char>())), Poll::Ready(Either::First('a')));
    }
    for _ in 0..4 {
        assert_eq!(poll_once(fair.race(pending::<char>(), ready('b'))), Poll::Ready(Either::Second('b')));
    }
}

#[test]
fn both_are_asked_in_each_poll_while_they_wait() {
    for rounds in 0..2 {
        let mut fair = Fair::default();
        for _ in 0..rounds {
            let _ = poll_once(fair.race(ready('a'), ready('b')));
        }
        let asked = [Cell::new(0), Cell::new(0)];
        let count = |which: usize| {
            let asked = &asked[which];
            poll_fn(move |_| {
                asked.set(asked.get() + 1);
                Poll::<()>::Pending
            })
        };
        let mut race = pin!(fair.race(count(0), count(1)));
        for polls in 1..=3 {
            assert!(race.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!((asked[0].get(), asked[1].get()), (polls, polls));
        }
    }
}
