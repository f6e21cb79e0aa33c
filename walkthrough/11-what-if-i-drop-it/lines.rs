//! Two readers of lines. They differ in one thing: where the bytes live that have come before the end of the line.

use std::io;

use glassbox::net::TcpStream;

/// Cuts the first line off, if there is a whole one. Its end is thrown away.
fn cut_line(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
    bytes.drain(..=end);
    Some(line)
}

/// Reads a line. The bytes live in this call: that is, in the future. Not cancel-safe.
pub async fn forgetful_line(stream: &TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(line) = cut_line(&mut bytes) {
            return Ok(line);
        }
        read_some(stream, &mut bytes).await?;
    }
}

/// A stream with what was read from it and not used.
pub struct Lines {
    stream: TcpStream,
    /// Outside of every future: it stays when one of them is dropped.
    bytes: Vec<u8>,
}

impl Lines {
    pub fn new(stream: TcpStream) -> Lines {
        Lines { stream, bytes: Vec::new() }
    }

    /// Reads a line. Cancel-safe: between two awaits, everything that was read is in `self`.
    pub async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(line) = cut_line(&mut self.bytes) {
                return Ok(line);
            }
            read_some(&self.stream, &mut self.bytes).await?;
        }
    }
}

/// One read, appended. The only await is the read itself, and nothing is between its end and the append: a dropped read
/// has taken no byte, and one that has taken some has returned them.
async fn read_some(stream: &TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 64];
    match stream.read(&mut piece).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(&piece[..count]);
            Ok(())
        }
    }
}
