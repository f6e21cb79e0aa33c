//! Tables in Markdown, ratios first.

use std::fmt::Write;

use super::callgrind::Instructions;
use super::contest::{PEERS, REFERENCE};
use super::memory::Memory;
use super::parts::Part;
use super::rounds::{Measured, Track, cpu, quantile, throughput};
use super::rows::{LINEAR, NEWCOMERS_A_SECOND};
use super::syscalls::Syscalls;
use crate::load::plan::Work;
use crate::load::report::Report;

/// The columns that hold words; all others hold numbers and stand to the right.
const WORDS: [&str; 6] = ["peer", "part", "work", "which", "what", "what it is"];

/// Stands under a table of latencies that others on the machine have made.
const DROWNED: &str = "\n**The machine was busy: the generator itself was late by a large part of what is shown. This \
                       table says nothing about\nthe servers.**\n";

/// Everything that was found.
#[derive(Default)]
pub struct Findings {
    pub rows: Vec<Measured>,
    pub linear: Option<Measured>,
    pub newcomers: Option<Measured>,
    pub memory: Vec<Memory>,
    pub syscalls: Vec<Syscalls>,
    pub instructions: Vec<Instructions>,
    pub parts: Vec<Part>,
    /// What was left out, and why.
    pub notes: Vec<String>,
    pub rounds: usize,
    pub seconds: f64,
}

impl Findings {
    /// The whole report.
    #[must_use]
    pub fn markdown(&self, machine: &[(String, String)]) -> String {
        let mut text = String::from(
            "# What was measured\n\nMade by `tests/bench/yardstick.sh`; do not edit. All ratios are to hyper on \
             tokio's current_thread, measured in the same\nrounds, unless a table says otherwise; above 1.00 is better than hyper.\n",
        );
        self.ratios(&mut text);
        self.latencies(&mut text);
        self.first_bytes(&mut text);
        self.per_connection(&mut text);
        self.per_request(&mut text);
        self.by_part(&mut text);
        self.linearity(&mut text);
        self.absolute(&mut text);
        self.conditions(&mut text, machine);
        text
    }

    fn ratios(&self, text: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        heading(
            text,
            "CPU time per request",
            "User and system time of the server; hyper's divided by the peer's.",
        );
        self.by_peer(text, |measured, track| {
            measured.compare(track, cpu, true).map(|[_, median, _]| format!("{median:.2}"))
        });
        heading(
            text,
            "Requests per second",
            "The peer's divided by hyper's. On a busy machine CPU time says more.",
        );
        self.by_peer(text, |measured, track| {
            measured.compare(track, throughput, false).map(|[_, median, _]| format!("{median:.2}"))
        });
    }

    fn latencies(&self, text: &mut String) {
        let fixed = |measured: &&Measured| matches!(measured.row.work, Work::Rate(_));
        for measured in self.rows.iter().filter(fixed) {
            let about = "Microseconds from the time at which a request was due to its answer; medians over the \
                         rounds, and the best round\nbehind p99. \"Generator\" is how late the generator itself was \
                         at p99: where it is near, the machine was busy.";
            heading(text, &format!("Latency: {}", measured.row.title), about);
            header(text, &[&["peer"], &WAITS[..]].concat());
            for track in &measured.tracks {
                line(text, &[&[track.peer.to_owned()], &waits(track)[..]].concat());
            }
            warn_if_drowned(text, measured);
        }
    }

    fn first_bytes(&self, text: &mut String) {
        let Some(newcomers) = &self.newcomers else { return };
        let about = format!(
            "As above, from the time at which a connection was due to be opened to the first byte of its answer: \
             {NEWCOMERS_A_SECOND} new ones a\nsecond, while so many others are open and silent. \"Growth\" is p99 divided by \
             that of the same peer in the same round among\nthe fewest, the median over the rounds."
        );
        heading(text, "Latency: the first byte for a newcomer", &about);
        header(text, &[&["peer", "open"], &WAITS[..], &["growth"]].concat());
        for (number, track) in newcomers.tracks.iter().enumerate() {
            let growth = newcomers.compare(number, |run| run.p99, false).map(|[_, median, _]| median);
            let words = [track.peer.to_owned(), track.row.title.to_owned()];
            line(text, &[&words[..], &waits(track), &[cell(growth, 2)]].concat());
        }
        warn_if_drowned(text, newcomers);
    }

