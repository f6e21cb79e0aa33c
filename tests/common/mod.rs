//! What the timeline tests share: a workbench with an executor and a recorder, and readable comparisons.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod conversation;
pub mod bystander;
pub mod chrome;
pub mod log;
pub mod pipe;
pub mod server;
pub mod sockets;
pub mod wakers;

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use glassbox::future::yield_now;
use glassbox::runtime::executor::Executor;
use glassbox::runtime::join::{self, JoinHandle};
use glassbox::runtime::ready::ReadyQueue;
use glassbox::runtime::trace::{TaskId, Tracer};
use glassbox::{Recorder, Runtime};

/// An executor alone, with everything it does on record. No reactor, no clock.
pub struct Bench {
    pub executor: Rc<Executor>,
    pub ready: Arc<ReadyQueue>,
    pub log: Arc<Recorder>,
}

impl Bench {
    pub fn new() -> Bench {
        let log = Recorder::new();
        let ready = Arc::new(ReadyQueue::new());
        let executor = Rc::new(Executor::new(ready.clone(), Tracer::new(log.clone())));
        Bench { executor, ready, log }
    }

    /// Spawns a task that nobody waits for.
    #[track_caller]
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        let handle = self.join(future);
        let id = handle.id();
        handle.detach();
        id
    }

    /// Spawns a task and keeps the handle to its result.
    #[track_caller]
    pub fn join<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        join::spawn(&self.executor, future)
    }

    pub fn step(&self) -> Option<TaskId> {
        self.executor.step()
    }

    /// Steps until nobody is ready.
    pub fn run(&self) {
        while self.step().is_some() {}
    }

    /// Compares the timeline since the last call.
    #[track_caller]
    pub fn expect<const N: usize>(&self, expected: [&str; N]) {
        expect(&self.log, expected);
    }
}

/// A future that a test opens by hand. Its clones are the same gate; it keeps the newest waker, as a leaf must.
#[derive(Clone, Default)]
pub struct Gate(Rc<GateState>);

#[derive(Default)]
struct GateState {
    open: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Gate {
    /// Lets the waiting task through, and wakes it.
    pub fn open(&self) {
        self.0.open.set(true);
        let waker = self.0.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A copy of the waker that waits here. The gate stays closed.
    pub fn waker(&self) -> Waker {
        self.0.waker.borrow().clone().expect("nobody waits at this gate")
    }
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.open.get() {
            return Poll::Ready(());
        }
        let replaced = self.0.waker.replace(Some(cx.waker().clone()));
        drop(replaced);
        Poll::Pending
    }
}

/// Calls a function when it is dropped: for what happens at the end of a future.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Always wants to run, and never ends: the rudest task that there is.
pub async fn spin() {
    loop {
        yield_now().await;
    }
}

/// Polls a future by hand, with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A whole runtime with a frozen clock and a recorder.
pub fn frozen_runtime() -> (Runtime, Arc<Recorder>) {
    let log = Recorder::new();
    let runtime =
        Runtime::builder().frozen_clock().observer(log.clone()).build().expect("cannot build a runtime");
    (runtime, log)
}

/// Takes the timeline out of the recorder, prints it (see it with `--nocapture`), and compares it.
#[track_caller]
pub fn expect<const N: usize>(log: &Recorder, expected: [&str; N]) {
    let story = log.story();
    print_timeline(&story);
    assert_eq!(story, expected, "the timeline is not the expected one");
}

/// Prints a timeline as a numbered list, what happens inside a poll indented.
pub fn print_timeline(story: &[String]) {
    let mut inside = false;
    println!("--- timeline");
    for (number, line) in story.iter().enumerate() {
        let ends = [" pending", " completed", " panicked"].iter().any(|end| line.contains(end));
        inside &= !ends;
        println!("{:4}  {}{line}", number + 1, if inside { "    " } else { "" });
        inside |= line.contains(" polled (");
    }
}
