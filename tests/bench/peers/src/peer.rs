//! What every peer serves, and how it is told where: the same routes with the same bodies as the demo server.
//!
//! ```text
//!   GET  /            a text as long as glassbox's greeting: the driver asks glassbox and passes the length on
//!   GET  /bytes/{n}   n times 'x', n up to 1 MiB, with a content-length
//!   POST /echo        the body
//! ```
//!
//! Every answer has `date`, `content-type` and `content-length`, and no further header where the peer lets us choose.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// The type of the greeting.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The type of everything else.
pub const OCTETS: &str = "application/octet-stream";
/// The largest body of `/bytes/{n}`.
pub const MAX_BYTES: usize = 1 << 20;

/// What `/bytes/{n}` is made of.
pub static PATTERN: [u8; MAX_BYTES] = [b'x'; MAX_BYTES];

/// As in glassbox: more connections than the kernel's usual 128 may knock at once.
const BACKLOG: i32 = 4096;

/// The command line of a peer.
pub struct Options {
    pub listen: SocketAddr,
    /// Made once, kept until the process ends.
    pub greeting: &'static str,
    /// hyper alone: collect the answers to pipelined requests in one write.
    pub pipeline_flush: bool,
}

impl Options {
    /// Reads `--listen ADDR --greeting LENGTH [--pipeline-flush]`.
    ///
    /// # Errors
    ///
    /// A sentence about the first argument that is wrong.
    pub fn read() -> Result<Options, String> {
        use lexopt::Arg::Long;
        let mut options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            greeting: greeting(320),
            pipeline_flush: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            let name = match argument {
                Long(name) => name.to_owned(),
                other => return Err(other.unexpected().to_string()),
            };
            if name == "pipeline-flush" {
                options.pipeline_flush = true;
                continue;
            }
            let value = parser.value().map_err(|error| error.to_string())?;
            let value = value.to_string_lossy();
            match name.as_str() {
                "listen" => options.listen = value.parse().map_err(|error| format!("--listen: {error}"))?,
                "greeting" => {
                    options.greeting =
                        greeting(value.parse().map_err(|error| format!("--greeting: {error}"))?);
                }
                _ => return Err(format!("unknown flag --{name}")),
            }
        }
        Ok(options)
    }

    /// Reads the command line or ends the process: for `main`, which has nobody to tell.
    #[must_use]
    pub fn or_exit() -> Options {
        // The driver's own soft limit may be low; a server with 10,000 connections needs more.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        Options::read().unwrap_or_else(|error| {
            eprintln!("{error} (hint: --listen ADDR --greeting LENGTH)");
            std::process::exit(2);
        })
    }

    /// A listener that does not block.
    ///
    /// # Errors
    ///
    /// The address is in use, or not ours.
    pub fn listener(&self) -> io::Result<std::net::TcpListener> {
        let socket = Socket::new(Domain::for_address(self.listen), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&self.listen.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }
}

/// A text of `length` bytes in lines, as a greeting is.
fn greeting(length: usize) -> &'static str {
    let line = "This is a peer of glassbox; its greeting is as long as the other.\n";
    let text: String = line.chars().cycle().take(length).collect();
    Box::leak(text.into_boxed_str())
}

/// The body of `/bytes/{n}`, or nothing where `n` is no number or too large.
#[must_use]
pub fn octets(n: &str) -> Option<&'static [u8]> {
    PATTERN.get(..n.parse().ok()?)
}
