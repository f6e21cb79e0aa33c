//! Plays the cases against a server and tells what went wrong.
//!
//! One case is one connection:
//!
//! ```text
//! 1. play the steps                                    send, await a reply, finish
//! 2. read answers while an outcome that still fits     each answer strikes the outcomes that do not fit
//!    expects one more
//! 3. see how the connection ends                       a probe (must it be kept?) or the end of the stream
//! ```
//!
//! The probe is `GET /hello/probe`: its answer carries its name, so that no other answer can pass for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::case::{After, Case, Flavour, Outcome, Step, Tag};
use super::check::{self, Got};
use super::client::{find, show};
use super::wire::{Seen, Wire};

/// Cases at the same time. Most of the time a client waits, so there are more than a small machine has cores.
const CLIENTS: usize = 8;
const PROBE: &str = "GET /hello/probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// What became of one case.
pub struct Verdict {
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// What the server should do better.
    pub notes: Vec<String>,
    pub received: Vec<u8>,
}

/// How the connection ended.
enum End {
    Kept,
    Closed { by_reset: bool },
}

/// The state of one case while it runs.
struct Play<'a> {
    case: &'a Case,
    wire: Wire,
    got: Vec<Got>,
    notes: Vec<String>,
    /// Set when the server closed while an answer was still possible.
    closed: Option<bool>,
}

/// Runs one case. `bytewise` sends each octet on its own.
pub fn run(case: &Case, address: SocketAddr, bytewise: bool) -> Verdict {
    let wire = match Wire::connect(address) {
        Ok(wire) => wire,
        Err(error) => {
            let failure = Some(format!("cannot connect: {error}"));
            return Verdict { failure, notes: Vec::new(), received: Vec::new() };
        }
    };
    let mut play = Play { case, wire, got: Vec::new(), notes: Vec::new(), closed: None };
    let failure = play.run(bytewise).err();
    Verdict { failure, notes: play.notes, received: std::mem::take(&mut play.wire.transcript) }
}

