//! What exercise 4.2 asks for.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use super::*;

/// Ready at the third poll, and counts what is done to it.
struct Third {
    polls: Rc<Cell<u32>>,
    drops: Rc<Cell<u32>>,
}

impl Future for Third {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<&'static str> {
        self.polls.set(self.polls.get() + 1);
        assert!(self.polls.get() <= 3, "polled after Ready");
        if self.polls.get() == 3 { Poll::Ready("done") } else { Poll::Pending }
    }
}

impl Drop for Third {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
    }
}

type Count = Rc<Cell<u32>>;

fn third() -> (Fuse<Third>, Count, Count) {
    let (polls, drops) = (Count::default(), Count::default());
    (Fuse::new(Third { polls: polls.clone(), drops: drops.clone() }), polls, drops)
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn before_its_end_it_changes_nothing() {
    let (mut fuse, polls, _) = third();
    assert_eq!([(); 3].map(|()| poll(&mut fuse)), [Poll::Pending, Poll::Pending, Poll::Ready("done")]);
    assert_eq!(polls.get(), 3);
}

#[test]
fn after_its_end_it_is_pending_and_the_inner_future_is_left_alone() {
    let (mut fuse, polls, _) = third();
    for _ in 0..3 {
        let _ = poll(&mut fuse);
    }
    assert_eq!([poll(&mut fuse), poll(&mut fuse)], [Poll::Pending, Poll::Pending]);
    assert_eq!(polls.get(), 3);
}

#[test]
fn the_inner_future_is_dropped_once_and_at_once() {
    let (mut fuse, _, drops) = third();
    for _ in 0..3 {
        assert_eq!(drops.get(), 0);
        let _ = poll(&mut fuse);
    }
    assert_eq!(drops.get(), 1, "it holds memory, sockets, locks: it must not live as long as the fuse");
    drop(fuse);
    assert_eq!(drops.get(), 1);
}
