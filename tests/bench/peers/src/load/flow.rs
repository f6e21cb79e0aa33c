//! Keep-alive connections, flat out or at a fixed rate.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::client::{Batch, Client};
use super::meter::Meter;
use super::pace::Pace;
use super::plan::{Plan, Work};
use super::report::Report;
use super::wire;

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
    /// When the next request is due. At a fixed rate alone.
    pace: Option<Pace>,
    /// Requests answered since the measuring began.
    requests: u64,
    errors: u64,
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
            Work::Rate(rate) => Some(Pace::new(rate)),
            _ => None,
        };
        Ok(Flow { plan, poll, clients, batch, buffer: vec![0; BUFFER], pace, requests: 0, errors: 0 })
    }

    fn run(mut self) -> io::Result<Report> {
        let mut events = Events::with_capacity(1024);
        if self.pace.is_none() {
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
        let meter = Meter::start(self.plan, self.pace.as_mut());
        while !self.is_over(&meter) {
            self.turn(&mut events)?;
        }
        let unanswered = self.clients.iter().flat_map(Client::unanswered);
        Ok(meter.report((self.requests, self.errors), self.pace.as_mut(), unanswered))
    }

    /// A count of requests may take long, under valgrind, but not for ever.
    fn is_over(&self, meter: &Meter) -> bool {
        let nobody_left = self.errors >= self.clients.len() as u64;
        nobody_left
            || match self.plan.count {
                Some(count) => self.requests >= count || meter.elapsed() > Duration::from_secs(120),
                None => meter.elapsed() >= self.plan.time,
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
        while let Some((number, due)) = self.pace.as_mut().and_then(|pace| pace.beat(now)) {
            let key = number as usize % self.clients.len();
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
            Ok(true) => {
                self.requests += self.plan.depth as u64;
                if let Some(due) = self.after(key) {
                    self.start(key, due);
                }
            }
        }
    }

    /// A connection's batch is answered: when the next one is due, if now.
    fn after(&mut self, key: usize) -> Option<Instant> {
        if let Some(pace) = &mut self.pace {
            pace.answered(self.clients[key].due);
            return self.clients[key].waiting.pop_front();
        }
        // With a count: no request more than that, or two runs would differ by chance.
        let planned = self.requests + (self.clients.len() as u64 - 1) * self.plan.depth as u64;
        self.plan.count.is_none_or(|count| planned < count).then(Instant::now)
    }
}
