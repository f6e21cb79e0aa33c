//! Floor 4, the executor: spawn, step, abort. One poll at a time, and no operating system.
//!
//! Step through it with `cargo test --test executor -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::{Bench, Gate, OnDrop, spin};
use glassbox::future::yield_now;
use glassbox::runtime::executor::TaskState;
use glassbox::runtime::join;
use glassbox::runtime::trace::TaskId;
use glassbox::{Event, JoinError, Observer};

/// `spawn` runs nothing. It makes a task and queues it; the first poll is the first `step`.
#[test]
fn a_future_does_nothing_until_it_is_polled() {
    let bench = Bench::new();
    let ran = Rc::new(RefCell::new(false));
    let task = bench.spawn({
        let ran = ran.clone();
        async move { *ran.borrow_mut() = true }
    });
    assert!(!*ran.borrow(), "laziness: nothing has run");

    assert_eq!(bench.step(), Some(task));
    assert!(*ran.borrow());
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued", // spawn wakes the new task once, as anybody could
        "task 1 polled (1)",
        "task 1 completed",
    ]);
}

/// A task that wakes itself goes to the end of the queue: the others come first.
#[test]
fn two_tasks_that_yield_take_turns() {
    let bench = Bench::new();
    bench.spawn(yield_now());
    bench.spawn(yield_now());
    while bench.step().is_some() {}
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 woken: queued", // by itself: the wake stands between its `polled` and its `pending`
        "task 1 pending",
        "task 2 polled (1)", // not task 1 again: first in, first out
        "task 2 woken: queued",
        "task 2 pending",
        "task 1 polled (2)",
        "task 1 completed",
        "task 2 polled (2)",
        "task 2 completed",
    ]);
}

/// What a debugger would show between two polls.
#[test]
fn a_snapshot_tells_queued_from_waiting() {
    let bench = Bench::new();
    let waiting = bench.spawn(std::future::pending());
    bench.step();
    let queued = bench.spawn(async {});
    let states: Vec<_> = bench.executor.snapshot().iter().map(|task| (task.id, task.state)).collect();
    assert_eq!(states, [(waiting, TaskState::Waiting), (queued, TaskState::Queued)]);
}

/// First in, first out makes rounds: each of three busy tasks is polled once before any is polled again.
#[test]
fn busy_tasks_run_in_rounds() {
    let bench = Bench::new();
    let tasks = [(); 3].map(|()| bench.spawn(spin()));
    let order: Vec<_> = (0..9).filter_map(|_| bench.step()).collect();
    assert_eq!(order, [tasks, tasks, tasks].concat());
}

/// A task may start tasks while it is polled: nothing of the executor is borrowed then. The child shows its parent,
/// and waits for its turn like everybody.
#[test]
fn a_task_spawned_by_a_task_shows_its_parent() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    bench.spawn(async move { join::spawn(&executor, async {}).detach() });
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 2 spawned by task 1",
        "task 2 woken: queued",
        "task 1 completed",
        "task 2 polled (1)", // only now: a spawn is no call
        "task 2 completed",
    ]);
}

/// A slot is reused, and old wakers still name its former owner. The serial keeps the stranger who lives there now
/// from being polled by mistake.
#[test]
fn a_stale_wake_does_not_reach_the_next_owner_of_the_slot() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.step();
    let old = gate.waker();
    gate.open();
    bench.step(); // task 1 ends: its slot is free
    bench.spawn(Gate::default()); // and this one moves in
    bench.step();
    bench.log.take();

    old.wake();
    assert_eq!(bench.step(), None);
    bench.expect(["task 1 woken: queued", "task 1 was queued but has ended"]);
    assert_eq!(bench.executor.counters().stale.get(), 1, "one stale id");
}

/// Abort is drop: a task that waits is gone when `abort` returns, with everything that it held.
#[test]
fn aborting_a_waiting_task_drops_it_at_once() {
    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(false));
    let guard = OnDrop({
        let dropped = dropped.clone();
        move || dropped.set(true)
    });
    let task = bench.spawn(async move {
        let _guard = guard;
        Gate::default().await;
    });
    bench.step();
    assert!(!dropped.get());
    bench.executor.abort(task);
    assert!(dropped.get());
    assert!(bench.executor.is_empty());
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 aborted",
    ]);
}

