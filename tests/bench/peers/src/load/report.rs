//! What a run has found, as one line of `key=value`, which people and the driver can read.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::process::Used;

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub requests: u64,
    pub errors: u64,
    pub time: Duration,
    /// What the server used in that time.
    pub used: Used,
    /// Fixed rate alone: microseconds from the time at which a request should have been sent to its answer, and with new
    /// connections from the time at which one should have been opened to the answer's first byte.
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    /// Fixed rate alone: how late this program itself was, at the 99th percentile, in microseconds. Where it is as
    /// large as `p99`, the machine was busy and `p99` says nothing about the server.
    pub late: f64,
}

/// Times in nanoseconds, up to a minute, three digits.
///
/// # Panics
///
/// Never: these bounds are allowed.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("cannot refuse these bounds")
}

/// A value of a histogram, in microseconds.
#[allow(clippy::cast_precision_loss, reason = "latencies are short")]
#[must_use]
pub fn micros(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1e3
}

impl Report {
    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "requests={} errors={} ns={} cpu_ns={} user_ticks={} system_ticks={} p50={} p99={} p999={} late={}",
            self.requests,
            self.errors,
            self.time.as_nanos(),
            self.used.cpu.as_nanos(),
            self.used.user_ticks,
            self.used.system_ticks,
            self.p50,
            self.p99,
            self.p999,
            self.late
        )
    }

    /// The line, read again. What is missing is zero.
    #[must_use]
    pub fn read(line: &str) -> Report {
        let value = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.unwrap_or("0")
        };
        let count = |name: &str| value(name).parse::<u64>().unwrap_or_default();
        let float = |name: &str| value(name).parse::<f64>().unwrap_or_default();
        Report {
            requests: count("requests"),
            errors: count("errors"),
            time: Duration::from_nanos(count("ns")),
            used: Used {
                cpu: Duration::from_nanos(count("cpu_ns")),
                user_ticks: count("user_ticks"),
                system_ticks: count("system_ticks"),
            },
            p50: float("p50"),
            p99: float("p99"),
            p999: float("p999"),
            late: float("late"),
        }
    }
}
