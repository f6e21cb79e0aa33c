//! The search for a head's end, for a head that comes in pieces.
//!
//! 1. Each byte is looked at once, however the head is cut up. Parsing again after every read makes a head that comes
//!    byte by byte cost its length squared.
//! 2. A line ends in CR LF. A lone LF is refused at once: some programs take it for a line end and some do not, and
//!    between two such programs a second request can be hidden.
//! 3. The limits are checked on the way: a head without an end does not fill the memory.

use std::ops::Range;

use super::error::RequestError;
use super::limits::Limits;

/// The room for a method and a version that is left in a request line besides its target.
const REQUEST_LINE_EXTRA: usize = 64;

/// Empty lines that are skipped in front of a request line. RFC 9112, 2.2 asks for one; old clients send it
/// behind a body.
const EMPTY_LINES: u8 = 2;

/// How far the search for a head's end has come.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeadScan {
    /// Bytes looked at.
    scanned: usize,
    /// Where the current line starts.
    line_start: usize,
    /// Lines seen, and empty lines skipped before the first. Small numbers: every connection has room for them, idle or not.
    lines: u32,
    skipped: u8,
    /// Where the request line starts.
    start: usize,
}

impl HeadScan {
    /// Looks at the bytes that came since the last call. `Some`: where the head is; the body starts behind it.
    ///
    /// # Errors
    /// When the head can no longer become a good one.
    pub fn advance(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<Range<usize>>, RequestError> {
        while let Some(offset) = position_of_line_feed(&bytes[self.scanned..]) {
            let line_end = self.scanned + offset;
            self.scanned = line_end + 1;
            // Before the line is judged: byte by byte, its size is noticed before its end is seen. What is refused,
            // and why, must not depend on how the bytes were cut up.
            self.check_size(limits)?;
            if line_end == self.line_start || bytes[line_end - 1] != b'\r' {
                return Err(RequestError::LineEnd);
            }
            let is_empty = line_end - 1 == self.line_start;
            self.line_start = line_end + 1;
            if is_empty && self.lines == 0 {
                self.skip_empty_line()?;
                continue;
            }
            if is_empty {
                return Ok(Some(self.start..self.scanned));
            }
            self.lines = self.lines.saturating_add(1);
            if self.lines as usize > limits.headers.saturating_add(1) {
                return Err(RequestError::HeadersTooLarge);
            }
        }
        self.scanned = bytes.len();
        self.check_size(limits)?;
        Ok(None)
    }

    /// Whether the request line, as far as it has come, is one of HEAD. For a refusal: its answer has no body then,
    /// however wrong the rest is.
    pub fn asks_for_head(&self, bytes: &[u8]) -> bool {
        bytes.get(self.start..).is_some_and(|line| line.starts_with(b"HEAD "))
    }

    /// Whether any byte of a request has come: empty lines do not count.
    pub fn has_begun(&self) -> bool {
        self.scanned > self.start
    }

    fn skip_empty_line(&mut self) -> Result<(), RequestError> {
        if self.skipped == EMPTY_LINES {
            return Err(RequestError::RequestLine); // `start` stays: there is no request line yet to ask for HEAD.
        }
        self.skipped += 1;
        self.start = self.scanned;
        Ok(())
    }

    fn check_size(&self, limits: &Limits) -> Result<(), RequestError> {
        let length = self.scanned - self.start;
        if self.lines > 0 {
            return if length > limits.head { Err(RequestError::HeadersTooLarge) } else { Ok(()) };
        }
        if length > longest_line(limits) { Err(RequestError::TargetTooLong) } else { Ok(()) }
    }
}

/// How long a request line may be, its end included.
pub(super) fn longest_line(limits: &Limits) -> usize {
    // Saturating, because a limit may be as large as its type: "none at all".
    limits.target.saturating_add(REQUEST_LINE_EXTRA).min(limits.head)
}

/// Where the first line feed is. Eight bytes at a time: it halved the cost of the search for a head of 80 bytes.
///
/// A byte of `block ^ 0x0a0a...` is zero where the block has a line feed. Subtracting 1 from each byte borrows into its
/// top bit if it was zero; bytes that had their top bit set before are left out. A borrow can mark a byte above a true
/// one as well, never below: the lowest mark is true. (The test for a zero byte in "Hacker's Delight", section 6-1.)
fn position_of_line_feed(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    let (blocks, rest) = bytes.as_chunks::<8>();
    for (nth, block) in blocks.iter().enumerate() {
        let zeroed = u64::from_le_bytes(*block) ^ (ONES * u64::from(b'\n'));
        let marks = zeroed.wrapping_sub(ONES) & !zeroed & TOPS;
        if marks != 0 {
            return Some(nth * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let tail = bytes.len() - rest.len();
    rest.iter().position(|byte| *byte == b'\n').map(|at| tail + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At every place, behind every byte that could be mistaken for it, and not at all.
    #[test]
    fn line_feeds_are_found() {
        for length in 0..40 {
            for other in [b'x', 0, 0x0b, 0x8a, 0x0a ^ 0x01, 0xff] {
                let mut bytes = vec![other; length];
                assert_eq!(position_of_line_feed(&bytes), None);
                for at in (0..length).rev() {
                    bytes[at] = b'\n'; // and more of them behind
                    assert_eq!(position_of_line_feed(&bytes), Some(at));
                }
            }
        }
    }
}
