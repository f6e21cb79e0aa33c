//! Item paths such as `ready::ReadyQueue::push` lead to something.
//!
//! The sources are read line by line, with the layout that rustfmt gives them: an item of a file begins in column 0,
//! what belongs to it in column 4. That is enough to know what a file declares, and needs no parser.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::page::Page;

/// What the standard library or another crate may mean by the same name.
const OTHERS: [&str; 12] = [
    "Read",
    "Write",
    "TcpStream",
    "TcpListener",
    "Body",
    "Request",
    "Response",
    "Semaphore",
    "Notify",
    "Handle",
    "JoinHandle",
    "Error",
];

/// What one file declares: (owner, name). A free item has no owner.
type Declared = BTreeSet<(String, String)>;

/// The modules of `src`: `ready` is a file, `http` is everything in a folder.
pub struct Items {
    /// Path without `.rs`, such as `runtime/ready`, or a folder, and what it declares.
    files: BTreeMap<String, Declared>,
}

impl Items {
    pub fn of_src() -> Items {
        let mut files = BTreeMap::new();
        visit(Path::new("src"), &mut files);
        Items { files }
    }

    /// Whether `path` is one of our modules with something behind it, or one of our types.
    fn is_ours(&self, path: &[&str]) -> bool {
        self.named(path[0]).next().is_some() || (self.is_type(path[0]) && !OTHERS.contains(&path[0]))
    }

    fn is_type(&self, name: &str) -> bool {
        name.starts_with(char::is_uppercase) && self.files.values().flatten().any(|(owner, _)| owner == name)
    }

    /// The files that a module's name can mean.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Declared)> {
        let is = move |file: &str| file.split('/').any(|part| part == name);
        self.files.iter().map(|(file, declared)| (file.as_str(), declared)).filter(move |(file, _)| is(file))
    }

    /// Whether there is such a thing.
    fn resolves(&self, path: &[&str]) -> bool {
        let is_module = self.named(path[0]).next().is_some();
        let rest = if is_module { &path[1..] } else { path };
        let Some(first) = rest.first() else { return true };
        // A module inside of a module: `runtime::ready::ReadyQueue`.
        if is_module && self.named(path[0]).any(|(file, _)| file.split('/').any(|part| part == *first)) {
            return self.resolves(rest);
        }
        let mut files =
            self.files.iter().filter(|(file, _)| !is_module || file.split('/').any(|part| part == path[0]));
        files.any(|(_, declared)| match rest {
            [name] => declared.iter().any(|(_, own)| own == name),
            [owner, name] => declared.contains(&((*owner).to_owned(), (*name).to_owned())),
            _ => false,
        })
    }
}

fn visit(folder: &Path, files: &mut BTreeMap<String, Declared>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let name = path.strip_prefix("src").expect("below src").with_extension("").display().to_string();
            files.insert(name, declared(&text));
        }
    }
}

/// What a file declares.
fn declared(text: &str) -> Declared {
    let (mut found, mut owner) = (Declared::new(), String::new());
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if indent == 0 && !code.is_empty() {
            owner = owner_of(code).unwrap_or_default();
        }
        let name = item(code).or_else(|| (indent == 4 && !owner.is_empty()).then(|| member(code)).flatten());
        if let Some(name) = name {
            let of = if indent == 0 { String::new() } else { owner.clone() };
            found.insert((of, name.to_owned()));
        }
        if indent == 0 && !owner.is_empty() {
            // A type without members is a type too.
            found.insert((owner.clone(), String::new()));
        }
    }
    found
}

/// The name behind `fn`, `struct` and so on.
fn item(code: &str) -> Option<&str> {
    let mut rest = code;
    if let Some(inner) = rest.strip_prefix("pub(") {
        rest = inner.split_once(") ")?.1;
    }
    loop {
        let (word, behind) = rest.split_once(' ')?;
        match word {
            "pub" | "async" | "default" => rest = behind,
            "const" if behind.starts_with("fn ") => rest = behind,
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "mod" => {
                return identifier(behind);
            }
            _ => return None,
        }
    }
}

