//! `/metrics`, read by a parser that accepts nothing but the exposition format.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use std::time::Duration;

use common::server::{Client, Server};
use glassbox::http::Status;
use glassbox::http::stats::Stats;
use glassbox::runtime::counter::Counter;

/// A scrape: (name with labels) to value, after every rule of the format was checked.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (None, None);
    let mut families = BTreeSet::new();
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && !help.is_empty(), "{line}");
            assert!(families.insert(name.to_owned()), "{name} stands in two places");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(helped.as_deref(), Some(name), "HELP stands before TYPE");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            typed = Some((name.to_owned(), kind.to_owned()));
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().expect("a name");
            let (family, kind) = typed.as_ref().expect("TYPE stands before samples");
            let suffix = name.strip_prefix(family.as_str()).expect("samples stand with their family");
            assert!(
                suffix.is_empty() || (kind == "histogram" && ["_bucket", "_sum", "_count"].contains(&suffix)),
                "{line}"
            );
            assert!(is_name(name) && labels_are_fine(&series[name.len()..]), "{line}");
            assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{line}");
            assert!(suffix == "_sum" || !value.contains('.'), "a count is whole: {line}");
            assert!(
                (suffix == "_bucket") == series.contains("{le=\""),
                "a bound belongs to a bucket: {line}"
            );
            let value: f64 = value.parse().expect("a number");
            assert!(samples.insert(series.to_owned(), value).is_none(), "{series} is there twice");
        }
    }
    samples
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn labels_are_fine(labels: &str) -> bool {
    labels.is_empty() || {
        let inner = labels.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let pair = inner.and_then(|text| text.split_once('='));
        pair.is_some_and(|(name, value)| {
            is_name(name) && value.starts_with('"') && value.ends_with('"') && value.len() > 2
        })
    }
}

fn scrape(client: &mut Client) -> BTreeMap<String, f64> {
    client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(&answer.text())
}

/// The format holds, the histogram is cumulative, no counter falls, and the requests made are the requests counted.
#[test]
fn the_numbers_are_right() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let first = scrape(&mut client);
    for path in ["/", "/", "/nowhere", "/bytes/x", "/healthz"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        client.answer();
    }
    let second = scrape(&mut client);
    for (series, value) in
        first.iter().filter(|(series, _)| series.contains("_total") || series.contains("_count"))
    {
        assert!(second[series] >= *value, "{series} fell");
    }
    let code = |scrape: &BTreeMap<String, f64>, code: u16| {
        scrape.get(&format!("glassbox_requests_total{{code=\"{code}\"}}")).copied().unwrap_or_default()
    };
    let added = |number: u16| code(&second, number) - code(&first, number);
    // Three of 200, and the first look at the metrics, which had not been counted when it was made.
    assert_eq!((added(200), added(404), added(400)), (4.0, 1.0, 1.0));
    histogram(&second);
}

fn histogram(scrape: &BTreeMap<String, f64>) {
    let name = "glassbox_request_duration_seconds";
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for (series, value) in scrape {
        if let Some(bound) = series.strip_prefix(&format!("{name}_bucket{{le=\"")) {
            let bound = bound.trim_end_matches("\"}");
            buckets.push((bound.replace("+Inf", "inf").parse().expect("a bound"), *value));
        }
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "cumulative: {buckets:?}");
    assert_eq!(buckets.last().map(|(bound, _)| *bound), Some(f64::INFINITY));
    assert_eq!(buckets.last().map(|(_, count)| *count), scrape.get(&format!("{name}_count")).copied());
}

/// With three workers, whichever answers tells of all of them.
#[test]
fn workers_are_added_up() {
    let server = Server::start(&["--workers", "3"]);
    let mut clients: Vec<Client> = (0..60).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer().status, 200);
    }
    for client in &mut clients {
        let numbers = scrape(client);
        let whole = |series: &str| numbers[series].to_string();
        assert_eq!(whole("glassbox_connections_accepted_total"), "60");
        assert_eq!(whole("glassbox_connections_open"), "60");
        assert!(numbers["glassbox_requests_total{code=\"200\"}"] >= 60.0);
    }
}

/// The parser of these tests refuses what the format forbids: else the other tests would prove little.
#[test]
fn the_parser_is_strict() {
    let head = "# HELP a_total Text.\n# TYPE a_total counter\n";
    assert_eq!(parse(&format!("{head}a_total{{code=\"200\"}} 1\n")).len(), 1);
    for bad in [
        "a_total 1\n".to_owned(),
        format!("{head}a_total 1"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}a_total 1\n{head}"),
        format!("{head}b_total 1\n"),
        format!("{head}a_total -1\n"),
        format!("{head}a_total 1.5\n"),
        format!("{head}a_total{{code=200}} 1\n"),
        format!("{head}a_total_sum 1\n"),
        "# TYPE a_total counter\na_total 1\n".to_owned(),
        "# HELP a_total Text.\na_total 1\n".to_owned(),
        "# HELP a-b Text.\n# TYPE a-b gauge\na-b 1\n".to_owned(),
        "# HELP a Text.\n# TYPE a counter\na 1\n".to_owned(),
    ] {
        assert!(panic::catch_unwind(|| parse(&bad)).is_err(), "accepted: {bad:?}");
    }
}

