//! What exercise 5.2 asks for.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use super::*;

/// Ready at its `last` poll; a poll after that is a mistake.
struct Child {
    name: usize,
    last: usize,
    polls: usize,
    all_polls: Rc<Cell<usize>>,
}

impl Future for Child {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<usize> {
        self.polls += 1;
        self.all_polls.set(self.all_polls.get() + 1);
        assert!(self.polls <= self.last, "child {} was polled after Ready", self.name);
        if self.polls == self.last { Poll::Ready(self.name) } else { Poll::Pending }
    }
}

/// Children that become ready at these polls: the result, the polls of the whole, and the polls of all children.
fn join(lasts: &[usize]) -> (Vec<usize>, usize, usize) {
    let all_polls = Rc::new(Cell::new(0));
    let child =
        |(name, last): (usize, &usize)| Child { name, last: *last, polls: 0, all_polls: all_polls.clone() };
    let mut all = join_all(lasts.iter().enumerate().map(child).collect());
    for polls in 1..=2_000 {
        if let Poll::Ready(names) = Pin::new(&mut all).poll(&mut Context::from_waker(Waker::noop())) {
            return (names, polls, all_polls.get());
        }
    }
    panic!("it was never ready");
}

#[test]
fn all_at_once() {
    assert_eq!(join(&[1, 1, 1]), (vec![0, 1, 2], 1, 3));
}

#[test]
fn one_after_the_other_and_the_values_in_order() {
    assert_eq!(join(&[3, 1, 2]), (vec![0, 1, 2], 3, 3 + 1 + 2));
}

#[test]
fn nobody() {
    assert_eq!(join(&[]), (vec![], 1, 0));
}

/// The answer to the question: about half a million polls, for a thousand pieces of news. It is this chapter's
/// mistake in small: one waker for all children says "one of you", and so all are asked.
#[test]
fn a_thousand_children() {
    let lasts: Vec<usize> = (1..=1_000).collect();
    assert_eq!(join(&lasts).2, 500_500);
}
