//! Floor 7, the loop: polls, trips to the operating system, and when to sleep.
//!
//! You learn what `block_on` does and when it ends, why a turn is counted before it begins, and that no task, however
//! busy, can keep the others from a socket, a timer or a wake from another thread.
//!
//! Step through it with `cargo test --test runtime -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use common::{Gate, OnDrop, expect, frozen_runtime, spin};
use glassbox::future::yield_now;
use glassbox::net::TcpListener;
use glassbox::runtime::executor::TaskState;
use glassbox::runtime::monitor::Stats;
use glassbox::{JoinError, Runtime};

const SECOND: Duration = Duration::from_secs(1);

/// `block_on` polls nothing itself: its future becomes a task like the others. If that is ready at once, the
/// operating system is not asked at all.
#[test]
fn block_on_makes_its_future_a_task() {
    let (runtime, log) = frozen_runtime();
    assert_eq!(runtime.block_on(async { 42 }), 42);
    expect(&log, ["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", "task 1 completed"]);
}

/// `block_on` ends when *its* future ends. The others stay where they are, neither ended nor forgotten, and go on
/// with the next `block_on`.
#[test]
fn block_on_leaves_the_others_where_they_are() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let mut other = handle.spawn(async {
        for _ in 0..3 {
            yield_now().await;
        }
        42
    });
    runtime.block_on(async {});
    assert_eq!(runtime.ready(), [other.id()], "polled once, and queued again");
    assert!(other.take().is_none());

    assert!(matches!(runtime.block_on(other), Ok(42)));
    assert_eq!(runtime.tasks(), []);
}

/// The end of the runtime is the end of its tasks. A handle that is left over can neither keep them alive nor start
/// new ones.
#[test]
fn dropping_the_runtime_ends_the_others() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let mut waiting = handle.spawn(Gate::default());
    runtime.block_on(async {});
    log.take();
    drop(runtime);
    assert!(matches!(waiting.take(), Some(Err(JoinError::Aborted))));
    let mut late = handle.spawn(async {});
    assert!(matches!(late.take(), Some(Err(JoinError::Aborted))));
    expect(&log, ["task 1 aborted"]);
}

/// A `drop` that spawns or ends other tasks while the runtime is dropped finds the executor closed, and no borrow in
/// its way.
#[test]
fn drops_may_spawn_and_abort_while_the_runtime_ends() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let other = Rc::new(RefCell::new(None));
    let guard = OnDrop({
        let (handle, other) = (handle.clone(), other.clone());
        move || {
            handle.spawn(async { panic!("it is never polled") }).detach();
            let other: Option<glassbox::JoinHandle<()>> = other.take();
            other.expect("dropped once").abort();
        }
    });
    handle
        .spawn(async move {
            let _guard = guard;
            Gate::default().await;
        })
        .detach();
    handle.spawn(Gate::default()).detach();
    other.replace(Some(handle.spawn(Gate::default())));
    runtime.turn();
    log.take();
    drop(runtime);
    expect(&log, ["task 1 aborted", "task 3 aborted", "task 2 aborted"]);
}

/// A panic of the main future comes out of `block_on`: somebody waits for it. The runtime itself is unharmed.
#[test]
fn a_panic_of_the_main_future_comes_out_of_block_on() {
    let (runtime, _) = frozen_runtime();
    let main = AssertUnwindSafe(|| runtime.block_on(async { panic!("boom") }));
    let payload = panic::catch_unwind(main).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom"));
    assert_eq!(runtime.block_on(async { 42 }), 42);
}

/// A panic of any other task does not.
#[test]
fn a_panic_of_another_task_does_not_come_out_of_block_on() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let answer = runtime.block_on(async move { handle.spawn(async { panic!("boom") }).await });
    assert!(matches!(answer, Err(JoinError::Panicked(_))));
}

/// A turn is counted before it begins. A task that wakes itself, and a task that is spawned meanwhile, wait for
/// the next turn; between the turns the runtime can look after its sockets.
#[test]
fn a_turn_is_counted_before_it_begins() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    handle.spawn(spin()).detach();
    handle.clone().spawn(async move { handle.spawn(async {}).detach() }).detach();
    log.take();
    assert_eq!(runtime.turn(), 2);
    expect(
        &log,
        [
            "task 1 polled (1)",
            "task 1 woken: queued", // for the next turn
            "task 1 pending",
            "task 2 polled (1)",
            "task 3 spawned by task 2", // for the next turn
            "task 3 woken: queued",
            "task 2 completed",
        ],
    );
    assert_eq!(runtime.turn(), 2);
    assert_eq!(runtime.turn(), 1, "the spinning task alone");
}

