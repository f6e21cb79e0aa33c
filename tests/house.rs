//! The rules of the house, checked: reading order, sizes, headers, words, dependencies, what lies at the top level.
//!
//! Each checker is a function over text with a small bad example beside it, so that it is seen to find something.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source file: its path and its text.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn read(path: PathBuf) -> Source {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Source { path, text }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// All files below `folder` with this extension.
fn files(folder: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(Source::read(path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The modules that a file declares, in order.
fn modules(text: &str) -> Vec<String> {
    let strip = |line: &str| {
        Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    text.lines().filter_map(strip).collect()
}

/// The library's modules as paths such as `runtime::ready`, in reading order. A folder's own file, `runtime`, stands
/// behind its children: it is what joins them.
fn reading_order(folder: &str, file: &str, prefix: &str, order: &mut Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    for name in modules(&text) {
        let (path, inner) = (format!("{prefix}{name}"), format!("{folder}/{name}/mod.rs"));
        if Path::new(&inner).exists() {
            reading_order(&format!("{folder}/{name}"), &inner, &format!("{path}::"), order);
        }
        order.push(path);
    }
}

/// The modules that the `use crate::` and `use super::` lines of the module `path` name, the longest known names.
fn uses(path: &str, is_folder: bool, text: &str, known: &[String]) -> Vec<String> {
    let mut used = Vec::new();
    let own = if is_folder { path } else { path.rsplit_once("::").map_or("", |(folder, _)| folder) };
    let above = own.rsplit_once("::").map_or("", |(folder, _)| folder);
    let above = if is_folder { above } else { own };
    for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
        let line = line.trim().trim_start_matches("pub ");
        let rest = if let Some(rest) = line.strip_prefix("use crate::") {
            rest.to_owned()
        } else if let Some(rest) = line.strip_prefix("use super::") {
            if above.is_empty() { rest.to_owned() } else { format!("{above}::{rest}") }
        } else {
            continue;
        };
        let longest = known.iter().filter(|module| {
            rest.strip_prefix(module.as_str())
                .is_some_and(|rest| rest.starts_with([':', ';', ' ']) || rest.is_empty())
        });
        used.extend(longest.max_by_key(|module| module.len()).cloned());
    }
    used
}

/// What is used by `path` and does not stand above it.
fn upward(path: &str, is_folder: bool, text: &str, order: &[String]) -> Vec<String> {
    let place = |module: &str| order.iter().position(|known| known == module);
    let own = place(path);
    uses(path, is_folder, text, order).into_iter().filter(|used| used != path && place(used) >= own).collect()
}

/// A file uses only what stands above it in reading order. So whoever reads from the top never meets the unknown.
#[test]
fn imports_point_upwards_only() {
    let mut order = Vec::new();
    reading_order("src", "src/lib.rs", "", &mut order);
    assert!(order.len() > 40, "the modules were found: {order:?}");
    for path in &order {
        let file = format!("src/{}", path.replace("::", "/"));
        let folder = Path::new(&format!("{file}/mod.rs")).exists();
        let source =
            Source::read(PathBuf::from(if folder { format!("{file}/mod.rs") } else { format!("{file}.rs") }));
        let bad = upward(path, folder, &source.text, &order);
        assert!(
            bad.is_empty(),
            "{} uses {bad:?}, which a reader meets later (hint: move the shared part up)",
            source.name()
        );
    }
}

/// The checker of the reading order finds both spellings of an upward import.
#[test]
fn the_reading_order_checker_finds_something() {
    let order = ["a", "b::c", "b::d", "b"].map(str::to_owned);
    assert_eq!(upward("a", false, "use crate::b::c::X;", &order), ["b::c"]);
    assert_eq!(upward("b::c", false, "use super::d;", &order), ["b::d"]);
    assert!(upward("b::d", false, "use super::c::X;\nuse crate::a;", &order).is_empty());
}

/// The longest function of a file: its first line and how many lines it has. Braces are counted; rustfmt puts a
/// function's closing brace under the first letter of its signature.
fn longest_function(text: &str) -> (String, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let mut longest = (String::new(), 0);
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let mut words = code.split(['(', ' ']).skip_while(|word| *word != "fn");
        let named = words.nth(1).is_some_and(|name| name.starts_with(char::is_alphabetic));
        let is_function = named && !code.starts_with("//");
        if !is_function || code.ends_with(';') {
            continue;
        }
        let indent = &line[..line.len() - code.len()];
        let closing = format!("{indent}}}");
        let end = lines[start..].iter().position(|line| *line == closing).unwrap_or(0);
        if end + 1 > longest.1 {
            longest = (code.to_owned(), end + 1);
        }
    }
    longest
}

/// Short files, short functions.
#[test]
fn sizes() {
    let written = ["src", "walkthrough", "tests/walkthrough"].map(|folder| files(folder, "rs"));
    for source in written.iter().flatten() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines, more than 400", source.name());
        let (function, length) = longest_function(&source.text);
        assert!(length <= 50, "{}: `{function}` has {length} lines, more than 50", source.name());
    }
    let contents = Source::read("src/lib.rs".into()).text.lines().count();
    assert!(contents <= 60, "lib.rs is a contents page; it has {contents} lines, more than 60");
    let count =
        |folder: &str| files(folder, "rs").iter().map(|source| source.text.lines().count()).sum::<usize>();
    println!(
        "runtime {} lines, sync {}, http {}",
        count("src/runtime"),
        count("src/sync"),
        count("src/http")
    );
}

/// The measure of functions measures.
#[test]
fn the_length_of_a_function() {
    let text = "impl A {\n    fn a(&self) {\n        if x {\n        }\n    }\n\n    fn b() {}\n}\n";
    assert_eq!(longest_function(text), ("fn a(&self) {".to_owned(), 4));
}

/// Every file says what it is before it begins.
#[test]
fn every_file_has_a_header() {
    for source in ["src", "tests", "walkthrough"].iter().flat_map(|folder| files(folder, "rs")) {
        assert!(source.text.starts_with("//!"), "{} does not begin with //!", source.name());
    }
}

/// `unsafe` is forbidden for the whole package, and stands nowhere in the code.
#[test]
fn there_is_no_unsafe() {
    assert!(include_str!("../Cargo.toml").contains("unsafe_code = \"forbid\""));
    assert!(include_str!("../src/lib.rs").contains("#![forbid(unsafe_code)]"));
    for source in files("src", "rs").iter().chain(&files("walkthrough", "rs")) {
        let code = source.text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let found = code.filter(|line| !line.contains("unsafe_code")).any(|line| line.contains("unsafe"));
        assert!(!found, "{} contains unsafe code", source.name());
    }
}

/// Words that tell a reader who does not understand that it is his fault, and those that praise.
const FORBIDDEN: [&str; 7] =
    ["simply", "obviously", "just", "blazing", "blazingly", "effortless", "trivially"];

fn forbidden_words(text: &str) -> BTreeSet<&'static str> {
    let words =
        text.split(|letter: char| !letter.is_alphabetic()).map(str::to_lowercase).collect::<BTreeSet<_>>();
    FORBIDDEN.into_iter().filter(|word| words.contains(*word)).collect()
}

