//! Compares an answer with what a case expects, and with what every answer owes (RFC 9110 6.6.1, 8.3; 9112 9.6).

use std::time::SystemTime;

use super::case::{Body, Reply, Rule};
use super::client::{Response, show};
use super::date::imf_fixdate;

/// An answer as it came: whole, or cut short by the end of the connection.
pub struct Got {
    pub response: Response,
    pub cut: bool,
}

/// Why `got` is not the expected reply, if it is not. `earlier` are the answers before it on this connection.
pub fn mismatch(expected: &Reply, got: &Got, earlier: &[Got]) -> Option<String> {
    let response = &got.response;
    let nth = earlier.len() + 1;
    if !expected.status.contains(&response.status) {
        return Some(format!("answer {nth} is {}, expected {:?}", response.status, expected.status));
    }
    if got.cut != expected.cut {
        let what = if got.cut { "breaks off" } else { "is whole, expected it to break off" };
        return Some(format!("answer {nth} {what}"));
    }
    if expected.cut {
        return prefix_mismatch(&expected.body, &response.body);
    }
    if let Some(why) = body_mismatch(&expected.body, &response.body) {
        return Some(format!("answer {nth}: {why}"));
    }
    expected
        .rules
        .iter()
        .find_map(|rule| broken(rule, response, earlier))
        .map(|why| format!("answer {nth}: {why}"))
}

fn prefix_mismatch(expected: &Body, body: &[u8]) -> Option<String> {
    match expected {
        Body::Is(longest) if !longest.starts_with(body) => {
            Some(format!("the broken-off body is {:?}, expected a start of {:?}", show(body), show(longest)))
        }
        _ => None,
    }
}

fn body_mismatch(expected: &Body, body: &[u8]) -> Option<String> {
    let fits = match expected {
        Body::Any => true,
        Body::Is(bytes) => bytes == body,
        Body::Contains(bytes) => body.windows(bytes.len().max(1)).any(|window| window == bytes),
        Body::Length(length) => body.len() == *length,
        Body::OneLine => {
            let line = body.trim_ascii_end();
            !line.is_empty() && line.is_ascii() && !line.iter().any(u8::is_ascii_control)
        }
    };
    let expected = || match expected {
        Body::Is(bytes) => show(bytes),
        Body::Contains(bytes) => format!("something with {:?}", show(bytes)),
        Body::Length(length) => format!("{length} octets"),
        Body::Any | Body::OneLine => "one line of text".to_string(),
    };
    (!fits).then(|| format!("the body is {} octets, {:?}, expected {}", body.len(), show(body), expected()))
}

fn broken(rule: &Rule, response: &Response, earlier: &[Got]) -> Option<String> {
    match rule {
        Rule::Has(name) => response.header(name).is_none().then(|| format!("the header {name} is missing")),
        Rule::Lacks(name) => response
            .header(name)
            .map(|value| format!("the header {name} must not be there, and is {value:?}")),
        Rule::Is(name, value) => {
            let found = response.header(name);
            (found.as_ref() != Some(value))
                .then(|| format!("the header {name} is {found:?}, expected {value:?}"))
        }
        Rule::Lists(name, member) => {
            let found = response.header(name);
            (!response.lists(name, member))
                .then(|| format!("the header {name} is {found:?}, expected {member:?} in it"))
        }
        Rule::SameAs(index) => {
            let [one, other] =
                [&earlier.get(*index)?.response, response].map(|response| comparable(response, true));
            (one != other)
                .then(|| format!("its headers are {other:?}, those of answer {} are {one:?}", index + 1))
        }
        Rule::SameNamesAs(index) => {
            let [one, other] =
                [&earlier.get(*index)?.response, response].map(|response| comparable(response, false));
            (one != other).then(|| format!("it has the headers {other:?}, answer {} has {one:?}", index + 1))
        }
    }
}

/// The headers that do not depend on the moment, in a fixed order.
fn comparable(response: &Response, with_values: bool) -> Vec<(&str, &str)> {
    let changes = ["date", "x-request-id"];
    let kept = response.headers.iter().filter(|header| !changes.contains(&header.0.as_str()));
    let mut pairs: Vec<_> =
        kept.map(|(name, value)| (name.as_str(), if with_values { value.as_str() } else { "" })).collect();
    pairs.sort_unstable();
    pairs
}

/// What is wrong with any answer, whatever the case asked: hard mistakes.
pub fn owed(response: &Response) -> Option<String> {
    let status = response.status;
    let Some(date) = response.header("date") else {
        return (200..500).contains(&status).then(|| format!("a {status} without Date (RFC 9110 6.6.1)"));
    };
    let seconds = match imf_fixdate(&date) {
        Ok(seconds) => seconds,
        Err(why) => return Some(format!("bad Date: {why}")),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // A minute: the clocks are the same, but the other server that a person may name can live elsewhere.
    (seconds.abs_diff(now) > 60).then(|| format!("the Date {date:?} is not now"))
}

/// What an answer should have: soft mistakes, noted and not failed.
pub fn noted(response: &Response) -> Option<String> {
    let bare =
        response.status >= 400 && !response.body.is_empty() && response.header("content-type").is_none();
    bare.then(|| format!("a {} with a body and without Content-Type (RFC 9110 8.3)", response.status))
}
