//! Chapter 11: what if I drop it? To drop a future is to cancel it, at the await where it stands.
//!
//! `cargo run --example ch11` shows
//!
//! 1. a race whose loser has read half a line, and takes it into the grave
//! 2. the same race, with the bytes outside of the loser
//! 3. a task that is aborted after each of its polls in turn, and what it leaves behind
//! 4. a handle that is dropped, and one that aborts
//!
//! The clock stands still, and the program itself writes what the client sends: so the order is always the same.

mod lines;

use std::io::{self, Write};
use std::net::TcpStream as Client;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use glassbox::future::{Either, race};
use glassbox::net::{TcpListener, TcpStream};
use glassbox::{Handle, Recorder, Runtime};
use lines::{Lines, forgetful_line};

const SECOND: Duration = Duration::from_secs(1);

/// A runtime with one connection, and the client at its other end.
fn connected() -> (Runtime, Arc<Recorder>, TcpStream, Client) {
    let log = Recorder::new();
    let runtime = Runtime::builder().frozen_clock().observer(log.clone()).build();
    let runtime = runtime.expect("no runtime: ulimit -n");
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).expect("cannot listen");
    let client = Client::connect(listener.local_addr().expect("bound")).expect("cannot connect");
    let (stream, _) = runtime.block_on(async move { listener.accept().await }).expect("cannot accept");
    log.take();
    (runtime, log, stream, client)
}

/// The client sends, and the runtime hears of it: asleep until the bytes are there, then one turn.
fn send(runtime: &Runtime, mut client: &Client, text: &str) {
    client.write_all(text.as_bytes()).expect("cannot write");
    runtime.park(None).expect("cannot park");
    runtime.turn();
}

fn tell(log: &Recorder) {
    for line in log.timeline().lines() {
        println!("    {}", line.split(" at walkthrough").next().unwrap_or(line));
    }
    log.take();
}

/// "hel" comes, a second passes, "lo\n" comes.
fn half_and_half(runtime: &Runtime, log: &Recorder, client: &Client) {
    runtime.turn();
    log.take();
    send(runtime, client, "hel");
    runtime.advance(SECOND);
    runtime.turn();
    send(runtime, client, "lo\n");
    tell(log);
}

/// Races a line against a second, until there is a line. The loser is dropped.
async fn forgetful(handle: Handle, stream: TcpStream) -> io::Result<String> {
    loop {
        match race(forgetful_line(&stream), handle.sleep(SECOND)).await {
            Either::First(line) => return line,
            Either::Second(()) => handle.mark("second", 1, "over, and no line yet"),
        }
    }
}

/// The same, with the other reader.
async fn mindful(handle: Handle, stream: TcpStream) -> io::Result<String> {
    let mut lines = Lines::new(stream);
    loop {
        match race(lines.line(), handle.sleep(SECOND)).await {
            Either::First(line) => return line,
            Either::Second(()) => handle.mark("second", 1, "over, and no line yet"),
        }
    }
}

fn a_race_that_loses_bytes() {
    println!("1. the bytes live in the loser");
    let (runtime, log, stream, client) = connected();
    let mut task = runtime.handle().spawn(forgetful(runtime.handle(), stream));
    half_and_half(&runtime, &log, &client);
    println!("  line: {:?}\n", task.take().expect("done").expect("no panic").expect("a line"));
}

fn a_race_that_does_not() {
    println!("2. the bytes live outside of it");
    let (runtime, log, stream, client) = connected();
    let mut task = runtime.handle().spawn(mindful(runtime.handle(), stream));
    half_and_half(&runtime, &log, &client);
    println!("  line: {:?}\n", task.take().expect("done").expect("no panic").expect("a line"));
}

/// A task that waits for different things one after the other.
async fn session(handle: Handle, stream: TcpStream, work: mpsc::Receiver<()>) -> io::Result<()> {
    stream.write_all(b"who are you?\n").await?;
    let mut name = [0; 64];
    stream.read(&mut name).await?; // the first poll ends here
    handle.sleep(SECOND).await; // the second poll ends here
    let work = handle.spawn_blocking(move || work.recv());
    let _ = work.await; // and the third here
    Ok(())
}

/// Whatever a task waits for when it is dropped: nothing of it is left in any table.
fn aborted_at_every_poll() {
    println!("3. aborted after so many polls");
    println!("  polls   before: tasks timers sources   after: tasks timers sources");
    for polls in 0..=3 {
        let (runtime, _, stream, client) = connected();
        let (_working, work) = mpsc::channel();
        let task = runtime.handle().spawn(session(runtime.handle(), stream, work));
        for poll in 1..=polls {
            match poll {
                1 => drop(runtime.turn()),
                2 => send(&runtime, &client, "me"),
                _ => {
                    runtime.advance(SECOND);
                    runtime.turn();
                }
            }
        }
        let left = || [runtime.tasks().len(), runtime.timers().len(), runtime.sources().len()];
        let before = left();
        task.abort();
        let after = left();
        println!(
            "  {polls:>5}{:>16}{:>7}{:>8}{:>15}{:>7}{:>8}",
            before[0], before[1], before[2], after[0], after[1], after[2]
        );
    }
    println!();
}

/// Says when it is dropped: whatever the way out, this is on it.
struct Guard(Handle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.mark("guard", 1, "dropped");
    }
}

fn handles() {
    for (title, aborts) in [("4. the handle is dropped", false), ("   the handle aborts", true)] {
        println!("{title}");
        let log = Recorder::new();
        let runtime = Runtime::builder().frozen_clock().observer(log.clone()).build().expect("ulimit -n");
        let (handle, guard) = (runtime.handle(), Guard(runtime.handle()));
        let task = runtime.handle().spawn(async move {
            let _guard = guard;
            handle.sleep(SECOND).await;
            handle.mark("work", 1, "done");
        });
        runtime.turn();
        log.take();
        if aborts {
            task.abort();
        } else {
            drop(task);
        }
        runtime.advance(SECOND);
        runtime.turn();
        tell(&log);
    }
}

fn main() {
    a_race_that_loses_bytes();
    a_race_that_does_not();
    aborted_at_every_poll();
    handles();
}
