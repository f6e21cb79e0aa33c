//! Where the server's own instructions go: callgrind's count for each address, and the part of the program that the
//! address belongs to.
//!
//! The problem: the compiler inlines, so one function holds half of the server, and a list of functions says little. But the
//! debug lines name for each address the whole chain of inlined calls. The innermost one in a file of the server, in httparse
//! or in mio says whose instruction it is. Inlined code of others, the standard library's too, counts for its caller; what is
//! not inlined is in the last part.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use addr2line::Loader;

use super::callgrind::{name, place};
use super::contest::{PEERS, Stage};
use super::rounds::ratio;

/// One part of the server.
pub struct Part {
    pub name: &'static str,
    /// For one request.
    pub instructions: f64,
}

/// What belongs to whom, by a piece of the file's path.
const PARTS: [(&str, &[&str]); 11] = [
    ("events for the tracer, which is off", &["/src/runtime/trace.rs"]),
    ("timers and deadlines", &["/src/runtime/timer.rs", "/src/http/patience.rs", "/src/http/wait.rs"]),
    (
        "sockets: readiness, system calls",
        &["/src/runtime/reactor.rs", "/src/runtime/source.rs", "/src/net.rs", "/mio-"],
    ),
    ("tasks: wakers, queue, poll", &["/src/runtime/"]),
    ("head: httparse", &["/httparse-"]),
    ("head: grammar", &["/src/http/plain.rs", "/src/http/search.rs", "/src/http/token.rs"]),
    (
        "head: copy, checks, limits",
        &[
            "/src/http/head.rs",
            "/src/http/half.rs",
            "/src/http/fields.rs",
            "/src/http/uri.rs",
            "/src/http/method.rs",
        ],
    ),
    (
        "route, middleware, handler",
        &["/src/http/router.rs", "/src/http/handler.rs", "/src/http/middleware.rs", "/src/demo/"],
    ),
    (
        "answer: response, head, date",
        &["/src/http/response.rs", "/src/http/body.rs", "/src/http/encode.rs", "/src/http/date.rs"],
    ),
    ("metrics, with the clock", &["/src/http/stats.rs", "/src/metrics.rs"]),
    ("connection: buffers, order, turns", &["/src/http/"]),
];

/// What no file of ours and no package claims, by a piece of the function's name.
const BY_NAME: [(&str, &str); 3] = [
    ("Timespec", "metrics, with the clock"),
    ("clock_gettime", "metrics, with the clock"),
    ("raw_waker", "tasks: wakers, queue, poll"),
];

/// Whatever is left.
const REST: &str = "standard library and libc: copies, comparisons, drops";

/// Counts for each part, largest first, in the two profiles that `callgrind::measure` has left. `counts` are the requests of
/// the short run and of the long one.
///
/// # Errors
///
/// There are no such profiles, or the server has no debug lines.
pub fn measure(stage: &Stage, counts: [u32; 2]) -> io::Result<Vec<Part>> {
    let [few, many] = counts;
    let loader = Loader::new(&stage.glassbox).map_err(|error| io::Error::other(error.to_string()))?;
    let count = |requests| {
        let profile = fs::read_to_string(place(stage, PEERS[0].name, requests))?;
        by_part(&profile, &stage.glassbox, &loader)
    };
    let (before, after) = (count(few)?, count(many)?);
    let mut parts: Vec<Part> = after
        .into_iter()
        .map(|(name, count)| {
            let count = count.saturating_sub(before.get(name).copied().unwrap_or_default());
            Part { name, instructions: ratio(count, u64::from(many - few)) }
        })
        .collect();
    parts.sort_by(|a, b| b.instructions.total_cmp(&a.instructions));
    Ok(parts)
}

/// Adds up a profile. Its cost lines are "address line count"; the line behind a `calls=` is the callee's cost, which is
/// counted there.
fn by_part(profile: &str, program: &Path, loader: &Loader) -> io::Result<HashMap<&'static str, u64>> {
    let program = program.canonicalize()?;
    let (mut objects, mut functions) = (HashMap::new(), HashMap::new());
    let (mut object, mut function, mut address, mut is_call) = ("", "", 0_u64, false);
    let (mut known, mut sums, mut has_lines) = (HashMap::new(), HashMap::new(), false);
    for line in profile.lines() {
        if let Some(rest) = line.strip_prefix("ob=") {
            object = name(&mut objects, rest);
        } else if let Some(rest) = line.strip_prefix("cob=") {
            name(&mut objects, rest);
        } else if let Some(rest) = line.strip_prefix("fn=") {
            function = name(&mut functions, rest);
        } else if let Some(rest) = line.strip_prefix("cfn=") {
            name(&mut functions, rest);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some(count) = cost(line, &mut address)
            && !std::mem::take(&mut is_call)
        {
            let is_own = Path::new(object) == program;
            let part = known.entry((is_own, address, function)).or_insert_with(|| {
                let part = if is_own { written_in(loader, address) } else { None };
                has_lines |= part.is_some();
                part.unwrap_or_else(|| named(function))
            });
            *sums.entry(*part).or_default() += count;
        }
    }
    if !has_lines {
        return Err(io::Error::other("the server has no debug lines"));
    }
    Ok(sums)
}

/// The count of a cost line, which also moves the address: absolute, relative to the one before, or the same (`*`).
fn cost(line: &str, address: &mut u64) -> Option<u64> {
    let mut words = line.split(' ');
    let (position, _, count) = (words.next()?, words.next()?, words.next()?);
    let count = count.parse().ok()?;
    *address = if let Some(hex) = position.strip_prefix("0x") {
        u64::from_str_radix(hex, 16).ok()?
    } else if position == "*" {
        *address
    } else {
        address.checked_add_signed(position.parse().ok()?)?
    };
    Some(count)
}

/// The part whose file is the innermost one in the chain of calls that are inlined at an address.
fn written_in(loader: &Loader, address: u64) -> Option<&'static str> {
    let mut frames = loader.find_frames(address).ok()?;
    while let Ok(Some(frame)) = frames.next() {
        let file = frame.location.and_then(|location| location.file).unwrap_or_default();
        let part = PARTS.iter().find(|(_, files)| files.iter().any(|own| file.contains(own)));
        if let Some((name, _)) = part {
            return Some(name);
        }
    }
    None
}

fn named(function: &str) -> &'static str {
    BY_NAME.iter().find(|(piece, _)| function.contains(piece)).map_or(REST, |(_, part)| part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative() {
        let mut address = 0;
        let costs: Vec<_> = ["0x10 5 7", "+16 +1 2", "* * 3", "-8 4 1", "fn=(3)", "summary: 9 9"]
            .iter()
            .map(|line| (cost(line, &mut address), address))
            .collect();
        let nothing = (None, 0x18);
        assert_eq!(
            costs,
            [(Some(7), 0x10), (Some(2), 0x20), (Some(3), 0x20), (Some(1), 0x18), nothing, nothing]
        );
    }
}
