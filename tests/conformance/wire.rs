//! One raw connection to the server: bytes go out as given, answers come back one at a time.
//!
//! A thread of its own reads the socket all the time. So a client that writes a lot before it looks at the answers
//! never locks up with a server that stops reading until somebody takes its answers.
//!
//! ```text
//! send() ---> socket ---> server ---> socket ---> reader thread ---> channel ---> next()
//! ```

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{self, Parsed, Response};

/// How long one answer may take. A bound for failures only: a passing case never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the server did next.
pub enum Seen {
    Reply(Response),
    /// The connection ended inside a message.
    Cut(Response),
    Closed {
        by_reset: bool,
    },
    /// Nothing came in time.
    Quiet,
    /// What came is not HTTP.
    Broken(String),
}

enum Got {
    Bytes(Vec<u8>),
    End { by_reset: bool },
}

pub struct Wire {
    stream: TcpStream,
    incoming: Receiver<Got>,
    /// Received and not yet parsed.
    buffer: Vec<u8>,
    /// Set once the server has ended the connection; says whether it was a reset.
    ended: Option<bool>,
    /// All that was received, for the report.
    pub transcript: Vec<u8>,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> std::io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?; // one write is one packet, as far as a client can ask for it
        stream.set_write_timeout(Some(PATIENCE))?;
        let (sender, incoming) = mpsc::channel();
        let mut reader = stream.try_clone()?;
        thread::spawn(move || {
            let mut block = vec![0; 64 * 1024];
            loop {
                let got = match reader.read(&mut block) {
                    Ok(0) => Got::End { by_reset: false },
                    Ok(count) => Got::Bytes(block[..count].to_vec()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => Got::End { by_reset: true },
                };
                let last = matches!(got, Got::End { .. });
                if sender.send(got).is_err() || last {
                    return;
                }
            }
        });
        Ok(Wire { stream, incoming, buffer: Vec::new(), ended: None, transcript: Vec::new() })
    }

    /// Writes all bytes, or as many as the server takes. A server may close before it has read everything: then the
    /// answer matters and the failed write does not.
    pub fn send(&mut self, bytes: &[u8], bytewise: bool) {
        let pieces = bytes.chunks(if bytewise { 1 } else { bytes.len().max(1) });
        for piece in pieces {
            if self.stream.write_all(piece).is_err() {
                return;
            }
        }
    }

    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write); // fails only when the connection is gone, which `next` reports
    }

    /// Waits for the next answer, or for the end.
    pub fn next(&mut self, to_head: bool) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match client::parse(&self.buffer, to_head, self.ended.is_some()) {
                Err(reason) => return Seen::Broken(reason),
                Ok(Parsed::Whole(response, taken)) => {
                    self.buffer.drain(..taken);
                    return Seen::Reply(response);
                }
                Ok(Parsed::Part(response)) if self.ended.is_some() => {
                    self.buffer.clear();
                    return Seen::Cut(response);
                }
                Ok(_) => {}
            }
            if let Some(by_reset) = self.ended {
                if self.buffer.is_empty() {
                    return Seen::Closed { by_reset };
                }
                return Seen::Broken("the connection ended inside the head of a response".to_string());
            }
            match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Got::Bytes(bytes)) => {
                    self.buffer.extend_from_slice(&bytes);
                    self.transcript.extend_from_slice(&bytes);
                }
                Ok(Got::End { by_reset }) => self.ended = Some(by_reset),
                Err(RecvTimeoutError::Timeout) => return Seen::Quiet,
                Err(RecvTimeoutError::Disconnected) => self.ended = Some(true),
            }
        }
    }
}

/// Ends the reader thread too.
impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
