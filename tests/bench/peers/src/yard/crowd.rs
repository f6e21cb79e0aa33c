//! Connections that stay open and silent while something else is measured, held by a process of its own.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::contest::Stage;
use super::server::{Server, end};
use crate::load::plan::{Plan, Work};

/// Idle connections to one server, each of which has had one answer. They end when this is dropped.
pub struct Crowd {
    holder: Child,
}

impl Crowd {
    /// Opens them.
    ///
    /// # Errors
    ///
    /// The server does not take so many.
    pub fn open(server: &Server, stage: &Stage, connections: usize) -> io::Result<Crowd> {
        let plan = Plan { connections, work: Work::Hold, ..server.plan() };
        let holder = Command::new(stage.own("load"))
            .args(plan.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut crowd = Crowd { holder };
        let mut line = String::new();
        if let Some(stdout) = crowd.holder.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if !line.starts_with("held") {
            let peer = server.peer.name;
            return Err(io::Error::other(format!("{peer} did not take {connections} connections")));
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        end(&mut self.holder);
    }
}