/// An aborted task that was queued leaves its id behind. Whoever pops it finds nobody.
#[test]
fn aborting_a_queued_task_leaves_a_stale_id() {
    let bench = Bench::new();
    let task = bench.spawn(async { panic!("it is never polled") });
    bench.executor.abort(task);
    assert_eq!(bench.step(), None);
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 aborted",
        "task 1 was queued but has ended",
    ]);
}

/// A task cannot be dropped while it is polled: its own frame is in use. So an abort of oneself is a note, and is
/// carried out when the poll returns.
#[test]
fn a_task_that_aborts_itself_ends_when_its_poll_returns() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    let log = bench.log.clone();
    bench.spawn(async move {
        executor.abort(executor.current().unwrap());
        log.observe(Event::Mark { what: "line", number: 1, stage: "still running after the abort" });
        Gate::default().await;
    });
    bench.step();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "line 1 still running after the abort",
        "task 1 aborted", // in the place of `pending`
    ]);
    assert!(bench.executor.is_empty());
}

/// An abort ends a task at an await point. If there is none left, the task is done first: it was too late.
#[test]
fn a_task_that_aborts_itself_and_returns_has_completed() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    let mut answer = bench.join(async move {
        executor.abort(executor.current().unwrap());
        42
    });
    bench.step();
    assert!(matches!(answer.take(), Some(Ok(42))));
    bench.expect(["task 1 spawned", "task 1 woken: queued", "task 1 polled (1)", "task 1 completed"]);
}

/// Ending what has ended is no error, and does not hit the task that lives in the slot now.
#[test]
fn aborting_a_finished_task_does_nothing() {
    let bench = Bench::new();
    let first = bench.spawn(async {});
    bench.run();
    let second = bench.spawn(Gate::default());
    bench.log.take();
    bench.executor.abort(first);
    bench.expect([]);
    assert_eq!(bench.step(), Some(second));
}

/// The same from inside the slot: a running task that aborts the former owner of its own slot does not hit itself.
#[test]
fn a_task_that_aborts_its_predecessor_goes_on() {
    let bench = Bench::new();
    let first = bench.spawn(async {});
    bench.run();
    bench.log.take();
    let executor = bench.executor.clone();
    bench.spawn(async move {
        executor.abort(first);
        yield_now().await;
    });
    bench.run();
    bench.expect([
        "task 2 spawned",
        "task 2 woken: queued",
        "task 2 polled (1)",
        "task 2 woken: queued",
        "task 2 pending", // and not `aborted`
        "task 2 polled (2)",
        "task 2 completed",
    ]);
}

/// A `drop` is foreign code like any other: it may spawn. The slot is free before the future is dropped, and
/// nothing is borrowed.
#[test]
fn a_drop_may_spawn() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    let guard = OnDrop(move || join::spawn(&executor, async {}).detach());
    let task = bench.spawn(async move {
        let _guard = guard;
        Gate::default().await;
    });
    bench.step();
    bench.executor.abort(task);
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 1 aborted",
        "task 2 spawned", // by the drop, outside of every poll: it has no parent
        "task 2 woken: queued",
        "task 2 polled (1)",
        "task 2 completed",
    ]);
}

/// A `drop` may end another task, whose drop may end a third: a chain, and no borrow in its way.
#[test]
fn a_drop_may_abort_others() {
    let bench = Bench::new();
    let third = bench.spawn(Gate::default());
    let second = bench.spawn(aborts_when_dropped(&bench, third));
    let first = bench.spawn(aborts_when_dropped(&bench, second));
    bench.run();
    bench.log.take();
    bench.executor.abort(first);
    bench.expect(["task 3 aborted", "task 2 aborted", "task 1 aborted"]);
}

