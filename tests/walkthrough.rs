//! The walkthrough tells the truth: its quotes, paths, links, commands and outputs are checked here.
//!
//! `REGENERATE=1 cargo test --test walkthrough` writes the outputs anew.
//!
//! Each checker is a function over a page with small bad pages beside it, so that it is seen to find something.

#[path = "walkthrough/built.rs"]
mod built;
#[path = "walkthrough/commands.rs"]
mod commands;
#[path = "walkthrough/exercises.rs"]
mod exercises;
#[path = "walkthrough/items.rs"]
mod items;
#[path = "walkthrough/order.rs"]
mod order;
#[path = "walkthrough/outputs.rs"]
mod outputs;
#[path = "walkthrough/page.rs"]
mod page;
#[path = "walkthrough/programs.rs"]
mod programs;
#[path = "walkthrough/prose.rs"]
mod prose;
#[path = "walkthrough/quotes.rs"]
mod quotes;
#[path = "walkthrough/run.rs"]
mod run;

use std::fs;
use std::path::Path;
use std::process::Command;

use page::{CHAPTERS, Page, chapters, pages};

/// Lets a checker look at pages, and tells everything that it found.
#[track_caller]
fn check(pages: &[Page], checker: impl FnMut(&Page) -> Vec<String>) {
    let bad: Vec<String> = pages.iter().flat_map(checker).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// All sixteen chapters are there.
#[test]
fn the_chapters() {
    let exists = |name: &&str| Path::new("walkthrough").join(name).join("README.md").exists();
    let missing: Vec<_> = CHAPTERS.iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "not written yet: {missing:?}");
}

/// The contents list them, by their titles, and so does mdBook's summary. Each has its program.
#[test]
fn the_contents() {
    let [contents, summary, manifest] = ["walkthrough/README.md", "walkthrough/SUMMARY.md", "Cargo.toml"]
        .map(|path| fs::read_to_string(path).expect("it is there"));
    check(&chapters()[..1], |_| order::contents(&contents, &summary, &chapters()));
    check(&chapters(), |page| order::program(page, &manifest));
}

/// Every file of the library is read in one chapter, after what it uses.
#[test]
fn the_floors() {
    let contents = fs::read_to_string("walkthrough/README.md").expect("it is there");
    let bad = order::floors(&contents, &order::Sources::read());
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// A chapter's programs use what has been read.
#[test]
fn the_programs() {
    let contents = fs::read_to_string("walkthrough/README.md").expect("it is there");
    let sources = order::Sources::read();
    check(&chapters(), |page| programs::programs(page, &contents, &sources));
}

/// Every chapter has every part of the frame, in order, and nothing else.
#[test]
fn the_frame() {
    check(&chapters(), prose::frame);
}

/// Folded answers are opened and closed.
#[test]
fn the_folds() {
    check(&pages(), prose::details);
}

/// No chapter is too long.
#[test]
fn the_length() {
    check(&chapters(), prose::length);
}

/// Plain words.
#[test]
fn the_words() {
    check(&pages(), prose::words);
}

/// Every link leads somewhere.
#[test]
fn the_links() {
    check(&pages(), prose::links);
}

/// Every fence is of a known kind; every quote is verbatim.
#[test]
fn the_fences_and_quotes() {
    check(&pages(), quotes::fences);
}

/// Every path to an item of the library leads to one.
#[test]
fn the_item_paths() {
    let items = items::Items::of_src();
    check(&pages(), |page| items::paths(page, &items));
}

/// Every command can be typed.
#[test]
fn the_commands() {
    let mut lists = commands::Lists::default();
    check(&pages(), |page| commands::commands(page, &mut lists));
}

/// Every output is what its command prints now; or, with `REGENERATE=1`, becomes it.
#[test]
fn the_outputs() {
    let mut known = outputs::Outputs::default();
    if std::env::var_os("REGENERATE").is_some() {
        return check(&pages(), |page| outputs::regenerate(page, &mut known));
    }
    check(&pages(), |page| outputs::outputs(page, &mut known));
}

/// Every chapter has its exercises, and each has its test and its solution.
#[test]
fn the_exercises_are_complete() {
    check(&chapters(), exercises::files);
}

/// Unsolved they fail, solved they pass.
#[test]
fn the_exercises_fail_and_the_solutions_pass() {
    let bad = exercises::outcomes();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// mdBook renders the same files. Without mdBook (`cargo install mdbook`) that is not known.
#[test]
fn the_book() {
    let target = std::env::temp_dir().join(format!("glassbox-book-{}", std::process::id()));
    let output =
        match Command::new("mdbook").args(["build", "walkthrough", "--dest-dir"]).arg(&target).output() {
            Ok(output) => output,
            Err(error) => return println!("skipped: mdbook does not run here: {error}"),
        };
    let rendered = fs::read_to_string(target.join("01-one-blocking-read/index.html"));
    // Where it is, mdBook may have made it in part.
    let _ = fs::remove_dir_all(&target);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(rendered.expect("a page for chapter 1").contains("<summary>Answer</summary>"));
}
