//! What a connection waits for. Each kind of wait has its own limit; one timer serves those for bytes, another one those
//! for room.

use std::time::Duration;

use super::limits::Limits;

/// How long a closing connection listens for the client's own close.
const LINGER: Duration = Duration::from_secs(2);

/// What a connection waits for, and so which limit applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wait {
    Nothing,
    Request,
    Head,
    Body,
    Write,
    Linger,
}

impl Wait {
    /// How long that may last.
    pub(super) fn limit(self, limits: &Limits) -> Duration {
        match self {
            Wait::Nothing => Duration::MAX,
            Wait::Request => limits.idle_timeout,
            Wait::Head => limits.head_timeout,
            Wait::Body => limits.body_timeout,
            Wait::Write => limits.write_timeout,
            Wait::Linger => LINGER,
        }
    }
}
