//! The README's section on tests tells the truth: its numbers are counted here, its files and commands are there.

#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

const README: &str = include_str!("../README.md");
const DISAGREEMENTS: &str = include_str!("fuzz/src/disagreements.rs");

/// The section called "How it is tested".
fn section() -> &'static str {
    let text = README.split("\n## How it is tested\n").nth(1).expect("the section is there");
    text.split("\n## ").next().expect("a section")
}

/// The number in front of `words`.
#[track_caller]
fn number(words: &str) -> usize {
    let before = section().split(words).next().expect("a text");
    assert!(before.len() < section().len(), "the README does not say `{words}`");
    let digits = before.trim_end().rsplit(|letter: char| !letter.is_ascii_digit()).next();
    digits.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number before `{words}`"))
}

/// The models of loom, and the twins that must fail.
#[test]
fn the_models_are_counted() {
    let mut text = include_str!("loom.rs").to_owned();
    for entry in fs::read_dir("tests/loom").expect("the models") {
        text += &fs::read_to_string(entry.expect("an entry").path()).expect("a file");
    }
    let twins = text.matches("#[should_panic(expected").count();
    let models = text.matches("#[test]\n").count() - twins;
    assert_eq!((number(" models under loom"), number(" twins with")), (models, twins));
}

/// The reasons for reading bytes differently, and how many of them make us the stricter.
#[test]
fn the_disagreements_are_counted() {
    let entries = DISAGREEMENTS.matches("\n    Disagreement {\n").count();
    let accepted = DISAGREEMENTS.matches("\n        kind: HeadAccepted,\n").count();
    assert_eq!(number(" reasons, each listed"), entries);
    assert_eq!(number(" of them refuse"), entries - accepted);
}

/// There are five fuzz targets, called as the README calls them.
#[test]
fn the_targets_are_named() {
    let manifest = include_str!("fuzz/Cargo.toml");
    let names = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""));
    let names: Vec<&str> = names.collect();
    assert_eq!(names.len(), 5, "the README says five");
    for name in names {
        let is_there =
            section().contains(&format!("`{name}`")) || section().contains(&format!("fuzz {name}`"));
        assert!(is_there, "the README does not name the target {name}");
    }
}

/// Every test that a command of the section names exists, and so does every file.
#[test]
fn commands_and_files_are_there() {
    let tests = section().split("cargo test --test ").skip(1);
    let tests =
        tests.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next());
    let tests: Vec<String> = tests.map(|name| format!("tests/{name}.rs")).collect();
    assert!(tests.len() >= 4, "{tests:?}");
    let quoted = section().split('`').skip(1).step_by(2).flat_map(|text| text.split_whitespace());
    let files = quoted.filter(|word| word.starts_with("tests/") || word.starts_with(".ci/"));
    for file in tests.iter().map(String::as_str).chain(files) {
        assert!(Path::new(file).exists(), "the README names {file}, which is not there");
    }
}

/// The gate runs each tool that the section names, and takes no crates but those of the lock files.
#[test]
fn the_gate_runs_what_is_promised() {
    let gate = fs::read_to_string(".ci/run").expect("the gate");
    for tool in [
        "miri test",
        "sanitized thread",
        "sanitized address",
        "-Zsanitizer=$name",
        "fuzz run",
        "--bin seeded",
        "cargo test --locked",
    ] {
        assert!(gate.contains(tool), "the gate does not run {tool}");
    }
    let takes_crates = [
        "cargo build",
        "cargo clippy",
        "cargo test",
        "cargo doc",
        "cargo bench",
        "cargo run",
        "cargo metadata",
    ];
    for line in gate.lines().filter(|line| !line.trim_start().starts_with('#') && !line.contains("echo")) {
        let runs = takes_crates.iter().any(|command| line.contains(&format!("{command} ")));
        let is_pattern = line.contains("sed -n");
        assert!(!runs || is_pattern || line.contains("--locked"), "without --locked: {line}");
    }
    assert!(!gate.contains("python"), "the gate needs nothing but cargo and the usual tools");
}
