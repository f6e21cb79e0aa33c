//! Floor 12, what tasks share: `Notify`, `Semaphore`, `channel`.
//!
//! You learn that one thread is enough for a race, and how a signal, a permit or a value survives a waiter that is
//! dropped at the worst moment. Step through it with `cargo test --test sync -- --nocapture`.

mod common;

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use common::wakers::{BrokenWaker, CountingWaker, poll_with};
use common::{Bench, poll_once};
use glassbox::sync::{Closed, Flag, Notify, Semaphore, channel};

/// A signal that comes before anybody waits is kept for the next who does. One is kept, not two.
#[test]
fn a_signal_before_the_wait_is_remembered_once() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    assert!(poll_once(&mut notify.notified()).is_ready());
    assert!(poll_once(&mut notify.notified()).is_pending());
}

/// One signal, one task: the one that has waited for the longest.
#[test]
fn notify_one_wakes_the_oldest() {
    let bench = Bench::new();
    let notify = Rc::new(Notify::new());
    for _ in 0..2 {
        let notify = notify.clone();
        bench.spawn(async move { notify.notified().await });
    }
    bench.run();
    bench.log.take();
    notify.notify_one();
    bench.run();
    bench.expect(["task 1 woken: queued", "task 1 polled (2)", "task 1 completed"]);
    notify.notify_one();
    bench.run();
    bench.expect(["task 2 woken: queued", "task 2 polled (2)", "task 2 completed"]);
}

/// `notify_all` reaches whoever holds a `Notified`, even one that was never polled, and is not kept for later ones.
#[test]
fn notify_all_reaches_those_who_hold_a_notified() {
    let notify = Notify::new();
    let waker = CountingWaker::new();
    let (mut polled, mut unpolled) = (notify.notified(), notify.notified());
    assert!(poll_with(&waker, &mut polled).is_pending());
    notify.notify_all();
    assert_eq!(waker.wakes(), 1);
    assert!(poll_once(&mut polled).is_ready());
    assert!(poll_once(&mut unpolled).is_ready());
    assert!(poll_once(&mut notify.notified()).is_pending(), "it came after");
}

/// A waiter that was chosen and is dropped before it looked hands the signal on. Kept by the dead, it would be lost.
#[test]
fn a_signal_for_a_dropped_waiter_goes_to_the_next() {
    let notify = Notify::new();
    let waker = CountingWaker::new();
    let (mut first, mut second) = (notify.notified(), notify.notified());
    assert!(poll_once(&mut first).is_pending());
    assert!(poll_with(&waker, &mut second).is_pending());
    notify.notify_one(); // for the first
    assert_eq!(waker.wakes(), 0);
    drop(first);
    assert_eq!(waker.wakes(), 1);
    assert!(poll_once(&mut second).is_ready());
}

/// The same with nobody else there: the signal is remembered, as if it had come before the wait.
#[test]
fn a_signal_for_the_only_waiter_is_remembered_when_it_is_dropped() {
    let notify = Notify::new();
    let mut only = notify.notified();
    assert!(poll_once(&mut only).is_pending());
    notify.notify_one();
    drop(only);
    assert!(poll_once(&mut notify.notified()).is_ready());
}

/// Two signals, one waiter that got both of its reasons at once: none of them is swallowed.
#[test]
fn a_signal_and_a_call_to_all_are_two() {
    let notify = Notify::new();
    let mut waiter = notify.notified();
    assert!(poll_once(&mut waiter).is_pending());
    notify.notify_one();
    notify.notify_all();
    assert!(poll_once(&mut waiter).is_ready());
    drop(waiter);
    assert!(
        poll_once(&mut notify.notified()).is_ready(),
        "`notify_all` was reason enough; the signal is left"
    );
}

/// A waiter that gives up leaves the line: it is not chosen, and its waker is let go of.
#[test]
fn a_waiter_that_gives_up_leaves_the_line() {
    let notify = Notify::new();
    let waker = CountingWaker::new();
    let (mut first, mut second) = (notify.notified(), notify.notified());
    assert!(poll_with(&waker, &mut first).is_pending());
    assert!(poll_once(&mut second).is_pending());
    drop(first);
    assert!(!waker.is_held());
    assert_eq!(notify.waiting(), 1);
    notify.notify_one();
    assert!(poll_once(&mut second).is_ready());
}

