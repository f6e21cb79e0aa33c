//! Floor 7, the timers: deadlines in a table, and a clock that a test can hold still.
//!
//! You learn that a timer is not a thread but a waker in a sorted table, and what it costs to move a deadline.
//! Step through it with `cargo test --test timer -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::Cell;
use std::collections::HashSet;
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use common::wakers::{BrokenWaker, CountingWaker, poll_with};
use common::{expect, frozen_runtime, poll_once};
use glassbox::runtime::timer::{Clock, Timers};
use glassbox::runtime::trace::Tracer;
use glassbox::{Elapsed, Recorder, Runtime};

const SECOND: Duration = Duration::from_secs(1);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// A table of timers alone, with a clock that stands still.
fn frozen_timers() -> (Rc<Timers>, Arc<Recorder>) {
    let log = Recorder::new();
    (Rc::new(Timers::new(Clock::Frozen, Tracer::new(log.clone()))), log)
}

/// The table is sorted by deadline, not by who came first.
#[test]
fn the_earliest_deadline_fires_first() {
    let (timers, log) = frozen_timers();
    let (mut late, mut early) = (timers.sleep(3 * SECOND), timers.sleep(SECOND));
    assert!(poll_once(&mut late).is_pending());
    assert!(poll_once(&mut early).is_pending());

    timers.advance(5 * SECOND);
    assert_eq!(timers.fire(), 2);
    expect(
        &log,
        [
            "timer 1 armed for 3s",
            "timer 2 armed for 1s",
            "timer 2 fired", // armed second, due first
            "timer 1 fired",
        ],
    );
}

/// Two timers with the same deadline are told apart by age: the older fires first, and neither replaces the other.
#[test]
fn of_two_with_one_deadline_the_older_fires_first() {
    let (timers, log) = frozen_timers();
    let deadline = timers.now() + SECOND;
    let (mut a, mut b) = (timers.sleep_until(deadline), timers.sleep_until(deadline));
    assert!(poll_once(&mut b).is_pending()); // timer 1: a timer is born with its first poll
    assert!(poll_once(&mut a).is_pending()); // timer 2

    timers.advance(SECOND);
    timers.fire();
    expect(&log, ["timer 1 armed for 1s", "timer 2 armed for 1s", "timer 1 fired", "timer 2 fired"]);
}

/// One nanosecond before its time a timer does not fire, and a poll that comes for another reason says `Pending`.
#[test]
fn a_timer_is_never_early() {
    let (timers, log) = frozen_timers();
    let mut sleep = timers.sleep(SECOND);
    assert!(poll_once(&mut sleep).is_pending());

    timers.advance(Duration::from_nanos(999_999_999));
    assert_eq!(timers.fire(), 0);
    assert!(poll_once(&mut sleep).is_pending(), "a spurious poll is not a reason to be ready");

    timers.advance(NANOSECOND);
    assert_eq!(timers.fire(), 1);
    assert!(poll_once(&mut sleep).is_ready());
    expect(&log, ["timer 1 armed for 1s", "timer 1 fired"]);
}

/// A deadline that has passed is ready at the first poll. It never enters the table.
#[test]
fn a_deadline_in_the_past_costs_no_entry() {
    let (timers, log) = frozen_timers();
    let mut sleep = timers.sleep_until(timers.now());
    assert!(poll_once(&mut sleep).is_ready());
    expect(&log, []);
}

/// Notes the thread on which it is called.
struct ThreadWaker(Mutex<Vec<ThreadId>>);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.lock().expect("cannot be poisoned").push(thread::current().id());
    }
}

