//! One client's judge: knows what was sent and when, reads what came back strictly, and says what must not be.
//!
//! 1. Answers are exact, whole, in order, one for each request. An error in place of one needs a reason: the client was
//!    slow for as long as the limit says, or has closed.
//! 2. What can be answered is answered at once: when the world has come to rest, no answer is due.
//! 3. A connection that ends has a reason. One that goes on must not be beyond a limit.

use std::time::Duration;

use glassbox::http::Limits;

use super::client::{self, Parsed, Response};
use super::pace::{Lag, Pace};
use super::pipe::{Ending, Pipe};
use super::request::{Expected, Kind, What};
use super::witness::witness_write_cut;

/// How long a closing connection listens for the client's own close.
const LINGER: Duration = Duration::from_secs(2);

/// A request's place in the stream of bytes.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) head_end: usize,
    pub(super) end: usize,
}

/// What the judge may assume.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    pub now: Duration,
    /// The server was asked to stop: any answer may be the last one, and idle connections end.
    pub stopped: bool,
    pub limits: &'a Limits,
}

/// Watches one connection.
pub struct Judge {
    pub(super) kinds: Vec<Kind>,
    expected: Vec<Expected>,
    pub(super) spans: Vec<Span>,
    /// All bytes that the client will send, if it is let.
    pub stream: Vec<u8>,
    pub sent: usize,
    /// Answers read, and how many bytes those were.
    pub(super) seen: usize,
    parsed: usize,
    /// How much was read and written when it was looked at last; and when that had changed.
    looked: (usize, usize),
    changed: Duration,
    /// An answer announced the end.
    closing: bool,
    /// Somebody aborted the task.
    pub aborted: bool,
    judged: bool,
}

/// Where the server stands in the stream of requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    Between,
    Head(usize),
    Body(usize),
}

impl Judge {
    pub fn new(kinds: &[Kind]) -> Judge {
        let (mut stream, mut spans) = (Vec::new(), Vec::new());
        for kind in kinds {
            let (head, body) = kind.bytes();
            let start = stream.len();
            stream.extend_from_slice(&head);
            let head_end = stream.len();
            stream.extend_from_slice(&body);
            spans.push(Span { start, head_end, end: stream.len() });
        }
        Judge {
            kinds: kinds.to_vec(),
            expected: kinds.iter().map(Kind::expected).collect(),
            spans,
            stream,
            sent: 0,
            seen: 0,
            parsed: 0,
            looked: (0, 0),
            changed: Duration::ZERO,
            closing: false,
            aborted: false,
            judged: false,
        }
    }

    /// Expects the second answer first.
    pub fn confuse(&mut self) {
        if self.expected.len() > 1 {
            self.expected.swap(0, 1);
        }
    }

    /// How many answers have come.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The world is at rest: everything is looked at.
    pub fn judge(&mut self, pipe: &Pipe, around: Circumstances<'_>) -> Result<(), String> {
        self.read(pipe, around)?;
        if self.aborted || pipe.is_reset() {
            return self.gone(pipe);
        }
        if let Some(ending) = pipe.ending() {
            if !std::mem::replace(&mut self.judged, true) {
                self.check_end(pipe, ending, around)?;
            }
        } else if !pipe.is_unheard() && pipe.accepted_at().is_some() {
            self.check_due(pipe)?;
        }
        if pipe.is_unheard() || pipe.accepted_at().is_none() || pipe.dropped_at().is_some() {
            return Ok(());
        }
        self.check_limits(pipe, around)
    }

    fn gone(&self, pipe: &Pipe) -> Result<(), String> {
        let holds_on = pipe.dropped_at().is_none() && pipe.accepted_at().is_some() && !pipe.is_unheard();
        // A broken connection is noticed by whoever waits at it. Behind the client's end nobody waits for bytes any more.
        let listens = pipe.read_blocked().is_some() && !pipe.is_ended();
        if holds_on && (self.aborted || listens || pipe.write_blocked().is_some()) {
            return Err("the connection is gone, and the server holds on to it".to_owned());
        }
        Ok(())
    }

    // What came back. -------------------------------------------------------------------------------------------

    fn read(&mut self, pipe: &Pipe, around: Circumstances<'_>) -> Result<(), String> {
        let at_end = pipe.dropped_at().or(pipe.shutdown_at()).is_some();
        let looked = (pipe.consumed(), pipe.written());
        if looked == self.looked && !at_end {
            return Ok(());
        }
        self.looked = looked;
        self.changed = around.now;
        while self.parsed < pipe.written() {
            if self.closing {
                return Err("bytes behind the last answer".to_owned());
            }
            let nth = self.seen.min(self.expected.len().saturating_sub(1));
            // Of a request that was refused before its method was there, nobody can say that it was HEAD.
            let consumed = pipe.write_of(self.parsed).map_or(0, |write| write.consumed);
            let to_head = self.expected[nth].to_head && consumed >= self.spans[nth].start + b"HEAD ".len();
            let parsed = pipe.look(self.parsed, |bytes| client::parse(bytes, to_head, at_end));
            match parsed.map_err(|error| format!("answer {}: {error}", self.seen + 1))? {
                Parsed::Whole(response, taken) => {
                    let nth = self.seen;
                    self.accept(&response, pipe, around)?;
                    if self.seen > nth {
                        self.witness_answer(pipe, nth, self.parsed..self.parsed + taken, around.limits);
                    }
                    self.parsed += taken;
                }
                Parsed::Nothing | Parsed::Part(_) => break,
            }
        }
        Ok(())
    }

