//! Chapter 9: nobody is ready. Another thread has the news, and the runtime sleeps in the operating system meanwhile.
//!
//! `cargo run --example ch09` shows three meetings of a task and a thread:
//!
//! 1. the value comes while the runtime sleeps
//! 2. the value is there before anybody asks
//! 3. work that blocks, on a thread of the pool, while another task goes on

mod oneshot;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use glassbox::future::yield_now;
use glassbox::runtime::monitor::Stats;
use glassbox::{Event, Observer, Recorder, Runtime};
use oneshot::oneshot;

/// Records, and tells another thread that the runtime has announced its sleep. So the order of this program's events
/// is always the same, without a clock.
struct Lookout {
    log: Arc<Recorder>,
    asleep: Mutex<mpsc::Sender<()>>,
}

impl Observer for Lookout {
    fn observe(&self, event: Event) {
        self.log.observe(event);
        if matches!(event, Event::Parked { timeout: None }) {
            let _ = self.asleep.lock().expect("cannot be poisoned").send(());
        }
    }
}

/// A runtime, its record, and the end of a channel on which it says that it goes to sleep.
fn watched() -> (Runtime, Arc<Recorder>, mpsc::Receiver<()>) {
    let (asleep, told) = mpsc::channel();
    let log = Recorder::new();
    let lookout = Lookout { log: log.clone(), asleep: Mutex::new(asleep) };
    let runtime = Runtime::builder().observer(Arc::new(lookout)).build().expect("no runtime: ulimit -n");
    (runtime, log, told)
}

/// Prints what was recorded. Where a task was spawned is left out.
fn tell(title: &str, log: &Recorder, runtime: &Runtime) {
    println!("{title}");
    for line in log.timeline().lines() {
        println!("    {}", line.split(" at walkthrough").next().unwrap_or(line));
    }
    let Stats { polls, parks, sleeps, .. } = runtime.handle().stats();
    println!("polls: {polls}, trips to epoll: {parks}, sleeps: {sleeps}\n");
}

/// The thread waits until the runtime sleeps. Its wake must end that sleep: nothing else will.
fn while_asleep() {
    let (runtime, log, told) = watched();
    let (sender, receiver) = oneshot();
    let stranger = thread::spawn(move || {
        told.recv().expect("the runtime goes to sleep");
        sender.send(42);
    });
    let value = runtime.block_on(receiver);
    stranger.join().expect("cannot panic");
    tell(&format!("1. {value} comes while the runtime sleeps"), &log, &runtime);
}

/// The thread is done before the first poll. The poll finds the value, and nobody needs a wake.
fn before_anybody_asks() {
    let (runtime, log, _told) = watched();
    let (sender, receiver) = oneshot();
    thread::spawn(move || sender.send(42)).join().expect("cannot panic");
    let value = runtime.block_on(receiver);
    tell(&format!("2. {value} is there before anybody asks"), &log, &runtime);
}

/// Work that holds a thread goes to a thread of its own. The other task is not held up; when it is done, the runtime
/// sleeps, and the end of the work is a wake like the one above.
fn work_that_blocks() {
    let (runtime, log, told) = watched();
    let handle = runtime.handle();
    handle
        .spawn(async {
            yield_now().await;
        })
        .detach();
    let value = runtime.block_on(async move {
        let work = handle.spawn_blocking(move || {
            told.recv().expect("the runtime goes to sleep"); // A slow disk, say.
            6 * 7
        });
        work.await.expect("the work does not panic")
    });
    tell(&format!("3. {value} comes from a thread of the pool"), &log, &runtime);
}

fn main() {
    while_asleep();
    before_anybody_asks();
    work_that_blocks();
}
