//! The yardstick: one command that measures glassbox beside its peers. `tests/bench/yardstick.sh` builds and runs it.
//!
//! It ends only processes that it has started itself, and loads nothing but loopback.

use std::io;
use std::process::ExitCode;

use peers::yard::contest::{PEERS, Peer, REFERENCE, Stage};
use peers::yard::cores::{Cores, move_to};
use peers::yard::options::Options;
use peers::yard::report::Findings;
use peers::yard::rounds::{Measurer, Question};
use peers::yard::rows::{GROWTH_PEERS, Generator, LINEAR, NEWCOMERS, ROWS, Row};
use peers::yard::server::Server;
use peers::yard::{callgrind, children, machine, memory, parts, syscalls};

/// Idle connections, and what else a process has open.
const IDLE: usize = 10_000;
const SPARE: u64 = 200;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> io::Result<()> {
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let cores = Cores::choose();
    children::end_with_us()?;
    move_to(cores.generator);
    let mut stage = Stage::new(options.glassbox.clone())?;
    stage.greeting = Server::start(PEERS[0], &stage, cores, &[])?.greeting()?;
    let mut findings =
        Findings { rounds: options.rounds, seconds: options.time.as_secs_f64(), ..Findings::default() };
    if cores.server == cores.generator {
        findings.notes.push("there is one core: server and generator share it".to_owned());
    }
    let peers = competitors(options, &stage, &mut findings)?;
    let yard = Yard {
        options,
        peers,
        measurer: Measurer { stage: &stage, cores, rounds: options.rounds, time: options.time },
    };
    yard.rows(&mut findings)?;
    yard.memory(&mut findings, files);
    yard.syscalls(&mut findings);
    yard.instructions(&mut findings);
    let text = findings.markdown(&machine::describe());
    if let Some(out) = &options.out {
        std::fs::write(out, &text)?;
    }
    println!("{text}\n{}", findings.summary());
    Ok(())
}

/// Those who are wanted and can take part.
fn competitors(options: &Options, stage: &Stage, findings: &mut Findings) -> io::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for peer in PEERS.into_iter().filter(|peer| options.wants_peer(peer.name)) {
        match peer.missing(stage) {
            None => peers.push(peer),
            Some(why) if peer.name == REFERENCE => return Err(io::Error::other(why)),
            Some(why) => note(findings, format!("left out: {} ({why})", peer.name)),
        }
    }
    Ok(peers)
}

/// Says it now and in the report.
fn note(findings: &mut Findings, text: String) {
    eprintln!("{text}");
    findings.notes.push(text);
}

struct Yard<'o> {
    options: &'o Options,
    peers: Vec<Peer>,
    measurer: Measurer<'o>,
}