/// A thousand timers are a thousand entries in a map. All thousand wakes come from the one thread that looks at it.
#[test]
fn a_thousand_timers_need_no_thread() {
    let (timers, _) = frozen_timers();
    let note = Arc::new(ThreadWaker(Mutex::default()));
    let waker = Waker::from(note.clone());
    let mut sleeps: Vec<_> = (1..=1000).map(|ms| timers.sleep(Duration::from_millis(ms))).collect();
    for sleep in &mut sleeps {
        assert!(std::pin::Pin::new(sleep).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(timers.len(), 1000);

    timers.advance(SECOND);
    assert_eq!(timers.fire(), 1000);
    let threads = note.0.lock().expect("cannot be poisoned").clone();
    assert_eq!(threads.len(), 1000);
    assert_eq!(HashSet::from_iter(threads), HashSet::from([thread::current().id()]));
    assert!(timers.is_empty());
}

/// A million are armed, their deadlines in no order, and go as they came. Each step is a walk down a tree. In a sorted list it
/// would be a walk past 250,000 rows, a million times, and nobody would wait for the end of this test. (What a step costs:
/// `cargo bench -- timer`.)
#[test]
fn a_million_timers_come_and_go() {
    let many: u64 = if cfg!(miri) { 100 } else { 1_000_000 }; // Miri is a thousand times slower.
    let timers = Rc::new(Timers::new(Clock::Frozen, Tracer::default()));
    let start = timers.now() + SECOND;
    // 618,033 of a million, 61 of a hundred: without a divisor in common, so each deadline comes once, far from the last.
    let stride = many * 618_033 / 1_000_000;
    let deadline = |number: u64| start + Duration::from_micros(number * stride % many);
    let mut armed: Vec<_> = (0..many).map(|number| timers.sleep_until(deadline(number))).collect();
    assert!(armed.iter_mut().all(|sleep| poll_once(sleep).is_pending()));
    let left: Vec<Duration> = timers.snapshot().into_iter().map(|(_, left)| left).collect();
    let sorted: Vec<Duration> = (0..many).map(|step| SECOND + Duration::from_micros(step)).collect();
    assert!(left == sorted, "each deadline is there once, in order");

    drop(armed.split_off(1));
    assert_eq!(timers.len(), 1);
    timers.advance(SECOND);
    assert_eq!(timers.fire(), 1);
}

/// Pushing a deadline back writes a field, and the table does not hear of it. The old entry fires in vain, once,
/// and then a new one is armed. So a busy connection pays once per timeout, not once per request.
#[test]
fn a_reset_to_later_costs_nothing_until_the_old_entry_fires() {
    let (timers, log) = frozen_timers();
    let waker = CountingWaker::new();
    let mut idle = timers.sleep(2 * SECOND);
    assert!(poll_with(&waker, &mut idle).is_pending());
    expect(&log, ["timer 1 armed for 2s"]);

    timers.advance(SECOND);
    for _ in 0..1000 {
        idle.reset_after(2 * SECOND); // a request came: two more seconds, from now
        assert!(poll_with(&waker, &mut idle).is_pending());
    }
    expect(&log, []); // a thousand requests, and the table was not touched

    timers.advance(SECOND);
    timers.fire();
    assert_eq!(waker.wakes(), 1);
    assert!(poll_with(&waker, &mut idle).is_pending(), "the deadline has moved meanwhile");
    expect(
        &log,
        [
            "timer 1 fired",        // at its old time
            "timer 2 armed for 1s", // for what is left; a new entry, so a new id
        ],
    );

    timers.advance(SECOND);
    timers.fire();
    assert!(poll_with(&waker, &mut idle).is_ready());
    expect(&log, ["timer 2 fired"]);
}

/// An entry that is later than the deadline would wake too late. So a reset to earlier cannot be lazy: the entry
/// goes at once, and the next poll arms another.
#[test]
fn a_reset_to_earlier_arms_again() {
    let (timers, log) = frozen_timers();
    let mut sleep = timers.sleep(9 * SECOND);
    assert!(poll_once(&mut sleep).is_pending());
    sleep.reset(timers.now() + SECOND);
    assert!(poll_once(&mut sleep).is_pending());

    timers.advance(SECOND);
    timers.fire();
    assert!(poll_once(&mut sleep).is_ready());
    expect(&log, ["timer 1 armed for 9s", "timer 1 cancelled", "timer 2 armed for 1s", "timer 2 fired"]);
}

/// A reset to earlier takes the waker along: nobody needs to poll for it to count.
#[test]
fn a_reset_to_earlier_wakes_without_a_poll() {
    let (timers, _) = frozen_timers();
    let waker = CountingWaker::new();
    let mut sleep = timers.sleep(9 * SECOND);
    assert!(poll_with(&waker, &mut sleep).is_pending());
    sleep.reset(timers.now() + SECOND);
    timers.advance(SECOND);
    timers.fire();
    assert_eq!(waker.wakes(), 1);
}

/// Drop is cancel. Nothing stays behind: no entry, no waker, and at its time nothing fires.
#[test]
fn a_dropped_sleep_leaves_nothing() {
    let (timers, log) = frozen_timers();
    let waker = CountingWaker::new();
    let mut sleep = timers.sleep(SECOND);
    assert!(poll_with(&waker, &mut sleep).is_pending());
    assert!(waker.is_held(), "the table has it");

    drop(sleep);
    assert!(!waker.is_held());
    timers.advance(SECOND);
    assert_eq!(timers.fire(), 0);
    assert_eq!(waker.wakes(), 0);
    expect(&log, ["timer 1 armed for 1s", "timer 1 cancelled"]);
}

/// `begin` is a reset and a poll in one, for a wait that comes with every request. Whatever state the row is in, it does what
/// the two would do, one after the other.
#[test]
fn to_begin_a_wait_is_to_reset_and_to_poll() {
    let (first, second) = (CountingWaker::new(), CountingWaker::new());
    let steps = [
        (&first, 3, 0),  // a row, due at 3
        (&first, 3, 1),  // nothing to do
        (&first, 1, 0),  // too late: it moves to 2
        (&second, 3, 1), // another waker, which is called at 2
        (&first, 1, 0),  // a new row, due at 3
        (&first, 5, 1),  // it may stay where it is, and fires too early
        (&first, 2, 3),  // a new row, due at 5
        (&second, 0, 9), // over at once
    ];
    let play = |in_one: bool| {
        let (timers, log) = frozen_timers();
        let mut sleep = timers.sleep(SECOND);
        let polls: Vec<bool> = steps
            .iter()
            .map(|(waker, duration, pass)| {
                let duration = *duration * SECOND;
                let polled = if in_one {
                    sleep.begin(duration, &mut Context::from_waker(&Waker::from((*waker).clone())))
                } else {
                    sleep.reset_after(duration);
                    poll_with(waker, &mut sleep)
                };
                timers.advance(*pass * SECOND);
                timers.fire();
                polled.is_ready()
            })
            .collect();
        let wakes = (first.wakes(), second.wakes());
        let story: Vec<String> = log.take().iter().map(|event| format!("{event:?}")).collect();
        (polls, wakes, story)
    };
    let (polls, wakes, story) = play(true);
    assert_eq!(polls, [false, false, false, false, false, false, false, true]);
    assert_eq!(wakes, (2, 1));
    let (polls_of_two, wakes_of_two, story_of_two) = play(false);
    assert_eq!((polls, story), (polls_of_two, story_of_two));
    assert_eq!(wakes_of_two, (4, 2), "as many again");
}

/// Between the moment that the clock moves and the moment that timers fire, a sleep that was pushed back is polled. It has
/// one row, not two: the one that is due is taken out.
#[test]
fn a_row_that_is_about_to_fire_is_replaced() {
    let (timers, log) = frozen_timers();
    let waker = CountingWaker::new();
    let mut sleep = timers.sleep(SECOND);
    assert!(poll_with(&waker, &mut sleep).is_pending());
    sleep.reset_after(9 * SECOND);
    timers.advance(SECOND);
    assert!(poll_with(&waker, &mut sleep).is_pending());
    assert_eq!(timers.len(), 1);
    drop(sleep);
    assert_eq!((timers.fire(), waker.wakes()), (0, 0));
    expect(&log, ["timer 1 armed for 1s", "timer 1 cancelled", "timer 2 armed for 8s", "timer 2 cancelled"]);
}

/// A future may be polled by one task first and by another later. Only the waker of the latest poll counts.
#[test]
fn the_newest_waker_is_called() {
    let (timers, log) = frozen_timers();
    let (first, second) = (CountingWaker::new(), CountingWaker::new());
    let mut sleep = timers.sleep(SECOND);
    assert!(poll_with(&first, &mut sleep).is_pending());
    assert!(poll_with(&second, &mut sleep).is_pending());
    assert!(!first.is_held(), "replaced, and let go");

    timers.advance(SECOND);
    timers.fire();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    expect(&log, ["timer 1 armed for 1s", "timer 1 fired"]); // one entry: the waker in it was exchanged

    // And back to the first: by no other poll than the latest is anybody woken.
    let mut sleep = timers.sleep(SECOND);
    for waker in [&first, &second, &first] {
        assert!(poll_with(waker, &mut sleep).is_pending());
    }
    assert!(first.is_held() && !second.is_held());
    sleep.reset_after(SECOND / 2); // the row moves, with the waker in it
    assert!(first.is_held());
    assert!(poll_with(&second, &mut sleep).is_pending());
    timers.advance(SECOND / 2);
    timers.fire();
    assert_eq!((first.wakes(), second.wakes()), (0, 2));
}

/// A waker may be a guest's, and may panic when it is called. That is his own trouble: the next timer fires.
#[test]
fn a_waker_that_panics_is_the_only_one_to_suffer() {
    let (timers, _) = frozen_timers();
    let (broken, good) = (Arc::new(BrokenWaker), CountingWaker::new());
    let (mut first, mut second) = (timers.sleep(SECOND), timers.sleep(SECOND));
    assert!(poll_with(&broken, &mut first).is_pending());
    assert!(poll_with(&good, &mut second).is_pending());
    timers.advance(SECOND);
    assert_eq!(timers.fire(), 2);
    assert_eq!(good.wakes(), 1);
    assert!(poll_with(&broken, &mut first).is_ready(), "it was woken in vain, and is ready all the same");
}

/// Both are ready in the same poll: the value counts, because the future is asked first.
#[test]
fn a_value_that_comes_in_time_wins() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let mut task = runtime.handle().spawn(async move {
        let work = handle.sleep(SECOND);
        handle.timeout(SECOND, work).await
    });
    runtime.turn();
    runtime.advance(SECOND);
    runtime.turn();
    assert!(matches!(task.take(), Some(Ok(Ok(())))));
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "timer 1 armed for 1s", // the work, polled first
            "timer 2 armed for 1s", // the limit
            "task 1 pending",
            "timer 1 fired",
            "task 1 woken: queued",
            "timer 2 fired",
            "task 1 woken: already queued", // two reasons, one poll
            "task 1 polled (2)",
            "task 1 completed",
        ],
    );
}

