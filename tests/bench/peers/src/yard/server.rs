//! A running server, checked before it is measured, and ended by its id.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::children;
use super::contest::{Peer, Stage};
use super::cores::{Cores, move_to};
use crate::load::plan::Plan;
use crate::load::report::Report;
use crate::load::wire;

/// How long a server may take to listen. Under valgrind it takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Server {
    pub peer: Peer,
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts it on the server's core and waits until it listens.
    ///
    /// # Errors
    ///
    /// It cannot be started, or it ends at once.
    pub fn start(peer: Peer, stage: &Stage, cores: Cores, wrapper: &[String]) -> io::Result<Server> {
        let address = free_address()?;
        let mut command = peer.command(stage, address, wrapper)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        move_to(cores.server);
        let child = command.spawn();
        move_to(cores.generator);
        let child = child?;
        children::born(child.id());
        let mut server = Server { peer, address, child };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > end || server.child.try_wait()?.is_some() {
                return Err(io::Error::other(format!("{} does not listen", peer.name)));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// The process whose CPU time and memory count.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An order for the light generator, with this server's address and id.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { server: Some(self.pid()), ..Plan::new(self.address) }
    }

    /// Asks every route that it serves and looks at status and body.
    ///
    /// # Errors
    ///
    /// An answer is wrong; the sentence says which.
    pub fn check(&self, greeting: usize) -> io::Result<()> {
        for (path, body, length) in [
            ("/", 0, greeting),
            ("/bytes/65536", 0, 65_536),
            ("/bytes/1048576", 0, 1 << 20),
            ("/echo", 65_536, 65_536),
        ] {
            if !self.peer.serves(path) {
                continue;
            }
            let bad =
                |what: &dyn std::fmt::Display| io::Error::other(format!("{} {path}: {what}", self.peer.name));
            let plan = Plan { path: path.to_owned(), body, ..self.plan() };
            let mut stream = wire::connect(&plan)?;
            // Twice on one connection: it must be kept.
            for _ in 0..2 {
                let answer = wire::ask(&mut stream, &wire::request(&plan)).map_err(|error| bad(&error))?;
                let letter = if body > 0 { b'y' } else { b'x' };
                let right = path == "/" || answer.body.iter().all(|byte| *byte == letter);
                if answer.status != 200 || answer.body.len() != length || !right {
                    return Err(bad(&format!("status {}, {} bytes", answer.status, answer.body.len())));
                }
            }
        }
        Ok(())
    }

    /// The length of the greeting: what all others must answer to `GET /`.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub fn greeting(&self) -> io::Result<usize> {
        let plan = self.plan();
        Ok(wire::ask(&mut wire::connect(&plan)?, &wire::request(&plan))?.body.len())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
        children::gone(self.child.id());
    }
}

/// Asks a child to end, waits a little, then insists.
pub fn end(child: &mut Child) {
    let Ok(pid) = i32::try_from(child.id()) else { return };
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    let patience = Instant::now() + Duration::from_secs(15);
    while let Ok(None) = child.try_wait() {
        if Instant::now() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

/// A free port on loopback. It has five digits as all ephemeral ports, so every `Host` header is as long.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

/// Runs the light generator as a process of its own, on its core.
///
/// # Errors
///
/// It could not do its work; the sentence is its own.
pub fn run_load(stage: &Stage, plan: &Plan) -> io::Result<Report> {
    let output = Command::new(stage.own("load")).args(plan.arguments()).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let what = if plan.work.is_fresh() { "new connections" } else { "load" };
        return Err(io::Error::other(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    Ok(Report::read(&String::from_utf8_lossy(&output.stdout)))
}
