//! Chapter 16: a program that watches itself.
//!
//! `cargo run --example ch16` runs four tasks, three of them with a classic mistake, on a clock that stands still. A
//! `Recorder` keeps every event, `Lints` names the mistakes while they happen, and at the end the census tells who is left
//! and why. The same each time. `--chrome FILE` writes the events for ui.perfetto.dev as well.

#[path = "../args.rs"]
mod args;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use glassbox::future::yield_now;
use glassbox::inspect::chrome::{self, Lane};
use glassbox::inspect::{Fanout, Finding, Lints, report};
use glassbox::{Handle, Recorder, Runtime};

/// Honest: it waits for a timer, which holds its waker.
async fn sleeper(handle: Handle) {
    handle.sleep(Duration::from_secs(1)).await;
}

/// Says "wake me later" and leaves no number.
struct Forgetful;

impl Future for Forgetful {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// Looks again and again whether something has changed, in place of being told.
async fn impatient(rounds: u32) {
    for _ in 0..rounds {
        yield_now().await;
    }
}

/// Keeps a large array across an await: the future has to hold it.
async fn heavy(handle: Handle) -> u8 {
    let array = [1; 20_000];
    handle.sleep(Duration::from_secs(2)).await;
    array[19_999]
}

fn main() -> io::Result<()> {
    let log = Recorder::new();
    let findings: Arc<Mutex<Vec<Finding>>> = Arc::default();
    let theirs = findings.clone();
    // Without the watchdog: that one goes by the clock, and this program is to print the same each time.
    let lints =
        Lints::without_watchdog(move |finding| theirs.lock().expect("nobody panics here").push(*finding));
    let mut builder = Runtime::builder().frozen_clock();
    if let Some(observer) = Fanout::of(vec![log.clone(), lints]) {
        builder = builder.observer(observer);
    }
    let runtime = builder.build()?;
    let handle = runtime.handle();

    handle.spawn(sleeper(handle.clone())).detach();
    handle.spawn(Forgetful).detach();
    handle.spawn(impatient(150)).detach();
    handle.spawn(heavy(handle.clone())).detach();
    runtime.run_until_stalled();
    runtime.advance(Duration::from_secs(1));
    runtime.run_until_stalled();

    let timeline = log.timeline();
    let lines: Vec<&str> = timeline.lines().collect();
    println!("the first events:");
    lines.iter().take(28).for_each(|line| println!("  {line}"));
    println!("  ... {} more, nearly all of them task 3's ...", lines.len() - 28 - 8);
    lines.iter().skip(lines.len() - 8).for_each(|line| println!("  {line}"));
    println!("\nwho is left:");
    print!("{}", report::report(&handle, &log.records()));
    println!("\nfindings:");
    for finding in findings.lock().expect("nobody panics here").iter() {
        println!("{finding}");
    }
    let stats = handle.stats();
    println!("\ncounters: {} polls, {} wakes, {} sleeps", stats.polls, stats.wakes, stats.sleeps);
    match args::value::<PathBuf>("--chrome") {
        None => Ok(()),
        Some(path) => {
            let lane = Lane { name: "chapter 16".to_owned(), records: log.records() };
            std::fs::write(path, chrome::render(&[lane]))
        }
    }
}
