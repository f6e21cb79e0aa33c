//! Solution of exercise 1 of chapter 11: a reader of lines that may be dropped at any await.
//!
//! What must outlive a dropped call lives in `self`. Between the await and the `push` there is no other await, so no byte
//! is ever in a variable that can be dropped.

use glassbox::sync::Receiver;

/// Lines out of bytes.
pub struct Lines {
    bytes: Receiver<u8>,
    /// The line so far.
    line: Vec<u8>,
}

impl Lines {
    pub fn new(bytes: Receiver<u8>) -> Lines {
        Lines { bytes, line: Vec::new() }
    }

    /// The next line. `None`: there are no more.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match self.bytes.recv().await {
                Some(b'\n') => break,
                Some(byte) => self.line.push(byte),
                None if self.line.is_empty() => return None,
                None => break,
            }
        }
        let line = std::mem::take(&mut self.line);
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
