//! Queries and forms, against the crate of the URL standard's authors; percent-decoding and targets against themselves.

use std::borrow::Cow;

use glassbox::http::uri::{form_pairs, is_authority, percent_decode, split_target};

use super::choices::Choices;
use super::raw;

/// The target.
pub fn run(bytes: &[u8]) {
    let ours: Vec<(String, String)> = form_pairs(bytes).collect();
    let theirs: Vec<(String, String)> = form_urlencoded::parse(bytes).into_owned().collect();
    assert_eq!(ours, theirs, "{}", bytes.escape_ascii());
    round_trip(bytes);
    decoding(bytes);
    targets(bytes);
}

/// What the standard's encoder writes is read as what it was.
fn round_trip(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut pairs = Vec::new();
    while !choices.is_empty() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        pairs.push((text(choices.bytes(12)), text(choices.bytes(12))));
    }
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    assert_eq!(form_pairs(encoded.as_bytes()).collect::<Vec<_>>(), pairs, "{encoded}");
}

/// Encoded bytes decode to themselves, and what has no percent sign is not copied.
fn decoding(bytes: &[u8]) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("a hex digit");
    let encoded: String = bytes.iter().flat_map(|byte| ['%', digit(byte >> 4), digit(byte & 15)]).collect();
    assert_eq!(&*percent_decode(encoded.as_bytes()), bytes);
    let decoded = percent_decode(bytes);
    assert_eq!(matches!(decoded, Cow::Borrowed(_)), !bytes.contains(&b'%'));
    assert!(decoded.len() <= bytes.len() && decoded.len() * 3 >= bytes.len());
}

/// The two checks of RFC 3986 agree with a naive reading of it, and the parts of a target are the target.
fn targets(bytes: &[u8]) {
    assert_eq!(is_authority(bytes), raw::is_authority(bytes), "authority {}", bytes.escape_ascii());
    let parts = split_target(bytes);
    assert_eq!(parts.is_some(), raw::is_target(b"GET", bytes), "target {}", bytes.escape_ascii());
    let Some(parts) = parts else { return };
    assert!(!bytes[parts.path.clone()].contains(&b'?'), "{}", bytes.escape_ascii());
    assert!(matches!(bytes.get(parts.path.end), None | Some(b'?')), "{}", bytes.escape_ascii());
    match parts.authority {
        Some(authority) => assert_eq!(authority.end, parts.path.start),
        None => assert!(bytes.starts_with(b"/")),
    }
}
