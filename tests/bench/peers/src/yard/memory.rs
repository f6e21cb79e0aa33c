//! Memory for each idle connection: the resident set before and after thousands of them, each of which has had one
//! answer. What a server allocates in advance, as nginx does, is in the first figure.

use std::io;
use std::time::Duration;

use super::contest::{Peer, Stage};
use super::cores::Cores;
use super::crowd::Crowd;
use super::server::{Server, run_load};
use crate::load::plan::Plan;
use crate::process::resident_kib;

/// Resident memory of one server.
pub struct Memory {
    pub peer: &'static str,
    /// After some work, without connections, in KiB.
    pub before: u64,
    /// With all of them idle, in KiB.
    pub after: u64,
    pub connections: usize,
}

impl Memory {
    /// KiB for each connection.
    #[must_use]
    pub fn each(&self) -> f64 {
        super::rounds::ratio(self.after.saturating_sub(self.before), self.connections as u64)
    }
}

/// Measures one server.
///
/// # Errors
///
/// It does not start, or it does not take so many connections.
pub fn measure(peer: Peer, stage: &Stage, cores: Cores, connections: usize) -> io::Result<Memory> {
    let server = Server::start(peer, stage, cores, &[])?;
    // A few connections and requests first, so that pools and lazy statics are there before the first look.
    run_load(stage, &Plan { connections: 64, time: Duration::from_millis(200), ..server.plan() })?;
    std::thread::sleep(Duration::from_millis(300));
    let before = resident_kib(server.pid());
    let crowd = Crowd::open(&server, stage, connections)?;
    std::thread::sleep(Duration::from_millis(300));
    let after = resident_kib(server.pid());
    drop(crowd);
    Ok(Memory { peer: peer.name, before, after, connections })
}
