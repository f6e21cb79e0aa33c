//! The CPU time and the memory of another process, from `/proc`.
//!
//! `/proc/PID/task/*/schedstat` counts nanoseconds on a processor, user and system together, for each thread. It is
//! finer than the ticks of `/proc/PID/stat`, which are kept for one question: how much of it was user time.

use std::fs;
use std::time::Duration;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// On a processor, all threads.
    pub cpu: Duration,
    /// In user space, in ticks of 10 ms.
    pub user_ticks: u64,
    /// In the kernel, in ticks of 10 ms.
    pub system_ticks: u64,
}

impl Used {
    /// Reads it now; zeros for a process that is gone.
    #[must_use]
    pub fn read(pid: u32) -> Used {
        let mut nanos = 0;
        if let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) {
            for thread in threads.flatten() {
                let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                nanos +=
                    text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the program may contain blanks: count from behind it. utime is the 12th field from there.
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect())
            .unwrap_or_default();
        let field = |number: usize| fields.get(number).copied().unwrap_or_default();
        Used { cpu: Duration::from_nanos(nanos), user_ticks: field(11), system_ticks: field(12) }
    }

    /// What was used between an earlier moment and this one.
    #[must_use]
    pub fn since(self, earlier: Used) -> Used {
        Used {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }
}

/// The resident set, in KiB; zero for a process that is gone.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
