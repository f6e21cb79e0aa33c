//! Keep-alive connections, flat out or at a fixed rate.
//!
//! At a fixed rate each request has its time, and its latency is counted from there, however late it could be sent:
//! a server that stops for a second has made all requests of that second late, not one (no coordinated omission).
//! The loop spins meanwhile: epoll's timeouts are too coarse, and the generator has a core of its own.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Interest, Poll, Token};

use super::client::{Batch, Client};
use super::plan::{Plan, Work};
use super::report::{Report, histogram, micros};
use super::wire;
use crate::process::Used;

/// The read buffer.
const BUFFER: usize = 256 * 1024;

/// Runs the plan to its end.
///
/// # Errors
///
/// The server cannot be reached, or answers the first requests badly.
pub fn run(plan: &Plan) -> io::Result<Report> {
    Flow::new(plan)?.run()
}

struct Flow<'p> {
    plan: &'p Plan,
    poll: Poll,
    clients: Vec<Client>,
    batch: Batch,
    buffer: Vec<u8>,
    /// When the next request is due, and which it is. At a fixed rate alone.
    pace: Option<Pace>,
    /// Requests answered since the measuring began.
    requests: u64,
    errors: u64,
    latencies: Histogram<u64>,
    lateness: Histogram<u64>,
}

/// A steady beat.
struct Pace {
    begin: Instant,
    interval: Duration,
    /// Beats so far.
    beats: u32,
}

impl Pace {
    fn next(&self) -> Instant {
        self.begin + self.interval * self.beats
    }
}

impl<'p> Flow<'p> {
    /// Opens all connections.
    fn new(plan: &'p Plan) -> io::Result<Flow<'p>> {
        let poll = Poll::new()?;
        let (request, (streams, length)) = (wire::request(plan), wire::open_all(plan)?);
        let mut clients = Vec::with_capacity(streams.len());
        for (key, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
            clients.push(Client::new(stream));
        }
        let batch = Batch { bytes: request.repeat(plan.depth), answers: length * plan.depth };
        let pace = match plan.work {
            Work::Rate(rate) => {
                Some(Pace { begin: Instant::now(), interval: Duration::from_secs(1) / rate, beats: 0 })
            }
            _ => None,
        };
        let (latencies, lateness) = (histogram(), histogram());
        let (buffer, requests, errors) = (vec![0; BUFFER], 0, 0);
        Ok(Flow { plan, poll, clients, batch, buffer, pace, requests, errors, latencies, lateness })
    }

    fn run(mut self) -> io::Result<Report> {
        let mut events = Events::with_capacity(1024);
        if let Some(pace) = &mut self.pace {
            pace.begin = Instant::now();
        } else {
            for key in 0..self.clients.len() {
                self.start(key, Instant::now());
            }
        }
        if self.plan.count.is_none() {
            let end = Instant::now() + self.plan.warm_up;
            while Instant::now() < end {
                self.turn(&mut events)?;
            }
        }
        (self.requests, self.errors) = (0, 0);
        (self.latencies, self.lateness) = (histogram(), histogram());
        let (begin, used) = (Instant::now(), self.used());
        while !self.is_over(begin) {
            self.turn(&mut events)?;
        }
        let time = begin.elapsed();
        Ok(Report {
            requests: self.requests,
            errors: self.errors,
            time,
            used: self.used().since(used),
            p50: micros(&self.latencies, 0.5),
            p99: micros(&self.latencies, 0.99),
            p999: micros(&self.latencies, 0.999),
            late: micros(&self.lateness, 0.99),
        })
    }

    fn used(&self) -> Used {
        self.plan.server.map(Used::read).unwrap_or_default()
    }

    /// A count of requests may take long, under valgrind, but not for ever.
    fn is_over(&self, begin: Instant) -> bool {
        let nobody_left = self.errors >= self.clients.len() as u64;
        nobody_left
            || match self.plan.count {
                Some(count) => self.requests >= count || begin.elapsed() > Duration::from_secs(120),
                None => begin.elapsed() >= self.plan.time,
            }
    }

    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        let spins = self.pace.is_some();
        self.beat();
        let timeout = if spins { Duration::ZERO } else { Duration::from_millis(50) };
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in events.iter() {
            self.go_on(event.token().0);
        }
        Ok(())
    }

    /// Sends what is due.
    fn beat(&mut self) {
        let now = Instant::now();
        while let Some(pace) = &mut self.pace
            && pace.next() <= now
        {
            let due = pace.next();
            let key = pace.beats as usize % self.clients.len();
            pace.beats += 1;
            let late = now.duration_since(due).as_nanos();
            self.lateness.saturating_record(u64::try_from(late).unwrap_or(u64::MAX));
            if self.clients[key].is_idle() {
                self.start(key, due);
            } else {
                self.clients[key].waiting.push_back(due);
            }
        }
    }

    fn start(&mut self, key: usize, due: Instant) {
        let client = &mut self.clients[key];
        client.due = due;
        if client.start(&self.batch).is_err() {
            self.errors += 1;
        }
    }

    fn go_on(&mut self, key: usize) {
        let client = &mut self.clients[key];
        match client.go_on(&self.batch, &mut self.buffer) {
            Ok(false) => {}
            // The connection is lost: it stays silent from here on.
            Err(_) => {
                self.errors += 1;
                let _ = self.poll.registry().deregister(&mut client.stream);
            }
            Ok(true) if self.pace.is_none() => {
                self.requests += self.plan.depth as u64;
                // With a count: no request more than that, or two runs would differ by chance.
                let planned = self.requests + (self.clients.len() as u64 - 1) * self.plan.depth as u64;
                if self.plan.count.is_none_or(|count| planned < count) {
                    self.start(key, Instant::now());
                }
            }
            Ok(true) => {
                self.requests += self.plan.depth as u64;
                let latency = client.due.elapsed().as_nanos();
                self.latencies.saturating_record(u64::try_from(latency).unwrap_or(u64::MAX));
                if let Some(due) = client.waiting.pop_front() {
                    self.start(key, due);
                }
            }
        }
    }
}
