//! What `who_woke` must say. Included by the exercise and by its solution.

use std::time::Duration;

use glassbox::runtime::trace::{Direction, Outcome};
use glassbox::sync::Notify;
use glassbox::{Handle, Recorder, Runtime};

use super::*;

/// Two tasks, a timer, and real events.
fn story() -> (Vec<Event>, [TaskId; 2], TimerId) {
    let log = Recorder::new();
    let runtime = Runtime::builder().frozen_clock().observer(log.clone()).build().expect("a runtime");
    let signal = std::rc::Rc::new(Notify::new());
    let (theirs, clock) = (signal.clone(), runtime.handle());
    let waits = runtime.handle().spawn(async move { signal.notified().await });
    let sleeps = runtime.handle().spawn(sleeper(clock, theirs));
    runtime.run_until_stalled();
    runtime.advance(Duration::from_secs(1));
    runtime.run_until_stalled();
    let tasks = [waits.id(), sleeps.id()];
    let events = log.take();
    let timer = events.iter().find_map(|event| match event {
        Event::TimerFired { timer } => Some(*timer),
        _ => None,
    });
    (events, tasks, timer.expect("a timer fired"))
}

async fn sleeper(clock: Handle, signal: std::rc::Rc<Notify>) {
    clock.sleep(Duration::from_secs(1)).await;
    signal.notify_one();
}

/// A socket's id, out of a real list.
fn source() -> SourceId {
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build().expect("a runtime");
    let any = "127.0.0.1:0".parse().expect("an address");
    let _listener = glassbox::net::TcpListener::bind(&runtime.handle(), any).expect("a listener");
    let opened = log.take().into_iter().find_map(|event| match event {
        Event::SourceOpened { source } => Some(source),
        _ => None,
    });
    opened.expect("a source")
}

fn woken(task: TaskId) -> Event {
    Event::Woken { task, wake: Wake::Queued, foreign: false }
}

#[test]
fn a_task_and_a_timer() {
    let (events, [waits, sleeps], timer) = story();
    assert_eq!(who_woke(&events, waits), [By::Nobody, By::Task(sleeps)]);
    assert_eq!(who_woke(&events, sleeps), [By::Nobody, By::Timer(timer)]);
}

#[test]
fn behind_the_end_of_a_poll_the_task_has_done_nothing() {
    let (_, [a, b], _) = story();
    let polled = Event::Polled { task: a, nth: 1 };
    for end in
        [Event::Pending { task: a, lost: false }, Event::Finished { task: a, outcome: Outcome::Completed }]
    {
        assert_eq!(who_woke(&[polled, end, woken(b)], b), [By::Nobody]);
    }
}

/// A task that is aborted inside of another's poll ends, and the poll goes on.
#[test]
fn the_end_of_another_task_ends_no_poll() {
    let (_, [a, b], _) = story();
    let aborted = Event::Finished { task: b, outcome: Outcome::Aborted };
    let events = [Event::Polled { task: a, nth: 1 }, aborted, woken(b)];
    assert_eq!(who_woke(&events, b), [By::Task(a)]);
}

#[test]
fn a_socket() {
    let (_, [a, b], _) = story();
    let source = source();
    let ready = Event::Ready { source, direction: Direction::Read };
    assert_eq!(
        who_woke(&[Event::Unparked { events: 1 }, ready, woken(a), woken(b)], b),
        [By::Source(source)]
    );
    let parked = Event::Parked { timeout: None };
    assert_eq!(who_woke(&[ready, parked, woken(b)], b), [By::Nobody]);
}

#[test]
fn another_thread() {
    let (_, [a, b], _) = story();
    let foreign = Event::Woken { task: b, wake: Wake::Queued, foreign: true };
    assert_eq!(who_woke(&[Event::Polled { task: a, nth: 1 }, foreign], b), [By::AnotherThread]);
}

#[test]
fn a_wake_that_found_it_queued_does_not_count() {
    let (_, [a, b], _) = story();
    let again = Event::Woken { task: b, wake: Wake::Coalesced, foreign: false };
    assert_eq!(who_woke(&[Event::Polled { task: a, nth: 1 }, woken(b), again], b), [By::Task(a)]);
}