/// The type that the lines below `code` belong to: `impl<T> Trait for Type<T> {`, `struct Type {`.
fn owner_of(code: &str) -> Option<String> {
    if let Some(rest) = code.strip_prefix("impl") {
        let rest = rest.split(" where ").next().unwrap_or(rest);
        let target = rest.rsplit_once(" for ").map_or(rest, |(_, target)| target);
        let target = if target.starts_with('<') { after_generics(target) } else { target };
        return identifier(target.trim_start()).map(str::to_owned);
    }
    let words = ["struct ", "enum ", "trait "];
    words.iter().any(|word| code.contains(word)).then(|| item(code)).flatten().map(str::to_owned)
}

/// What stands behind the closing bracket of `<...>`.
fn after_generics(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        depth += match letter {
            '<' => 1,
            '>' if !text[..at].ends_with('-') => -1,
            _ => 0,
        };
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    text
}

/// A field or a variant.
fn member(code: &str) -> Option<&str> {
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let code = code.strip_prefix("pub(crate) ").unwrap_or(code);
    let name = identifier(code)?;
    let behind = &code[name.len()..];
    let is_variant = name.starts_with(char::is_uppercase) && behind.starts_with([',', '(', '{', ' ']);
    (is_variant || behind.starts_with(": ")).then_some(name)
}

fn identifier(text: &str) -> Option<&str> {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    (end > 0 && !text.starts_with(char::is_numeric)).then(|| &text[..end])
}

/// Paths that name one of our modules or types, and something that is not there.
pub fn paths(page: &Page, items: &Items) -> Vec<String> {
    let others = page.section("What the big ones do").unwrap_or((0, 0));
    // The first five chapters stand on std and mio alone: a `TcpStream` there is the one of std.
    let knows_types = page.number().is_none_or(|number| number > 5);
    let mut bad = Vec::new();
    for (line, span) in page.spans() {
        let path = span.split('(').next().unwrap_or_default();
        let path = path.trim_start_matches("glassbox::").trim_start_matches("crate::");
        let segments: Vec<&str> = path.split("::").collect();
        let is_path =
            segments.len() > 1 && segments.iter().all(|segment| identifier(segment) == Some(segment));
        if !is_path || !items.is_ours(&segments) {
            continue;
        }
        let is_module = items.named(segments[0]).next().is_some();
        let is_exempt = !is_module && (!knows_types || (others.0..=others.1).contains(&line));
        if !is_exempt && !items.resolves(&segments) {
            bad.push(format!("{}: `{span}` is not in src", page.at(line)));
        }
    }
    bad
}

#[cfg(test)]
mod test {
    use super::*;

    fn bad(text: &str) -> String {
        paths(&Page::parse("walkthrough/07-ready-queue/README.md", text), &Items::of_src()).join("\n")
    }

    #[test]
    fn paths_resolve() {
        for good in [
            "ready::ReadyQueue::push",
            "ready::ReadyQueue::push(id)",
            "runtime::ready::ReadyQueue",
            "executor::Executor",
            "trace::Event::Pending",
            "ready::State::parked",
            "reactor::Registration::poll_io",
            "http::Router",
            "runtime::Runtime::turn",
            "glassbox::runtime::Runtime",
            "net::Read::poll",
            "ReadyQueue::push",
            "std::task::Wake",
            "mio::Poll",
        ] {
            assert_eq!(bad(&format!("see `{good}`")), "", "{good}");
        }
    }

    #[test]
    fn paths_can_be_false() {
        for path in [
            "ready::ReadyQueue::shove",
            "ready::LocalQueue",
            "ready::ReadyQueue::poll_io",
            "runtime::ready::Nothing",
            "ReadyQueue::shove",
            "executor::Executor::step::more",
            "trace::Event::Nothing",
        ] {
            assert!(bad(&format!("see `{path}`")).contains(path), "{path}");
        }
    }
}
