//! Floor 1, the observer: a program as a list of events.
//!
//! You learn to read a timeline, what an event holds, and how "who woke this task?" is answered without asking.
//!
//! Step through it with `cargo test --test trace -- --nocapture`: each test prints its timeline.

mod common;

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use common::{Bench, Gate, expect};
use glassbox::Recorder;
use glassbox::runtime::executor::Executor;
use glassbox::runtime::join;
use glassbox::runtime::ready::ReadyQueue;
use glassbox::runtime::trace::{Event, Observer, Tracer};

/// Events come out in the order in which they went in, and each reads as a sentence.
#[test]
fn a_recorder_keeps_events_in_order() {
    let log = Recorder::new();
    let tracer = Tracer::new(log.clone());
    tracer.emit(|| Event::Mark { what: "request", number: 1, stage: "parsed" });
    tracer.emit(|| Event::Parked { timeout: None });
    tracer.emit(|| Event::Unparked { events: 2 });
    tracer.emit(|| Event::Mark { what: "request", number: 1, stage: "sent" });
    expect(&log, ["request 1 parsed", "sleep in epoll", "up again, 2 events", "request 1 sent"]);
    assert_eq!(log.take(), [], "the story was taken: it is told once");
}

/// A trip to the operating system with a timeout of zero is not a sleep. The timeline uses another word for it.
#[test]
fn a_peek_is_not_a_sleep() {
    let log = Recorder::new();
    let tracer = Tracer::new(log.clone());
    for timeout in [Some(Duration::ZERO), Some(Duration::from_secs(3)), None] {
        tracer.emit(|| Event::Parked { timeout });
    }
    expect(&log, ["peek at epoll", "sleep in epoll, at most 3s", "sleep in epoll"]);
}

/// A full recorder forgets the oldest event and counts what it forgot. A timeline with a hole says so.
#[test]
fn a_full_recorder_drops_the_oldest() {
    let log = Recorder::with_capacity(2);
    for number in 1..=5 {
        log.observe(Event::Mark { what: "step", number, stage: "taken" });
    }
    assert_eq!(log.dropped(), 3);
    expect(&log, ["step 4 taken", "step 5 taken"]);
}

/// With nobody watching, the same program runs, and the tracer knows that it need not prepare anything.
#[test]
fn a_tracer_without_an_observer_changes_nothing() {
    let tracer = Tracer::default();
    assert!(!tracer.is_on());
    assert!(Tracer::new(Recorder::new()).is_on());

    let executor = Rc::new(Executor::new(Arc::new(ReadyQueue::new()), tracer));
    let mut answer = join::spawn(&executor, async { 42 });
    executor.step();
    assert!(matches!(answer.take(), Some(Ok(42))));
}

/// An event says what happened, not who did it. The place in the list says that: what stands between `polled` and
/// `pending` of a task was done by that task.
#[test]
fn the_place_in_the_list_says_who_did_it() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.spawn(async move { gate.open() });
    bench.run();
    bench.expect([
        "task 1 spawned", // outside of every poll: the test itself did it
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 2 polled (1)",
        "task 1 woken: queued", // inside task 2's poll: task 2 opened the gate
        "task 2 completed",
        "task 1 polled (2)",
        "task 1 completed",
    ]);
}

/// A task has no stack that shows where it came from. So the spawn's own line is its name.
#[test]
fn a_spawn_tells_its_line() {
    let bench = Bench::new();
    let line = line!() + 1;
    bench.spawn(async {});
    let Event::Spawned { at, .. } = bench.log.take()[0] else { panic!("the first event is the spawn") };
    assert_eq!((at.file(), at.line()), (file!(), line));
}

/// Slots are reused, serials are not. Two strangers never look like one in a timeline.
#[test]
fn ids_in_events_never_repeat() {
    let bench = Bench::new();
    for serial in 1..=3 {
        let task = bench.spawn(async {});
        bench.run(); // it ends, so its slot is free for the next one
        assert_eq!(task.serial(), serial);
    }
    let mut seen = bench.log.take();
    seen.retain(|event| matches!(event, Event::Finished { .. }));
    let stories: Vec<_> = seen.iter().map(ToString::to_string).collect();
    assert_eq!(stories, ["task 1 completed", "task 2 completed", "task 3 completed"]);
}

/// A wake can happen on any thread, and the observer is called right there. That is why it must be `Send + Sync`,
/// even though the runtime never leaves its thread.
#[test]
fn the_observer_is_called_where_the_wake_happens() {
    #[derive(Default)]
    struct WokenOn(Mutex<Vec<ThreadId>>);
    impl Observer for WokenOn {
        fn observe(&self, event: Event) {
            if matches!(event, Event::Woken { .. }) {
                self.0.lock().unwrap().push(thread::current().id());
            }
        }
    }

    let observer = Arc::new(WokenOn::default());
    let executor = Rc::new(Executor::new(Arc::new(ReadyQueue::new()), Tracer::new(observer.clone())));
    let gate = Gate::default();
    join::spawn(&executor, gate.clone()).detach();
    executor.step();

    let waker = gate.waker();
    let other = thread::spawn(move || waker.wake());
    let other_id = other.thread().id();
    other.join().unwrap();
    let seen = observer.0.lock().unwrap().clone();
    assert_eq!(seen, [thread::current().id(), other_id], "the spawn's wake here, the second one there");
}