/// First in, first out, and a spurious poll costs nobody his place.
#[test]
fn permits_go_to_whoever_has_waited_for_the_longest() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire();
    let (mut first, mut second) = (semaphore.acquire(), semaphore.acquire());
    assert!(poll_once(&mut first).is_pending());
    assert!(poll_once(&mut second).is_pending());
    assert!(poll_once(&mut first).is_pending()); // spurious
    drop(held);
    assert!(poll_once(&mut second).is_pending(), "it is not its turn");
    assert!(poll_once(&mut first).is_ready());
}

/// Between the release and the poll of the one who was chosen, the permit is his: a newcomer cannot snatch it.
#[test]
fn a_newcomer_does_not_overtake() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire();
    let mut waiting = semaphore.acquire();
    assert!(poll_once(&mut waiting).is_pending());
    drop(held);
    assert!(semaphore.try_acquire().is_none());
    assert!(poll_once(&mut semaphore.acquire()).is_pending());
    assert!(poll_once(&mut waiting).is_ready());
}

/// Wherever an `Acquire` is dropped, the count comes out right afterwards.
#[test]
fn no_permit_is_lost_wherever_an_acquire_is_dropped() {
    for (polls, freed) in [(0, false), (0, true), (1, false), (1, true), (2, false), (2, true)] {
        let semaphore = Semaphore::new(1);
        let mut held = semaphore.try_acquire();
        let mut acquire = semaphore.acquire();
        for _ in 0..polls {
            assert!(poll_once(&mut acquire).is_pending());
        }
        if freed {
            drop(held.take()); // granted to `acquire`, if that stands in the line
        }
        drop(acquire);
        drop(held);
        assert_eq!((semaphore.free(), semaphore.waiting()), (1, 0), "{polls} polls, freed before: {freed}");
    }
}

/// A permit comes back however its holder ends: by completing, by a panic, by an abort.
#[test]
fn a_permit_comes_back_however_its_holder_ends() {
    let bench = Bench::new();
    let semaphore = Semaphore::new(3);
    let hold = |panics: bool, waits: bool| {
        let semaphore = semaphore.clone();
        async move {
            let _permit = semaphore.acquire().await;
            assert!(!panics, "this panic is part of the test");
            if waits {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut ends =
        [bench.join(hold(false, false)), bench.join(hold(true, false)), bench.join(hold(false, true))];
    bench.run();
    assert_eq!(semaphore.free(), 2, "one still waits");
    ends[2].abort();
    assert_eq!(semaphore.free(), 3);
    let ends = ends.each_mut().map(|end| end.take().expect("it has ended").is_ok());
    assert_eq!(ends, [true, false, false]);
}

/// A full channel holds its sender back. The queue cannot grow beyond its limit, however slow the receiver is.
#[test]
fn a_full_channel_holds_the_sender_back() {
    let bench = Bench::new();
    let (sender, mut receiver) = channel(2);
    bench.spawn(async move {
        for number in 1..=3 {
            sender.send(number).await.expect("the receiver is there");
        }
    });
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)", // 1 and 2 go in
        "task 1 pending",    // 3 waits
    ]);
    assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some(1)));
    bench.run();
    bench.expect(["task 1 woken: queued", "task 1 polled (2)", "task 1 completed"]);
    let rest = [(); 3].map(|()| poll_once(&mut receiver.recv()));
    assert_eq!(rest, [Poll::Ready(Some(2)), Poll::Ready(Some(3)), Poll::Ready(None)]);
}

