//! Exercise 1 of chapter 9: the park handshake in one atomic word, without a lock.
//!
//! ```text
//!   any thread: store the news, then notify()      the runtime: look for news; none? try_park()
//!       true: the runtime sleeps, ring the bell          true: sleep until the bell rings, then unparked()
//!                                                        false: news has come since, look again
//! ```
//!
//! Three values are enough: AWAKE, NOTIFIED, ASLEEP. No wake-up may be lost, and a sleep is interrupted by one ring, not
//! by two. The methods below are right as long as one thread calls them. Where they read, and then write, another thread
//! can come in between. `swap` and `compare_exchange` read and write in one step.
//!
//! The test uses loom, which tries every order in which the threads can meet.

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
        // The mistake to repair: two steps.
        let was = self.0.load(Ordering::Acquire);
        self.0.store(NOTIFIED, Ordering::Release);
        was == ASLEEP
    }

    /// The runtime: no news so far; may I sleep? `false`: no, look again.
    pub fn try_park(&self) -> bool {
        // The mistake to repair: two steps.
        if self.0.load(Ordering::Acquire) == NOTIFIED {
            self.0.store(AWAKE, Ordering::Release);
            return false;
        }
        self.0.store(ASLEEP, Ordering::Release);
        true
    }

    /// The runtime: the sleep is over. It looks for news after this.
    pub fn unparked(&self) {
        self.0.swap(AWAKE, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