    fn accept(&mut self, response: &Response, pipe: &Pipe, around: Circumstances<'_>) -> Result<(), String> {
        let nth = self.seen;
        let Some(expected) = self.expected.get(nth) else {
            return Err(format!("an answer to nothing: {}", response.status));
        };
        if response.status == 100 && self.kinds[nth].may_continue() {
            return Ok(());
        }
        check_head(response).map_err(|error| format!("answer {}: {error}", nth + 1))?;
        let closes = response.closes();
        let same_body =
            expected.body.as_ref().is_none_or(|body| *body == self.kinds[nth].content(&response.body));
        if response.status != expected.status || !same_body {
            self.excuse(nth, response, pipe, around)?;
        } else if closes != expected.closes && !(closes && around.stopped) {
            return Err(format!("answer {}: says close: {closes}, without a reason", nth + 1));
        }
        self.seen += 1;
        self.closing = closes;
        Ok(())
    }

    /// An error in place of the answer: was there a reason?
    fn excuse(
        &self,
        nth: usize,
        response: &Response,
        pipe: &Pipe,
        around: Circumstances<'_>,
    ) -> Result<(), String> {
        let (limits, span) = (around.limits, self.spans[nth]);
        let first_byte = pipe.write_of(self.parsed).ok_or("an answer that was never written")?;
        let position = self.position(first_byte.consumed);
        let since = |from: Duration| first_byte.at.saturating_sub(from);
        let excused = match (response.status, position) {
            _ if !response.closes() => false,
            (408, Position::Head(at)) => {
                let began = pipe.read_time(span.start).unwrap_or_default();
                at == nth && since(began) >= limits.head_timeout
            }
            (408, Position::Body(at)) => {
                at == nth && self.body_lag(pipe, first_byte.consumed, first_byte.at, limits).may_be_cut()
            }
            (400, Position::Body(at)) => at == nth && pipe.is_ended(),
            (503, _) => {
                let began = pipe.read_time(span.head_end - 1).unwrap_or_default();
                since(began) >= limits.handler_timeout
            }
            _ => false,
        };
        if excused {
            self.witness_refusal(pipe, response.status, first_byte, limits);
            return Ok(());
        }
        let shown = String::from_utf8_lossy(&response.body[..response.body.len().min(80)]).into_owned();
        Err(format!(
            "answer {} to {:?} is wrong: {} {shown:?} at {position:?}",
            nth + 1,
            self.kinds[nth].what,
            response.status
        ))
    }

    /// Where the server stands when it has read so much.
    pub(super) fn position(&self, consumed: usize) -> Position {
        let inside = self.spans.iter().position(|span| span.start < consumed && consumed < span.end);
        match inside {
            None => Position::Between,
            Some(nth) if consumed < self.spans[nth].head_end => Position::Head(nth),
            Some(nth) => Position::Body(nth),
        }
    }

    /// Requests whose last byte is among the first so many.
    pub(super) fn complete(&self, sent: usize) -> usize {
        self.spans.iter().take_while(|span| span.end <= sent).count()
    }

    /// How far the client was behind at this moment, when so much had been read, with the body that it was sending.
    pub(super) fn body_lag(&self, pipe: &Pipe, consumed: usize, at: Duration, limits: &Limits) -> Lag {
        let body = self.position(consumed);
        let since = pipe.waited_since(consumed).unwrap_or(at);
        let pace = Pace { timeout: limits.body_timeout, rate: limits.min_rate };
        pipe.look_at_reads(|reads| {
            let own = reads.iter().filter(|read| {
                read.end <= consumed && self.position(read.end.saturating_sub(read.count)) == body
            });
            pace.lag(own.copied(), at.saturating_sub(since))
        })
    }

    // What must have happened by now. ---------------------------------------------------------------------------

    /// Requests that need no waiting are answered.
    fn check_due(&self, pipe: &Pipe) -> Result<(), String> {
        if self.closing {
            let open = pipe.shutdown_at().is_none() && pipe.has_room();
            return if open { Err("the last answer is out, and nothing ends".to_owned()) } else { Ok(()) };
        }
        if !pipe.has_room() {
            return Ok(());
        }
        match self.kinds.get(self.seen) {
            Some(kind) if self.seen < self.complete(self.sent) && kind.is_instant() => Err(format!(
                "answer {} to {:?} is due; the server has read {} of {} bytes",
                self.seen + 1,
                kind.what,
                pipe.consumed(),
                self.sent
            )),
            _ => Ok(()),
        }
    }

