//! What the museum prints.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use crate::exhibit::{Ends, Exhibit, Test};
use crate::workshop::Seen;

/// What stands beside an exhibit.
pub fn label(exhibit: &Exhibit) {
    println!("Exhibit {}: {}\n", exhibit.number(), exhibit.title);
    println!("The bug:  {}", wrapped(&exhibit.bug));
    println!("The test: {}", exhibit.test);
    println!("Chapter:  {}\n", exhibit.chapter);
    for file in &exhibit.files {
        println!("{}, {} lines:", file.path.display(), file.changed_lines());
        file.changes().for_each(|line| println!("    {line}"));
    }
    println!("\nThe test, with the bug in the code, for at most {} s:", exhibit.limit.as_secs());
}

/// The changed files.
pub fn places(exhibit: &Exhibit) -> String {
    let paths: Vec<_> = exhibit.files.iter().map(|file| file.path.display().to_string()).collect();
    paths.join(" and ")
}

/// Says what was seen, and whether that is what the label promises.
pub fn verdict(exhibit: &Exhibit, seen: Seen) -> bool {
    let (good, what) = match (exhibit.ends, seen) {
        (Ends::Fails, Seen::Failed) => (true, "the test fails, as it should"),
        (Ends::Stopped, Seen::Stopped) => (true, "the test hangs, as it should; it was stopped"),
        (_, Seen::Failed) => (false, "the test fails, where it should hang"),
        (_, Seen::Stopped) => (false, "the test hangs, where it should fail"),
        (_, Seen::Passed) => (false, "the test passes: the museum is out of date"),
    };
    println!("\nThe end:  {what}");
    println!("To see:   {}", wrapped(&exhibit.see));
    good
}

/// Text in lines of at most 100 letters, indented behind its label.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("cannot be empty");
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + word.len() < 100 {
            *last += " ";
            *last += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n          ")
}

/// Shows a test's own output, without the frame that the test runner puts around it.
#[derive(Default)]
pub struct Trace {
    over: bool,
}

impl Trace {
    pub fn show(&mut self, line: &str) {
        // A panic during a panic prints a backtrace, asked for or not.
        self.over |= line == "failures:" || line == "stack backtrace:" || line.starts_with("test result:");
        // The runner writes `test NAME ... `, and the test's first line stands behind it.
        let own = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "));
        let line = own.map_or(line, |(_, first)| first);
        let is_frame = matches!(line, "" | "ok" | "FAILED")
            || ["running ", "note: run with"].iter().any(|start| line.starts_with(start));
        if !self.over && !is_frame {
            println!("  | {}", plain(line));
        }
    }
}

/// The line that tells of a panic, without its thread's number and the place of other crates' files: both are another
/// one on each machine.
fn plain(line: &str) -> String {
    let parts = line.strip_prefix("thread '").and_then(|rest| rest.split_once(" panicked at "));
    let Some((thread, place)) = parts else { return line.to_owned() };
    let name = thread.split_once("' (").map_or(thread.trim_end_matches('\''), |(name, _)| name);
    let place = match place.split_once("/registry/src/") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        None => place,
    };
    format!("thread '{name}' panicked at {place}")
}

/// The summary of `--all`.
pub struct Table {
    /// How each test ends without a patch.
    without: BTreeMap<Test, &'static str>,
    failures: usize,
    rows: usize,
}

impl Table {
    pub fn new() -> Table {
        Table { without: BTreeMap::new(), failures: 0, rows: 0 }
    }

    /// Whether this test was run without a patch already.
    pub fn knows(&self, test: &Test) -> bool {
        self.without.contains_key(test)
    }

    /// How a test ended without a patch.
    pub fn without(&mut self, test: &Test, seen: &Result<Seen, String>) {
        self.failures += usize::from(*seen != Ok(Seen::Passed));
        self.without.insert(test.clone(), word(seen));
    }

    /// How it ended with it.
    pub fn with(&mut self, exhibit: &Exhibit, seen: Result<Seen, String>, good: bool, took: Duration) {
        if self.rows == 0 {
            println!("\n{:<36} {:<10} {:<10} {:<6} time", "exhibit", "without", "with", "so");
        }
        self.rows += 1;
        self.failures += usize::from(!good);
        let (without, with) = (self.without[&exhibit.test], word(&seen));
        let so = if good { "good" } else { "BAD" };
        println!("{:<36} {without:<10} {with:<10} {so:<6} {} s", exhibit.name, took.as_secs());
        if let Err(error) = seen {
            println!("    {}", error.replace('\n', "\n    "));
        }
        // A pipe buffers: whoever waits for minutes wants to see the rows as they come.
        let _ = std::io::stdout().flush();
    }

    pub fn finish(self) -> bool {
        match self.failures {
            0 => println!("\nall {} exhibits are in order", self.rows),
            count => println!("\n{count} of the checks failed"),
        }
        self.failures == 0
    }
}

fn word(seen: &Result<Seen, String>) -> &'static str {
    match seen {
        Ok(Seen::Passed) => "passes",
        Ok(Seen::Failed) => "fails",
        Ok(Seen::Stopped) => "stopped",
        Err(_) => "error",
    }
}
