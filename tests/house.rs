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
            if path.ends_with("target") {
                continue; // What the fuzz targets' own workspace builds.
            }
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

/// The code of a file: without its unit tests and its comments.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// The paths of a `use` tree such as `a::{b, c::{self, d as e}}`, each written out.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return paths.push(format!("{prefix}{}", path.trim()).trim_end_matches("::self").to_owned());
    };
    let prefix = format!("{prefix}{}", head.trim());
    let inner = inner.trim_end().strip_suffix('}').expect("a group is closed");
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    expand(&prefix, part, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Every path that a file's code names: those of its `use` items, groups written out, and those that stand in the middle
/// of an expression and begin with `crate::` or `super::`.
fn paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = String::new();
    let code = code(text);
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let item = line.trim_start();
        let item = item.strip_prefix("pub").map_or(item, |item| {
            item.strip_prefix("(super)").or(item.strip_prefix("(crate)")).unwrap_or(item).trim_start()
        });
        let Some(item) = item.strip_prefix("use ") else {
            rest += line;
            continue;
        };
        let mut item = item.to_owned();
        while !item.contains(';') {
            item += lines.next().expect("a use item ends in a semicolon").trim();
        }
        expand("", item.split(';').next().unwrap_or_default(), &mut paths);
    }
    let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = rest.split(|letter: char| !is_path(letter));
    let inline = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    paths.extend(inline.map(str::to_owned));
    paths
}

/// What the crate root re-exports: a name, and the path behind it.
fn root_names(lib: &str) -> Vec<(String, String)> {
    let name = |path: String| Some((path.rsplit_once("::")?.1.to_owned(), path));
    paths(lib).into_iter().filter_map(name).collect()
}

/// A path from the crate's root on, seen from the module `path`. `None`: it leads out of the crate.
fn resolve(path: &str, is_folder: bool, named: &str, roots: &[(String, String)]) -> Option<String> {
    let parent = |module: &str| module.rsplit_once("::").map_or(String::new(), |(above, _)| above.to_owned());
    // `super` of a file is its folder, whose module has the folder's name; of a `mod.rs`, the folder above.
    let mut above = parent(path);
    let Some(mut rest) = named.strip_prefix("super::") else {
        let rest = match named.strip_prefix("self::") {
            Some(rest) if is_folder => format!("{path}::{rest}"),
            _ => named.strip_prefix("crate::")?.to_owned(),
        };
        let first = rest.split("::").next().unwrap_or_default();
        let known = roots.iter().find(|(name, _)| name == first);
        return Some(known.map_or_else(|| rest.clone(), |(_, path)| path.clone()));
    };
    while let Some(further) = rest.strip_prefix("super::") {
        (above, rest) = (parent(&above), further);
    }
    Some(if above.is_empty() { rest.to_owned() } else { format!("{above}::{rest}") })
}

/// The modules that the code of the module `path` names, the longest known names.
fn uses(
    path: &str,
    is_folder: bool,
    text: &str,
    known: &[String],
    roots: &[(String, String)],
) -> Vec<String> {
    let mut used = Vec::new();
    for named in paths(text) {
        let Some(named) = resolve(path, is_folder, &named, roots) else { continue };
        let is_within = |module: &&String| {
            named.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        used.extend(known.iter().filter(is_within).max_by_key(|module| module.len()).cloned());
    }
    used
}

/// What is used by `path` and does not stand above it.
fn upward(
    path: &str,
    is_folder: bool,
    text: &str,
    order: &[String],
    roots: &[(String, String)],
) -> Vec<String> {
    let place = |module: &str| order.iter().position(|known| known == module);
    let own = place(path);
    uses(path, is_folder, text, order, roots)
        .into_iter()
        .filter(|used| used != path && place(used) >= own)
        .collect()
}

/// A file uses only what stands above it in reading order. So whoever reads from the top never meets the unknown.
#[test]
fn imports_point_upwards_only() {
    let mut order = Vec::new();
    reading_order("src", "src/lib.rs", "", &mut order);
    assert!(order.len() > 40, "the modules were found: {order:?}");
    let roots = root_names(&Source::read("src/lib.rs".into()).text);
    assert!(roots.iter().any(|(name, path)| name == "Recorder" && path == "runtime::recorder::Recorder"));
    let mut bad = Vec::new();
    for path in &order {
        let file = format!("src/{}", path.replace("::", "/"));
        let folder = Path::new(&format!("{file}/mod.rs")).exists();
        let source =
            Source::read(PathBuf::from(if folder { format!("{file}/mod.rs") } else { format!("{file}.rs") }));
        let found = upward(path, folder, &source.text, &order, &roots);
        if !found.is_empty() {
            bad.push(format!("{} uses {found:?}", source.name()));
        }
    }
    assert!(bad.is_empty(), "{}: a reader meets these later (hint: move the shared part up)", bad.join("\n"));
}

/// The checker of the reading order finds every spelling of an upward import.
#[test]
fn the_reading_order_checker_finds_something() {
    let order = ["a", "b::c", "b::d", "b"].map(str::to_owned);
    let roots = root_names("pub use b::d::{Name, Other as Third};\n");
    let upward = |path, is_folder, text| upward(path, is_folder, text, &order, &roots);
    assert_eq!(upward("a", false, "use crate::b::c::X;"), ["b::c"]);
    assert_eq!(upward("b::c", false, "use super::d;"), ["b::d"]);
    assert!(upward("b::d", false, "use super::c::X;\nuse crate::a;").is_empty());
    assert_eq!(upward("a", false, "use crate::{b::c::X};"), ["b::c"]);
    assert_eq!(
        upward("a", false, "pub(super) use crate::{\n    b::{c::{self, X}, d as e},\n};"),
        ["b::c", "b::c", "b::d"]
    );
    assert_eq!(upward("b::c", false, "use super::{d::X, c};"), ["b::d"]);
    assert_eq!(upward("b", true, "use super::a;\nuse self::c::X;"), [] as [&str; 0]);
    assert_eq!(upward("b::c", false, "use super::super::b::d;"), ["b::d"]);
    assert_eq!(upward("a", false, "fn f() -> crate::b::d::X { super::b::c::y() }"), ["b::d", "b::c"]);
    assert_eq!(upward("a", false, "use crate::Name;"), ["b::d"], "through the crate's root");
    assert!(
        upward("a", false, "// use crate::b::c;\n#[cfg(test)]\nmod tests {\n    use crate::b::d;\n")
            .is_empty()
    );
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

/// The peers are built as the server is: nobody in the comparison has an advantage.
#[test]
fn the_peers_are_built_alike() {
    let profile = |manifest: &'static str| -> Vec<&str> {
        let rest = manifest.split("\n[profile.release]\n").nth(1).expect("a release profile");
        let lines = rest.lines().take_while(|line| !line.starts_with('['));
        lines.filter(|line| line.contains(" = ")).collect()
    };
    let own = profile(include_str!("../Cargo.toml"));
    assert!(own.len() >= 3, "{own:?}");
    assert_eq!(own, profile(include_str!("bench/peers/Cargo.toml")));
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
