//! The bug museum's patches: each fits the source as it is now, has a complete label, and names a test that there is.
//!
//! Whether the tests notice the bugs is the museum's own check: `cargo run --example museum -- --all`.

#[path = "../walkthrough/museum/exhibit.rs"]
#[allow(dead_code, reason = "the museum uses more of it")]
mod exhibit;
#[path = "../walkthrough/museum/patch.rs"]
#[allow(dead_code, reason = "the museum uses more of it")]
mod patch;

use std::fs;
use std::path::Path;

use exhibit::Exhibit;

const MUSEUM: &str = "walkthrough/museum";
const EXAM: &str = "walkthrough/16-how-do-we-know/exam";

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All exhibits, with the exam's.
fn all() -> Vec<Exhibit> {
    [MUSEUM, EXAM]
        .iter()
        .flat_map(|folder| exhibit::all(Path::new(folder)).expect("readable patches"))
        .collect()
}

/// Whether a test file has a test of this name.
fn has_test(target: &str, name: &str) -> bool {
    read(&format!("tests/{target}.rs")).contains(&format!("#[test]\nfn {name}()"))
}

#[test]
fn every_patch_fits() {
    for exhibit in all() {
        let patched = exhibit.apply(Path::new("."));
        assert!(patched.is_ok(), "{}: {patched:?}", exhibit.name);
    }
}

/// Small, or one does not see what the bug is.
#[test]
fn every_patch_is_small() {
    for exhibit in all() {
        let changed: usize = exhibit.files.iter().map(patch::FileDiff::changed_lines).sum();
        assert!((1..=10).contains(&changed), "{} changes {changed} lines", exhibit.name);
    }
}

#[test]
fn every_label_is_true() {
    for exhibit in all() {
        let exhibit::Test { target, name } = &exhibit.test;
        // A doc comment may stand between the attribute and the function; an attribute for other systems, too.
        let found =
            has_test(target, name) || read(&format!("tests/{target}.rs")).contains(&format!("fn {name}()"));
        assert!(found, "{}: there is no test {name} in tests/{target}.rs", exhibit.name);
        assert!((1..=16).contains(&exhibit.chapter), "{}: chapter {}", exhibit.name, exhibit.chapter);
        assert!((1..=60).contains(&exhibit.limit.as_secs()), "{}: {:?}", exhibit.name, exhibit.limit);
    }
}

/// Exhibits 01 to 25, exams 1 to 5, none left out.
#[test]
fn the_numbers_have_no_gap() {
    let museum = exhibit::all(Path::new(MUSEUM)).expect("readable patches");
    let numbers: Vec<String> = museum.iter().map(|exhibit| exhibit.number().to_owned()).collect();
    let expected: Vec<String> = (1..=museum.len()).map(|number| format!("{number:02}")).collect();
    assert_eq!(numbers, expected);
    assert!(museum.len() >= 25);
    assert_eq!(exhibit::all(Path::new(EXAM)).expect("readable patches").len(), 5);
}

/// MISTAKES.md names tests as `file` `test`; each exists.
#[test]
fn the_tests_of_our_mistakes_exist() {
    let text = read("walkthrough/MISTAKES.md");
    let mut named = 0;
    for row in text.lines().filter(|line| line.starts_with("| 20")) {
        let cell = row.rsplit('|').nth(1).expect("a last cell");
        let ticked: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let [target, name] = ticked[..] else {
            assert!(cell.contains("the same test"), "no test in: {row}");
            continue;
        };
        assert!(
            has_test(target, name) || read(&format!("tests/{target}.rs")).contains(&format!("fn {name}()")),
            "{row}"
        );
        named += 1;
    }
    assert!(named > 10, "only {named} rows");
}

const SOURCE: &str = "fn a() {\n    one();\n    two();\n}\n\nfn b() {\n    one();\n    three();\n}\n";

fn apply(hunk: &str) -> Result<String, String> {
    patch::parse(&format!("--- a/x.rs\n+++ b/x.rs\n@@ -900,9 +900,9 @@\n{hunk}"))?[0].apply(SOURCE)
}

/// The line number of a hunk is a hint; its lines are not.
#[test]
fn a_hunk_is_found_where_it_is() {
    let patched = apply("     one();\n-    three();\n+    four();\n }\n").expect("it fits");
    assert_eq!(patched, SOURCE.replace("three", "four"));
    let twice = apply("     one();\n+    four();\n");
    assert_eq!(twice, Err("x.rs: the hunk `    one();` fits in 2 places".to_owned()));
    let nowhere = apply("     one();\n-    five();\n");
    assert_eq!(nowhere, Err("x.rs: the hunk `    one();` fits in 0 places".to_owned()));
}

/// What is no diff, or changes nothing, or leads out of the crate, is refused.
#[test]
fn bad_patches_are_refused() {
    for (bad, why) in [
        ("", "no file is changed"),
        ("--- a/x.rs\n+++ b/y.rs\n", "is not followed by `+++ b/x.rs`"),
        ("--- a/../x.rs\n+++ b/../x.rs\n", "leads elsewhere"),
        ("--- a/x.rs\n+++ b/x.rs\n", "changes nothing"),
        ("--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n one();\n", "changes nothing"),
        ("@@ -1 +1 @@\n-one();\n", "a hunk before the first file"),
        ("--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n*one();\n", "neither space, - nor +"),
    ] {
        let error = patch::parse(bad).expect_err(bad);
        assert!(error.contains(why), "{bad:?}: {error}");
    }
}

/// A label with a line missing says which.
#[test]
fn labels_are_complete() {
    let whole = "title: t\nbug: b\n    goes on\ntest: cargo test --test x y\nlimit: 5\nends: fails\nsee: s\nchapter: 3\n\
                 --- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-one();\n";
    let exhibit = Exhibit::parse("07-x", whole).expect("it is complete");
    assert_eq!((exhibit.number(), exhibit.bug.as_str(), exhibit.chapter), ("07", "b goes on", 3));
    for key in ["title", "bug", "test", "limit", "ends", "see", "chapter"] {
        let without = whole.replace(&format!("{key}: "), "other: ");
        assert_eq!(Exhibit::parse("07-x", &without).expect_err(key), format!("`{key}:` is missing"));
    }
    let wrong = whole.replace("fails", "dies");
    assert!(Exhibit::parse("07-x", &wrong).is_err());
}
