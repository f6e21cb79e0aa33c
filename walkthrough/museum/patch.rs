//! A small, strict reader of unified diffs, as `git diff` and `diff -u` write them.
//!
//! ```text
//!   --- a/src/runtime/ready.rs
//!   +++ b/src/runtime/ready.rs
//!   @@ -93,5 +93,4 @@            the line number is a hint: the source may have grown since
//!        context                 must be there, letter for letter
//!   -    what goes               must be there too
//!   +    what comes
//! ```
//!
//! A hunk is looked for in the whole file. It must fit in exactly one place: not found, or found twice, is an error. So
//! a patch either does what it was written for, or says that it is out of date.

use std::path::{Component, Path, PathBuf};

/// The changes to one file.
#[derive(Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Relative to the crate's folder.
    pub path: PathBuf,
    hunks: Vec<Hunk>,
}

/// One stretch of changed lines, with the lines around it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hunk {
    old: Vec<String>,
    new: Vec<String>,
    /// The lines of the patch as they stand there, for people.
    lines: Vec<String>,
}

/// Reads a diff, which may change several files.
pub fn parse(diff: &str) -> Result<Vec<FileDiff>, String> {
    let mut files: Vec<FileDiff> = Vec::new();
    let mut lines = diff.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(old) = line.strip_prefix("--- a/") {
            let new = lines.next().and_then(|line| line.strip_prefix("+++ b/"));
            if new != Some(old) {
                return Err(format!("`{line}` is not followed by `+++ b/{old}`"));
            }
            files.push(FileDiff { path: inside(old)?, hunks: Vec::new() });
        } else if line.starts_with("@@ ") {
            let file = files.last_mut().ok_or("a hunk before the first file")?;
            file.hunks.push(Hunk::default());
        } else {
            let hunk = files.last_mut().and_then(|file| file.hunks.last_mut());
            hunk.ok_or(format!("`{line}` stands outside of a hunk"))?.add(line)?;
        }
    }
    for file in &files {
        if file.hunks.is_empty() || file.hunks.iter().any(|hunk| hunk.old == hunk.new) {
            return Err(format!("the part for {} changes nothing", file.path.display()));
        }
    }
    if files.is_empty() { Err("no file is changed".to_owned()) } else { Ok(files) }
}

/// A path that cannot lead out of the crate.
fn inside(path: &str) -> Result<PathBuf, String> {
    let path = Path::new(path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(path.to_owned()) } else { Err(format!("{} leads elsewhere", path.display())) }
}

impl Hunk {
    fn add(&mut self, line: &str) -> Result<(), String> {
        // An editor that trims lines makes an empty context line out of a space.
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        let (in_old, in_new) = match sign {
            " " => (true, true),
            "-" => (true, false),
            "+" => (false, true),
            _ => return Err(format!("`{line}` begins with neither space, - nor +")),
        };
        self.old.extend(in_old.then(|| text.to_owned()));
        self.new.extend(in_new.then(|| text.to_owned()));
        self.lines.push(line.to_owned());
        Ok(())
    }
}

impl FileDiff {
    /// The file's text with the changes in it.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut from = 0;
        for hunk in &self.hunks {
            let fits = |at: &usize| lines[*at..].starts_with(&hunk.old);
            let places: Vec<usize> = (from..lines.len()).filter(fits).collect();
            let [at] = places[..] else {
                let (path, first) = (self.path.display(), hunk.old.first().map_or("", String::as_str));
                return Err(format!("{path}: the hunk `{first}` fits in {} places", places.len()));
            };
            lines.splice(at..at + hunk.old.len(), hunk.new.iter().cloned());
            from = at + hunk.new.len();
        }
        Ok(lines.join("\n") + "\n")
    }

    /// How many lines go and come.
    pub fn changed_lines(&self) -> usize {
        self.changes().filter(|line| !line.starts_with(' ')).count()
    }

    /// The lines of its hunks, to be shown.
    pub fn changes(&self) -> impl Iterator<Item = &str> {
        self.hunks.iter().flat_map(|hunk| hunk.lines.iter().map(String::as_str))
    }
}
