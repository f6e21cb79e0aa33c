//! System calls for each request: strace counts them in two runs of different length, and the difference is taken, so
//! that what happens once is left out.
//!
//! strace makes a server slower, so more is ready at each turn of its loop than there would be; the share of
//! `epoll_wait` is therefore a little too small, for all alike.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::contest::{Peer, Stage};
use super::cores::Cores;
use super::server::{Server, run_load};
use crate::load::plan::{Plan, Work};

/// Calls for each request.
pub struct Syscalls {
    pub peer: &'static str,
    pub work: &'static str,
    pub total: f64,
    /// By name, the most frequent first, without those that are hardly there.
    pub calls: Vec<(String, f64)>,
}

/// Whether strace can be used here.
#[must_use]
pub fn is_available() -> bool {
    Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Counts for one server: keep-alive with 64 connections, and a new connection for each request. `counts` are the
/// requests of the short run and of the long one.
///
/// # Errors
///
/// The server does not start, or strace may not attach to it.
pub fn measure(peer: Peer, stage: &Stage, cores: Cores, counts: [u32; 2]) -> io::Result<Vec<Syscalls>> {
    let server = Server::start(peer, stage, cores, &[])?;
    let mut results = Vec::new();
    for (work, kind) in [("keep-alive", Work::Flat), ("new connection", Work::Fresh)] {
        let [short, long] = counts;
        let few = count(&server, stage, kind, short)?;
        let many = count(&server, stage, kind, long)?;
        let each = |calls: u64| super::rounds::ratio(calls, u64::from(long - short));
        let calls = many.iter().map(|(name, calls)| {
            let calls = calls.saturating_sub(few.get(name).copied().unwrap_or_default());
            (name.clone(), each(calls))
        });
        let mut calls: Vec<_> = calls.collect();
        calls.sort_by(|a, b| b.1.total_cmp(&a.1));
        let total = calls.iter().map(|(_, calls)| calls).sum();
        calls.retain(|(_, calls)| *calls >= 0.01);
        results.push(Syscalls { peer: peer.name, work, total, calls });
    }
    Ok(results)
}

fn count(server: &Server, stage: &Stage, work: Work, requests: u32) -> io::Result<BTreeMap<String, u64>> {
    let file = stage.scratch("strace");
    let _ = fs::remove_file(&file);
    let pid = server.pid().to_string();
    let mut strace = Command::new("strace")
        .args(["-c", "-f", "-p", &pid, "-o"])
        .arg(&file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let attached = wait_until_traced(server.pid());
    let plan = Plan { connections: 64, work, count: Some(requests.into()), server: None, ..server.plan() };
    let report =
        if attached { run_load(stage, &plan) } else { Err(io::Error::other("strace does not attach")) };
    // An interrupt, so that it prints what it has counted and lets go.
    if let Ok(id) = i32::try_from(strace.id()) {
        let _ = kill(Pid::from_raw(id), Signal::SIGINT);
    }
    strace.wait()?;
    report?;
    Ok(table(&fs::read_to_string(&file)?))
}

fn wait_until_traced(pid: u32) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        if tracer.is_some_and(|tracer| tracer.trim() != "0") {
            // The other threads, if any, are attached next.
            sleep(Duration::from_millis(100));
            return true;
        }
        sleep(Duration::from_millis(10));
    }
    false
}

/// The columns are: % time, seconds, usecs/call, calls, errors (may be empty), syscall.
fn table(text: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = *words.last()?;
        let calls = words.get(3)?.parse().ok()?;
        (name != "total").then(|| (name.to_owned(), calls))
    };
    text.lines().filter_map(line).collect()
}