/// Too late: `timeout` says so, and the future that it gave its time to is gone by then.
#[test]
fn a_timeout_drops_what_was_too_slow() {
    struct Slow(Rc<Cell<bool>>);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let dropped = Rc::new(Cell::new(false));
    let slow = Slow(dropped.clone());
    let mut task = runtime.handle().spawn(async move {
        let work = async move {
            let _slow = slow;
            pending::<()>().await;
        };
        (handle.timeout(SECOND, work).await, dropped.get())
    });
    runtime.turn();
    runtime.advance(SECOND);
    runtime.turn();
    assert!(matches!(task.take(), Some(Ok((Err(Elapsed), true)))));
    assert!(runtime.timers().is_empty());
}

/// Waiting does not move a frozen clock, so a deadline is no reason to end a sleep either. Only `advance` moves it.
#[test]
fn a_frozen_clock_moves_by_advance_alone() {
    let (runtime, log) = frozen_runtime();
    let start = runtime.handle().now();
    runtime.handle().spawn(runtime.handle().sleep(NANOSECOND)).detach();
    runtime.turn();
    log.take();

    runtime.park(Some(Duration::from_millis(2))).expect("cannot park");
    assert_eq!(runtime.handle().now(), start);
    expect(&log, ["sleep in epoll, at most 2ms", "up again, 0 events"]); // 2 ms have passed; the timer has not fired

    runtime.advance(NANOSECOND);
    assert_eq!(runtime.handle().now(), start + NANOSECOND);
    expect(&log, ["timer 1 fired", "task 1 woken: queued"]);
}

