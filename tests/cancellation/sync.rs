//! What tasks share: a turn that was granted to somebody who is gone goes to the next.

use glassbox::sync::{Flag, Notify, Semaphore, channel};

use super::knife::{cut, now};
use crate::common::wakers::{CountingWaker, poll_with};

/// Two wait. The first is dropped; the one notification goes to exactly one of them.
pub fn notified_by_one(polls: usize) -> bool {
    let notify = Notify::new();
    let first = notify.notified();
    let (waker, mut second) = (CountingWaker::new(), Box::pin(notify.notified()));
    let mut sent = false;
    let output = cut(polls, first, |nth| {
        if nth == 1 {
            assert!(poll_with(&waker, &mut second).is_pending());
        }
        if nth == 3 {
            notify.notify_one();
            sent = true;
        }
    });
    if !sent {
        notify.notify_one();
    }
    assert_eq!(poll_with(&waker, &mut second).is_ready(), output.is_none(), "one notification, one receiver");
    drop(second);
    assert_eq!(notify.waiting(), 0);
    assert!(!waker.is_held());
    output.is_some()
}

/// Two wait. Whatever becomes of the first, the second is notified.
pub fn notified_by_all(polls: usize) -> bool {
    let notify = Notify::new();
    let mut second = Box::pin(notify.notified());
    let output = cut(polls, notify.notified(), |nth| {
        if nth == 2 {
            notify.notify_all();
        }
    });
    if polls < 2 {
        notify.notify_all();
    }
    assert!(poll_with(&CountingWaker::new(), &mut second).is_ready());
    drop(second);
    assert!(now(notify.notified()).is_none(), "notify_all is not remembered");
    assert_eq!(notify.waiting(), 0);
    output.is_some()
}

/// The permit comes back: to whoever waits next, and at the end to the semaphore.
pub fn acquire(polls: usize) -> bool {
    let semaphore = Semaphore::new(1);
    let mut held = semaphore.try_acquire();
    let (waker, mut second) = (CountingWaker::new(), Box::pin(semaphore.acquire()));
    let first = cut(polls, semaphore.acquire(), |nth| {
        if nth == 1 {
            assert!(poll_with(&waker, &mut second).is_pending());
        }
        if nth == 3 {
            drop(held.take());
        }
    });
    drop(held);
    let complete = first.is_some();
    assert_eq!(poll_with(&waker, &mut second).is_ready(), !complete, "one permit, one holder");
    drop((first, second));
    assert_eq!((semaphore.free(), semaphore.waiting()), (1, 0), "a permit is lost");
    assert!(!waker.is_held());
    complete
}

/// A place in a full channel: a value that was not sent is not in it, and the place is there for the next sender.
pub fn send(polls: usize) -> bool {
    let (sender, mut receiver) = channel(1);
    assert!(now(sender.send('a')).is_some());
    let (waker, mut next) = (CountingWaker::new(), Box::pin(sender.send('c')));
    let mut got = Vec::new();
    let output = cut(polls, sender.send('b'), |nth| {
        if nth == 1 {
            assert!(poll_with(&waker, &mut next).is_pending());
        }
        if nth == 3 {
            got.extend(now(receiver.recv()).flatten());
        }
    });
    for value in ['d', 'e', 'f'] {
        got.extend(now(receiver.recv()).flatten());
        if poll_with(&waker, &mut next).is_ready() {
            next = Box::pin(sender.send(value));
        }
    }
    drop(next);
    let expected = if output.is_some() { &['a', 'b', 'c', 'd'][..] } else { &['a', 'c', 'd'] };
    assert_eq!(got, expected, "what was sent, in order, and nothing else");
    while now(receiver.recv()).flatten().is_some() {}
    assert_eq!(now(sender.send('e')), Some(Ok(())), "a place is lost");
    assert!(!waker.is_held());
    output.is_some()
}

/// The receiver goes away while somebody waits for a place.
pub fn send_to_nobody(polls: usize) -> bool {
    let (sender, receiver) = channel(1);
    let token = std::rc::Rc::new(());
    assert!(now(sender.send(token.clone())).is_some());
    let mut receiver = Some(receiver);
    let output = cut(polls, sender.send(token.clone()), |nth| {
        if nth == 2 {
            drop(receiver.take());
        }
    });
    let complete = output.is_some();
    drop((output, receiver, sender));
    assert_eq!(std::rc::Rc::strong_count(&token), 1, "a value is kept somewhere");
    complete
}

/// A value that nobody took is there for the next one.
pub fn recv(polls: usize) -> bool {
    let (sender, mut receiver) = channel(3);
    let output = cut(polls, receiver.recv(), |nth| {
        if nth == 2 {
            assert!(now(sender.send(1)).is_some());
            assert!(now(sender.send(2)).is_some());
        }
    });
    let mut got: Vec<i32> = output.flatten().into_iter().collect();
    let complete = !got.is_empty();
    got.extend(now(receiver.recv()).flatten());
    got.extend(now(receiver.recv()).flatten());
    assert_eq!(got, if polls < 2 { vec![] } else { vec![1, 2] });
    complete
}

/// A flag stays up, for everybody.
pub fn raised(polls: usize) -> bool {
    let flag = Flag::new();
    let (waker, mut second) = (CountingWaker::new(), flag.raised());
    assert!(poll_with(&waker, &mut second).is_pending());
    let output = cut(polls, flag.raised(), |nth| {
        if nth == 2 {
            flag.raise();
        }
    });
    flag.raise();
    assert_eq!(waker.wakes(), 1);
    assert!(poll_with(&waker, &mut second).is_ready());
    assert!(!waker.is_held());
    output.is_some()
}
