//! Step mode: a runtime that stands still until somebody says "go on".
//!
//! You learn what can be seen between two polls: who is next, who sleeps, and who holds the wakers of the sleepers.
//!
//! Step through it with `cargo test --test step -- --nocapture`; with your own hands: `cargo run -- --step`.

mod common;

use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::spin;
use glassbox::Runtime;
use glassbox::future::yield_now;
use glassbox::inspect::Stepper;
use glassbox::sync::Notify;

/// Keeps what the stepper prints.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a session with these keys prints, and what `program` comes to.
fn session(keys: &'static str, colour: bool) -> (Option<u32>, String) {
    let screen = Screen::default();
    let stepper = Stepper::new(Cursor::new(keys), screen.clone(), colour);
    let runtime = Runtime::builder().frozen_clock().observer(stepper.clone()).build().expect("a runtime");
    let handle = runtime.handle();
    let sleeper = handle.clone();
    handle.spawn(async move { sleeper.sleep(Duration::from_secs(3)).await }).detach();
    let value = stepper.run(&runtime, async {
        yield_now().await;
        42
    });
    drop((handle, runtime));
    let text = String::from_utf8(screen.0.lock().expect("nobody panics").clone()).expect("text");
    println!("{text}");
    (value, text)
}

/// The same without the line numbers of this file.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split("tests/step.rs:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "tests/step.rs:LINE" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// A whole session, poll by poll and then event by event: each picture shows the queue before the poll.
#[test]
fn a_session() {
    let (value, text) = session("p\np\n\n\n\n\n\n", false);
    assert_eq!(value, Some(42));
    let text = without_numbers(&text);
    let (_, behind_help) = text.split_once("this help\n").expect("the help comes first");
    assert_eq!(
        behind_help,
        "\
task 2 spawned at tests/step.rs:LINE
task 2 woken: queued
------------------------------------------------------------
next:     task 1 (tests/step.rs:LINE), poll 1
queue:    task 1, task 2
sleeping: none
timers:   none
epoll:    none
step> task 1 polled (1)
    timer 1 armed for 3s
task 1 pending
------------------------------------------------------------
next:     task 2 (tests/step.rs:LINE), poll 1
queue:    task 2
sleeping: task 1 (tests/step.rs:LINE) waiting after 1 poll; waker held by timer 1 (due in 3s)
timers:   timer 1, due in 3s
epoll:    none
step> task 2 polled (1)
    task 2 woken: queued
task 2 pending
peek at epoll
up again, 0 events
------------------------------------------------------------
next:     task 2 (tests/step.rs:LINE), poll 2
queue:    task 2
sleeping: task 1 (tests/step.rs:LINE) waiting after 1 poll; waker held by timer 1 (due in 3s)
timers:   timer 1, due in 3s
epoll:    none
step> task 2 polled (2)
        It is first in the queue, so the executor asks its future whether it can go on. (chapter 4)
step> task 2 completed
        Its future returned Ready: its slot is free. (chapter 4)
step> task 1 aborted
        It was cancelled: its future is dropped where it stood. (chapter 11)
step> timer 1 cancelled
        Nobody waits for this deadline any more, so it leaves the table. (chapter 11)
step> "
    );
}

/// `t 2` goes on until task 2 is next, `c` stops no more, and so does the end of the input.
#[test]
fn going_on() {
    let (value, text) = session("t 2\nc\n", false);
    assert_eq!(value, Some(42));
    let asked: Vec<&str> = text.lines().filter(|line| line.starts_with("next:")).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].starts_with("next:     task 1 ") && asked[1].starts_with("next:     task 2 "));

    let (value, text) = session("", false);
    assert_eq!(value, Some(42));
    assert!(text.contains("step> (the input has ended: going on)\n"));
    assert_eq!(text.matches("step>").count(), 1);
}

/// `q` ends the run where it stands; the future has no value.
#[test]
fn quitting() {
    let (value, text) = session("p\nq\n", false);
    assert_eq!(value, None);
    // The runtime is dropped behind the session: its tasks are aborted, in sight of the observer.
    assert!(text.contains("task 1 aborted\n") && !text.contains("task 2 polled"), "{text}");
}

/// `?` and nonsense ask again.
#[test]
fn asking_for_help() {
    let (_, text) = session("?\nwhat\nt x\nc\n", false);
    assert_eq!(text.matches("t N     on until task N is polled").count(), 2, "at the start and at `?`");
    assert_eq!(text.matches("step> what? Enter, p, t N, c, q, or ? for help\n").count(), 2);
}

/// With colours the explanations are dim; without, there is no escape sequence at all.
#[test]
fn colour_is_a_choice() {
    let (_, text) = session("\n\nc\n", true);
    assert!(text.contains("\x1b[2m        It is first in the queue"), "{text}");
    let (_, text) = session("\n\nc\n", false);
    assert!(!text.contains('\x1b'));
}

/// A wake by another thread is shown; that thread is not stopped, or a lock that it holds might be held for ever.
#[test]
fn another_thread_is_not_stopped() {
    let screen = Screen::default();
    // Three keys for the main task's events, then the end of the input. None is left for the other thread.
    let stepper = Stepper::new(Cursor::new("\n\n\n"), screen.clone(), false);
    let runtime = Runtime::builder().observer(stepper.clone()).build().expect("a runtime");
    let work = runtime.handle().spawn_blocking(|| 42);
    let value = stepper.run(&runtime, async move { work.await.expect("it does not panic") });
    assert_eq!(value, Some(42));
}

/// The main future's panic comes out of `run`, as it comes out of `block_on`.
#[test]
#[should_panic(expected = "on purpose")]
fn a_panic_comes_out() {
    let stepper = Stepper::new(Cursor::new("c\n"), Screen::default(), false);
    let runtime = Runtime::builder().observer(stepper.clone()).build().expect("a runtime");
    stepper.run(&runtime, async { panic!("on purpose") });
}

/// A program under the stepper is polled as `block_on` polls it: a task that is always ready starves nobody.
#[test]
fn a_busy_task_starves_nobody() {
    let stepper = Stepper::new(Cursor::new("c\n"), io::sink(), false);
    let runtime = Runtime::builder().observer(stepper.clone()).build().expect("a runtime");
    let handle = runtime.handle();
    let (signal, notify) = (std::rc::Rc::new(Notify::new()), handle.clone());
    let heard = signal.clone();
    handle.spawn(spin()).detach();
    handle
        .spawn(async move {
            notify.sleep(Duration::from_millis(1)).await;
            signal.notify_one();
        })
        .detach();
    assert!(stepper.run(&runtime, async move { heard.notified().await }).is_some());
}