/// The end of the runtime: every task is dropped, the ones that a `drop` ends on the way once and not twice.
#[test]
fn close_ends_all_tasks() {
    let bench = Bench::new();
    let last = bench.spawn(Gate::default()); // in the lowest slot: `close` meets it first
    let first = bench.spawn(aborts_when_dropped(&bench, last));
    bench.spawn(aborts_when_dropped(&bench, first));
    bench.run();
    bench.log.take();
    bench.executor.close();
    bench.expect(["task 1 aborted", "task 2 aborted", "task 3 aborted"]);
    assert!(bench.executor.is_empty());
}

/// A server that is cut has a task for each connection. To end them all costs one look at each, not a search from the
/// start for each: with a hundred thousand that would be minutes.
#[test]
fn closing_many_costs_a_look_at_each() {
    let many = if cfg!(miri) { 100 } else { 100_000 }; // Miri is a thousand times slower.
    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(0));
    for _ in 0..many {
        let dropped = dropped.clone();
        bench.spawn(async move {
            let _held = OnDrop(|| dropped.set(dropped.get() + 1));
            std::future::pending::<()>().await;
        });
    }
    bench.run();
    bench.executor.close();
    assert_eq!(dropped.get(), many);
    assert!(bench.executor.is_empty());
}

/// While the executor closes, a `drop` may abort a task that has not been reached yet.
#[test]
fn a_drop_may_abort_others_while_the_executor_closes() {
    let bench = Bench::new();
    let victim = Rc::new(Cell::new(None));
    bench.spawn({
        let (executor, victim) = (bench.executor.clone(), victim.clone());
        let guard = OnDrop(move || executor.abort(victim.get().unwrap()));
        async move {
            let _guard = guard;
            Gate::default().await;
        }
    });
    bench.spawn(Gate::default());
    victim.set(Some(bench.spawn(Gate::default())));
    bench.run();
    bench.log.take();
    bench.executor.close();
    bench.expect(["task 1 aborted", "task 3 aborted", "task 2 aborted"]);
}

/// After `close` there are no new tasks: the future is dropped before `spawn` returns, and its handle says so.
#[test]
fn a_spawn_after_close_drops_the_future_at_once() {
    let bench = Bench::new();
    bench.executor.close();
    let dropped = Rc::new(Cell::new(false));
    let guard = OnDrop({
        let dropped = dropped.clone();
        move || dropped.set(true)
    });
    let mut handle = bench.join(async move { drop(guard) });
    assert!(dropped.get());
    assert!(matches!(handle.take(), Some(Err(JoinError::Aborted))));
    assert_eq!(bench.step(), None);
    bench.expect([]); // it was never a task
}

/// A `drop` that spawns while the executor closes must not keep it open: else closing would never come to an end.
#[test]
fn a_drop_that_spawns_cannot_keep_the_executor_open() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    let guard = OnDrop(move || join::spawn(&executor, Gate::default()).detach());
    bench.spawn(async move {
        let _guard = guard;
        Gate::default().await;
    });
    bench.run();
    bench.log.take();
    bench.executor.close();
    bench.expect(["task 1 aborted"]);
    assert!(bench.executor.is_empty());
}

/// A poll inside a poll would run the queue in an order that nobody can explain. The task that tries it panics, and
/// ends alone; the executor goes on.
#[test]
fn a_task_cannot_step_its_own_executor() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    let mut handle = bench.join(async move { executor.step() });
    bench.spawn(async {});
    bench.run();
    let Some(Err(error)) = handle.take() else { panic!("the step must not return") };
    assert!(error.to_string().contains("a task cannot step the executor that polls it"));
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 panicked",
        "task 2 polled (1)",
        "task 2 completed",
    ]);
}

/// A future that waits for ever, and ends another task when it is dropped.
fn aborts_when_dropped(bench: &Bench, other: TaskId) -> impl Future<Output = ()> + 'static {
    let executor = bench.executor.clone();
    let guard = OnDrop(move || executor.abort(other));
    async move {
        let _guard = guard;
        Gate::default().await;
    }
}

/// A task that closes the executor is itself among those that end: it is dropped when its poll returns.
#[test]
fn a_task_that_closes_the_executor_ends_too() {
    let bench = Bench::new();
    let executor = bench.executor.clone();
    bench.spawn(async move {
        executor.close();
        Gate::default().await;
    });
    bench.run();
    assert!(bench.executor.is_empty());
}
