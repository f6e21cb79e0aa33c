//! The router, against a model that tries every pattern.

use std::collections::BTreeMap;

use glassbox::http::{Limits, Method, Request, Router};

use super::choices::Choices;
use super::stage::{read_answers, talk};

/// A route of the model.
#[derive(Clone, Debug)]
struct Route {
    method: Method,
    pattern: String,
}

/// A segment of a pattern.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Segment {
    Fixed(String),
    Param(String),
    Rest(String),
}

/// The target.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let routes = routes(&mut choices);
    let mut server = Router::new();
    for (index, route) in routes.iter().enumerate() {
        let names: Vec<String> = segments(&route.pattern).into_iter().filter_map(name).collect();
        server = server.route(route.method, &route.pattern, move |request: Request| {
            let values: Vec<String> =
                names.iter().map(|name| format!("{name}={:?}", request.param(name))).collect();
            async move { format!("{index} {}", values.join(" ")) }
        });
    }
    let (mut requests, mut expected) = (String::new(), Vec::new());
    for _ in 0..6 {
        let (method, path) = (choices.of(&[Method::Get, Method::Post]), path(&mut choices));
        requests.extend([method.as_str(), " ", &path, " HTTP/1.1\r\nHost: a\r\n\r\n"]);
        expected.push(model(&routes, method, &path));
    }
    let written = talk(server, Limits::default(), &[requests.as_bytes()]);
    let answers = read_answers(&written, |_| false).expect("answers");
    let read: Vec<(u16, String)> = answers
        .iter()
        .map(|answer| {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            (answer.status, if answer.status == 200 { body } else { String::new() })
        })
        .collect();
    assert_eq!(read, expected, "{routes:?} on {requests}");
}

/// Up to eight routes, without those that the router would refuse.
fn routes(choices: &mut Choices<'_>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for _ in 0..=choices.below(8) {
        let route = Route { method: choices.of(&[Method::Get, Method::Post]), pattern: pattern(choices) };
        if is_good(&route, &routes) {
            routes.push(route);
        }
    }
    routes
}

fn pattern(choices: &mut Choices<'_>) -> String {
    const SEGMENTS: [&str; 12] =
        ["a", "b", "", "{x}", "{y}", "{*x}", "%zz", "a b", ".", "{*y}", "a.b", "\u{e9}"];
    let count = 1 + choices.below(4);
    (0..count).flat_map(|_| ["/", choices.of(&SEGMENTS)]).collect()
}

fn path(choices: &mut Choices<'_>) -> String {
    const SEGMENTS: [&str; 14] =
        ["a", "b", "", "c", "%61", "%25zz", "a%20b", "a%2fb", ".", "%C3%A9", "%ff", "a.b", "%7Bx%7D", "A"];
    let count = 1 + choices.below(5);
    (0..count).flat_map(|_| ["/", choices.of(&SEGMENTS)]).collect()
}

fn segments(pattern: &str) -> Vec<Segment> {
    let parse = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        None => Segment::Fixed(text.to_owned()),
        Some(inner) => match inner.strip_prefix('*') {
            None => Segment::Param(inner.to_owned()),
            Some(name) => Segment::Rest(name.to_owned()),
        },
    };
    pattern[1..].split('/').map(parse).collect()
}

fn name(segment: Segment) -> Option<String> {
    match segment {
        Segment::Fixed(_) => None,
        Segment::Param(name) | Segment::Rest(name) => Some(name),
    }
}

/// The same segments whatever their names.
fn shape(pattern: &str) -> Vec<Segment> {
    let nameless = |segment| match segment {
        Segment::Fixed(text) => Segment::Fixed(text),
        Segment::Param(_) => Segment::Param(String::new()),
        Segment::Rest(_) => Segment::Rest(String::new()),
    };
    segments(pattern).into_iter().map(nameless).collect()
}

/// Whether the router's documentation allows this route beside the others: the rest comes last, no name twice, no
/// method twice, one place's parameters named alike.
fn is_good(route: &Route, others: &[Route]) -> bool {
    let own = segments(&route.pattern);
    let early_rest = own.iter().rev().skip(1).any(|segment| matches!(segment, Segment::Rest(_)));
    let mut names: Vec<String> = own.iter().cloned().filter_map(name).collect();
    names.sort();
    let twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    let clash = others.iter().any(|other| {
        shape(&other.pattern) == shape(&route.pattern)
            && (other.method == route.method || segments(&other.pattern) != own)
    });
    !early_rest && !twice && !clash
}

/// A route that matches: its index, its parameters, and whether those are UTF-8.
type Candidate = (usize, Vec<String>, bool);

/// Status and body that the documentation promises: of all patterns that match, the one whose first differing segment
/// is the more particular.
fn model(routes: &[Route], method: Method, path: &str) -> (u16, String) {
    let mut places: BTreeMap<Vec<u8>, Vec<Candidate>> = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        if let Some((rank, values, is_text)) = matches(&segments(&route.pattern), path) {
            places.entry(rank).or_default().push((index, values, is_text));
        }
    }
    // The smallest rank is the most particular place; its routes differ in their methods only.
    let Some((_, place)) = places.into_iter().next() else { return (404, String::new()) };
    match place.into_iter().find(|(index, ..)| routes[*index].method == method) {
        None => (405, String::new()),
        Some((_, _, false)) => (400, String::new()),
        Some((index, values, true)) => (200, format!("{index} {}", values.join(" "))),
    }
}

/// How particular the match is (0 fixed, 1 parameter, 2 rest, for each segment), the parameters, and whether those
/// are UTF-8.
fn matches(pattern: &[Segment], path: &str) -> Option<(Vec<u8>, Vec<String>, bool)> {
    let parts: Vec<&str> = path[1..].split('/').collect();
    let (mut rank, mut values, mut is_text) = (Vec::new(), Vec::new(), true);
    let mut take = |name: &str, raw: &str| match String::from_utf8(decode(raw)) {
        Ok(value) => values.push(format!("{name}={value:?}")),
        Err(_) => is_text = false,
    };
    for (index, segment) in pattern.iter().enumerate() {
        let part = *parts.get(index)?;
        match segment {
            Segment::Rest(name) => {
                take(name, &parts[index..].join("/"));
                rank.push(2);
                return Some((rank, values, is_text));
            }
            Segment::Fixed(text) if decode(part) == text.as_bytes() => rank.push(0),
            Segment::Param(name) if !part.is_empty() => {
                take(name, part);
                rank.push(1);
            }
            _ => return None,
        }
    }
    (parts.len() == pattern.len()).then_some((rank, values, is_text))
}

/// Percent-decoding without ado: the paths here are well-formed.
fn decode(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hex digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}