/// With work on the queue, a trip to the operating system is a peek. With none, it is a sleep.
#[test]
fn park_sleeps_only_when_nobody_is_ready() {
    let (runtime, log) = frozen_runtime();
    runtime.handle().spawn(async {}).detach();
    runtime.park(None).unwrap(); // "for ever", and comes back at once: there is work
    runtime.turn();
    runtime.park(Some(Duration::from_millis(1))).unwrap();
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "peek at epoll",
            "up again, 0 events",
            "task 1 polled (1)",
            "task 1 completed",
            "sleep in epoll, at most 1ms",
            "up again, 0 events",
        ],
    );
    let Stats { parks, sleeps, .. } = runtime.handle().stats();
    assert_eq!((parks, sleeps), (2, 1));
}

/// A peek costs as much as several polls. While tasks are ready, `block_on` makes many polls between two peeks, but
/// it does peek.
#[test]
fn block_on_peeks_now_and_then() {
    let (runtime, _) = frozen_runtime();
    runtime.block_on(async {
        for _ in 0..1000 {
            yield_now().await;
        }
    });
    let stats = runtime.handle().stats();
    assert!((1..100).contains(&stats.parks), "{} peeks in {} polls", stats.parks, stats.polls);
    assert_eq!(stats.sleeps, 0, "somebody was always ready");
}

/// A task that never rests does not starve a timer: its moment comes, and in the next turn its task is polled.
#[test]
fn a_spinning_task_does_not_starve_a_timer() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    handle.spawn(spin()).detach();
    handle.spawn(handle.sleep(SECOND)).detach();
    runtime.turn();
    log.take();
    runtime.advance(SECOND);
    runtime.turn();
    expect(
        &log,
        [
            "timer 1 fired",
            "task 2 woken: queued",
            "task 1 polled (2)", // it was first in the queue
            "task 1 woken: queued",
            "task 1 pending",
            "task 2 polled (2)",
            "task 2 completed",
        ],
    );
}

/// The same with the real clock and the real loop. If the loop never looked at the clock, this test would hang.
#[test]
fn block_on_fires_timers_while_a_task_spins() {
    let runtime = Runtime::new().unwrap();
    let handle = runtime.handle();
    handle.spawn(spin()).detach();
    runtime.block_on(handle.sleep(Duration::from_millis(1)));
}

/// Nor does it starve a socket. "Poll until the queue is empty" would: the queue is never empty here.
#[test]
#[cfg_attr(miri, ignore = "miri cannot set TCP_NODELAY on a listener")]
fn a_spinning_task_does_not_starve_a_socket() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let listener = TcpListener::bind(&handle, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    handle.spawn(spin()).detach();
    let accepted = handle.spawn(async move { listener.accept().await.map(drop) });
    runtime.turn(); // the accept has found nobody, and waits
    let _client = TcpStream::connect(address).unwrap();
    runtime.block_on(accepted).unwrap().unwrap();
}

/// Nor a wake from another thread: that goes onto the same queue, behind the spinning task and before its next poll.
#[test]
fn a_spinning_task_does_not_starve_a_foreign_wake() {
    let (runtime, log) = frozen_runtime();
    let gate = Gate::default();
    let handle = runtime.handle();
    handle.spawn(spin()).detach();
    handle.spawn(gate.clone()).detach();
    runtime.turn();
    log.take();
    let waker = gate.waker();
    thread::spawn(move || waker.wake()).join().unwrap();
    runtime.turn();
    expect(
        &log,
        [
            "task 2 woken by another thread: queued",
            "task 1 polled (2)",
            "task 1 woken: queued",
            "task 1 pending",
            "task 2 polled (2)",
            "task 2 pending", // it was polled; the gate is still closed
        ],
    );
}

/// Wakes from the runtime's own thread interrupt nothing. The interruption is an event like any other, so the next
/// trip would count it.
#[test]
#[cfg_attr(miri, ignore = "miri cannot set TCP_NODELAY on a listener")]
fn own_wakes_write_to_no_eventfd() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let listener = TcpListener::bind(&handle, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    handle.spawn(async move { listener.accept().await.map(drop) }).detach();
    runtime.turn();
    let _client = TcpStream::connect(address).unwrap();
    log.take();
    runtime.park(None).unwrap();
    runtime.park(None).unwrap();
    expect(
        &log,
        [
            "sleep in epoll",
            "up again, 1 event", // the connection
            "source 1 readable",
            "task 1 woken: queued", // by the reactor, after the announcement of the sleep was taken back
            "peek at epoll",
            "up again, 0 events", // no interruption
        ],
    );
}

/// A wake from another thread while nobody sleeps costs no system call either.
#[test]
fn a_foreign_wake_of_a_waking_runtime_writes_to_no_eventfd() {
    let (runtime, log) = frozen_runtime();
    let gate = Gate::default();
    runtime.handle().spawn(gate.clone()).detach();
    runtime.turn();
    log.take();
    let waker = gate.waker();
    thread::spawn(move || waker.wake()).join().unwrap();
    runtime.park(None).unwrap();
    expect(&log, ["task 1 woken by another thread: queued", "peek at epoll", "up again, 0 events"]);
}

