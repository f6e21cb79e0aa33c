//! The router's documentation as a program that is too simple to be fast: it looks at every pattern for every path.
//!
//! No line of it is the router's. Where both are wrong in the same way nobody will know; so it is short.

use std::collections::BTreeMap;

use glassbox::http::Method;

/// The routes that a router should have, and how many layers of middleware.
#[derive(Default, Debug)]
pub struct Model {
    /// In the order in which they were added.
    pub routes: Vec<(Method, String)>,
    /// Middleware around all of them.
    pub layers: usize,
}

/// What a request should get.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The methods that are told.
    pub allow: Option<String>,
    /// What the handler says, if there is one.
    pub body: Option<String>,
}

/// A segment of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Fixed(String),
    Param(String),
    Rest(String),
}

fn segments(pattern: &str) -> Vec<Segment> {
    pattern.split('/').skip(1).map(segment).collect()
}

fn segment(text: &str) -> Segment {
    let is_braced = text.len() >= 2 && text.starts_with('{') && text.ends_with('}');
    if !is_braced {
        return Segment::Fixed(text.to_owned());
    }
    let inner = &text[1..text.len() - 1];
    match inner.strip_prefix('*') {
        Some(name) => Segment::Rest(name.to_owned()),
        None => Segment::Param(inner.to_owned()),
    }
}

/// The parameters of a pattern, in order.
pub fn names_of(pattern: &str) -> Vec<String> {
    let name = |segment| match segment {
        Segment::Fixed(_) => None,
        Segment::Param(name) | Segment::Rest(name) => Some(name),
    };
    segments(pattern).into_iter().filter_map(name).collect()
}

/// The same segments, whatever their names.
fn shape(pattern: &str) -> Vec<Segment> {
    let nameless = |segment| match segment {
        Segment::Fixed(text) => Segment::Fixed(text),
        Segment::Param(_) => Segment::Param(String::new()),
        Segment::Rest(_) => Segment::Rest(String::new()),
    };
    segments(pattern).into_iter().map(nameless).collect()
}

/// What is wrong with one segment, in the router's words.
fn objection(segment: &Segment) -> Option<&'static str> {
    let is_name = |name: &str| name.chars().all(|letter| letter == '_' || letter.is_ascii_alphanumeric());
    match segment {
        Segment::Param(name) | Segment::Rest(name) if name.is_empty() => Some("a parameter without a name"),
        Segment::Param(name) | Segment::Rest(name) if !is_name(name) => Some("a parameter called"),
        Segment::Fixed(text) if text.contains('{') || text.contains('}') => Some("a brace inside"),
        Segment::Fixed(text) if decode(text) != text.as_bytes() => Some("is percent-encoded"),
        Segment::Fixed(text) if text.contains('?') || text.contains('#') => Some("a query or a fragment"),
        _ => None,
    }
}

impl Model {
    /// All reasons for which this route cannot stand beside the others, in the router's words. Which one it says is its own
    /// business.
    pub fn objections(&self, method: Method, pattern: &str) -> Vec<&'static str> {
        if !pattern.starts_with('/') {
            return vec!["must start with a slash"];
        }
        let own = segments(pattern);
        let mut reasons: Vec<&str> = own.iter().filter_map(objection).collect();
        if own.iter().rev().skip(1).any(|segment| matches!(segment, Segment::Rest(_))) {
            reasons.push("must be the last segment");
        }
        let mut names = names_of(pattern);
        names.sort();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            reasons.push("two parameters called");
        }
        for (known, other) in self.routes.iter().filter(|(_, other)| shape(other) == shape(pattern)) {
            if segments(other) != own {
                reasons.push("name one parameter differently");
            }
            if *known == method {
                reasons.push("is there twice");
            }
        }
        reasons
    }

    /// Of all patterns that match, the one whose first differing segment is the more particular.
    pub fn reply(&self, method: Method, target: &str) -> Reply {
        if target == "*" {
            return told(204, self.routes.iter().map(|(method, _)| *method));
        }
        let path = target.split('?').next().unwrap_or_default();
        let mut places: BTreeMap<Vec<u8>, Vec<Candidate>> = BTreeMap::new();
        for (index, (method, pattern)) in self.routes.iter().enumerate() {
            if let Some((rank, values)) = matches(&segments(pattern), path) {
                places.entry(rank).or_default().push(Candidate { index, method: *method, values });
            }
        }
        // The smallest rank is the most particular place; its routes differ in their methods only.
        let Some((_, place)) = places.into_iter().next() else { return without_body(404) };
        let of = |wanted: Method| place.iter().find(|candidate| candidate.method == wanted);
        let found = of(method).or_else(|| if method == Method::Head { of(Method::Get) } else { None });
        match found {
            None if method == Method::Options => told(204, place.iter().map(|candidate| candidate.method)),
            None => told(405, place.iter().map(|candidate| candidate.method)),
            Some(Candidate { values: None, .. }) => without_body(400),
            Some(Candidate { index, values: Some(values), .. }) => {
                let body = format!("{index} {}", values.join(" "));
                Reply { status: 200, allow: None, body: Some(body) }
            }
        }
    }
}

/// A route that matches.
struct Candidate {
    index: usize,
    method: Method,
    /// Its parameters; `None` if one of them is not UTF-8.
    values: Option<Vec<String>>,
}

fn without_body(status: u16) -> Reply {
    Reply { status, allow: None, body: None }
}

/// Says which methods there are: in the order of the routes, then HEAD where GET is, then OPTIONS.
fn told(status: u16, methods: impl Iterator<Item = Method>) -> Reply {
    let mut names: Vec<&str> = Vec::new();
    let methods: Vec<&str> = methods.map(Method::as_str).collect();
    let implied = if methods.contains(&"GET") { &["HEAD", "OPTIONS"][..] } else { &["OPTIONS"] };
    for name in methods.iter().chain(implied) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    Reply { status, allow: Some(names.join(", ")), body: None }
}

/// How particular the match is (0 fixed, 1 parameter, 2 rest, for each segment), and the parameters' values.
fn matches(pattern: &[Segment], path: &str) -> Option<(Vec<u8>, Option<Vec<String>>)> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (mut rank, mut values) = (Vec::new(), Some(Vec::new()));
    let mut take = |name: &str, raw: &str| match (String::from_utf8(decode(raw)), &mut values) {
        (Ok(value), Some(values)) => values.push(format!("{name}={value:?}")),
        _ => values = None,
    };
    for (index, segment) in pattern.iter().enumerate() {
        let part = *parts.get(index)?;
        match segment {
            Segment::Rest(name) => {
                take(name, &parts[index..].join("/"));
                rank.push(2);
                return Some((rank, values));
            }
            Segment::Fixed(text) if decode(part) == text.as_bytes() => rank.push(0),
            Segment::Param(name) if !part.is_empty() => {
                take(name, part);
                rank.push(1);
            }
            _ => return None,
        }
    }
    (parts.len() == pattern.len()).then_some((rank, values))
}

/// Percent-decoding: two hex digits behind a sign are a byte, everything else is what it is.
fn decode(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.as_bytes().get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        match digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    bytes
}