    fn per_connection(&self, text: &mut String) {
        let Some(first) = self.memory.first() else { return };
        let about = format!(
            "Resident memory with {} connections that have each had one answer and keep silent.",
            first.connections
        );
        heading(text, "Memory per idle connection", &about);
        header(text, &["peer", "KiB per connection", "process before, MiB", "with them, MiB"]);
        for memory in &self.memory {
            let mib = |kib: u64| format!("{:.1}", super::rounds::ratio(kib, 1024));
            let each = format!("{:.2}", memory.each());
            line(text, &[memory.peer.to_owned(), each, mib(memory.before), mib(memory.after)]);
        }
    }

    fn per_request(&self, text: &mut String) {
        for work in ["keep-alive", "new connection"] {
            let of_work: Vec<_> = self.syscalls.iter().filter(|syscalls| syscalls.work == work).collect();
            if of_work.is_empty() {
                continue;
            }
            let about = "By `strace -c`, 64 connections, the difference of two runs.";
            heading(text, &format!("System calls per request: {work}"), about);
            header(text, &["peer", "calls", "which"]);
            for syscalls in of_work {
                let calls: Vec<_> =
                    syscalls.calls.iter().map(|(name, calls)| format!("{name} {calls:.2}")).collect();
                line(text, &[syscalls.peer.to_owned(), format!("{:.2}", syscalls.total), calls.join(", ")]);
            }
        }
        if !self.instructions.is_empty() {
            let about = "In user space, keep-alive `GET /`, 64 connections, by callgrind, the difference of two runs: counted, not timed.";
            heading(text, "Instructions and allocations per request", about);
            header(text, &["peer", "instructions", "allocations"]);
            for found in self.instructions.iter().filter(|found| found.connections == LINEAR[0].connections) {
                let figures = [format!("{:.0}", found.instructions), format!("{:.2}", found.allocations)];
                line(text, &[&[found.peer.to_owned()], &figures[..]].concat());
            }
        }
    }

    fn by_part(&self, text: &mut String) {
        let Some(sum) = self.parts.iter().map(|part| part.instructions).reduce(|a, b| a + b) else { return };
        let about = "Those of glassbox, by the innermost file of ours, httparse or mio, that the compiler's debug lines name for \
                     each address: what\nis inlined counts where it was written.";
        heading(text, "Where the instructions go", about);
        header(text, &["part", "instructions", "share"]);
        for part in &self.parts {
            let share = format!("{:.0} %", part.instructions / sum * 100.0);
            line(text, &[part.name.to_owned(), cell(Some(part.instructions), 0), share]);
        }
    }

    fn linearity(&self, text: &mut String) {
        let Some(linear) = &self.linear else { return };
        let about = "CPU time per keep-alive request, flat out, divided by the same peer's with 64 connections: 1.00 \
                     is a cost that does\nnot grow.";
        heading(text, "More connections", about);
        header(text, &["peer", "64", "1,000", "8,000"]);
        for first in (0..linear.tracks.len()).step_by(LINEAR.len()) {
            let mut cells = vec![linear.tracks[first].peer.to_owned()];
            for track in first..first + LINEAR.len() {
                let growth = linear.compare(track, cpu, false).map(|[_, median, _]| median);
                let nanos = linear.tracks[track].median(cpu);
                cells.push(format!("{} ({} ns)", cell(growth, 2), cell(nanos, 0)));
            }
            line(text, &cells);
        }
        self.own_growth(text, linear);
    }

    /// How much of the growth is the server's own.
    fn own_growth(&self, text: &mut String, linear: &Measured) {
        if self.instructions.iter().all(|found| found.connections == LINEAR[0].connections) {
            return;
        }
        text.push_str(
            "\nInstructions in user space for the same requests, by callgrind: how much of that is the server's own \
             code. The rest is\nthe kernel's, and that of caches that are too small for so many connections.\n\n",
        );
        header(text, &["peer", "64", "1,000", "8,000"]);
        for first in (0..linear.tracks.len()).step_by(LINEAR.len()) {
            let peer = linear.tracks[first].peer;
            let counted = |connections| {
                self.instructions.iter().find(|found| found.peer == peer && found.connections == connections)
            };
            let figures =
                LINEAR.iter().map(|row| cell(counted(row.connections).map(|found| found.instructions), 0));
            line(text, &std::iter::once(peer.to_owned()).chain(figures).collect::<Vec<_>>());
        }
    }