/// Everything that was answered is in the histogram, under one status each; what was refused is told apart. The look
/// at the numbers sees itself: one connection, one request whose answer has not begun.
#[test]
fn the_numbers_agree_with_each_other() {
    let server = Server::start(&[]);
    for bytes in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "x\r\n\r\n"] {
        let mut client = server.connect();
        client.send(bytes.as_bytes());
        assert!(client.answer().status >= 400);
        assert_eq!(client.rest(), b"", "a refusal is the last word");
    }
    let mut client = server.connect();
    for path in ["/", "/nowhere", "/bytes/x"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        client.answer();
    }
    let numbers = scrape(&mut client);
    let answers: f64 = numbers
        .iter()
        .filter(|(series, _)| series.starts_with("glassbox_requests_total{"))
        .map(|(_, n)| n)
        .sum();
    for (series, expected) in [
        ("glassbox_request_duration_seconds_count", answers),
        ("glassbox_request_duration_seconds_bucket{le=\"+Inf\"}", 6.0),
        ("glassbox_requests_refused_total", 3.0),
        ("glassbox_requests_total{code=\"200\"}", 1.0),
        ("glassbox_requests_total{code=\"404\"}", 1.0),
        ("glassbox_requests_total{code=\"505\"}", 1.0),
        ("glassbox_connections_accepted_total", 4.0),
        ("glassbox_requests_in_flight", 1.0),
        ("glassbox_handler_panics_total", 0.0),
        ("glassbox_accept_errors_total", 0.0),
    ] {
        assert_eq!(numbers.get(series), Some(&expected), "{series}");
    }
}

/// Twenty scrapes while other clients ask: no counter ever falls, none disappears, and each histogram holds.
#[test]
fn counters_never_fall() {
    let server = Server::start(&["--workers", "3"]);
    let mut client = server.connect();
    let mut before = scrape(&mut client);
    for _ in 0..20 {
        let mut others: Vec<Client> = (0..6).map(|_| server.connect()).collect();
        for other in &mut others {
            other.send(
                b"GET /chunked/100000 HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
            );
        }
        let after = scrape(&mut client);
        let counts = |series: &&String| !is_gauge(series);
        for series in before.keys().filter(counts) {
            let (old, new) = (before[series], after.get(series));
            assert!(new.is_some_and(|new| *new >= old), "{series} went from {old} to {new:?}");
        }
        histogram(&after);
        for other in &mut others {
            assert_eq!((other.answer().status, other.answer().status), (200, 404));
        }
        before = after;
    }
    let last = scrape(&mut client);
    assert_eq!(last.get("glassbox_requests_total{code=\"404\"}"), Some(&120.0));
    assert_eq!(last.get("glassbox_connections_accepted_total"), Some(&121.0));
}

/// What may fall: it says how many there are now.
fn is_gauge(series: &str) -> bool {
    [
        "glassbox_connections_open",
        "glassbox_requests_in_flight",
        "glassbox_tasks",
        "glassbox_ready_queue_depth",
        "glassbox_timers",
        "glassbox_io_sources",
    ]
    .contains(&series)
}

/// Clients that take too long are counted: one with half a head, one with half a body, one that does not read.
#[test]
fn slow_clients_are_counted() {
    let server = Server::start(&["--head-timeout", "0.1", "--body-timeout", "0.1", "--write-timeout", "0.1"]);
    for slow in ["GET / HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"] {
        let mut client = server.connect();
        client.send(slow.as_bytes());
        assert_eq!(client.answer().status, 408);
    }
    let mut stalled = server.connect();
    stalled.send(b"GET /bytes/1000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(stalled.head().status, 200);
    let counted = (0..10_000).any(|_| server.metric("glassbox_slow_clients_total") == 3);
    assert!(counted, "{} were counted", server.metric("glassbox_slow_clients_total"));
}

/// However the counters were made, they count.
#[test]
fn default_counters_count() {
    for stats in [Stats::new(), Stats::default()] {
        for code in [200, 404, 599] {
            stats.answered(Status::new(code).expect("a status"));
        }
        stats.took(3, Duration::from_millis(2));
        assert_eq!(
            stats.latency.iter().map(Counter::get).collect::<Vec<_>>(),
            [0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(stats.latency_sum.get(), 6_000, "microseconds, of all three");
        assert_eq!(stats.by_status().collect::<Vec<_>>(), [(200, 1), (404, 1), (599, 1)]);
    }
}
