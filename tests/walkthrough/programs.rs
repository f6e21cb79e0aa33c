//! A chapter's program uses what has been read.
//!
//! Chapters 1 to 5 stand on the standard library and mio. From 6 on a program, and an exercise, names only files of the
//! library that this chapter or an earlier one reads, but for a few that are used as they come.

use std::fs;
use std::path::Path;

use super::order::{Sources, chapter_of};
use super::page::Page;

/// The first chapter that uses the library.
const FIRST: usize = 6;

/// From here on the whole library is there to be used.
const ALL: usize = 13;

/// What the library's root calls by a shorter name.
const SHORT: [(&str, &str); 8] = [
    ("Recorder", "runtime/recorder.rs"),
    ("Event", "runtime/trace.rs"),
    ("Observer", "runtime/trace.rs"),
    ("Runtime", "runtime/mod.rs"),
    ("Handle", "runtime/mod.rs"),
    ("JoinHandle", "runtime/join.rs"),
    ("JoinError", "runtime/join.rs"),
    ("Sleep", "runtime/timer.rs"),
];

/// Used before it is read: (chapter, file, why a reader does not mind).
const EARLY: [(usize, &str, &str); 3] = [
    (8, "runtime/mod.rs", "turn and park are called in sight; the next chapter takes them apart"),
    (9, "future.rs", "yield_now: a future that is pending once, as the reader has written one"),
    (11, "sync/mod.rs", "an exercise drops a receiver; how it waits does not matter"),
];

/// What a chapter's programs use too early.
pub fn programs(page: &Page, contents: &str, sources: &Sources) -> Vec<String> {
    let mut bad = Vec::new();
    let folder = page.path.parent().expect("a chapter is in a folder");
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        // A test of an exercise may use more than its reader has read.
        if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            let text = fs::read_to_string(&path).expect("a source file");
            let early = early(page.number().unwrap_or_default(), &text, contents, sources);
            bad.extend(early.into_iter().map(|what| format!("{}: {what}", path.display())));
        }
    }
    bad
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("_test"))
}

fn early(chapter: usize, text: &str, contents: &str, sources: &Sources) -> Vec<String> {
    let mut bad = Vec::new();
    for path in paths(text) {
        if chapter < FIRST {
            bad.push(format!("uses glassbox::{path} (chapters 1 to 5 use std and mio)"));
            continue;
        }
        let short = SHORT.iter().find(|(name, _)| *name == path).map(|(_, file)| *file);
        let Some(file) = short.or_else(|| sources.file_of(&path)) else {
            bad.push(format!("glassbox::{path} is in no file"));
            continue;
        };
        let is_read = chapter_of(contents, file).is_some_and(|reader| reader <= chapter);
        let is_excused = EARLY.iter().any(|(early, excused, _)| *early == chapter && *excused == file);
        if chapter < ALL && !is_read && !is_excused {
            bad.push(format!("uses glassbox::{path} before a chapter reads {file}"));
        }
    }
    bad
}

/// The paths behind `glassbox::`, those in braces one by one.
fn paths(text: &str) -> Vec<String> {
    let code =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    for rest in code.split("glassbox::").skip(1) {
        let is_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
        let (path, behind) = rest.split_at(rest.find(|letter| !is_path(letter)).unwrap_or(rest.len()));
        match behind.strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) => paths.extend(list.split(',').map(|name| format!("{path}{}", name.trim()))),
            None => paths.push(path.to_owned()),
        }
    }
    let tidy = |path: String| path.trim_end_matches(':').to_owned();
    paths.into_iter().map(tidy).filter(|path| !path.is_empty()).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    fn bad(chapter: usize, text: &str) -> String {
        let contents = fs::read_to_string("walkthrough/README.md").expect("it is there");
        early(chapter, text, &contents, &Sources::read()).join("\n")
    }

    #[test]
    fn programs_may_use_what_was_read() {
        assert_eq!(bad(5, "use std::io; // not glassbox::net"), "");
        assert_eq!(bad(7, "use glassbox::runtime::{ready, executor};"), "");
        assert_eq!(bad(7, "use glassbox::runtime::trace::{Outcome, TaskId};\nuse glassbox::Recorder;"), "");
        assert_eq!(bad(10, "fn f(sleep: &mut glassbox::Sleep) {}"), "");
        assert_eq!(bad(13, "use glassbox::inspect::step::Stepper;"), "");
    }

    #[test]
    fn programs_can_use_too_much() {
        assert!(bad(5, "use glassbox::Recorder;").contains("std and mio"));
        assert!(bad(7, "use glassbox::net::TcpStream;").contains("before a chapter reads net.rs"));
        assert!(
            bad(7, "use glassbox::{Recorder, Runtime};").contains("before a chapter reads runtime/mod.rs")
        );
        assert!(bad(9, "let sleep: glassbox::Sleep;").contains("before a chapter reads runtime/timer.rs"));
        assert!(bad(7, "use glassbox::nothing::X;").contains("is in no file"));
    }
}
