//! Exercise 1 of chapter 11: a reader of lines that may be dropped at any await.
//!
//! The bytes come one at a time, through a channel. `Receiver::recv` is cancel-safe: dropped, it has taken nothing.
//! `next` must be so, too: it may be dropped while it waits, as often as anybody likes, and the next call goes on where the
//! last one stood.
//!
//! - A line ends with `\n`, which is not part of it.
//! - When no more bytes come: what is there is the last line, even without an end; then `None`.

use glassbox::sync::Receiver;

/// Lines out of bytes.
pub struct Lines {
    bytes: Receiver<u8>,
}

impl Lines {
    pub fn new(bytes: Receiver<u8>) -> Lines {
        Lines { bytes }
    }

    /// The next line. `None`: there are no more.
    pub async fn next(&mut self) -> Option<String> {
        // The mistake to repair: this lives as long as the call, and no longer.
        let mut line = Vec::new();
        loop {
            match self.bytes.recv().await {
                Some(b'\n') => break,
                Some(byte) => line.push(byte),
                None if line.is_empty() => return None,
                None => break,
            }
        }
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