/// Senders get their places in the order in which they asked, and a newcomer does not overtake here either.
#[test]
fn places_are_given_in_order() {
    let (sender, mut receiver) = channel(1);
    assert!(poll_once(&mut sender.send('a')).is_ready());
    let (mut b, mut c) = (sender.send('b'), sender.send('c'));
    assert!(poll_once(&mut b).is_pending());
    assert!(poll_once(&mut c).is_pending());
    assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some('a')));
    assert!(poll_once(&mut c).is_pending(), "the place is promised to b");
    assert!(poll_once(&mut sender.send('d')).is_pending());
    assert!(poll_once(&mut b).is_ready());
    assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some('b')));
    assert!(poll_once(&mut c).is_ready());
}

/// The last sender goes: the receiver gets what is queued, then `None`, and is woken for it if it sleeps.
#[test]
fn the_receiver_learns_that_no_sender_is_left() {
    let (sender, mut receiver) = channel(2);
    let other = sender.clone();
    assert!(poll_once(&mut sender.send(7)).is_ready());
    drop(sender);
    assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some(7)));

    let waker = CountingWaker::new();
    let mut end = receiver.recv();
    assert!(poll_with(&waker, &mut end).is_pending(), "one sender is left");
    drop(other);
    assert_eq!(waker.wakes(), 1);
    assert_eq!(poll_with(&waker, &mut end), Poll::Ready(None));
}

/// The receiver goes: every sender that waits is woken and gets its value back. None of them waits for ever.
#[test]
fn the_senders_learn_that_the_receiver_is_gone() {
    let (sender, receiver) = channel(1);
    assert!(poll_once(&mut sender.send('a')).is_ready());
    let waker = CountingWaker::new();
    let (mut b, mut c) = (sender.send('b'), sender.send('c'));
    assert!(poll_with(&waker, &mut b).is_pending());
    assert!(poll_with(&waker, &mut c).is_pending());
    drop(receiver);
    assert_eq!(waker.wakes(), 2);
    assert_eq!(poll_once(&mut b), Poll::Ready(Err(Closed('b'))));
    assert_eq!(poll_once(&mut c), Poll::Ready(Err(Closed('c'))));
    assert_eq!(poll_once(&mut sender.send('d')), Poll::Ready(Err(Closed('d'))));
}

/// Values that nobody received are dropped with the receiver, not kept until the last sender goes.
#[test]
fn unread_values_go_with_the_receiver() {
    let (sender, receiver) = channel(1);
    let value = Rc::new(());
    assert!(poll_once(&mut sender.send(value.clone())).is_ready());
    drop(receiver);
    assert_eq!(Rc::strong_count(&value), 1);
}

/// A dropped `Send` has sent nothing, and its place goes to the next: wherever it stood.
#[test]
fn no_place_is_lost_wherever_a_send_is_dropped() {
    for (polls, freed) in [(0, false), (0, true), (1, false), (1, true), (2, false), (2, true)] {
        let (sender, mut receiver) = channel(1);
        assert!(poll_once(&mut sender.send("first")).is_ready());
        let mut send = sender.send("dropped");
        for _ in 0..polls {
            assert!(poll_once(&mut send).is_pending());
        }
        if freed {
            assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some("first")));
        }
        drop(send);
        if !freed {
            assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some("first")));
        }
        assert!(poll_once(&mut sender.send("next")).is_ready(), "{polls} polls, freed before: {freed}");
        assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some("next")));
    }
}

/// A `Recv` that was woken and is dropped before it looked has taken nothing: the value is still there.
#[test]
fn a_dropped_recv_takes_nothing() {
    let (sender, mut receiver) = channel(1);
    let waker = CountingWaker::new();
    let mut recv = receiver.recv();
    assert!(poll_with(&waker, &mut recv).is_pending());
    assert!(poll_once(&mut sender.send(1)).is_ready());
    assert_eq!(waker.wakes(), 1);
    drop(recv);
    assert_eq!(poll_once(&mut receiver.recv()), Poll::Ready(Some(1)));
}

/// A channel in two tasks: the receiver's sleep ends with a value, and each side runs when the other has done its part.
#[test]
fn two_tasks_over_a_channel() {
    let bench = Bench::new();
    let (sender, mut receiver) = channel(1);
    bench.spawn(async move { while receiver.recv().await.is_some() {} });
    bench.spawn(async move { assert_eq!(sender.send(1).await, Ok(())) });
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 pending", // nothing there
        "task 2 polled (1)",
        "task 1 woken: queued", // by the value. The sender's end finds no waker left, and needs none
        "task 2 completed",
        "task 1 polled (2)", // takes the value, then sees the end
        "task 1 completed",
    ]);
}

