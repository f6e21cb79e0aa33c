//! Who takes part, and how each is started.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peer::{MAX_BYTES, PATTERN};

/// The peer that is 1.00.
pub const REFERENCE: &str = "hyper";

/// A server that takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peer {
    pub name: &'static str,
    /// What it is, for the report.
    pub about: &'static str,
    program: Program,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Program {
    Glassbox,
    /// A binary of this workspace, and one flag or none.
    Own(&'static str, &'static str),
    Nginx,
}

/// All of them. The first is ours.
pub const PEERS: [Peer; 9] = [
    peer("glassbox", "this server: router, middleware chain, metrics, timeouts", Program::Glassbox),
    peer("hyper", "hyper on tokio current_thread, no timeouts", Program::Own("peer_hyper", "")),
    peer("hyper-flush", "the same with pipeline_flush", Program::Own("peer_hyper", "--pipeline-flush")),
    peer("axum", "axum on tokio current_thread", Program::Own("peer_axum", "")),
    peer("actix", "actix-web, one worker", Program::Own("peer_actix", "")),
    peer("ntex", "ntex, one worker, its own epoll runtime", Program::Own("peer_ntex", "")),
    peer("mio", "a bare mio + httparse loop: the practical limit", Program::Own("peer_mio", "")),
    peer("floor", "epoll and a fixed answer, no HTTP: the kernel's share", Program::Own("peer_floor", "")),
    peer("nginx", "nginx, one worker: return 200, files by sendfile", Program::Nginx),
];

const fn peer(name: &'static str, about: &'static str, program: Program) -> Peer {
    Peer { name, about, program }
}

/// The names, in order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    PEERS.iter().map(|peer| peer.name).collect()
}

/// What is needed to start any of them.
pub struct Stage {
    pub glassbox: PathBuf,
    /// Where the binaries of this workspace are: beside the driver.
    own: PathBuf,
    /// A folder for nginx, removed at the end.
    scratch: PathBuf,
    /// The length of glassbox's greeting, for all others.
    pub greeting: usize,
}

impl Stage {
    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// There is no place for temporary files.
    pub fn new(glassbox: PathBuf) -> io::Result<Stage> {
        let own = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
        let scratch = std::env::temp_dir().join(format!("yardstick-{}", std::process::id()));
        fs::create_dir_all(scratch.join("bytes"))?;
        for count in [65_536, MAX_BYTES] {
            fs::write(scratch.join(format!("bytes/{count}")), &PATTERN[..count])?;
        }
        Ok(Stage { glassbox, own, scratch, greeting: 0 })
    }

    /// A program of this workspace.
    #[must_use]
    pub fn own(&self, name: &str) -> PathBuf {
        self.own.join(name)
    }

    /// A file in the folder for temporary files.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// nginx's configuration: what its handbook advises for speed, and no log.
    fn nginx(&self, address: SocketAddr) -> String {
        let (scratch, greeting) = (self.scratch.display(), "n".repeat(self.greeting));
        format!(
            "daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
             pid {scratch}/nginx-{port}.pid; error_log stderr crit;
             events {{ worker_connections 16384; multi_accept on; }}
             http {{
               access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
               keepalive_timeout 75; keepalive_requests 1000000000; open_file_cache max=16;
               client_body_temp_path {scratch}/body; proxy_temp_path {scratch}/proxy;
               fastcgi_temp_path {scratch}/fastcgi; uwsgi_temp_path {scratch}/uwsgi; scgi_temp_path {scratch}/scgi;
               types {{ }} default_type application/octet-stream;
               server {{
                 listen {address} backlog=4096;
                 location = / {{ default_type 'text/plain; charset=utf-8'; return 200 '{greeting}'; }}
                 location /bytes/ {{ root {scratch}; etag off; if_modified_since off; }}
               }}
             }}",
            port = address.port()
        )
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

impl Peer {
    /// Whether it serves this path; the floor and nginx do not serve all.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        match self.name {
            "floor" => path == "/",
            "nginx" => path != "/echo",
            _ => true,
        }
    }

    /// Why it cannot take part here, if so.
    #[must_use]
    pub fn missing(&self, stage: &Stage) -> Option<String> {
        match self.program {
            Program::Nginx => {
                Command::new("nginx").arg("-v").output().err().map(|error| format!("nginx: {error}"))
            }
            Program::Glassbox => {
                (!stage.glassbox.exists()).then(|| format!("there is no {}", stage.glassbox.display()))
            }
            Program::Own(name, _) => (!stage.own(name).exists()).then(|| format!("there is no {name}")),
        }
    }

    /// Program and arguments. `wrapper` stands in front: valgrind and its flags.
    ///
    /// # Errors
    ///
    /// nginx's configuration cannot be written.
    pub fn command(&self, stage: &Stage, address: SocketAddr, wrapper: &[String]) -> io::Result<Command> {
        let (program, arguments) = match self.program {
            Program::Glassbox => {
                let arguments =
                    format!("-q --listen {address} --max-connections 16384 --max-requests 1000000000");
                (stage.glassbox.clone(), arguments)
            }
            Program::Own(name, flag) => {
                (stage.own(name), format!("--listen {address} --greeting {} {flag}", stage.greeting))
            }
            Program::Nginx => {
                let file = stage.scratch(&format!("nginx-{}.conf", address.port()));
                fs::write(&file, stage.nginx(address))?;
                (PathBuf::from("nginx"), format!("-p {} -c {}", stage.scratch.display(), file.display()))
            }
        };
        let mut command = match wrapper.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.args(arguments.split_whitespace());
        Ok(command)
    }
}
