//! A buffer of bytes: filled at the back, emptied at the front.
//!
//! ```text
//!   storage  [ . . . . | r e a d y   b y t e s | . . . . . . ]
//!                    start                   end
//!             consume() moves start -->   fill() / push() move end -->
//! ```
//!
//! A read must go behind what is there already, at `end`. Reading to the start of the buffer each time overwrites
//! the first half of every request that comes in two packets: the best-known bug of teaching servers.

use std::ops::Deref;

use super::pool::Reuse;

/// How large a buffer for answers is. It holds some 35 of those to `GET /`.
pub const BUFFER_SIZE: usize = 16 * 1024;

/// How large a buffer to read into is: for a body of 64 KiB and its head at once. A body that comes at full speed is read in
/// a quarter of the system calls that a buffer of the other kind would need. An idle connection has none, and input that has
/// to wait moves to the other kind if it fits. (Measured, an echo of 64 KiB: two system calls in place of four, 0.9 of the CPU
/// time.)
pub const READ_SIZE: usize = 68 * 1024;

/// A queue of bytes.
#[derive(Debug)]
pub struct Buffer {
    /// Always initialised to its full length, so that a read needs no zeroing and no `unsafe`.
    storage: Vec<u8>,
    start: usize,
    end: usize,
    /// How large it was when it was made.
    made: usize,
}

impl Buffer {
    /// An empty buffer of this size.
    pub fn with_size(size: usize) -> Buffer {
        Buffer { storage: vec![0; size], start: 0, end: 0, made: size }
    }

    /// How many bytes are in it.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// How many bytes fit into it before it must grow.
    pub fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// How large it was when it was made.
    pub(super) fn made(&self) -> usize {
        self.made
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes `count` bytes off the front, or all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        if count >= self.len() {
            (self.start, self.end) = (0, 0);
        } else {
            self.start += count;
        }
    }

    /// The free part behind the bytes, at least `at_least` long: where to read to. Call `fill` afterwards.
    pub fn room(&mut self, at_least: usize) -> &mut [u8] {
        if self.storage.len() - self.end < at_least {
            self.make_room(at_least);
        }
        &mut self.storage[self.end..]
    }

    /// Says that `count` bytes were written into `room`.
    ///
    /// # Panics
    /// When `room` was not as long as that.
    pub fn fill(&mut self, count: usize) {
        assert!(count <= self.storage.len() - self.end, "more bytes than there was room for");
        self.end += count;
    }

    /// Adds bytes at the back.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        let Some(room) = self.storage.get_mut(self.end..end) else {
            self.make_room(bytes.len());
            return self.push(bytes);
        };
        room.copy_from_slice(bytes);
        self.end = end;
    }

    /// Moves the bytes to the front if that gives enough room, or grows.
    #[cold] // The compiler puts it out of the way of every other push.
    fn make_room(&mut self, needed: usize) {
        self.storage.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.storage.len() - self.end < needed {
            let size = (self.end + needed).next_power_of_two();
            self.storage.resize(size, 0);
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }
}

impl Reuse for Buffer {
    fn fresh() -> Buffer {
        Buffer::with_size(BUFFER_SIZE)
    }

    /// The old bytes stay in the storage but cannot be reached: only what `fill` and `push` put there is readable.
    fn clean(&mut self) -> bool {
        (self.start, self.end) = (0, 0);
        self.storage.len() == self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transport that claims to have read more than it was given room for is found out at once.
    #[test]
    #[should_panic(expected = "more bytes than there was room for")]
    fn a_read_of_more_than_there_is_room_for() {
        let mut buffer = Buffer::with_size(8);
        buffer.push(b"abc");
        let room = buffer.room(1).len();
        buffer.fill(room);
        assert_eq!(buffer.len(), 8);
        buffer.fill(1);
    }
}
