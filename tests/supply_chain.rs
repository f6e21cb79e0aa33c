//! What this package pulls in: every crate is on a list, with its licence, and no other can slip in.
//!
//! The list is `tests/supply_chain.txt`: a line a crate, headed by what brings it: `default`, a cargo feature's name, or
//! `tests`. A crate that is new, gone, or under another licence makes a test fail, and the failure says which line to
//! write. To be done first: look at the crate (who keeps it, what it pulls in, how much `unsafe`), and say in the
//! commit why it is worth having.
//!
//! `cargo tree` is asked offline and locked, so the answers are those of `Cargo.lock` on any machine that has built
//! the tests.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

const LIST: &str = include_str!("supply_chain.txt");
const MANIFEST: &str = include_str!("../Cargo.toml");
const LOCK: &str = include_str!("../Cargo.lock");
const README: &str = include_str!("../README.md");

/// A crate and its licence, in the list's spelling.
type Crates = BTreeSet<String>;

/// The list is that of Linux: elsewhere, some crates differ.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates of a tree, ours left out. `None`: cargo cannot say without a network, because a crate was never fetched
/// here.
fn tree(arguments: &[&str]) -> Option<Crates> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let common = [
        "tree",
        "--offline",
        "--locked",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{l}",
        "--target",
        TARGET,
    ];
    let output = Command::new(cargo).args(common).args(arguments).output().expect("cargo runs");
    if !output.status.success() {
        println!("skipped: cargo tree {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = |line: &str| {
        let (package, licence) = line.split_once('|')?;
        let name = package.split(' ').next()?;
        (name != "glassbox").then(|| format!("{name}: {licence}"))
    };
    Some(text.lines().filter_map(line).collect())
}

const SHIPPED: [&str; 2] = ["--edges", "normal,build"];

/// The names of our features, `default` left out.
fn features(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[features]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name.to_owned()));
    names.filter(|name| name != "default" && !name.starts_with('#')).collect()
}

/// What each part brings beyond the default build. `default` stands for itself. Parts that cannot be asked are left out.
fn parts() -> BTreeMap<String, Crates> {
    let mut parts = BTreeMap::new();
    let Some(default) = tree(&SHIPPED) else { return parts };
    let beyond = |crates: Crates| crates.difference(&default).cloned().collect::<Crates>();
    for name in features(MANIFEST) {
        let arguments = [&SHIPPED[..], &["--features", &name]].concat();
        parts.extend(tree(&arguments).map(|crates| (name, beyond(crates))));
    }
    let tests = tree(&["--edges", "normal,build,dev"]);
    parts.extend(tests.map(|crates| ("tests".to_owned(), beyond(crates))));
    parts.insert("default".to_owned(), default);
    parts
}

/// The list, by part.
fn listed(list: &str) -> BTreeMap<String, Crates> {
    let mut parts: BTreeMap<String, Crates> = BTreeMap::new();
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (part, rest) = line.split_once(' ').expect("a part, a space, a crate");
        assert!(parts.entry(part.to_owned()).or_default().insert(rest.to_owned()), "twice: {line}");
    }
    parts
}

/// What is missing from the list and what stands there for nothing, as lines of it.
fn differences(part: &str, found: &Crates, listed: &Crates) -> (Vec<String>, Vec<String>) {
    let lines =
        |lines: &mut dyn Iterator<Item = &String>| lines.map(|line| format!("{part} {line}")).collect();
    (lines(&mut found.difference(listed)), lines(&mut listed.difference(found)))
}

/// The tree holds the crates of the list, under the licences of the list, and no others.
#[test]
fn every_crate_is_on_the_list() {
    let mut known = listed(LIST);
    for (part, found) in parts() {
        let (missing, gone) = differences(&part, &found, &known.remove(&part).unwrap_or_default());
        assert!(
            missing.is_empty() && gone.is_empty(),
            "tests/supply_chain.txt lacks\n{}\nand lists for nothing\n{}\n(hint: look at the crate first; then write \
             or remove the line, and say in the commit why)",
            missing.join("\n"),
            gone.join("\n")
        );
    }
    // What is left could not be asked here, or is no feature.
    let features = features(MANIFEST);
    let is_part = |part: &String| part == "default" || part == "tests" || features.contains(part);
    assert!(known.keys().all(is_part), "no such features: {:?}", known.keys());
}

