//! Floor 5, join handles: how a value, a panic or an abort comes back from a task.
//!
//! You learn that a handle always gets an answer, that a panic ends one task and no other, and that dropping a
//! handle ends nothing.
//!
//! Step through it with `cargo test --test join -- --nocapture`. The panic messages that it prints are meant.

mod common;

use std::cell::{Cell, RefCell};
use std::panic;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use common::{Bench, Gate, OnDrop, poll_once};
use glassbox::runtime::join::spawn_detached;
use glassbox::{JoinError, JoinHandle};

/// A value waits in the cell until somebody takes it. Whoever awaits the handle is woken when the task has ended.
#[test]
fn a_value_comes_back() {
    let bench = Bench::new();
    let handle = bench.join(async { 6 * 7 });
    let mut sum = bench.join(async move { handle.await.unwrap() + 1 });
    assert!(sum.take().is_none(), "not done");
    assert!(!sum.is_finished());
    bench.run();
    assert!(sum.is_finished());
    assert!(matches!(sum.take(), Some(Ok(43))));
    assert!(sum.take().is_none(), "given away");
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 completed", // before anybody asked: no wake, the value waits
        "task 2 polled (1)",
        "task 2 completed", // so the handle is ready in the first poll
    ]);
}

/// The other order: the joiner asks first, leaves its waker in the cell, and the end of the task wakes it.
#[test]
fn the_end_of_a_task_wakes_its_joiner() {
    let bench = Bench::new();
    let gate = Gate::default();
    let handle = bench.join(gate.clone());
    bench.spawn(async move { handle.await.unwrap() });
    bench.run();
    gate.open();
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 2 polled (1)",
        "task 2 pending",
        "task 1 woken: queued",
        "task 1 polled (2)",
        "task 2 woken: queued", // the last thing that task 1 does
        "task 1 completed",
        "task 2 polled (2)",
        "task 2 completed",
    ]);
}

/// A panic ends its own task. The others, and the executor, go on as if nothing had happened.
#[test]
fn a_panic_ends_one_task_only() {
    let bench = Bench::new();
    bench.spawn(async { panic!("boom") });
    let mut other = bench.join(async { 1 });
    bench.run();
    assert!(matches!(other.take(), Some(Ok(1))));
    assert!(bench.executor.is_empty());
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

/// The panic's payload travels to the handle. Most payloads are text, and the error repeats it.
#[test]
fn a_panic_comes_back_as_an_error() {
    let number = 7;
    assert_eq!(error_of(async { panic!("plain text") }).to_string(), "the task panicked: plain text");
    assert_eq!(error_of(async move { panic!("number {number}") }).to_string(), "the task panicked: number 7");
}

/// A payload may be anything. It comes back whole, and the error does not pretend to know words for it.
#[test]
fn a_payload_need_not_be_text() {
    let error = error_of(async { panic::panic_any(42_u32) });
    assert_eq!(error.to_string(), "the task panicked: (no message)");
    let JoinError::Panicked(payload) = error else { panic!("it panicked") };
    assert_eq!(payload.downcast_ref(), Some(&42_u32));
}

/// An aborted task has no value. Its joiner is not left waiting: it is woken, and told.
#[test]
fn an_abort_reaches_the_joiner() {
    let bench = Bench::new();
    let handle = bench.join(Gate::default());
    let id = handle.id();
    let mut answer = bench.join(handle); // a handle is a future: here it is a task of its own
    bench.run();
    bench.log.take();
    bench.executor.abort(id);
    bench.run();
    assert!(matches!(answer.take(), Some(Ok(Err(JoinError::Aborted)))));
    bench.expect(["task 1 aborted", "task 2 woken: queued", "task 2 polled (2)", "task 2 completed"]);
}

/// A handle outlives its executor. It has its answer by then, and its `abort` finds nobody.
#[test]
fn a_handle_outlives_the_executor() {
    let bench = Bench::new();
    let mut handle = bench.join(Gate::default());
    drop(bench);
    handle.abort();
    assert!(matches!(handle.take(), Some(Err(JoinError::Aborted))));
}

/// Dropping a handle detaches: the task goes on alone. (To end a task, say `abort`.)
#[test]
fn a_dropped_handle_does_not_end_its_task() {
    let bench = Bench::new();
    let gate = Gate::default();
    let done = Rc::new(Cell::new(false));
    let handle = bench.join({
        let (gate, done) = (gate.clone(), done.clone());
        async move {
            gate.await;
            done.set(true);
        }
    });
    bench.run();
    drop(handle);
    gate.open();
    bench.run();
    assert!(done.get());
}

/// A result that nobody can take any more is dropped where the task ends, not kept.
#[test]
fn a_detached_result_is_dropped_with_its_task() {
    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(false));
    let result = sets_when_dropped(&dropped);
    bench.join(async move { result }).detach();
    assert!(!dropped.get());
    bench.run();
    assert!(dropped.get());
}

