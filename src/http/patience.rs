//! How long one side of a connection waits for its client.
//!
//! The time runs only while we wait for the client. Each byte of a body or of an answer buys some more, but so little that
//! whoever moves one now and then runs out of it. A head and a farewell have one limit for the whole of them. The deadline
//! is pushed back lazily, and named by what we wait for; `wait.rs` has the limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::limits::Limits;
use super::wait::Wait;
use crate::runtime::Handle;
use crate::runtime::timer::Sleep;

/// How long one side of a connection may wait.
pub(super) struct Patience {
    deadline: Sleep,
    /// What `deadline` was set for. `Nothing`: set it anew at the next wait.
    waiting_for: Wait,
    /// The time runs. Bytes of a body or of an answer stop it.
    is_running: bool,
    /// Milliseconds that this wait may still last. Known only while the time does not run.
    left: u32,
}

impl Patience {
    pub(super) fn new(handle: &Handle) -> Patience {
        let deadline = handle.sleep_until(handle.turn_time()); // The first `poll` sets it.
        Patience { deadline, waiting_for: Wait::Nothing, is_running: false, left: 0 }
    }

    /// The next wait is a new one, whatever it is for.
    pub(super) fn renew(&mut self) {
        self.waiting_for = Wait::Nothing;
    }

    /// Stops the time, and pays for the bytes of a body that came, or of an answer that left.
    pub(super) fn note_transfer(&mut self, limits: &Limits, wait: Wait, bytes: usize) {
        if self.waiting_for == wait {
            // A burst may come in many reads. The first one stops the time, and all of them pay.
            let was_running = std::mem::take(&mut self.is_running);
            let left =
                if was_running { self.deadline.left() } else { Duration::from_millis(self.left.into()) };
            let left = left.saturating_add(worth(bytes, limits.min_rate));
            self.left = milliseconds(left.min(wait.limit(limits)));
        }
    }

    /// Ready when the wait has lasted too long.
    #[inline(always)] // See `Registration::poll_io`.
    pub(super) fn poll(&mut self, limits: &Limits, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        let is_running = std::mem::replace(&mut self.is_running, true);
        if self.waiting_for != wait {
            self.waiting_for = wait;
            self.deadline.begin(wait.limit(limits), cx)
        } else if !is_running {
            self.deadline.begin(Duration::from_millis(self.left.into()), cx)
        } else {
            Pin::new(&mut self.deadline).poll(cx)
        }
    }
}

/// The time that this many bytes buy, rounded up. Without a rate each byte buys all that there is.
fn worth(bytes: usize, min_rate: u64) -> Duration {
    let micros = (bytes as u64).saturating_mul(1_000_000);
    if min_rate == 0 { Duration::MAX } else { Duration::from_micros(micros.div_ceil(min_rate)) }
}

/// In whole milliseconds, and 49 days at the most: a quarter of a `Duration`'s memory, for each connection.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u32::MAX)
}
