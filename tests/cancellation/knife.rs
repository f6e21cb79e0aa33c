//! Polls a future so many times and drops it.

use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::Poll;

use glassbox::Runtime;

use crate::common::wakers::{CountingWaker, poll_with};

/// A runtime whose clock stands still, with one thread for blocking work.
pub fn runtime() -> Rc<Runtime> {
    Rc::new(Runtime::builder().frozen_clock().blocking_threads(1).build().expect("cannot build a runtime"))
}

/// Polls `future` at most `polls` times, calls `meanwhile` between two polls, and drops it. Its output, if it got so far.
pub fn cut<F: Future>(polls: usize, future: F, meanwhile: impl FnMut(usize)) -> Option<F::Output> {
    let waker = CountingWaker::new();
    let output = cut_with(&waker, polls, future, meanwhile);
    assert!(!waker.is_held(), "dropped after {polls} polls: somebody still holds its waker");
    output
}

/// The same with this waker, which may be left somewhere.
pub fn cut_with<F: Future>(
    waker: &Arc<CountingWaker>,
    polls: usize,
    future: F,
    mut meanwhile: impl FnMut(usize),
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut output = None;
    for nth in 1..=polls {
        if let Poll::Ready(value) = poll_with(waker, &mut future) {
            output = Some(value);
            break;
        }
        meanwhile(nth);
    }
    output
}

/// Polls once: what is there at this moment.
pub fn now<F: Future>(future: F) -> Option<F::Output> {
    cut(1, future, |_| {})
}

/// Waits until the pool has done all that it was asked for. It has one thread: when a second job is done, nothing of the
/// first is under way.
pub fn wait_for_pool(runtime: &Runtime) {
    let (tell, done) = mpsc::channel();
    let second = runtime.handle().spawn_blocking(move || tell.send(()));
    done.recv().expect("the pool works");
    drop(second);
}

/// No task, no timer, no source.
#[track_caller]
pub fn nothing_is_left(runtime: &Runtime) {
    runtime.run_until_stalled();
    assert_eq!(runtime.tasks(), [], "a task is left");
    assert_eq!(runtime.timers(), [], "a timer is left");
    assert_eq!(runtime.sources(), [], "a source is left");
}