/// A flag goes up once and stays up: who waits is woken, all of them, and who comes later need not wait.
#[test]
fn a_flag_stays_up() {
    let flag = Flag::new();
    let waker = CountingWaker::new();
    let (mut first, mut second) = (flag.raised(), flag.raised());
    assert!(poll_with(&waker, &mut first).is_pending());
    assert!(poll_with(&waker, &mut second).is_pending());
    flag.raise();
    flag.raise(); // once more: nobody is left to wake
    assert_eq!(waker.wakes(), 2);
    assert!(poll_once(&mut first).is_ready());
    assert!(poll_once(&mut second).is_ready());
    assert!(poll_once(&mut flag.raised()).is_ready());
}

/// A flag may be raised on another thread. The sleep of the runtime that waits for it ends.
#[test]
fn a_flag_is_seen_by_another_thread() {
    let runtime = glassbox::Runtime::new().expect("cannot build a runtime");
    let (flag, remote) = (Flag::new(), Flag::new());
    let (here, there) = (flag.clone(), remote.clone());
    let stranger = std::thread::spawn(move || {
        let runtime = glassbox::Runtime::new().expect("cannot build a runtime");
        runtime.block_on(here.raised());
        there.raise();
    });
    runtime.block_on(async move {
        flag.raise();
        remote.raised().await;
    });
    stranger.join().expect("cannot panic");
}

/// A `Recv` that never waited has no waker to take away: the one that is there belongs to somebody else.
#[test]
fn a_recv_that_never_waited_takes_no_waker() {
    let (sender, mut receiver) = channel(1);
    let waker = CountingWaker::new();
    let std_waker = Waker::from(waker.clone());
    assert!(receiver.poll_recv(&mut Context::from_waker(&std_waker)).is_pending());
    drop(receiver.recv());
    assert!(poll_once(&mut sender.send(1)).is_ready());
    assert_eq!(waker.wakes(), 1);
}

/// A waker may be a guest's, and may panic when it is called. Whoever calls it goes on, and the others are woken.
#[test]
fn a_waker_that_panics_is_the_only_one_to_suffer() {
    let (broken, good) = (Arc::new(BrokenWaker), CountingWaker::new());

    let notify = Notify::new();
    let (mut first, mut second) = (notify.notified(), notify.notified());
    assert!(poll_with(&broken, &mut first).is_pending());
    assert!(poll_with(&good, &mut second).is_pending());
    notify.notify_all();
    assert_eq!(good.wakes(), 1);

    let flag = Flag::new();
    let (mut first, mut second) = (flag.raised(), flag.raised());
    assert!(poll_with(&broken, &mut first).is_pending());
    assert!(poll_with(&good, &mut second).is_pending());
    flag.raise();
    assert_eq!(good.wakes(), 2);

    let permits = Semaphore::new(1);
    let taken = poll_once(&mut permits.acquire());
    let (mut first, mut second) = (permits.acquire(), permits.acquire());
    assert!(poll_with(&broken, &mut first).is_pending());
    assert!(poll_with(&good, &mut second).is_pending());
    drop(taken); // It is the turn of the first, who is not told.
    assert_eq!(good.wakes(), 2);
    drop(first);
    assert_eq!(good.wakes(), 3);

    let (sender, mut receiver) = channel(1);
    let mut value = receiver.recv();
    assert!(poll_with(&broken, &mut value).is_pending());
    assert!(poll_once(&mut sender.send(7)).is_ready());
    assert_eq!(poll_once(&mut value), Poll::Ready(Some(7)));
    drop(value);
    let mut end = receiver.recv();
    assert!(poll_with(&broken, &mut end).is_pending());
    drop(sender);
    assert_eq!(poll_once(&mut end), Poll::Ready(None));
}
