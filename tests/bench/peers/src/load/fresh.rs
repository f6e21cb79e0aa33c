//! A new connection for each request: connect, ask, read to the end, close, again. Flat out as soon as one has ended, at a
//! fixed rate when the next one is due; then the time to the first byte of the answer is taken.
//!
//! The server closes first, as `connection: close` asks, so the side that waits in `TIME_WAIT` is the server's, and the
//! ports of this side are free again at once.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::meter::Meter;
use super::pace::Pace;
use super::plan::{Plan, Work};
use super::report::Report;
use super::wire::{self, GOOD};

/// Runs the plan to its end.
///
/// # Errors
///
/// The server cannot be reached, or answers the first request badly.
pub fn run(plan: &Plan) -> io::Result<Report> {
    Fresh::new(plan)?.run()
}

struct Fresh<'p> {
    plan: &'p Plan,
    poll: Poll,
    request: Vec<u8>,
    /// The length of an answer.
    answer: usize,
    /// As many as may be under way at once.
    slots: Vec<Option<Visit>>,
    /// The empty ones. Flat out, one whose connection could not be opened is never used again, or there would be no end of it.
    free: Vec<usize>,
    /// At a fixed rate alone: when the next one is due, and those that are due and found no slot.
    pace: Option<Pace>,
    waiting: VecDeque<Instant>,
    started: u64,
    requests: u64,
    errors: u64,
}

/// One connection.
struct Visit {
    stream: TcpStream,
    /// When it should have been opened.
    due: Instant,
    written: bool,
    read: usize,
    /// How long the first byte of the answer took.
    first: Option<Duration>,
}

impl<'p> Fresh<'p> {
    /// Asks once, to learn how long an answer is.
    fn new(plan: &'p Plan) -> io::Result<Fresh<'p>> {
        let request = wire::request(plan);
        let first = wire::ask(&mut wire::connect(plan)?, &request)?;
        if first.status != 200 {
            return Err(io::Error::other(format!("status {}", first.status)));
        }
        Ok(Fresh {
            plan,
            poll: Poll::new()?,
            request,
            answer: first.length(),
            slots: (0..plan.connections).map(|_| None).collect(),
            free: (0..plan.connections).rev().collect(),
            pace: match plan.work {
                Work::FreshRate(rate) => Some(Pace::new(rate)),
                _ => None,
            },
            waiting: VecDeque::new(),
            started: 0,
            requests: 0,
            errors: 0,
        })
    }

    fn run(mut self) -> io::Result<Report> {
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 64 * 1024]);
        if self.plan.count.is_none() {
            let end = Instant::now() + self.plan.warm_up;
            while Instant::now() < end {
                self.turn(&mut events, &mut buffer)?;
            }
            (self.requests, self.errors) = (0, 0);
        }
        let meter = Meter::start(self.plan, self.pace.as_mut());
        while !self.is_over(&meter) {
            self.turn(&mut events, &mut buffer)?;
        }
        let under_way = self.slots.iter().flatten().filter(|visit| visit.first.is_none());
        let unanswered = self.waiting.iter().copied().chain(under_way.map(|visit| visit.due));
        Ok(meter.report((self.requests, self.errors), self.pace.as_mut(), unanswered))
    }

    fn is_over(&self, meter: &Meter) -> bool {
        match self.plan.count {
            Some(count) => self.requests + self.errors >= count || meter.elapsed() > Duration::from_secs(120),
            None => meter.elapsed() >= self.plan.time,
        }
    }

    fn turn(&mut self, events: &mut Events, buffer: &mut [u8]) -> io::Result<()> {
        let now = Instant::now();
        // Noted before any is opened: what waits for a slot is the server's delay, not ours.
        while let Some((_, due)) = self.pace.as_mut().and_then(|pace| pace.beat(now)) {
            self.waiting.push_back(due);
        }
        self.fill();
        let timeout = if self.pace.is_some() { Duration::ZERO } else { Duration::from_millis(50) };
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in events.iter() {
            self.go_on(event.token().0, buffer);
        }
        Ok(())
    }

    /// Begins as many as are due and find a slot.
    fn fill(&mut self) {
        while let Some(key) = self.free.pop() {
            let Some(due) = self.next() else {
                return self.free.push(key);
            };
            self.started += 1;
            if let Ok(visit) = self.open(key, due) {
                self.slots[key] = Some(visit);
                continue;
            }
            self.errors += 1;
            if self.pace.is_some() {
                self.free.push(key);
            }
        }
    }

    /// When the next one should be opened; nothing if that is yet to come, or was the last one.
    fn next(&mut self) -> Option<Instant> {
        if self.plan.count.is_some_and(|count| self.started >= count) {
            return None;
        }
        if self.pace.is_some() { self.waiting.pop_front() } else { Some(Instant::now()) }
    }

    /// On loopback the handshake is over when `connect` returns, so the request goes out at once; else with the event.
    fn open(&self, key: usize, due: Instant) -> io::Result<Visit> {
        let stream = TcpStream::connect(self.plan.address)?;
        let mut visit = Visit { stream, due, written: false, read: 0, first: None };
        visit.write(&self.request)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut visit.stream, Token(key), interest)?;
        Ok(visit)
    }

    fn go_on(&mut self, key: usize, buffer: &mut [u8]) {
        let Some(visit) = &mut self.slots[key] else { return };
        let had_none = visit.first.is_none();
        let outcome = visit.write(&self.request).and_then(|()| visit.read(self.answer, buffer));
        if let (Some(pace), true, Some(first)) = (&mut self.pace, had_none, visit.first) {
            pace.took(first);
        }
        match outcome {
            Ok(false) => return,
            Ok(true) => self.requests += 1,
            Err(_) => self.errors += 1,
        }
        self.slots[key] = None;
        self.free.push(key);
        self.fill();
    }
}

impl Visit {
    /// A request is short: it goes out whole or not at all.
    fn write(&mut self, request: &[u8]) -> io::Result<()> {
        if self.written {
            return Ok(());
        }
        match self.stream.write(request) {
            Ok(written) if written == request.len() => self.written = true,
            Ok(_) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// True at the end of the answer.
    fn read(&mut self, answer: usize, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) if self.read == answer => return Ok(true),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    if self.read == 0 && !GOOD.starts_with(&buffer[..read.min(GOOD.len())]) {
                        return Err(ErrorKind::InvalidData.into());
                    }
                    self.read += read;
                    self.first = self.first.or_else(|| Some(self.due.elapsed()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}
