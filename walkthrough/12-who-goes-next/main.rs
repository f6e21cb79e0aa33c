//! Chapter 12: who goes next? Tasks that share one thread share it by returning. This is what becomes of the others when
//! one does not.
//!
//! `cargo run --example ch12` shows
//!
//! 1. three busy tasks, and the order of their rounds
//! 2. a task that never rests, and a socket that wants to be heard
//! 3. a task that is always ready, alone and with a budget
//! 4. work that blocks, in a poll and on a thread
//! 5. a panic, and who survives it

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::TcpStream as Client;
use std::panic;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use glassbox::future::yield_now;
use glassbox::net::TcpListener;
use glassbox::sync::{Receiver, channel};
use glassbox::{Recorder, Runtime};

fn runtime() -> Runtime {
    Runtime::new().expect("no runtime: ulimit -n")
}

/// Three times, each writes its name down and goes to the end of the queue.
fn rounds() {
    let runtime = runtime();
    let order = Rc::new(RefCell::new(String::new()));
    for name in ["a", "b", "c"] {
        let order = order.clone();
        let busy = async move {
            for _ in 0..3 {
                order.borrow_mut().push_str(name);
                yield_now().await;
            }
        };
        runtime.handle().spawn(busy).detach();
    }
    runtime.run_until_stalled();
    println!("1. what they wrote: {}\n", order.borrow());
}

/// Never rests: each poll ends with a wake of its own.
async fn spin() {
    loop {
        yield_now().await;
    }
}

/// The queue is never empty here. If the runtime looked for sockets only when it is, this would not end.
fn a_socket_beside_a_spinner() {
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build().expect("no runtime: ulimit -n");
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).expect("cannot listen");
    let mut client = Client::connect(listener.local_addr().expect("bound")).expect("cannot connect");
    let (stream, _) = runtime.block_on(async move { listener.accept().await }).expect("cannot accept");
    runtime.handle().spawn(spin()).detach();
    let reading = runtime.handle().spawn(async move { stream.read(&mut [0; 8]).await });
    runtime.turn(); // The read has found nothing, and waits.
    client.write_all(b"hello").expect("cannot write");
    log.take();
    let count = runtime.block_on(reading).expect("no panic").expect("cannot read");
    println!("2. {count} bytes were heard beside a task that never rests");
    println!("  the longest row of polls without a look at epoll: {}\n", longest_row(&log.story()));
}

/// How many polls there were in a row, at the most, before a look at epoll.
fn longest_row(story: &[String]) -> usize {
    let rows = story.split(|line| *line == "peek at epoll");
    rows.map(|row| row.iter().filter(|line| line.contains(" polled (")).count()).max().unwrap_or(0)
}

/// After so many jobs in a row, the others get their turn.
const BUDGET: u32 = 32;

/// Takes jobs from a queue that is always full. `recv` is ready each time, so no await here ever waits.
async fn work_off(mut jobs: Receiver<u32>, done: Rc<Cell<u32>>, with_budget: bool) {
    while jobs.recv().await.is_some() {
        done.set(done.get() + 1);
        if with_budget && done.get().is_multiple_of(BUDGET) {
            yield_now().await;
        }
    }
}

/// Notes how far the work has come, at each poll.
async fn look(done: Rc<Cell<u32>>, seen: Rc<RefCell<Vec<u32>>>) {
    while done.get() < 1000 {
        seen.borrow_mut().push(done.get());
        yield_now().await;
    }
    seen.borrow_mut().push(done.get());
}

fn always_ready(title: &str, with_budget: bool) {
    let runtime = runtime();
    let (done, seen) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let (sender, jobs) = channel(1000);
    runtime.block_on(async move {
        for job in 0..1000 {
            sender.send(job).await.expect("the receiver is there");
        }
    });
    let seen_by_other = seen.clone();
    let other = runtime.handle().spawn(look(done.clone(), seen_by_other));
    runtime.handle().spawn(work_off(jobs, done, with_budget)).detach();
    runtime.block_on(other).expect("no panic");
    let seen = seen.borrow();
    let numbers = match &seen[..] {
        [first, last] => format!("{first}, {last}"),
        [first, second, .., last] => format!("{first}, {second}, ... {last}"),
        _ => String::new(),
    };
    println!("  {title:<14} polls of the other: {:>2}; jobs done by then: {numbers}", seen.len());
}

/// Counts its polls, for other threads to read.
async fn ping(pings: Arc<AtomicU32>) {
    loop {
        pings.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
    }
}

/// Work of some milliseconds, without an await: how many primes there are below 20,000.
fn primes() -> usize {
    (2..20_000_u32).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)).count()
}

/// The same on another thread, which is not done before the other has had three polls. Were there none, it gives up.
fn patient_primes(pings: &AtomicU32) -> usize {
    let begin = pings.load(Ordering::SeqCst);
    for _ in 0..20_000_000 {
        if pings.load(Ordering::SeqCst) >= begin + 3 {
            break;
        }
        thread::yield_now();
    }
    primes()
}

fn work_that_blocks() {
    println!("4. work that blocks");
    let runtime = runtime();
    let (handle, pings) = (runtime.handle(), Arc::new(AtomicU32::new(0)));
    handle.spawn(ping(pings.clone())).detach();
    let polls = |before: u32| pings.load(Ordering::SeqCst) - before;

    let own = pings.clone();
    let (found, in_a_poll) = runtime.block_on(async move {
        let before = own.load(Ordering::SeqCst);
        (primes(), own.load(Ordering::SeqCst) - before)
    });
    println!("  in a poll:   {found} primes; polls of the other meanwhile: {in_a_poll}");

    let (before, theirs) = (pings.load(Ordering::SeqCst), pings.clone());
    let found = runtime.block_on(handle.spawn_blocking(move || patient_primes(&theirs))).expect("no panic");
    println!(
        "  on a thread: {found} primes; polls of the other meanwhile: 3 or more: {}\n",
        polls(before) >= 3
    );
}

fn a_panic() {
    println!("5. a panic");
    panic::set_hook(Box::new(|_| {})); // Its message would go to stderr, with a line number.
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build().expect("no runtime: ulimit -n");
    let tasks = [1, 2, 3].map(|number| {
        runtime.handle().spawn(async move {
            yield_now().await;
            assert!(number != 2, "number two is not well");
            number
        })
    });
    runtime.run_until_stalled();
    for mut task in tasks {
        match task.take().expect("all have ended") {
            Ok(number) => println!("  task {number}: {number}"),
            Err(error) => println!("  {error}"),
        }
    }
    let _ = panic::take_hook();
    println!("  {}", log.story().into_iter().filter(|line| line.contains("panicked")).collect::<String>());
}

fn main() {
    rounds();
    a_socket_beside_a_spinner();
    println!("3. a thousand jobs that are always ready");
    always_ready("alone", false);
    always_ready("with a budget", true);
    println!();
    work_that_blocks();
    a_panic();
}