/// While the handle exists, the result waits in it: somebody may still ask.
#[test]
fn an_untaken_result_lives_as_long_as_its_handle() {
    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(false));
    let result = sets_when_dropped(&dropped);
    let handle = bench.join(async move { result });
    bench.run();
    assert!(handle.is_finished());
    assert!(!dropped.get());
    drop(handle);
    assert!(dropped.get());
}

/// A task releases everything that it holds before its result is published. So a joiner that is awake may rely on
/// it: the file is closed, the permit is back.
#[test]
fn the_future_is_dropped_before_its_result_is_published() {
    let bench = Bench::new();
    let dropped = Rc::new(Cell::new(false));
    let handle = bench.join(ReadyAtOnce { value: 1, _guard: sets_when_dropped(&dropped) });
    let mut seen = bench.join(async move {
        let value = handle.await.unwrap();
        (value, dropped.get())
    });
    bench.run();
    assert!(matches!(seen.take(), Some(Ok((1, true)))));
}

/// A `drop` that panics is foreign code that panics: it is caught and logged, and the value still comes back.
#[test]
fn a_panic_in_drop_does_not_hide_the_value() {
    let bench = Bench::new();
    let guard = OnDrop(|| panic!("in drop"));
    let mut handle = bench.join(ReadyAtOnce { value: 1, _guard: guard });
    bench.run();
    assert!(matches!(handle.take(), Some(Ok(1))));
}

/// The same when the task is aborted: the panic ends neither the executor nor the one who called `abort`.
#[test]
fn a_panic_in_drop_does_not_escape_from_abort() {
    let bench = Bench::new();
    let guard = OnDrop(|| panic!("in drop"));
    let mut handle = bench.join(async move {
        let _guard = guard;
        Gate::default().await;
    });
    bench.run();
    handle.abort();
    assert!(matches!(handle.take(), Some(Err(JoinError::Aborted))));
    assert!(bench.executor.is_empty());
}

/// And the same for a result that nobody takes.
#[test]
fn a_panic_in_the_drop_of_a_detached_result_ends_nothing() {
    let bench = Bench::new();
    let result = OnDrop(|| panic!("in drop"));
    bench.join(async move { result }).detach();
    let mut other = bench.join(async { 1 });
    bench.run();
    assert!(matches!(other.take(), Some(Ok(1))));
}

/// A task that is detached from the beginning has no result that anybody could wait for, only an end: its own, a panic, an
/// abort. Its future is dropped in each case, and no other task notices.
#[test]
fn a_task_that_nobody_waits_for() {
    let bench = Bench::new();
    let (gate, dropped) = (Gate::default(), Rc::new(Cell::new(0)));
    let ends = |end: Option<Gate>| {
        let dropped = dropped.clone();
        let guard = OnDrop(move || dropped.set(dropped.get() + 1));
        let future = async move {
            let _guard = guard;
            end.expect("meant to panic").await;
        };
        spawn_detached(&bench.executor, Box::pin(future))
    };
    let opened = ends(Some(gate.clone()));
    let aborted = ends(Some(Gate::default()));
    ends(None);
    let left = ends(Some(Gate::default()));
    bench.run();
    assert_eq!((bench.executor.len(), dropped.get()), (3, 1), "the panic ended its task alone");
    gate.open();
    aborted.abort();
    drop(left); // A handle is not the task.
    bench.run();
    assert_eq!((bench.executor.len(), dropped.get()), (1, 3));
    assert_eq!([opened.id().serial(), aborted.id().serial()], [1, 2]);
    bench.log.take();
    let aborted_late = aborted;
    drop(bench);
    assert_eq!(dropped.get(), 4);
    aborted_late.abort(); // There is nobody left to hear it.
}

