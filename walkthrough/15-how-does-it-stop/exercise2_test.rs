//! What `stop` must do. Included by the exercise and by its solution.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use glassbox::{JoinHandle, Runtime};

use super::*;

const GRACE: Duration = Duration::from_secs(10);

/// Requests in flight: done when the test says so. It knows when it is dropped.
struct Requests {
    done: Rc<Cell<bool>>,
    dropped: Rc<Cell<bool>>,
}

impl Future for Requests {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.done.get() {
            return Poll::Ready(());
        }
        // Somebody looks again with each poll: enough for a test, which polls by waking the task.
        WAKER.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.dropped.set(true);
    }
}

thread_local! {
    static WAKER: Cell<Option<std::task::Waker>> = const { Cell::new(None) };
}

struct Stage {
    runtime: Runtime,
    done: Rc<Cell<bool>>,
    dropped: Rc<Cell<bool>>,
    task: JoinHandle<End>,
}

impl Stage {
    fn new() -> Stage {
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let (done, dropped) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let (handle, requests) =
            (runtime.handle(), Requests { done: done.clone(), dropped: dropped.clone() });
        let task = runtime.handle().spawn(async move { stop(&handle, GRACE, requests).await });
        runtime.run_until_stalled();
        Stage { runtime, done, dropped, task }
    }

    /// The last request is done.
    fn finish(&self) {
        self.done.set(true);
        if let Some(waker) = WAKER.take() {
            waker.wake();
        }
    }

    fn end(&mut self) -> Option<End> {
        self.runtime.run_until_stalled();
        self.task.take().map(|end| end.expect("it does not panic"))
    }
}

#[test]
fn who_finishes_in_time_is_not_held_up() {
    let mut stage = Stage::new();
    assert_eq!(stage.end(), None);
    stage.finish();
    assert_eq!(stage.end(), Some(End::Finished));
    assert_eq!(stage.runtime.timers(), [], "a timer is left");
}

#[test]
fn who_does_not_finish_is_cut() {
    let mut stage = Stage::new();
    let nearly = GRACE.saturating_sub(Duration::from_nanos(1));
    stage.runtime.advance(nearly);
    assert_eq!(stage.end(), None, "not before its time");
    stage.runtime.advance(Duration::from_nanos(1));
    assert_eq!(stage.end(), Some(End::Cut));
    assert!(stage.dropped.get(), "the requests are still there");
    assert_eq!(stage.runtime.timers(), [], "a timer is left");
}

#[test]
fn the_last_moment_is_in_time() {
    let mut stage = Stage::new();
    stage.finish();
    stage.runtime.advance(GRACE);
    assert_eq!(stage.end(), Some(End::Finished));
}
