//! Chapter 10: a timer is not a thread. It is a waker in a table that is sorted by when it is due.
//!
//! `cargo run --example ch10` shows
//!
//! 1. three sleeps and the table that they stand in
//! 2. `timeout`: in time, and too late
//! 3. a busy connection, which moves its deadline with every request
//! 4. a thousand timers, and how many threads they need
//! 5. a short sleep on the real clock
//!
//! In the first four the clock stands still, until the program moves it. So they take no time, and print the same always.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use glassbox::{Recorder, Runtime};

const SECOND: Duration = Duration::from_secs(1);

/// A runtime whose clock stands still, and its record.
fn frozen() -> (Runtime, Arc<Recorder>) {
    let log = Recorder::new();
    let runtime = Runtime::builder().frozen_clock().observer(log.clone()).build();
    (runtime.expect("no runtime: ulimit -n"), log)
}

/// Prints what was recorded since the last call.
fn tell(log: &Recorder) {
    for line in log.timeline().lines() {
        println!("    {}", line.split(" at walkthrough").next().unwrap_or(line));
    }
    log.take();
}

/// The order of the table is not the order of the calls.
fn three_sleeps() {
    println!("1. three sleeps");
    let (runtime, log) = frozen();
    let handle = runtime.handle();
    for seconds in [3, 1, 2] {
        handle.spawn(handle.sleep(seconds * SECOND)).detach();
    }
    runtime.turn();
    log.take();
    for (timer, due) in runtime.timers() {
        println!("  {timer}: due in {due:?}");
    }
    println!("  two seconds later:");
    runtime.advance(2 * SECOND);
    runtime.turn();
    tell(&log);
}

/// A future and a limit. If both are ready in the same poll, the future's value counts: it is asked first.
fn timeouts() {
    for (title, work) in [("2. one second is enough", 1), ("   one second is not enough", 2)] {
        println!("{title}");
        let (runtime, log) = frozen();
        let handle = runtime.handle();
        let limited = runtime.handle().spawn(async move {
            let work = handle.sleep(work * SECOND);
            match handle.timeout(SECOND, work).await {
                Ok(()) => handle.mark("answer", 1, "in time"),
                Err(elapsed) => {
                    handle.mark("answer", 1, "too late");
                    assert_eq!(elapsed.to_string(), "the time limit was reached");
                }
            }
        });
        limited.detach();
        runtime.turn();
        runtime.advance(SECOND);
        runtime.turn();
        tell(&log);
    }
}

/// How often the table was written to, by kind.
fn count(log: &Recorder, what: &str) -> usize {
    log.records().iter().filter(|record| record.event.to_string().contains(what)).count()
}

/// Polls a sleep by hand: nobody is woken here, the program asks again and again.
fn poll(sleep: &mut glassbox::Sleep) {
    let _ = Pin::new(sleep).poll(&mut Context::from_waker(Waker::noop()));
}

/// A thousand requests, ten milliseconds apart. After each of them the connection may be idle for two seconds.
fn busy_connection(title: &str, lazily: bool) {
    let (runtime, log) = frozen();
    let handle = runtime.handle();
    let mut idle = handle.sleep(2 * SECOND);
    for _ in 0..1000 {
        runtime.advance(Duration::from_millis(10));
        if lazily {
            idle.reset_after(2 * SECOND);
        } else {
            idle = handle.sleep(2 * SECOND); // The old one is dropped, and with it its entry.
        }
        poll(&mut idle);
    }
    let counts = ["armed", "cancelled", "fired"].map(|what| count(&log, what));
    println!("  {title:<22}{:>6}{:>11}{:>7}", counts[0], counts[1], counts[2]);
}

/// The number of threads of this process, by Linux's own count.
fn threads() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    line.map_or("unknown".to_owned(), |count| count.trim().to_owned())
}

fn a_thousand_timers() {
    println!("4. a thousand timers");
    let (runtime, log) = frozen();
    let handle = runtime.handle();
    for ms in 1..=1000 {
        handle.spawn(handle.sleep(Duration::from_millis(ms))).detach();
    }
    runtime.turn();
    println!("  tasks {}, timers {}, threads {}", runtime.tasks().len(), runtime.timers().len(), threads());
    runtime.advance(SECOND);
    runtime.turn();
    println!("  one second later: fired {}, tasks {}\n", count(&log, "fired"), runtime.tasks().len());
}

/// epoll counts whole milliseconds. Rounded up, one sleep is enough.
fn a_short_sleep() {
    println!("5. 300 microseconds on the real clock");
    let runtime = Runtime::new().expect("no runtime: ulimit -n");
    let handle = runtime.handle();
    let (duration, start) = (Duration::from_micros(300), Instant::now());
    runtime.block_on(handle.sleep(duration));
    let stats = handle.stats();
    println!("  too early: {}", start.elapsed() < duration);
    println!("  polls: {}; slept more than once: {}", stats.polls, stats.sleeps > 1);
}

fn main() {
    three_sleeps();
    timeouts();
    println!("3. a thousand requests");
    println!("  {:<22}{:>6}{:>11}{:>7}", "the deadline is", "armed", "cancelled", "fired");
    busy_connection("made anew each time", false);
    busy_connection("moved, lazily", true);
    println!();
    a_thousand_timers();
    a_short_sleep();
}
