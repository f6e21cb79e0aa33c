//! Instructions in user space and allocations for each keep-alive `GET /`, by callgrind.
//!
//! It counts instead of measuring, so a busy machine hardly changes the figure. Two runs
//! of different length; the difference leaves out start and end. With 64 connections the server always finds some 64
//! requests ready, because valgrind makes it slow, so a turn of its loop is shared by as many.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::contest::{Peer, Stage};
use super::cores::Cores;
use super::server::{Server, run_load};
use crate::load::plan::Plan;

/// What allocates. Frees are as many, or memory would leak.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// Figures for one request.
pub struct Instructions {
    pub peer: &'static str,
    pub connections: usize,
    pub instructions: f64,
    pub allocations: f64,
}

/// Whether valgrind can be used here.
#[must_use]
pub fn is_available() -> bool {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Counts for one server with so many connections. `counts` are the requests of the short run and of the long one.
///
/// # Errors
///
/// It does not run under valgrind, or leaves no profile.
pub fn measure(
    peer: Peer,
    stage: &Stage,
    cores: Cores,
    connections: usize,
    counts: [u32; 2],
) -> io::Result<Instructions> {
    let [few, many] = counts;
    let count = |requests| {
        profile(peer, stage, cores, connections, requests)?;
        read(&place(stage, peer.name, requests))
    };
    let (before, after) = (count(few)?, count(many)?);
    let each = |a: u64, b: u64| super::rounds::ratio(b.saturating_sub(a), u64::from(many - few));
    Ok(Instructions {
        peer: peer.name,
        connections,
        instructions: each(before.0, after.0),
        allocations: each(before.1, after.1),
    })
}

/// Where the profile of so many requests is, with a line for each address.
pub(super) fn place(stage: &Stage, peer: &str, requests: u32) -> PathBuf {
    stage.scratch(&format!("callgrind-{peer}-{requests}"))
}

/// Runs a server under callgrind for so many requests.
fn profile(peer: Peer, stage: &Stage, cores: Cores, connections: usize, requests: u32) -> io::Result<()> {
    let out = format!("--callgrind-out-file={}", place(stage, peer.name, requests).display());
    let wrapper = ["valgrind", "--tool=callgrind", "--dump-instr=yes", &out];
    let server = Server::start(peer, stage, cores, &wrapper.map(str::to_owned))?;
    let plan = Plan { connections, count: Some(requests.into()), server: None, ..server.plan() };
    run_load(stage, &plan)?;
    // The profile is written when the server ends.
    drop(server);
    Ok(())
}

/// Instructions and calls of allocators in a profile.
fn read(file: &Path) -> io::Result<(u64, u64)> {
    let text = fs::read_to_string(file)?;
    let mut names: HashMap<&str, &str> = HashMap::new();
    let (mut callee, mut total, mut allocations) = ("", 0, 0);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("fn=") {
            name(&mut names, rest);
        } else if let Some(rest) = line.strip_prefix("cfn=") {
            callee = name(&mut names, rest);
        } else if let Some(rest) = line.strip_prefix("calls=")
            && ALLOCATORS.contains(&callee)
        {
            allocations += first_number(rest);
        } else if let Some(rest) = line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")) {
            total = first_number(rest);
        }
    }
    if total == 0 {
        return Err(io::Error::other("a profile without a sum"));
    }
    Ok((total, allocations))
}

/// Names are written once, `(12) malloc`, and then only as `(12)`.
pub(super) fn name<'t>(names: &mut HashMap<&'t str, &'t str>, text: &'t str) -> &'t str {
    match text.split_once(' ') {
        Some((id, name)) => {
            names.insert(id, name);
            name
        }
        None => names.get(text).copied().unwrap_or_default(),
    }
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}
