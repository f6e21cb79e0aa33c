//! Half a head: one on its long way, of which not all may have come.
//!
//! Nearly every head comes whole and is plain, and then there is none of this (`head.rs`).

use super::error::RequestError;
use super::head::Head;
use super::limits::Limits;
use super::scan::HeadScan;

/// What is kept of a head between one read and the next.
#[derive(Default)]
pub(super) struct HalfHead {
    scan: HeadScan,
    /// Its bytes, while somebody waits for the rest, in as much memory as they need. Left in a buffer, the first byte of a
    /// silent client would hold 16 KiB, or the 68 KiB that it was read into.
    pub(super) shelf: Box<[u8]>,
}

impl HalfHead {
    /// Reads a head off the front of `input`, if all of it is there. How long it is, with what is skipped in front of it.
    ///
    /// This, and what else most requests do without, is kept out of the functions on their way, most of which are inlined. The
    /// code that they run through lies closer together then. (Counted: 199 lines of the cache, in place of 215.) `cold` puts
    /// the calls out of the way, too. A request that makes one pays nothing for that: by callgrind, 2 of 2,040 instructions for
    /// an answer of three bytes.
    #[cold]
    pub(super) fn read(
        &mut self,
        head: &mut Head,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, RequestError> {
        let Some(range) = self.scan.advance(input, limits)? else { return Ok(None) };
        head.parse(&input[range.clone()], limits)?;
        Ok(Some(range.end))
    }

    /// Whether any byte of a request has come: empty lines do not count.
    pub(super) fn has_begun(&self) -> bool {
        self.scan.has_begun()
    }

    /// Whether the request line, as far as it has come, is one of HEAD. `input`: where the bytes are that are not on the shelf.
    pub(super) fn asks_for_head(&self, input: Option<&[u8]>) -> bool {
        self.scan.asks_for_head(input.unwrap_or(&self.shelf))
    }
}
