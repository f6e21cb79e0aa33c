//! How it is measured: in turns, medians over rounds.
//!
//! ```text
//!   round 1:  wrk:  glassbox hyper axum ...    light:  glassbox hyper axum ...    ...
//!   round 2:  wrk:  hyper glassbox ... axum    light:  hyper glassbox ... axum    ...
//!   round 3:  wrk:  axum ... glassbox hyper    light:  axum ... glassbox hyper    ...
//! ```
//!
//! 1. Each round gives a ratio for each peer: hyper's CPU time per request divided by its own. The report has the median
//!    over the rounds, so a round in which something else had the machine does not count.
//! 2. A round is all rows, not one: a machine that is shared is slow for minutes, and no row shall have all its rounds in such a
//!    time.
//! 3. Each round begins with another peer, and every second one goes backwards: what a run leaves behind in the caches and
//!    the kernel does not always meet the same next one.
//! 4. One process of each peer serves all rows of all rounds, as it would in use.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::contest::{Peer, REFERENCE, Stage};
use super::cores::Cores;
use super::crowd::Crowd;
use super::rows::{GROWTH_PEERS, Generator, Row};
use super::server::{Server, run_load};
use crate::load::plan::Plan;
use crate::load::report::Report;
use crate::process::Used;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// What a row costs all peers that take part in it, each beside the reference.
    Beside(Row),
    /// How the cost grows from row to row, for a few peers, each beside itself in the first.
    Growth([Row; 3]),
}

/// The results of one competitor in one row.
#[derive(Clone, Debug)]
pub struct Track {
    pub peer: &'static str,
    pub row: Row,
    /// One for each round; nothing where a run failed.
    pub runs: Vec<Option<Report>>,
    /// Its place among the servers.
    server: usize,
}

/// A question with its answer. Ratios are against the track at `reference[i]`.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of a growth the first.
    pub row: Row,
    pub tracks: Vec<Track>,
    pub reference: Vec<usize>,
}

/// All that a measurement needs.
pub struct Measurer<'s> {
    pub stage: &'s Stage,
    pub cores: Cores,
    pub rounds: usize,
    pub time: Duration,
}

impl Question {
    /// The answer, still empty.
    fn open(self, servers: &[Server]) -> Measured {
        let track =
            |server: usize, row| Track { peer: servers[server].peer.name, row, runs: Vec::new(), server };
        let all = 0..servers.len();
        match self {
            Question::Beside(row) => {
                let takes_part = |server: &usize| {
                    let peer = servers[*server].peer;
                    peer.serves(row.path) && row.takes(peer.name)
                };
                let tracks: Vec<_> = all.filter(takes_part).map(|server| track(server, row)).collect();
                let reference = tracks.iter().position(|track| track.peer == REFERENCE).unwrap_or_default();
                Measured { row, reference: vec![reference; tracks.len()], tracks }
            }
            Question::Growth(rows) => {
                let takes_part = |server: &usize| GROWTH_PEERS.contains(&servers[*server].peer.name);
                let each = all.filter(takes_part);
                let tracks: Vec<_> = each.flat_map(|server| rows.map(|row| track(server, row))).collect();
                let reference = (0..tracks.len()).map(|track| track - track % rows.len()).collect();
                Measured { row: rows[0], tracks, reference }
            }
        }
    }
}

