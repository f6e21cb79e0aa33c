//! One core for the server, another for the generator: else they would measure how they share one.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Which core is whose.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    pub server: usize,
    pub generator: usize,
}

impl Cores {
    /// The first two that this process may use. With one alone, both share it: ratios still hold, roughly.
    #[must_use]
    pub fn choose() -> Cores {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        let mut allowed = (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or_default());
        let server = allowed.next().unwrap_or_default();
        let generator = allowed.next().unwrap_or(server);
        Cores { server, generator }
    }
}

/// Moves the calling thread to a core, and with it the processes that it starts: a child inherits the set. So a
/// process is on its core before its first instruction, without a further program.
pub fn move_to(core: usize) {
    let mut set = CpuSet::new();
    if set.set(core).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}
