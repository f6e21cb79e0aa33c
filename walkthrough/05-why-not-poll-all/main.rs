//! Chapter 5: an executor in thirty lines. It runs any number of tasks, and it is broken: it polls everybody, always.
//!
//! `cargo run --example ch05` counts what that costs; `-- nap` shows a repair that is none; `-- wait` does it in real time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

// The executor. ---------------------------------------------------------------------------------------------------

/// Tasks, and a counter that will tell on it.
#[derive(Default)]
struct Spin {
    tasks: Vec<Pin<Box<dyn Future<Output = ()>>>>,
    polls: u64,
}

impl Spin {
    fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        self.tasks.push(Box::pin(future));
    }

    /// Polls each task once. Those that are done leave; the others will be asked again in the next round.
    fn round(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.polls += self.tasks.len() as u64;
        self.tasks.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
    }

    /// Round after round, until nobody is left.
    fn run(&mut self) {
        while !self.tasks.is_empty() {
            self.round();
        }
    }
}

// What the tasks wait for. ----------------------------------------------------------------------------------------

/// A mailbox stands for a socket: letters arrive, a task takes them out. A letter says at which tick it arrived.
#[derive(Clone, Default)]
struct Mailbox(Rc<RefCell<VecDeque<u64>>>);

impl Future for Mailbox {
    type Output = u64;

    /// One look into the box. Where is the answer to "when shall I look again"? There is none.
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<u64> {
        self.0.borrow_mut().pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Reads as many letters as it is told to, and notes when each was read.
async fn read_letters(mailbox: Mailbox, count: usize, tick: Tick, waits: Rc<RefCell<Vec<u64>>>) {
    for _ in 0..count {
        let arrived = mailbox.clone().await;
        waits.borrow_mut().push(*tick.borrow() - arrived);
    }
}

type Tick = Rc<RefCell<u64>>;

/// When letters arrive: five in a hundred ticks, at no particular moments.
const ARRIVALS: [u64; 5] = [7, 23, 38, 61, 94];

/// What one run has cost, and how long the letters waited.
struct Bill {
    polls: u64,
    letters: usize,
    waits: u64,
}

/// One busy task and `idle` tasks that wait for nothing, for a hundred ticks, with a round in every `nap`th of them.
fn run(idle: usize, nap: u64) -> Bill {
    let (mut spin, mailbox) = (Spin::default(), Mailbox::default());
    let (tick, waits) = (Tick::default(), Rc::new(RefCell::new(Vec::new())));
    spin.spawn(read_letters(mailbox.clone(), ARRIVALS.len() + 1, tick.clone(), waits.clone()));
    for _ in 0..idle {
        spin.spawn(read_letters(Mailbox::default(), 1, tick.clone(), waits.clone()));
    }
    for now in 1..=100 {
        *tick.borrow_mut() = now;
        if ARRIVALS.contains(&now) {
            mailbox.0.borrow_mut().push_back(now);
        }
        if now % nap == 0 {
            spin.round();
        }
    }
    let waits = waits.borrow();
    Bill { polls: spin.polls, letters: waits.len(), waits: waits.iter().sum() }
}

fn measure() {
    println!("idle tasks    polls    of them with news");
    for idle in [0, 10, 100, 1_000, 10_000] {
        let start = Instant::now();
        let bill = run(idle, 1);
        let time = start.elapsed().as_micros();
        println!("{idle:10} {:8} {:10}         took {time}us", bill.polls, bill.letters);
    }
}

/// Fewer rounds are fewer polls. Whoever waits pays for it.
fn nap() {
    println!("a round every    polls    a letter waits");
    for nap in [1, 5, 10, 50, 100] {
        let bill = run(1_000, nap);
        let average = bill.waits / bill.letters as u64;
        println!("{nap:6} ticks {:11} {average:7} ticks on average", bill.polls);
    }
}

/// A letter from another thread: `try_recv` is one look.
struct FromThread(Receiver<&'static str>);

impl Future for FromThread {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<&'static str> {
        self.0.try_recv().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One task, one letter, 50 milliseconds. The thread could have slept.
fn wait() {
    let (sender, receiver) = mpsc::channel();
    let friend = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        sender.send("hello")
    });
    let mut spin = Spin::default();
    spin.spawn(async move { println!("read {:?}", FromThread(receiver).await) });
    spin.run();
    println!("polls: more than 1,000 for one letter: {}", spin.polls > 1_000);
    let _sent = friend.join().expect("cannot panic");
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => measure(),
        Some("nap") => nap(),
        Some("wait") => wait(),
        Some(other) => eprintln!("no such demonstration: {other} (try nap or wait)"),
    }
}

#[cfg(test)]
#[path = "test.rs"]
mod test;
