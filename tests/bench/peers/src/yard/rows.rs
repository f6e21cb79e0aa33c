//! What is measured: a table.

use super::contest::REFERENCE;
use crate::load::plan::Work;

/// A row of the report: one kind of work, done by all peers in turns.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub title: &'static str,
    pub generator: Generator,
    pub path: &'static str,
    pub body: usize,
    pub connections: usize,
    pub depth: usize,
    pub work: Work,
    /// Others that are open and silent meanwhile.
    pub crowd: usize,
}

/// Who makes the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Generator {
    Wrk,
    Light,
}

/// Keep-alive `GET /`, flat out, 64 connections, light generator: all other rows differ from it in little.
const PLAIN: Row = Row {
    name: "light",
    title: "keep-alive `GET /`, 64 connections, light generator",
    generator: Generator::Light,
    path: "/",
    body: 0,
    connections: 64,
    depth: 1,
    work: Work::Flat,
    crowd: 0,
};

/// Measured for all peers.
pub const ROWS: [Row; 9] = [
    Row { name: "wrk", title: "keep-alive `GET /`, 64 connections, wrk", generator: Generator::Wrk, ..PLAIN },
    PLAIN,
    Row { name: "flat1000", title: "1,000 connections, flat out", connections: 1000, ..PLAIN },
    Row {
        name: "rate1000",
        title: "1,000 connections, 5,000 requests/s in all",
        connections: 1000,
        work: Work::Rate(5000),
        ..PLAIN
    },
    Row { name: "pipelined", title: "pipelined x16, 64 connections", depth: 16, ..PLAIN },
    Row { name: "fresh", title: "a new connection for each request, 64 at once", work: Work::Fresh, ..PLAIN },
    Row {
        name: "bytes64k",
        title: "answers of 64 KiB, 16 connections",
        path: "/bytes/65536",
        connections: 16,
        ..PLAIN
    },
    Row {
        name: "bytes1m",
        title: "answers of 1 MiB, 16 connections",
        path: "/bytes/1048576",
        connections: 16,
        ..PLAIN
    },
    Row {
        name: "echo64k",
        title: "POST echo of 64 KiB, 16 connections",
        path: "/echo",
        body: 65_536,
        connections: 16,
        ..PLAIN
    },
];

/// Does the cost grow with the number of connections? Each peer is compared with itself.
pub const LINEAR: [Row; 3] = [
    PLAIN,
    Row { name: "linear", title: "1,000", connections: 1000, ..PLAIN },
    Row { name: "linear", title: "8,000", connections: 8000, ..PLAIN },
];
/// Does a newcomer wait longer where many are already? So many new ones a second are about a tenth of what a server takes. At
/// most 64 of them are under way at once, beside the crowd.
pub const NEWCOMERS: [Row; 3] = [newcomers("64", 64), newcomers("1,000", 1000), newcomers("8,000", 8000)];
pub const NEWCOMERS_A_SECOND: u32 = 2000;

const fn newcomers(title: &'static str, crowd: usize) -> Row {
    Row { name: "newcomers", title, work: Work::FreshRate(NEWCOMERS_A_SECOND), crowd, ..PLAIN }
}

/// The peers of these two questions: ours, the reference, the limit.
pub const GROWTH_PEERS: [&str; 3] = ["glassbox", REFERENCE, "mio"];

/// What has a table of its own.
pub const PROBES: [&str; 5] = ["linear", "newcomers", "memory", "syscalls", "instructions"];

/// All names, for `--rows`.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.name).chain(PROBES).collect()
}

impl Row {
    /// Whether a peer of this name has a place in it. hyper's second way differs from the first in one row alone.
    #[must_use]
    pub fn takes(&self, peer: &str) -> bool {
        peer != "hyper-flush" || self.depth > 1
    }
}
