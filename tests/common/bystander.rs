//! Somebody who asks small things all the time on a connection of his own, and notes how long each answer takes.
//!
//! Whatever others do to the server, he must not notice. His p99 is the one time that these tests assert: 250 ms, many
//! times what it is on a machine with nothing else to do. On one that is busy with other things a storm may be played
//! once more, and says so.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::server::{Client, Server};

/// What his p99 must stay under.
pub const LIMIT: Duration = Duration::from_millis(250);

/// Fewer answers say nothing about the slowest hundredth.
const SAMPLES: usize = 200;

/// His pace: an answer, this pause, the next question.
const PAUSE: Duration = Duration::from_millis(2);

/// He asks from a thread of his own until `stop`.
pub struct Bystander {
    stop: Sender<()>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    /// Is connected, and has his first answer, when this returns.
    pub fn start(server: &Server) -> Bystander {
        let mut client = server.connect();
        ask(&mut client);
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || watch(&mut client, &stopped));
        Bystander { stop, thread }
    }

    /// All his times, sorted.
    pub fn stop(self) -> Vec<Duration> {
        drop(self.stop);
        let mut times = self.thread.join().expect("the bystander was always answered");
        times.sort();
        times
    }
}

fn watch(client: &mut Client, stopped: &Receiver<()>) -> Vec<Duration> {
    let mut times = Vec::new();
    // The end of the channel is the word to stop; a pause that nobody interrupts is the time between two questions.
    while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) || times.len() < SAMPLES {
        times.push(ask(client));
    }
    times
}

fn ask(client: &mut Client) -> Duration {
    let began = Instant::now();
    client.send(b"GET /healthz HTTP/1.1\r\nHost: bystander\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    began.elapsed()
}

/// Plays a storm against a new server, which `start` starts, while a bystander watches.
pub fn undisturbed(name: &str, start: impl Fn() -> Server, storm: impl Fn(&Server)) {
    for attempt in 1..=2 {
        let server = start();
        let bystander = Bystander::start(&server);
        let began = Instant::now();
        storm(&server);
        let took = began.elapsed();
        let times = bystander.stop();
        let at = |permille: usize| times[(times.len() - 1) * permille / 1000];
        println!(
            "{name}: {took:.1?}; beside it {} answers, p50 {:.1?}, p99 {:.1?}, max {:.1?}",
            times.len(),
            at(500),
            at(990),
            at(1000)
        );
        if at(990) < LIMIT {
            return;
        }
        println!("{name}: the bystander was disturbed, attempt {attempt} of 2 (is the machine busy?)");
    }
    panic!("{name}: the bystander's p99 is above {LIMIT:?}, twice");
}
