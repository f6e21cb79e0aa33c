//! `/metrics`: what was counted, as Prometheus text (exposition format 0.0.4).
//!
//! One `Worker` per runtime. Whoever renders adds all workers up, without stopping any of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::http::stats::{LATENCY_BOUNDS, Stats as ServerStats};
use crate::runtime::monitor::{Monitor, Stats as RuntimeStats};

/// The numbers of one runtime and its server.
#[derive(Clone)]
pub struct Worker {
    /// The server's counters.
    pub server: Arc<ServerStats>,
    /// The runtime's.
    pub runtime: Monitor,
}

/// One line of `# HELP` and `# TYPE`, and how a worker's number is found.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&ServerStats, &RuntimeStats) -> u64,
}

const METRICS: [Metric; 17] = [
    counter("glassbox_connections_accepted_total", "Connections accepted.", |server, _| {
        server.accepted.get()
    }),
    gauge("glassbox_connections_open", "Connections open now.", |server, _| server.open.get()),
    counter("glassbox_accept_errors_total", "Calls of accept that failed.", |server, _| {
        server.accept_errors.get()
    }),
    counter(
        "glassbox_requests_refused_total",
        "Requests refused for their form, size or slowness.",
        |server, _| server.refused.get(),
    ),
    counter(
        "glassbox_slow_clients_total",
        "Clients that took too long to send a head or a body, or to take an answer.",
        |server, _| server.slow.get(),
    ),
    gauge("glassbox_requests_in_flight", "Requests whose answer has not begun.", |server, _| {
        server.in_flight.get()
    }),
    counter("glassbox_handler_panics_total", "Handlers and bodies that panicked.", |server, _| {
        server.panics.get()
    }),
    counter("glassbox_polls_total", "Calls of poll on tasks.", |_, runtime| runtime.polls),
    counter("glassbox_wakes_total", "Wakes that queued a task.", |_, runtime| runtime.wakes),
    counter("glassbox_wakes_coalesced_total", "Wakes of tasks that were queued already.", |_, runtime| {
        runtime.coalesced
    }),
    counter("glassbox_wakes_stale_total", "Ids queued for tasks that had ended.", |_, runtime| runtime.stale),
    counter("glassbox_parks_total", "Trips to the operating system for events.", |_, runtime| runtime.parks),
    counter("glassbox_sleeps_total", "Trips with nothing else to do.", |_, runtime| runtime.sleeps),
    gauge("glassbox_tasks", "Tasks alive.", |_, runtime| runtime.tasks),
    gauge("glassbox_ready_queue_depth", "Tasks that wait for a poll.", |_, runtime| runtime.ready),
    gauge("glassbox_timers", "Timers armed.", |_, runtime| runtime.timers),
    gauge("glassbox_io_sources", "Sources registered with the operating system.", |_, runtime| {
        runtime.sources
    }),
];

const fn counter(
    name: &'static str,
    help: &'static str,
    value: fn(&ServerStats, &RuntimeStats) -> u64,
) -> Metric {
    Metric { name, kind: "counter", help, value }
}

const fn gauge(
    name: &'static str,
    help: &'static str,
    value: fn(&ServerStats, &RuntimeStats) -> u64,
) -> Metric {
    Metric { name, kind: "gauge", help, value }
}

/// Everything, added up over all workers.
pub fn render(workers: &[Worker]) -> String {
    let mut text = String::with_capacity(4096);
    // Once, not once a line: so that the lines tell of one moment, and the ready queue's lock is taken once.
    let runtimes: Vec<RuntimeStats> = workers.iter().map(|worker| worker.runtime.stats()).collect();
    for metric in &METRICS {
        heading(&mut text, metric.name, metric.kind, metric.help);
        let numbers = workers.iter().zip(&runtimes);
        let sum = numbers.map(|(worker, runtime)| (metric.value)(&worker.server, runtime)).sum();
        line(&mut text, metric.name, "", sum);
    }
    render_statuses(&mut text, workers);
    render_latency(&mut text, workers);
    text
}

fn render_statuses(text: &mut String, workers: &[Worker]) {
    let name = "glassbox_requests_total";
    heading(text, name, "counter", "Requests answered, by status code.");
    let mut sums = BTreeMap::<u16, u64>::new();
    for (code, count) in workers.iter().flat_map(|worker| worker.server.by_status()) {
        *sums.entry(code).or_default() += count;
    }
    for (code, count) in sums {
        line(text, name, &format!("{{code=\"{code}\"}}"), count);
    }
}

/// A histogram's buckets are cumulative: each counts everything up to its bound. Bounds are in seconds.
fn render_latency(text: &mut String, workers: &[Worker]) {
    let name = "glassbox_request_duration_seconds";
    heading(text, name, "histogram", "From the turn in which a head was complete to its answer.");
    let bounds = LATENCY_BOUNDS.iter().map(|micros| seconds(*micros)).chain(["+Inf".to_owned()]);
    let mut so_far = 0;
    for (index, bound) in bounds.enumerate() {
        so_far += workers.iter().map(|worker| worker.server.latency[index].get()).sum::<u64>();
        line(text, &format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), so_far);
    }
    let sum: u64 = workers.iter().map(|worker| worker.server.latency_sum.get()).sum();
    let _ = writeln!(text, "{name}_sum {}", seconds(sum));
    line(text, &format!("{name}_count"), "", so_far);
}

/// Microseconds as seconds, in decimal digits.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

// Writing to a `String` cannot fail.
fn heading(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(text, "{name}{labels} {value}");
}