/// A future may be polled first by one task and then by another. The newest waker counts: the task that holds the
/// handle now is woken, and the one that had it is not.
#[test]
fn the_newest_joiner_is_woken() {
    let bench = Bench::new();
    let gate = Gate::default();
    let place = Rc::new(RefCell::new(Some(bench.join(gate.clone()))));
    let hand_over = Gate::default();
    bench.spawn({
        let (place, hand_over) = (place.clone(), hand_over.clone());
        async move {
            let mut handle = place.take().unwrap();
            PollOnce(&mut handle).await;
            place.replace(Some(handle));
            hand_over.await;
        }
    });
    bench.run();
    bench.spawn(async move { place.take().unwrap().await.unwrap() });
    bench.run();
    bench.log.take();
    gate.open();
    bench.run();
    bench.expect([
        "task 1 woken: queued",
        "task 1 polled (2)",
        "task 3 woken: queued", // not task 2, whose waker was the first
        "task 1 completed",
        "task 3 polled (2)",
        "task 3 completed",
    ]);
}

/// A poll after the end is a bug of the caller. A handle says so at once, instead of waiting for ever.
#[test]
#[should_panic(expected = "a JoinHandle was polled after it gave its result")]
fn a_handle_gives_its_result_once() {
    let bench = Bench::new();
    let mut handle = bench.join(async {});
    bench.run();
    assert!(poll_once(&mut handle).is_ready());
    let _ = poll_once(&mut handle);
}

/// Two tasks that wait for each other wait for ever. Each holds the other's waker, so the count of wakers does not
/// see it: a lost waker can be proved, a deadlock cannot.
#[test]
fn a_deadlock_is_not_a_lost_waker() {
    let bench = Bench::new();
    let place = Rc::new(RefCell::new(None));
    let first = bench.join({
        let place: Rc<RefCell<Option<JoinHandle<()>>>> = place.clone();
        async move {
            let second = place.take().unwrap();
            second.await.unwrap();
        }
    });
    place.replace(Some(bench.join(async move { first.await.unwrap() })));
    bench.run();
    bench.expect([
        "task 1 spawned",
        "task 1 woken: queued",
        "task 2 spawned",
        "task 2 woken: queued",
        "task 1 polled (1)",
        "task 1 pending",
        "task 2 polled (1)",
        "task 2 pending", // and that was the last event
    ]);
}

/// Runs one future as a task and returns the error that it ended in.
fn error_of(future: impl Future<Output = ()> + 'static) -> JoinError {
    let bench = Bench::new();
    let mut handle = bench.join(future);
    bench.run();
    handle.take().expect("the task has ended").expect_err("the task has panicked")
}

fn sets_when_dropped(flag: &Rc<Cell<bool>>) -> OnDrop<impl FnMut() + use<>> {
    let flag = flag.clone();
    OnDrop(move || flag.set(true))
}

/// Is ready in its first poll and still holds its guard then. An `async` block would have dropped it on its way out.
struct ReadyAtOnce<G> {
    value: u32,
    _guard: G,
}

impl<G> Future for ReadyAtOnce<G> {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        Poll::Ready(self.value)
    }
}

/// Polls a future with the waker of this task, and then goes on without it.
struct PollOnce<'a, F>(&'a mut F);

impl<F: Future + Unpin> Future for PollOnce<'_, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(Pin::new(&mut *self.0).poll(cx).is_pending());
        Poll::Ready(())
    }
}

/// A panic can carry a value that panics when it is dropped. That, too, ends at the task.
#[test]
#[cfg_attr(miri, ignore = "it leaks a few bytes, and that is the point")]
fn a_payload_that_panics_in_its_drop_ends_here() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("in the payload's drop");
        }
    }
    let bench = Bench::new();
    let guard = OnDrop(|| panic::panic_any(Payload));
    let handle = bench.join(async move {
        let _guard = guard;
        Gate::default().await;
    });
    bench.run();
    handle.abort();
    assert!(bench.executor.is_empty());
}
