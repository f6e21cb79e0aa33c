//! An exhibit: a patch that puts a classic bug into our own code, with a label.
//!
//! ```text
//!   title: No serial                                    what it is called
//!   bug: the slot alone is compared                     what is wrong; a long value goes on in indented lines
//!   test: cargo test --test executor a_stale_wake...    the test that must notice
//!   limit: 10                                           seconds that the test may take
//!   ends: fails                                         or `stopped`: it hangs, until its time is over
//!   see: task 3 is polled for a wake that was task 1's  what to look for in the trace
//!   chapter: 7                                          where it is explained
//!   --- a/src/runtime/executor.rs                       the diff
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::patch::{self, FileDiff};

/// A patch and its label.
#[derive(Debug)]
pub struct Exhibit {
    /// The file's name without `.patch`, such as `07-no-serial`.
    pub name: String,
    pub title: String,
    pub bug: String,
    pub test: Test,
    pub limit: Duration,
    pub ends: Ends,
    pub see: String,
    pub chapter: u8,
    pub files: Vec<FileDiff>,
}

/// `cargo test --test TARGET NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    pub target: String,
    pub name: String,
}

/// How the test ends with the bug in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// An assertion fails, or something panics.
    Fails,
    /// It hangs, and is stopped when its time is over.
    Stopped,
}

/// All patches of a folder, in the order of their names.
pub fn all(folder: &Path) -> Result<Vec<Exhibit>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    paths.sort();
    paths.iter().map(|path| Exhibit::read(path)).collect()
}

impl Exhibit {
    /// Reads a patch file.
    pub fn read(path: &Path) -> Result<Exhibit, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Exhibit::parse(&name, &text).map_err(|error| format!("{name}: {error}"))
    }

    /// Takes a patch apart.
    pub fn parse(name: &str, text: &str) -> Result<Exhibit, String> {
        let start = text.find("\n--- a/").ok_or("there is no diff")?;
        let label = Label::parse(&text[..start])?;
        let number = |key: &str| {
            let value = label.get(key)?;
            value.parse::<u8>().map_err(|_| format!("{key} is no small number: {value}"))
        };
        Ok(Exhibit {
            name: name.to_owned(),
            title: label.get("title")?,
            bug: label.get("bug")?,
            test: Test::parse(&label.get("test")?)?,
            limit: Duration::from_secs(number("limit")?.into()),
            ends: match label.get("ends")?.as_str() {
                "fails" => Ends::Fails,
                "stopped" => Ends::Stopped,
                other => return Err(format!("ends is `fails` or `stopped`, not {other}")),
            },
            see: label.get("see")?,
            chapter: number("chapter")?,
            files: patch::parse(&text[start + 1..])?,
        })
    }

    /// Its number on the wall: `07` of `07-no-serial`.
    pub fn number(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Each changed file, with its text below `root` before and after.
    pub fn apply(&self, root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
        let apply = |file: &FileDiff| {
            let text = fs::read_to_string(root.join(&file.path))
                .map_err(|error| format!("{}: {error}", file.path.display()))?;
            Ok((file.path.clone(), file.apply(&text)?))
        };
        self.files.iter().map(apply).collect()
    }
}

impl Test {
    fn parse(command: &str) -> Result<Test, String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["cargo", "test", "--test", target, name] = words[..] else {
            return Err(format!("a test reads `cargo test --test FILE NAME`, not `{command}`"));
        };
        Ok(Test { target: target.to_owned(), name: name.to_owned() })
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cargo test --test {} {}", self.target, self.name)
    }
}

/// The lines above the diff.
struct Label(Vec<(String, String)>);

impl Label {
    fn parse(text: &str) -> Result<Label, String> {
        let mut lines: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if let (Some((_, value)), true) = (lines.last_mut(), line.starts_with(' ')) {
                *value += " ";
                *value += line.trim();
            } else {
                let (key, value) =
                    line.split_once(": ").ok_or(format!("`{line}` is not of the form `key: value`"))?;
                lines.push((key.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(Label(lines))
    }

    fn get(&self, key: &str) -> Result<String, String> {
        let mut found = self.0.iter().filter(|(own, value)| own == key && !value.is_empty());
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value.clone()),
            (None, _) => Err(format!("`{key}:` is missing")),
            (Some(_), Some(_)) => Err(format!("`{key}:` stands there twice")),
        }
    }
}
