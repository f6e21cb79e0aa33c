//! One keep-alive connection: a batch of requests is written, its answers are counted byte by byte.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use super::wire::GOOD;

/// What all connections of a run send, and what they must get for it.
pub struct Batch {
    /// The requests.
    pub bytes: Vec<u8>,
    /// The length of all their answers.
    pub answers: usize,
}

/// A connection.
pub struct Client {
    pub stream: TcpStream,
    /// Bytes of the batch that are not written yet.
    to_write: usize,
    /// Bytes of the answers that have not come yet; zero while idle.
    to_read: usize,
    /// When the batch in flight should have been sent. Later than that it is sent if the connection was busy.
    pub due: Instant,
    /// Times at which further batches should have been sent.
    pub waiting: VecDeque<Instant>,
}

impl Client {
    /// A connection that has nothing to do.
    #[must_use]
    pub fn new(stream: TcpStream) -> Client {
        Client { stream, to_write: 0, to_read: 0, due: Instant::now(), waiting: VecDeque::new() }
    }

    /// Whether the last batch is answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.to_read == 0
    }

    /// When those were due that have no answer yet.
    pub fn unanswered(&self) -> impl Iterator<Item = Instant> {
        let in_flight = (!self.is_idle()).then_some(self.due);
        self.waiting.iter().copied().chain(in_flight)
    }

    /// Begins to send.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn start(&mut self, batch: &Batch) -> io::Result<()> {
        (self.to_write, self.to_read) = (batch.bytes.len(), batch.answers);
        self.write(batch)
    }

    /// After an event: writes what is left, reads what is there. True if the batch is answered now.
    ///
    /// # Errors
    ///
    /// The connection is lost, or an answer is not what it should be.
    pub fn go_on(&mut self, batch: &Batch, buffer: &mut [u8]) -> io::Result<bool> {
        self.write(batch)?;
        while self.to_read > 0 {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            let is_first = self.to_read == batch.answers;
            if read > self.to_read || (is_first && !GOOD.starts_with(&buffer[..read.min(GOOD.len())])) {
                return Err(ErrorKind::InvalidData.into());
            }
            self.to_read -= read;
            if self.to_read == 0 {
                return Ok(true);
            }
            // A short read has drained the socket; epoll tells of more.
            if read < buffer.len() {
                return Ok(false);
            }
        }
        Ok(false)
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        while self.to_write > 0 {
            let rest = &batch.bytes[batch.bytes.len() - self.to_write..];
            match self.stream.write(rest) {
                Ok(written) => self.to_write -= written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
