//! Chapter 16: a program that watches itself.
//!
//! `cargo run --example ch16` runs four tasks, three of them with a classic mistake, on a clock that stands still. A
//! `Recorder` keeps every event, `Lints` names the mistakes while they happen, and at the end the census tells who is
//! left and why. The same each time. `--chrome FILE` writes the events for ui.perfetto.dev as well; `--step` runs the
//! tasks step by step.

#[path = "../args.rs"]
mod args;
mod step;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
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
#[allow(clippy::large_stack_arrays, reason = "this is the mistake")]
async fn heavy(handle: Handle) -> u8 {
    let array = [1; 20_000];
    handle.sleep(Duration::from_secs(2)).await;
    array[19_999]
}

fn spawn_all(handle: &Handle) {
    handle.spawn(sleeper(handle.clone())).detach();
    handle.spawn(Forgetful).detach();
    handle.spawn(impatient(150)).detach();
    handle.spawn(heavy(handle.clone())).detach();
}

fn main() -> io::Result<()> {
    if args::switch("--step") {
        return step::run();
    }
    let log = Recorder::new();
    let findings: Arc<Mutex<Vec<Finding>>> = Arc::default();
    let theirs = findings.clone();
    // Without the watchdog: that one goes by the clock, and this program is to print the same each time.
    let lints = Lints::without_watchdog(move |finding| lock(&theirs).push(*finding));
    let mut builder = Runtime::builder().frozen_clock();
    if let Some(observer) = Fanout::of(vec![log.clone(), lints]) {
        builder = builder.observer(observer);
    }
    let runtime = builder.build()?;
    spawn_all(&runtime.handle());
    runtime.run_until_stalled();
    runtime.advance(Duration::from_secs(1));
    runtime.run_until_stalled();

    let (handle, records) = (runtime.handle(), log.records());
    tell_events(&log.timeline());
    print!("\nwho is left:\n{}", report::report(&handle, &records));
    println!("\nfindings:");
    lock(&findings).iter().for_each(|finding| println!("{finding}"));
    let stats = handle.stats();
    println!("\ncounters: {} polls, {} wakes, {} sleeps", stats.polls, stats.wakes, stats.sleeps);
    let Some(path) = args::value::<PathBuf>("--chrome") else { return Ok(()) };
    std::fs::write(path, chrome::render(&[Lane { name: "chapter 16".to_owned(), records }]))
}

fn lock(findings: &Mutex<Vec<Finding>>) -> MutexGuard<'_, Vec<Finding>> {
    findings.lock().expect("nobody panics under this lock")
}

/// The beginning and the end: in between one task talks.
fn tell_events(timeline: &str) {
    let lines: Vec<&str> = timeline.lines().collect();
    let (beginning, rest) = lines.split_at(28);
    let (middle, end) = rest.split_at(rest.len() - 8);
    println!("events:");
    println!("  {}", beginning.join("\n  "));
    println!("  ... {} more, nearly all of them task 3's ...", middle.len());
    println!("  {}", end.join("\n  "));
}