/// There is no hidden global runtime. Two in one thread do not know of each other, and a waker leads to the one that
/// it came from.
#[test]
fn two_runtimes_in_one_thread() {
    let (north, north_log) = frozen_runtime();
    let (south, south_log) = frozen_runtime();
    let gate = Gate::default();
    let waiting = north.handle().spawn(gate.clone());
    north.turn();
    south.block_on(async move { gate.open() });
    assert_eq!(north.ready(), [waiting.id()]);
    assert!(north.block_on(waiting).is_ok());
    expect(&south_log, ["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", "task 1 completed"]);
    expect(
        &north_log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "task 1 pending",
            "task 1 woken: queued", // from inside a poll of the other runtime
            "task 2 spawned",
            "task 2 woken: queued",
            "task 1 polled (2)",
            "task 1 completed",
            "task 2 polled (1)",
            "task 2 completed",
        ],
    );
}

/// A task of one runtime may block on another runtime: bad manners, because it holds up its own, but no confusion.
#[test]
fn a_task_may_block_on_another_runtime() {
    let (outer, _) = frozen_runtime();
    let (inner, _) = frozen_runtime();
    assert_eq!(outer.block_on(async move { inner.block_on(async { 42 }) }), 42);
}

/// The counters count what the timeline tells.
#[test]
fn stats_count_what_happened() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let gate = Gate::default();
    let waiting = handle.spawn(gate.clone()); // wake 1, by the spawn
    runtime.turn(); // poll 1
    let waker = gate.waker();
    waker.wake_by_ref(); // wake 2
    waker.wake_by_ref(); // coalesced
    waiting.abort();
    runtime.turn(); // a stale id, no poll
    handle.spawn(async {}).detach(); // wake 3
    runtime.park(None).unwrap(); // a peek
    runtime.turn(); // poll 2
    let Stats { polls, wakes, coalesced, stale, parks, sleeps, .. } = handle.stats();
    assert_eq!([polls, wakes, coalesced, stale, parks, sleeps], [2, 3, 1, 1, 1, 0]);
}

/// Between two polls, everything there is can be looked at: who is ready, who waits, and for what.
#[test]
fn a_runtime_can_be_looked_into() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let sleeping = handle.spawn(handle.sleep(SECOND)).id();
    runtime.turn();
    let queued = handle.spawn(async {}).id();
    assert_eq!(runtime.ready(), [queued]);
    let tasks: Vec<_> = runtime.tasks().iter().map(|task| (task.id, task.polls, task.state)).collect();
    assert_eq!(tasks, [(sleeping, 1, TaskState::Waiting), (queued, 0, TaskState::Queued)]);
    let due: Vec<_> = runtime.timers().iter().map(|(_, due)| *due).collect();
    assert_eq!(due, [SECOND]);
    assert_eq!(runtime.sources(), []);
    let stats = handle.stats();
    assert_eq!((stats.tasks, stats.ready, stats.timers, stats.sources), (2, 1, 1, 0));
}

/// For tests: runs until only waiting tasks are left. Time does not pass by itself.
#[test]
fn a_stalled_runtime_waits_for_the_outside() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let seconds = Rc::new(Cell::new(0));
    handle
        .clone()
        .spawn({
            let seconds = seconds.clone();
            async move {
                loop {
                    handle.sleep(SECOND).await;
                    seconds.set(seconds.get() + 1);
                }
            }
        })
        .detach();
    runtime.run_until_stalled();
    assert_eq!(seconds.get(), 0);
    runtime.advance(SECOND);
    runtime.run_until_stalled();
    assert_eq!(seconds.get(), 1);
}

/// Ids of dead tasks count as part of the turn in which they were queued: a spinning task is polled once, not three times.
#[test]
fn dead_ids_do_not_make_a_turn_longer() {
    let (runtime, _) = frozen_runtime();
    let handle = runtime.handle();
    let (a, b) = (handle.spawn(Gate::default()), handle.spawn(Gate::default()));
    handle.spawn(spin()).detach();
    a.abort();
    b.abort();
    assert_eq!(runtime.turn(), 1);
}

/// A task that blocks on its own runtime panics, and leaves nothing behind.
#[test]
fn block_on_inside_a_task_spawns_nothing() {
    let runtime = Rc::new(frozen_runtime().0);
    let inner = Rc::downgrade(&runtime);
    let outer = runtime.handle().spawn(async move { inner.upgrade().unwrap().block_on(Gate::default()) });
    assert!(runtime.block_on(outer).is_err());
    assert_eq!(runtime.tasks(), []);
}

/// A trip that could not have slept is no sleep, whether work was queued or the limit was zero.
#[test]
fn a_peek_is_not_counted_as_a_sleep() {
    let (runtime, _) = frozen_runtime();
    runtime.park(Some(Duration::ZERO)).unwrap();
    let stats = runtime.handle().stats();
    assert_eq!((stats.parks, stats.sleeps), (1, 0));
}