impl Yard<'_> {
    fn rows(&self, findings: &mut Findings) -> io::Result<()> {
        let rows = self.wanted_rows(findings);
        let growth = |name, rows| self.options.wants_row(name).then_some(Question::Growth(rows));
        let linear = growth("linear", LINEAR);
        let newcomers = growth("newcomers", NEWCOMERS);
        let mut questions: Vec<_> = rows.iter().copied().map(Question::Beside).collect();
        questions.extend(linear);
        questions.extend(newcomers);
        if questions.is_empty() {
            return Ok(());
        }
        let servers = self.servers(findings)?;
        // In the order of the questions.
        let mut answers = self.measurer.measure(&questions, &servers).into_iter();
        findings.rows = answers.by_ref().take(rows.len()).collect();
        findings.linear = linear.and_then(|_| answers.next());
        findings.newcomers = newcomers.and_then(|_| answers.next());
        for server in &servers {
            if let Err(error) = server.check(self.measurer.stage.greeting) {
                note(findings, format!("after the last round: {error}"));
            }
        }
        Ok(())
    }

    fn wanted_rows(&self, findings: &mut Findings) -> Vec<Row> {
        let has_wrk = std::process::Command::new("wrk").arg("-v").output().is_ok();
        let mut rows: Vec<_> = ROWS.into_iter().filter(|row| self.options.wants_row(row.name)).collect();
        if !has_wrk && rows.iter().any(|row| row.generator == Generator::Wrk) {
            note(findings, "left out: the row with wrk, which is not installed".to_owned());
            rows.retain(|row| row.generator != Generator::Wrk);
        }
        rows
    }

    /// All peers at once: those that are not asked wait, and use next to nothing. Without the reference there are no ratios.
    fn servers(&self, findings: &mut Findings) -> io::Result<Vec<Server>> {
        let mut servers = Vec::new();
        for peer in &self.peers {
            match self.measurer.start(*peer) {
                Ok(server) => servers.push(server),
                Err(error) if peer.name == REFERENCE => return Err(error),
                Err(error) => note(findings, format!("left out: {}: {error}", peer.name)),
            }
        }
        Ok(servers)
    }

    fn memory(&self, findings: &mut Findings, files: u64) {
        if !self.options.wants_row("memory") {
            return;
        }
        let allowed = usize::try_from(files.saturating_sub(SPARE)).unwrap_or(IDLE);
        let connections = if self.options.quick { 1000 } else { IDLE }.min(allowed);
        eprintln!("{connections} idle connections");
        for peer in self.once_each() {
            match memory::measure(peer, self.measurer.stage, self.measurer.cores, connections) {
                Ok(memory) => findings.memory.push(memory),
                Err(error) => note(findings, format!("left out: memory of {}: {error}", peer.name)),
            }
        }
    }

    fn syscalls(&self, findings: &mut Findings) {
        if !self.options.wants_row("syscalls") {
            return;
        }
        if !syscalls::is_available() {
            return note(findings, "left out: system calls; strace is not installed".to_owned());
        }
        eprintln!("system calls");
        for peer in self.once_each() {
            match syscalls::measure(peer, self.measurer.stage, self.measurer.cores, self.counts()) {
                Ok(found) => findings.syscalls.extend(found),
                Err(error) => note(findings, format!("left out: system calls of {}: {error}", peer.name)),
            }
        }
    }

    fn instructions(&self, findings: &mut Findings) {
        if !self.options.wants_row("instructions") || !self.options.callgrind {
            return;
        }
        if !callgrind::is_available() {
            return note(findings, "left out: instructions; valgrind is not installed".to_owned());
        }
        eprintln!("instructions");
        for peer in self.once_each() {
            self.instructions_with(LINEAR[0].connections, peer, self.counts(), findings);
        }
        if self.peers.contains(&PEERS[0]) {
            match parts::measure(self.measurer.stage, self.counts()) {
                Ok(found) => findings.parts = found,
                Err(error) => note(findings, format!("left out: where the instructions go: {error}")),
            }
        }
        let serving = self.once_each().filter(|peer| GROWTH_PEERS.contains(&peer.name));
        for peer in serving.filter(|_| !self.options.quick) {
            for row in &LINEAR[1..] {
                // So many requests that the connections' first ones, which are in both runs, do not matter.
                let connections = u32::try_from(row.connections).unwrap_or(u32::MAX);
                self.instructions_with(row.connections, peer, [connections * 2, connections * 6], findings);
            }
        }
    }

    fn instructions_with(&self, connections: usize, peer: Peer, counts: [u32; 2], findings: &mut Findings) {
        match callgrind::measure(peer, self.measurer.stage, self.measurer.cores, connections, counts) {
            Ok(found) => findings.instructions.push(found),
            Err(error) => note(findings, format!("left out: instructions of {}: {error}", peer.name)),
        }
    }

    /// Requests in the short and in the long run of a tool that counts.
    fn counts(&self) -> [u32; 2] {
        if self.options.quick { [500, 1_500] } else { [2_000, 12_000] }
    }

    /// hyper's second way differs from the first with pipelined requests alone.
    fn once_each(&self) -> impl Iterator<Item = Peer> {
        self.peers.iter().copied().filter(|peer| peer.name != "hyper-flush")
    }
}