/// Plain words, in code, tests and prose alike.
#[test]
fn words() {
    // Two files name the words in order to find them.
    let own = [Path::new("tests/house.rs"), Path::new("tests/walkthrough/prose.rs")];
    let mut texts = files("src", "rs");
    texts.extend(files("tests", "rs").into_iter().filter(|source| !own.contains(&&*source.path)));
    texts.extend(files("walkthrough", "md"));
    texts.extend(files("walkthrough", "rs"));
    texts.extend(["README.md", "CONCEPTS.md"].map(|name| Source::read(name.into())));
    for source in texts {
        let found = forbidden_words(&source.text);
        assert!(found.is_empty(), "{} says {found:?}", source.name());
    }
    assert_eq!(forbidden_words("It is simply, Just so; adjust."), BTreeSet::from(["just", "simply"]));
}

/// Few dependencies: at most 20 crates in the default build, ours included.
#[test]
fn the_default_tree_is_small() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments =
        ["tree", "--edges", "normal", "--offline", "--locked", "--prefix", "none", "--format", "{p}"];
    let output = match Command::new(cargo).args(arguments).output() {
        Ok(output) if output.status.success() => output,
        other => return println!("skipped: cargo tree does not run here: {other:?}"),
    };
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let crates: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    println!("{} crates: {crates:?}", crates.len());
    assert!(crates.len() <= 20, "{} crates in the default tree, more than 20: {crates:?}", crates.len());
}

/// What lies at the top level, and nothing else.
#[test]
fn the_top_level() {
    let allowed = [
        "CONCEPTS.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "src",
        "tests",
        "walkthrough",
    ];
    let output = match Command::new("git").args(["ls-tree", "--name-only", "HEAD"]).output() {
        Ok(output) if output.status.success() => output,
        other => return println!("skipped: this is no git checkout: {other:?}"),
    };
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let visible = text.lines().filter(|name| !name.starts_with('.'));
    let extra: Vec<&str> = visible.filter(|name| !allowed.contains(name)).collect();
    assert!(extra.is_empty(), "at the top level: {extra:?}");
}