/// A crate that is not listed, and one whose licence has changed, are seen.
#[test]
fn the_list_checker_finds_something() {
    let list = listed("# a remark\ndefault a: MIT\ndefault b: MIT\n");
    let found = ["a: MIT", "b: GPL-3.0", "c: MIT"].map(str::to_owned).into();
    let (missing, gone) = differences("default", &found, &list["default"]);
    assert_eq!(missing, ["default b: GPL-3.0", "default c: MIT"]);
    assert_eq!(gone, ["default b: MIT"]);
    assert_eq!(features("[a]\n\n[features]\ndefault = []\nx = [\"dep:y\"]\n\n[b]\nz = 1\n"), ["x"]);
}

/// Licences that ask for no more than to be named.
const PERMISSIVE: [&str; 4] = ["Apache-2.0", "MIT", "Unicode-3.0", "Unlicense"];

/// Whether one of the ways to read the licence expression is permissive. Enough for the spellings that occur: a
/// conjunction of alternatives.
fn is_permissive(licence: &str) -> bool {
    let licence = licence.replace(" / ", " OR ").replace('/', " OR ").replace(['(', ')'], "");
    licence.split(" AND ").all(|part| part.split(" OR ").any(|name| PERMISSIVE.contains(&name)))
}

/// Whoever builds on this package owes nobody more than a mention.
#[test]
fn every_licence_is_permissive() {
    for line in listed(LIST).values().flatten() {
        let licence = line.split_once(": ").expect("a licence").1;
        assert!(is_permissive(licence), "{line} (hint: a crate under such a licence cannot be used here)");
    }
    assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!is_permissive("GPL-3.0-only") && !is_permissive("MIT AND MPL-2.0") && !is_permissive(""));
}

/// No other runtime, and nothing that fetches at build time, hides in what is shipped.
#[test]
fn no_other_runtime_is_shipped() {
    let runtimes =
        ["tokio", "async-executor", "async-std", "smol", "futures-executor", "glommio", "monoio", "hyper"];
    for (part, crates) in listed(LIST).into_iter().filter(|(part, _)| part != "tests") {
        for name in crates.iter().filter_map(|line| line.split(':').next()) {
            assert!(!runtimes.contains(&name), "{part} ships {name}");
        }
    }
}

/// Each crate comes from crates.io, and Cargo.lock holds the checksum of its exact contents: for the server, for the fuzz
/// targets, and for what it is measured against.
#[test]
fn every_crate_is_pinned_by_a_checksum() {
    for lock in [LOCK, include_str!("fuzz/Cargo.lock"), include_str!("bench/peers/Cargo.lock")] {
        let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
        assert!(packages.len() > 20);
        let own = ["glassbox", "glassbox-fuzz", "peers"].map(|name| format!("name = \"{name}\"\n"));
        for package in packages.iter().filter(|package| !own.iter().any(|own| package.contains(own))) {
            let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            assert!(package.contains(source) && package.contains("checksum = \""), "not pinned:{package}");
        }
    }
}

/// The README's table of builds tells how many crates each has, ours included.
#[test]
fn the_readme_counts_the_crates() {
    let parts = parts();
    let Some(default) = parts.get("default").map(|crates| crates.len() + 1) else { return };
    for (part, crates) in parts.iter().filter(|(part, _)| *part != "tests") {
        let count = if part == "default" { default } else { default + crates.len() };
        let row = format!("| `{part}` | {count} |");
        assert!(README.contains(&row), "the README's table of builds lacks the row {row}");
    }
}

/// Every crate root of ours forbids `unsafe` in its text, the manifests do for all their targets, and none has a
/// build script.
#[test]
fn unsafe_is_forbidden_everywhere() {
    for root in ["src/lib.rs", "src/main.rs", "tests/fuzz/src/lib.rs", "tests/fuzz/src/bin/seeded.rs"] {
        let text = fs::read_to_string(root).expect("a crate root");
        assert!(text.contains("\n#![forbid(unsafe_code)]\n"), "{root} does not forbid unsafe code");
    }
    for manifest in [MANIFEST, include_str!("fuzz/Cargo.toml"), include_str!("bench/peers/Cargo.toml")] {
        assert!(manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"\n"));
        assert!(!manifest.contains("build = "));
    }
    assert!(!std::path::Path::new("build.rs").exists());
}

/// The minimum version of Rust is stated, and the gate builds with it.
#[test]
fn the_minimum_version_is_stated_and_built() {
    assert!(MANIFEST.contains("\nrust-version = \"1.88\"\n"));
    let gate = fs::read_to_string(".ci/run").expect("the gate");
    assert!(gate.contains("rust-version") && gate.contains("cargo \"+$msrv\" build --locked"));
}