    fn absolute(&self, text: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        heading(
            text,
            "In numbers",
            "CPU time of the server for one request in nanoseconds, and how much of it in user space.",
        );
        self.by_peer(text, |measured, track| {
            let track: &Track = &measured.tracks[track];
            let errors =
                if track.errors() > 0 { format!(", {} errors", track.errors()) } else { String::new() };
            Some(format!("{:.0} ({:.0} %{errors})", track.median(cpu)?, track.user_share() * 100.0))
        });
        heading(
            text,
            "Spread",
            "CPU time per request relative to hyper: lower quartile, median and upper quartile over the rounds.",
        );
        self.by_peer(text, |measured, track| {
            measured
                .compare(track, cpu, true)
                .map(|[low, median, high]| format!("{low:.2} {median:.2} {high:.2}"))
        });
        heading(text, "Requests per second, in numbers", "Medians over the rounds.");
        self.by_peer(text, |measured, track| Some(cell(measured.tracks[track].median(throughput), 0)));
    }

    /// A table with a column for each peer that takes part in any row.
    fn by_peer(&self, text: &mut String, figure: impl Fn(&Measured, usize) -> Option<String>) {
        let present =
            |name: &str| self.rows.iter().any(|row| row.tracks.iter().any(|track| track.peer == name));
        let peers: Vec<&str> = PEERS.iter().map(|peer| peer.name).filter(|name| present(name)).collect();
        header(text, &[&["work"], &peers[..]].concat());
        for measured in &self.rows {
            let mut cells = vec![measured.row.title.to_owned()];
            for peer in &peers {
                let track = measured.tracks.iter().position(|track| track.peer == *peer);
                cells.push(track.and_then(|track| figure(measured, track)).unwrap_or_else(|| "-".to_owned()));
            }
            line(text, &cells);
        }
    }

    fn conditions(&self, text: &mut String, machine: &[(String, String)]) {
        let about = format!(
            "The server and the generator are pinned to different cores. One process of each peer serves all rows. In each of {} \
             rounds,\nand in each row, the peers take turns of {} s; what is shown is the median over the rounds. Each route's \
             status and body is\nchecked before and after. Meanwhile the light generator checks the length of all answers and the \
             status of the first in each\nbatch; wrk counts bad ones. The peers' code is in `tests/bench/peers/`, built with the \
             same profile as the server.",
            self.rounds, self.seconds
        );
        heading(text, "Method", &about);
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        header(text, &["peer", "what it is"]);
        for peer in PEERS {
            line(text, &[peer.name.to_owned(), peer.about.to_owned()]);
        }
        heading(text, "Machine and versions", "");
        header(text, &["what", "which"]);
        for (key, value) in machine {
            line(text, &[key.clone(), value.clone()]);
        }
    }

    /// The last lines on the terminal: ours beside the best of the others.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for measured in &self.rows {
            let ratios =
                measured.tracks.iter().enumerate().filter_map(|(number, track)| {
                    Some((track.peer, measured.compare(number, cpu, true)?[1]))
                });
            let words: Vec<_> = ratios
                .filter(|(peer, _)| *peer != REFERENCE)
                .map(|(peer, ratio)| format!("{peer} {ratio:.2}"))
                .collect();
            let _ = writeln!(text, "{:<10} {}", measured.row.name, words.join("  "));
        }
        text
    }
}

/// The columns of `waits`.
const WAITS: [&str; 6] = ["p50", "p99", "best p99", "p99.9", "generator p99", "errors"];

/// How long a track's requests took.
fn waits(track: &Track) -> [String; 6] {
    let median = |figure: fn(&Report) -> f64| cell(track.median(figure), 0);
    let best = quantile(track.each(|run| run.p99).flatten().collect(), 0.0);
    let [p50, p99, p999] = [median(|run| run.p50), median(|run| run.p99), median(|run| run.p999)];
    [p50, p99, cell(best, 0), p999, median(|run| run.late), track.errors().to_string()]
}

fn warn_if_drowned(text: &mut String, measured: &Measured) {
    if measured.tracks.iter().any(is_drowned) {
        text.push_str(DROWNED);
    }
}

/// Whether more than a third of a latency is the generator's own lateness.
fn is_drowned(track: &Track) -> bool {
    let [late, p99] =
        [track.median(|run| run.late), track.median(|run| run.p99)].map(Option::unwrap_or_default);
    late > p99 / 3.0
}

fn heading(text: &mut String, title: &str, about: &str) {
    let _ = writeln!(text, "\n## {title}\n");
    if !about.is_empty() {
        let _ = writeln!(text, "{about}\n");
    }
}

fn header(text: &mut String, cells: &[&str]) {
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    let _ = writeln!(text, "| {} |", cells.join(" | "));
    let rule: Vec<_> = cells.iter().map(|cell| if WORDS.contains(cell) { "---" } else { "---:" }).collect();
    let _ = writeln!(text, "|{}|", rule.join("|"));
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
