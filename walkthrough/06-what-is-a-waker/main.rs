//! Chapter 6: a waker, made by hand: who may call it, from where, and who counts.
//!
//! `cargo run --example ch06` waits for another thread and sleeps meanwhile, then counts references; `-- forget` counts them
//! wrongly.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use glassbox::runtime::waker_cell::WakerCell;

// A waker. --------------------------------------------------------------------------------------------------------

/// What our waker points at: how to end the sleep of one thread.
struct Doorbell {
    /// Who sleeps.
    thread: Thread,
    /// How often somebody rang.
    rings: AtomicUsize,
}

impl Doorbell {
    fn new() -> Arc<Doorbell> {
        Arc::new(Doorbell { thread: thread::current(), rings: AtomicUsize::new(0) })
    }

    fn rings(&self) -> usize {
        self.rings.load(Ordering::SeqCst)
    }
}

/// `Arc<Doorbell>` becomes a `Waker`: the standard library writes the table of functions.
impl Wake for Doorbell {
    /// Wakes, and uses up one reference: `self` is dropped at the end.
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// Wakes. It runs nothing, it waits for nothing; it leaves a note and goes.
    fn wake_by_ref(self: &Arc<Self>) {
        self.rings.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// The smallest executor that sleeps: one future, one thread. Returns the value and the number of polls.
fn block_on<T>(future: impl Future<Output = T>, doorbell: &Arc<Doorbell>) -> (T, usize) {
    let mut future = pin!(future);
    let waker = Waker::from(doorbell.clone());
    let mut cx = Context::from_waker(&waker);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return (value, polls);
        }
        // If somebody has rung since the poll began, this returns at once: the thread keeps one `unpark` for later.
        thread::park();
    }
}

// Something to wait for. ------------------------------------------------------------------------------------------

/// What the two threads share.
#[derive(Default)]
struct Shared {
    letter: Option<&'static str>,
    /// Who is to be told when the letter comes.
    waiter: Option<Waker>,
}

/// Waits for a letter from another thread.
struct Letter {
    shared: Arc<Mutex<Shared>>,
    /// Tells the friend that somebody waits now; without it the demonstration would depend on who is faster.
    waiting: Sender<()>,
}

impl Future for Letter {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let mut shared = self.shared.lock().expect("cannot be poisoned");
        if let Some(letter) = shared.letter.take() {
            return Poll::Ready(letter);
        }
        // Every `Pending` has arranged a wake: the newest waker lies where the news will come in.
        let old = shared.waiter.replace(cx.waker().clone());
        drop((shared, old)); // in this order: a waker is foreign code, its drop too, and the lock is free by then
        let _there = self.waiting.send(());
        Poll::Pending
    }
}

/// Brings a letter and calls whoever waits: outside of the lock, because a waker is foreign code.
fn bring(letter: &'static str, shared: &Mutex<Shared>) {
    let mut inside = shared.lock().expect("cannot be poisoned");
    inside.letter = Some(letter);
    let waiter = inside.waiter.take();
    drop(inside);
    if let Some(waiter) = waiter {
        waiter.wake();
    }
}

fn sleep_and_be_woken() {
    let shared = Arc::new(Mutex::new(Shared::default()));
    let (waiting, told) = mpsc::channel();
    let outside = shared.clone();
    let friend = thread::spawn(move || {
        told.recv().expect("cannot lose the waiting task");
        bring("hello", &outside);
    });
    let doorbell = Doorbell::new();
    // An `Rc` is alive across the await: this future cannot go to another thread. Its waker does.
    let stays_here = Rc::new("this thread");
    let task = async move { format!("{:?} read on {stays_here}", Letter { shared, waiting }.await) };
    let (answer, polls) = block_on(task, &doorbell);
    friend.join().expect("cannot panic");
    println!("{answer}: {polls} polls, {} ring", doorbell.rings());
}

// Who counts. -----------------------------------------------------------------------------------------------------

/// Prints how many references there are. A `Weak` sees them without being one.
fn tell(what: &str, doorbell: &Weak<Doorbell>) {
    println!("{what:45} {:3}", doorbell.strong_count());
}

/// Each step of a waker's life, and the references after it.
fn count() {
    println!("{:41} references", "");
    let doorbell = Doorbell::new();
    let seen = Arc::downgrade(&doorbell);
    let waker = Waker::from(doorbell);
    tell("made: the Arc has moved into the waker", &seen);
    let cx = Context::from_waker(&waker);
    tell("lent to a poll: a Context holds &Waker", &seen);
    let in_a_table = cx.waker().clone();
    tell("cloned, and left in a table", &seen);
    let cell = WakerCell::default();
    (0..3).for_each(|_| cell.store(cx.waker()));
    tell("stored in a WakerCell, three times", &seen);
    let travels = waker.clone();
    tell("cloned for another thread", &seen);
    let back = thread::spawn(move || {
        travels.wake_by_ref();
        travels
    });
    let back = back.join().expect("cannot panic");
    tell("wake_by_ref, there", &seen);
    thread::spawn(move || back.wake()).join().expect("cannot panic");
    tell("wake, there: by value", &seen);
    cell.wake();
    tell("woken through the WakerCell", &seen);
    println!("the one in the table still wakes the same: {}", in_a_table.will_wake(&waker));
    drop(in_a_table);
    tell("dropped from the table", &seen);
    drop(waker);
    tell("the last one dropped", &seen);
}

/// One `drop` too few. (One too many cannot be written without `unsafe`.)
fn forget() {
    println!("{:41} references", "");
    let doorbell = Doorbell::new();
    let seen = Arc::downgrade(&doorbell);
    let waker = Waker::from(doorbell);
    std::mem::forget(waker.clone());
    tell("cloned, and the clone forgotten", &seen);
    drop(waker);
    tell("the last one dropped", &seen);
    println!("freed: {}", seen.upgrade().is_none());
}

/// Compiles for what may cross threads, and for nothing else.
fn may_cross_threads<T: Send + Sync>() {}

fn main() {
    may_cross_threads::<Waker>();
    match std::env::args().nth(1).as_deref() {
        None => {
            sleep_and_be_woken();
            println!();
            count();
        }
        Some("forget") => forget(),
        Some(other) => eprintln!("no such demonstration: {other} (try forget)"),
    }
}

#[cfg(test)]
#[path = "test.rs"]
mod test;