impl Measurer<'_> {
    /// A server that is known to answer well.
    ///
    /// # Errors
    ///
    /// It does not start or answers wrongly.
    pub fn start(&self, peer: Peer) -> io::Result<Server> {
        let server = Server::start(peer, self.stage, self.cores, &[])?;
        server.check(self.stage.greeting)?;
        Ok(server)
    }

    /// Answers all questions, in rounds.
    #[must_use]
    pub fn measure(&self, questions: &[Question], servers: &[Server]) -> Vec<Measured> {
        let mut answers: Vec<_> = questions.iter().map(|question| question.open(servers)).collect();
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            for answer in &mut answers {
                self.round(round, answer, servers);
            }
        }
        answers
    }

    /// One run of each track, in the order that the file's header tells.
    fn round(&self, round: usize, answer: &mut Measured, servers: &[Server]) {
        let count = answer.tracks.len();
        for turn in 0..count {
            let step = if round.is_multiple_of(2) { turn } else { count - turn };
            let track = &mut answer.tracks[(round + step) % count];
            let report = self.run(&servers[track.server], &track.row);
            if let Err(error) = &report {
                eprintln!("  {}, {}: {error}", track.row.name, track.peer);
            }
            track.runs.push(report.ok().filter(|report| report.requests > 0));
        }
    }

    fn run(&self, server: &Server, row: &Row) -> io::Result<Report> {
        if row.generator == Generator::Wrk {
            return self.run_wrk(server, row);
        }
        let plan = Plan {
            path: row.path.to_owned(),
            body: row.body,
            connections: row.connections,
            depth: row.depth,
            work: row.work,
            time: self.time,
            ..server.plan()
        };
        let crowd = (row.crowd > 0).then(|| Crowd::open(server, self.stage, row.crowd)).transpose()?;
        let report = run_load(self.stage, &plan);
        drop(crowd);
        report
    }

    /// wrk knows nothing of the server's CPU time: it is read before and after.
    fn run_wrk(&self, server: &Server, row: &Row) -> io::Result<Report> {
        let seconds = self.time.as_secs_f64().round().max(1.0);
        let connections = row.connections.to_string();
        let url = format!("http://{}{}", server.address, row.path);
        let used = Used::read(server.pid());
        let output = Command::new("wrk")
            .args(["-t1", "-c", &connections, "-d", &format!("{seconds}s"), &url])
            .stdin(Stdio::null())
            .output()?;
        let used = Used::read(server.pid()).since(used);
        let text = String::from_utf8_lossy(&output.stdout);
        let requests = text.lines().find_map(|line| {
            let (count, rest) = line.trim().split_once(" requests in ")?;
            let seconds = rest.split_once('s')?.0.parse::<f64>().ok()?;
            Some((count.parse::<u64>().ok()?, Duration::try_from_secs_f64(seconds).ok()?))
        });
        let (requests, time) = requests.ok_or_else(|| io::Error::other("wrk says nothing of requests"))?;
        let errors =
            text.lines().filter(|line| line.contains("Socket errors") || line.contains("Non-2xx")).count();
        Ok(Report { requests, errors: errors as u64, time, used, ..Report::default() })
    }
}

impl Track {
    /// A figure of each round.
    pub fn each(&self, figure: fn(&Report) -> f64) -> impl Iterator<Item = Option<f64>> {
        self.runs.iter().map(move |run| run.as_ref().map(figure))
    }

    /// The median of a figure over the rounds.
    pub fn median(&self, figure: fn(&Report) -> f64) -> Option<f64> {
        quantile(self.each(figure).flatten().collect(), 0.5)
    }

    /// Errors in all rounds.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.runs.iter().map(|run| run.as_ref().map_or(1, |run| run.errors)).sum()
    }

    /// The part of the CPU time that was user time, in all rounds together.
    #[must_use]
    pub fn user_share(&self) -> f64 {
        let (user, system) =
            self.runs.iter().flatten().fold((0, 0), |(user, system), run| {
                (user + run.used.user_ticks, system + run.used.system_ticks)
            });
        ratio(user, user + system)
    }
}

impl Measured {
    /// A track's figures beside its reference's, round by round: lower quartile, median, upper quartile of
    /// `combine(reference, own)`.
    #[must_use]
    pub fn compare(&self, track: usize, figure: fn(&Report) -> f64, inverse: bool) -> Option<[f64; 3]> {
        let own = self.tracks[track].each(figure);
        let reference = self.tracks[self.reference[track]].each(figure);
        let pairs = own.zip(reference).filter_map(|(own, reference)| Some((own?, reference?)));
        let ratios: Vec<f64> =
            pairs.map(|(own, reference)| if inverse { reference / own } else { own / reference }).collect();
        Some([quantile(ratios.clone(), 0.25)?, quantile(ratios.clone(), 0.5)?, quantile(ratios, 0.75)?])
    }
}

/// Nanoseconds of the server's CPU time for a request.
#[must_use]
pub fn cpu(report: &Report) -> f64 {
    ratio(report.used.cpu.as_nanos(), report.requests.into())
}

/// Requests per second.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn throughput(report: &Report) -> f64 {
    report.requests as f64 / report.time.as_secs_f64()
}

/// A quotient of whole numbers; of nothing, zero.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn ratio<T: TryInto<u64>>(part: T, whole: T) -> f64 {
    let [part, whole] = [part, whole].map(|number| number.try_into().unwrap_or_default() as f64);
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// A quantile, by the nearest rank.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "few rounds"
)]
pub fn quantile(mut values: Vec<f64>, q: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(values[(q * last as f64).round() as usize])
}
