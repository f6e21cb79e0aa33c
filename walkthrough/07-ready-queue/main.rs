//! Chapter 7: the executor and its queue, with no socket, no timer and no thread. What a wake does, how often it counts,
//! and whom it reaches.
//!
//! `cargo run --example ch07` plays four scenes and prints what the runtime says about itself.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use glassbox::Recorder;
use glassbox::runtime::executor::Executor;
use glassbox::runtime::ready::ReadyQueue;
use glassbox::runtime::sentence::Timeline;
use glassbox::runtime::task::TaskFuture;
use glassbox::runtime::trace::{Outcome, TaskId, Tracer};
use glassbox::runtime::waker_cell::WakerCell;

// A workbench. ----------------------------------------------------------------------------------------------------

/// An executor alone, with everything that it does on record.
struct Bench {
    executor: Executor,
    log: Arc<Recorder>,
}

/// What the executor runs: a future of any type, boxed, that ends with how it ended. `runtime/join.rs` has the real one:
/// it keeps the value and catches panics.
struct Plain(Pin<Box<dyn Future<Output = ()>>>);

impl Future for Plain {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.0.as_mut().poll(cx).map(|()| Outcome::Completed)
    }
}

impl TaskFuture for Plain {
    /// Nobody waits for the result of one of these.
    fn joiner_key(&self) -> Option<*const ()> {
        None
    }
}

impl Bench {
    fn new() -> Bench {
        let log = Recorder::new();
        let executor = Executor::new(Arc::new(ReadyQueue::new()), Tracer::new(log.clone()));
        Bench { executor, log }
    }

    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.executor.spawn(Plain(Box::pin(future)), 0)
    }

    /// One step after the other, until nobody is ready.
    fn run(&self) {
        while self.executor.step().is_some() {}
    }

    /// Writes down who is on the queue.
    fn show_queue(&self) {
        self.print();
        println!("  [ queue: {:?} ]", self.executor.queue().snapshot());
    }

    /// Prints what has happened since the last time: what a task does in its poll is indented, and a line that
    /// repeats stands once with a count.
    fn print(&self) {
        let (mut timeline, events) = (Timeline::default(), self.log.take());
        for same in events.chunk_by(|a, b| a == b) {
            let indent = if timeline.note(&same[0]) { "    " } else { "" };
            let times = if same.len() > 1 { format!("  x {}", same.len()) } else { String::new() };
            println!("  {indent}{}{times}", same[0]);
        }
    }
}

/// Something to wait for: closed until somebody opens it. Clones are the same gate.
#[derive(Clone, Default)]
struct Gate(Rc<Inside>);

#[derive(Default)]
struct Inside {
    open: Cell<bool>,
    waiter: WakerCell,
}

impl Gate {
    fn open(&self) {
        self.0.open.set(true);
        self.0.waiter.wake();
    }
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.open.get() {
            return Poll::Ready(());
        }
        self.0.waiter.store(cx.waker());
        Poll::Pending
    }
}

/// Gives away a copy of its task's waker, and waits at a gate.
async fn lend_waker(place: Rc<Cell<Option<Waker>>>, gate: Gate) {
    std::future::poll_fn(|cx| {
        place.set(Some(cx.waker().clone()));
        Poll::Ready(())
    })
    .await;
    gate.await;
}

/// A task that waits at a gate, its gate, and a copy of its waker.
fn waiting_task(bench: &Bench) -> (TaskId, Gate, Waker) {
    let (place, gate) = (Rc::default(), Gate::default());
    let task = bench.spawn(lend_waker(Rc::clone(&place), gate.clone()));
    bench.run();
    (task, gate, place.take().expect("it was polled"))
}

// Four scenes. ----------------------------------------------------------------------------------------------------

/// Two tasks, one gate.
fn one_opens_for_the_other() {
    let bench = Bench::new();
    let gate = Gate::default();
    bench.spawn(gate.clone());
    bench.spawn(async move { gate.open() });
    bench.show_queue();
    bench.run();
    bench.print();
}

/// A hundred wakes before the next poll.
fn a_hundred_wakes() {
    let bench = Bench::new();
    let (_, gate, waker) = waiting_task(&bench);
    (0..100).for_each(|_| waker.wake_by_ref());
    bench.show_queue();
    bench.run();
    gate.open();
    bench.run();
    bench.print();
}

/// A wake in the middle of the poll, as another thread could make it.
fn a_wake_during_the_poll() {
    let bench = Bench::new();
    let mut polls = 0;
    bench.spawn(std::future::poll_fn(move |cx| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    bench.run();
    bench.print();
}

/// A waker outlives its task, and somebody else has moved in.
fn a_stale_wake() {
    let bench = Bench::new();
    let (_, gate, old) = waiting_task(&bench);
    gate.open();
    bench.run();
    waiting_task(&bench);
    old.wake();
    bench.show_queue();
    bench.run();
    bench.print();
}

fn main() {
    let scenes: [(&str, fn()); 4] = [
        ("One task opens a gate for another", one_opens_for_the_other),
        ("A hundred wakes", a_hundred_wakes),
        ("A wake during the poll", a_wake_during_the_poll),
        ("A wake for somebody who has ended", a_stale_wake),
    ];
    for (title, scene) in scenes {
        println!("{title}");
        scene();
    }
}
