//! The search for a head's end, for a head that comes in pieces, or is unusual.
//!
//! 1. Each byte is looked at once, however the head is cut up. Parsing again after every read makes a head that comes
//!    byte by byte cost its length squared.
//! 2. A line ends in CR LF. A lone LF is refused at once: some programs take it for a line end and some do not, and
//!    between two such programs a second request can be hidden.
//! 3. The limits are checked on the way: a head without an end does not fill the memory.

use std::ops::Range;

use super::error::RequestError;
use super::limits::Limits;
use super::search;

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
    /// Lines seen, and empty lines skipped before the first.
    lines: usize,
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
        while let Some(offset) = search::line_feed(&bytes[self.scanned..]) {
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
            if self.lines > limits.headers.saturating_add(1) {
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
fn longest_line(limits: &Limits) -> usize {
    // Saturating, because a limit may be as large as its type: "none at all".
    limits.target.saturating_add(REQUEST_LINE_EXTRA).min(limits.head)
}