/// The real clock belongs to the operating system.
#[test]
#[should_panic(expected = "only a frozen clock can be advanced")]
fn a_real_clock_cannot_be_advanced() {
    Runtime::new().expect("cannot build a runtime").advance(SECOND);
}

/// "For ever" is a duration that people pass. It must neither overflow the clock nor fire at once.
#[test]
fn a_huge_duration_is_a_long_time() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build().expect("cannot build a runtime");
    let handle = runtime.handle();
    for duration in
        [Duration::MAX, u32::MAX * SECOND, Duration::from_millis(1 << 32), Duration::from_millis(1 << 31)]
    {
        let mut sleep = handle.sleep(duration);
        sleep.reset_after(duration);
        assert!(sleep.deadline() >= handle.turn_time() + duration.min(29 * YEAR));
        handle.spawn(sleep).detach();
    }
    // Another thread ends the runtime's sleep, which would last for 24 days: the nearest of the four.
    let value = handle.clone();
    assert_eq!(runtime.block_on(async move { value.spawn_blocking(|| 42).await.expect("cannot panic") }), 42);
    assert_eq!(runtime.timers().len(), 4);
    let fired = log.story().iter().filter(|line| line.ends_with("fired")).count();
    assert_eq!(fired, 0);
}

/// The operating system waits in whole milliseconds. Rounded up, one sleep is enough; rounded down, the runtime
/// would be back too early, find nothing to do, and go round and round until the time has come.
#[test]
fn park_rounds_up() {
    let runtime = Runtime::new().expect("cannot build a runtime");
    let handle = runtime.handle();
    for microseconds in [1, 300, 1_000, 1_001, 2_700] {
        let duration = Duration::from_micros(microseconds);
        let (before, start) = (handle.stats(), Instant::now());
        runtime.block_on(handle.sleep(duration));
        assert!(start.elapsed() >= duration, "a timer is never early");
        assert_eq!(handle.stats().polls - before.polls, 2, "to arm it, and to see that it is over");
        // None at all if the time was over before the runtime came to sleep. A timeout that was rounded down to nothing
        // counts as a peek, so the trips are counted, too: one to sleep, and one look at the sockets before the timer fires.
        let after = handle.stats();
        assert!(after.sleeps - before.sleeps <= 1, "one sleep, not many that are too short");
        assert!(after.parks - before.parks <= 2, "{} trips", after.parks - before.parks);
    }
}

/// What a `Sleep` is worth asserting about from outside: its entry is visible until it is ready, and then gone.
#[test]
fn a_snapshot_lists_the_armed_timers() {
    let (timers, _) = frozen_timers();
    let mut sleeps = [timers.sleep(2 * SECOND), timers.sleep(SECOND)];
    let polls = sleeps.each_mut().map(poll_once);
    assert_eq!(polls, [Poll::Pending, Poll::Pending]);
    let due: Vec<_> = timers.snapshot().iter().map(|(id, after)| (id.to_string(), *after)).collect();
    assert_eq!(due, [("timer 2".into(), SECOND), ("timer 1".into(), 2 * SECOND)]);
}
