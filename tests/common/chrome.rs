//! What a Chrome trace must keep to, so that viewers open it without a complaint.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What a trace holds, once it has been found to be in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub slices: usize,
    pub arrows: usize,
    pub counts: usize,
    pub tracks: HashSet<(u64, u64)>,
}

/// Checks times, nesting and arrows; says what is wrong.
pub fn check(text: &str) -> Result<Summary, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let events = json["traceEvents"].as_array().ok_or("no traceEvents")?;
    let mut summary = Summary::default();
    let mut open: HashMap<(u64, u64), Vec<String>> = HashMap::new();
    let mut arrows: HashMap<u64, usize> = HashMap::new();
    let mut last: HashMap<u64, f64> = HashMap::new();
    for event in events {
        let field = |name: &str| event[name].as_u64().ok_or(format!("no {name} in {event}"));
        let track = (field("pid")?, field("tid")?);
        let time = event["ts"].as_f64().ok_or(format!("no ts in {event}"))?;
        let before = last.insert(track.0, time).unwrap_or(0.0);
        if time < before {
            return Err(format!("the time falls from {before} at {event}"));
        }
        let name = event["name"].as_str().unwrap_or_default();
        let stack = open.entry(track).or_default();
        match event["ph"].as_str().ok_or(format!("no ph in {event}"))? {
            "B" => {
                stack.push(name.to_owned());
                summary.slices += 1;
                summary.tracks.insert(track);
            }
            "E" if stack.pop().as_deref() != Some(name) => {
                return Err(format!("the end of no slice: {event}"));
            }
            "s" if stack.is_empty() => return Err(format!("an arrow begins outside of a slice: {event}")),
            "s" => {
                arrows.insert(field("id")?, 1);
            }
            "f" if stack.is_empty() => return Err(format!("an arrow ends outside of a slice: {event}")),
            "f" => {
                let seen = arrows.get_mut(&field("id")?).ok_or(format!("an arrow from nowhere: {event}"))?;
                *seen += 1;
                summary.arrows += 1;
            }
            "C" => summary.counts += 1,
            // Of an end nothing is left to check.
            "E" | "i" | "M" => {}
            other => return Err(format!("an unknown kind {other:?}")),
        }
    }
    if let Some((track, stack)) = open.iter().find(|(_, stack)| !stack.is_empty()) {
        return Err(format!("{stack:?} on {track:?} never ends"));
    }
    if let Some((id, _)) = arrows.iter().find(|(_, ends)| **ends != 2) {
        return Err(format!("arrow {id} has not two ends"));
    }
    Ok(summary)
}