impl Play<'_> {
    fn run(&mut self, bytewise: bool) -> Result<(), String> {
        for step in &self.case.steps {
            match step {
                Step::Send(bytes) => self.wire.send(bytes, bytewise),
                Step::Finish => self.wire.finish(),
                Step::AwaitReply => self.read_reply()?,
            }
        }
        let fitting = self.read_replies()?;
        let end = self.end(&fitting)?;
        self.judge(&fitting, &end)
    }

    /// Takes one answer, or the end, from the wire.
    fn read_reply(&mut self) -> Result<(), String> {
        match self.wire.next(self.case.to_head(self.got.len())) {
            Seen::Reply(response) => self.take(Got { response, cut: false })?,
            Seen::Cut(response) => {
                self.take(Got { response, cut: true })?;
                self.closed = Some(false);
            }
            Seen::Closed { by_reset } => self.closed = Some(by_reset),
            Seen::Quiet => return Err(format!("nothing came after {} answers", self.got.len())),
            Seen::Broken(why) => return Err(format!("after {} answers: {why}", self.got.len())),
        }
        Ok(())
    }

    fn take(&mut self, got: Got) -> Result<(), String> {
        if let Some(why) = check::owed(&got.response) {
            return Err(why);
        }
        self.notes.extend(check::noted(&got.response));
        self.got.push(got);
        Ok(())
    }

    /// Reads as many answers as the outcomes ask for, and returns the outcomes that they fit.
    fn read_replies(&mut self) -> Result<Vec<Outcome>, String> {
        loop {
            let mut reasons = Vec::new();
            let mut fitting = self.case.outcomes.clone();
            fitting.retain(|outcome| match misfit(outcome, &self.got) {
                Some(why) => {
                    reasons.push(why);
                    false
                }
                None => true,
            });
            if fitting.is_empty() {
                return Err(reasons.join("; or: "));
            }
            let (done, more): (Vec<_>, Vec<_>) =
                fitting.into_iter().partition(|outcome| outcome.replies.len() == self.got.len());
            if self.closed.is_some() {
                let missing = || format!("closed after {} answers, expected more", self.got.len());
                return if done.is_empty() { Err(missing()) } else { Ok(done) };
            }
            if more.is_empty() {
                return Ok(done);
            }
            self.read_reply()?;
        }
    }

    /// Finds out whether the connection goes on, with a probe where it may.
    fn end(&mut self, fitting: &[Outcome]) -> Result<End, String> {
        if let Some(by_reset) = self.closed {
            return Ok(End::Closed { by_reset });
        }
        let announced = self.got.last().is_some_and(|got| got.response.closes());
        let may_go_on = |outcome: &Outcome| !matches!(outcome.after, After::Closed | After::ClosedCleanly);
        let probes = !announced && !self.case.finishes() && fitting.iter().any(may_go_on);
        if probes {
            self.wire.send(PROBE.as_bytes(), false);
        }
        match self.wire.next(false) {
            Seen::Closed { by_reset } => Ok(End::Closed { by_reset }),
            Seen::Reply(response) if probes => {
                if response.status != 200 || find(&response.body, b"probe").is_none() {
                    let body = show(&response.body);
                    return Err(format!("the following request was answered {} {body:?}", response.status));
                }
                match self.wire.next(false) {
                    Seen::Closed { .. } => Ok(End::Kept),
                    Seen::Quiet => {
                        Err("not closed after a following request with Connection: close".to_string())
                    }
                    _ => Err("more came after the answer to the following request".to_string()),
                }
            }
            Seen::Reply(response) => Err(format!("one answer too many: {}", response.status)),
            Seen::Cut(response) => Err(format!("one answer too many, broken off: {}", response.status)),
            Seen::Quiet if probes => Err("the following request was not answered".to_string()),
            Seen::Quiet => Err(format!("the connection was not closed after {} answers", self.got.len())),
            Seen::Broken(why) => Err(format!("after {} answers: {why}", self.got.len())),
        }
    }

    fn judge(&mut self, fitting: &[Outcome], end: &End) -> Result<(), String> {
        let right = |outcome: &&Outcome| match (outcome.after, end) {
            (After::Kept, End::Closed { .. }) => self.case.finishes(),
            (After::Closed | After::ClosedCleanly, End::Kept) => false,
            (After::ClosedCleanly, End::Closed { by_reset }) => !by_reset,
            _ => true,
        };
        let Some(outcome) = fitting.iter().find(right) else {
            return Err(match end {
                End::Kept => "the connection was kept, expected it to close".to_string(),
                End::Closed { by_reset: true } => "the connection was reset".to_string(),
                End::Closed { by_reset: false } => {
                    "the connection was closed, expected it to go on".to_string()
                }
            });
        };
        match end {
            End::Kept if outcome.after == After::ShouldClose => {
                self.notes.push("kept the connection after a syntax error (RFC 9112 2.2)".to_string());
            }
            End::Closed { .. } if !self.close_announced() => {
                self.notes
                    .push("closed without Connection: close in the last answer (RFC 9112 9.6)".to_string());
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the client was told, or could know by itself.
    fn close_announced(&self) -> bool {
        let old = find(&self.case.bytes(), b"HTTP/1.0").is_some();
        let told = self.got.last().is_none_or(|got| got.cut || got.response.closes());
        told || old || self.case.finishes()
    }
}

/// Why the answers so far are not the beginning of this outcome.
fn misfit(outcome: &Outcome, got: &[Got]) -> Option<String> {
    if got.len() > outcome.replies.len() {
        return Some(format!("{} answers, expected {}", got.len(), outcome.replies.len()));
    }
    let pairs = outcome.replies.iter().zip(got).enumerate();
    pairs.into_iter().find_map(|(index, (expected, seen))| check::mismatch(expected, seen, &got[..index]))
}

/// Runs many cases over a few threads and returns the verdicts in the order of the cases.
pub fn run_all(
    cases: &[Case],
    bytewise: bool,
    address: impl Fn(Flavour) -> SocketAddr + Sync,
) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some((index, case)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(index).map(|case| (index, case))
                } {
                    let verdict = run(case, address(case.flavour), bytewise);
                    verdicts.lock().expect("cannot be poisoned").insert(index, verdict);
                }
            });
        }
    });
    verdicts.into_inner().expect("cannot be poisoned").into_values().collect()
}

/// The table of failures and notes. The flag says whether the suite passes.
pub fn report(title: &str, cases: &[Case], verdicts: &[Verdict]) -> (String, bool) {
    let mut text = format!("\n{title}: {} cases\n", cases.len());
    let mut passes = true;
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (case, verdict) in cases.iter().zip(verdicts) {
        for note in &verdict.notes {
            notes.entry(note).or_default().push(&case.name);
        }
        let Some(why) = &verdict.failure else { continue };
        passes &= case.tag == Tag::Should;
        let head = format!("{:9} RFC {:14} {} / {}", label(case.tag), case.rfc, case.group, case.name);
        let (sent, received) = (show(&case.bytes()), show(&verdict.received));
        let _ = write!(text, "\nfailed {head}\n    sent {sent}\n    got  {received}\n    why  {why}\n");
    }
    for (note, names) in &notes {
        let _ = write!(text, "\nnoted {note}: {} times, first in {:?}\n", names.len(), names[0]);
    }
    text.push_str("\n              cases  failed\n");
    for tag in [Tag::Must, Tag::Smuggling, Tag::Dos, Tag::Should] {
        let of_tag = cases.iter().zip(verdicts).filter(|(case, _)| case.tag == tag);
        let (all, failed) = of_tag.fold((0, 0), |(all, failed), (_, verdict)| {
            (all + 1, failed + usize::from(verdict.failure.is_some()))
        });
        let _ = writeln!(text, "    {:9} {all:5}  {failed:6}", label(tag));
    }
    (text, passes)
}

fn label(tag: Tag) -> &'static str {
    match tag {
        Tag::Must => "MUST",
        Tag::Should => "SHOULD",
        Tag::Smuggling => "SMUGGLING",
        Tag::Dos => "DOS",
    }
}
