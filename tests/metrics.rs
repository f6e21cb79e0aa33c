//! `/metrics`, read by a parser that accepts nothing but the exposition format.

mod common;

use std::collections::BTreeMap;

use common::server::{Client, Server};

/// A scrape: (name with labels) to value, after every rule of the format was checked.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (None, None);
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && !help.is_empty(), "{line}");
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