    /// No wait is longer than its limit.
    fn check_limits(&self, pipe: &Pipe, around: Circumstances<'_>) -> Result<(), String> {
        let limits = around.limits;
        let over = |since: Duration, limit: Duration| around.now.saturating_sub(since) >= limit;
        let late = |what: &str| Err(format!("{what} for longer than the limit"));
        if let Some(since) = pipe.shutdown_at() {
            return if over(since, LINGER) { late("a farewell") } else { Ok(()) };
        }
        if let Some(since) = pipe.write_blocked() {
            // Whoever waits for room does not wait for bytes; what was blocked before that is an old story.
            let behind = write_lag(pipe, around.now.saturating_sub(since), limits);
            return if behind.must_be_cut() { late("the client does not read") } else { Ok(()) };
        }
        let at_work = self.seen < self.complete(pipe.consumed());
        let Some(since) = pipe.read_blocked().filter(|_| !at_work) else {
            return if over(self.changed, limits.handler_timeout) { late("a handler runs") } else { Ok(()) };
        };
        match self.position(pipe.consumed()) {
            // While the handler worked, the server listened for the client's end.
            Position::Between if over(since.max(self.changed), limits.idle_timeout) => {
                late("a connection is idle")
            }
            Position::Head(nth) => {
                let began = pipe.wait_behind(self.spans[nth].start).unwrap_or(since);
                if over(began, limits.head_timeout) { late("a head is on its way") } else { Ok(()) }
            }
            Position::Body(_) => {
                let behind = self.body_lag(pipe, pipe.consumed(), around.now, limits);
                if behind.must_be_cut() { late("a body is on its way") } else { Ok(()) }
            }
            Position::Between => Ok(()),
        }
    }

    /// The connection has ended. Why?
    fn check_end(&self, pipe: &Pipe, ending: Ending, around: Circumstances<'_>) -> Result<(), String> {
        if self.closing || around.stopped {
            return Ok(());
        }
        let limits = around.limits;
        let waiting = |since| ending.at.saturating_sub(since);
        if ending.write_blocked.is_some_and(|since| write_lag(pipe, waiting(since), limits).may_be_cut()) {
            witness_write_cut(pipe, ending, limits);
            return Ok(());
        }
        // No browser half-closes a stream of events: to the server its client is gone.
        let streams = self.kinds.get(self.seen).is_some_and(|kind| matches!(kind.what, What::Events(_)));
        if ending.ended && streams {
            return Ok(());
        }
        let accepted = pipe.accepted_at().unwrap_or_default();
        let waited = ending.at.saturating_sub(ending.last_read.max(accepted));
        let complete = self.complete(ending.consumed + ending.unread);
        let all_answered = self.seen == complete && self.parsed == pipe.written();
        let position = self.position(ending.consumed);
        let allowed = match position {
            Position::Between => {
                all_answered && ending.unread == 0 && (ending.ended || waited >= limits.idle_timeout)
            }
            // What was sent of the head is lost with it; the answers before are not.
            Position::Head(_) => all_answered && ending.ended,
            Position::Body(_) => {
                ending.ended || self.body_lag(pipe, ending.consumed, ending.at, limits).may_be_cut()
            }
        };
        if allowed {
            Judge::witness_end(pipe, ending, position, limits);
            return Ok(());
        }
        Err(format!(
            "the connection ended without a reason, with {} of {complete} answers, after {waited:?}, at {position:?}",
            self.seen
        ))
    }
}

/// How far the client is behind with taking its answers, when the server has waited for it for so long.
fn write_lag(pipe: &Pipe, waiting: Duration, limits: &Limits) -> Lag {
    let pace = Pace { timeout: limits.write_timeout, rate: limits.min_rate };
    pipe.look_at_writes(|writes| pace.lag(writes.iter().copied(), waiting))
}

/// The head has the headers that this server sends, and no others; their values are those that it gives them.
fn check_head(response: &Response) -> Result<(), String> {
    for (name, value) in &response.headers {
        let known = match name.as_str() {
            "date" => value.len() == 29 && value.ends_with(" GMT"),
            "content-type" => ["text/plain; charset=utf-8", "application/octet-stream", "text/event-stream"]
                .contains(&value.as_str()),
            "content-length" => true, // Compared with the body by the parser.
            "transfer-encoding" => value == "chunked",
            "connection" => value == "close",
            "cache-control" => value == "no-store",
            _ => false,
        };
        if !known {
            return Err(format!("a header that nobody sent: {name}: {value}"));
        }
    }
    let dated = response.header("date").is_some() || response.status == 100;
    if dated { Ok(()) } else { Err("an answer without a date".to_owned()) }
}
