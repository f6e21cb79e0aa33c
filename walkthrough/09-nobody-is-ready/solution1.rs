//! Solution of exercise 1 of chapter 9: the park handshake in one atomic word, without a lock.
//!
//! ```text
//!   any thread: store the news, then notify()      the runtime: look for news; none? try_park()
//!       true: the runtime sleeps, ring the bell          true: sleep until the bell rings, then unparked()
//!                                                        false: news has come since, look again
//! ```
//!
//! `notify` leaves NOTIFIED whatever was there, and learns in the same step whether it was ASLEEP. `try_park` goes from
//! AWAKE to ASLEEP and from nowhere else. So of two that meet, one is first, and the other sees it: the argument of
//! `ready.rs`, with one instruction in place of a lock. The standard library's `thread::park` is made like this.

use loom::sync::atomic::{AtomicUsize, Ordering};

const AWAKE: usize = 0;
/// News has come that the runtime has not looked at.
const NOTIFIED: usize = 1;
const ASLEEP: usize = 2;

/// Where the runtime and those who wake it meet.
pub struct Parking(AtomicUsize);

impl Parking {
    pub fn new() -> Parking {
        Parking(AtomicUsize::new(AWAKE))
    }

    /// Any thread: there is news. `true`: the runtime sleeps, and the caller must ring.
    pub fn notify(&self) -> bool {
        // The second of two finds NOTIFIED and does not ring: the first one has.
        self.0.swap(NOTIFIED, Ordering::AcqRel) == ASLEEP
    }

    /// The runtime: no news so far; may I sleep? `false`: no, look again.
    pub fn try_park(&self) -> bool {
        let parked = self.0.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        if parked.is_err() {
            // A swap, not a store: it must see what the one who notified wrote before.
            self.0.swap(AWAKE, Ordering::AcqRel);
        }
        parked.is_ok()
    }

    /// The runtime: the sleep is over. It looks for news after this.
    pub fn unparked(&self) {
        self.0.swap(AWAKE, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
