//! The contents: all chapters, in the order in which a reader can follow.
//!
//! The table in `walkthrough/README.md` says which files of `src` each chapter reads. Every file is read, once; within a
//! chapter the order is that of the `mod` lines; and what a file imports has been read before, but for the few
//! places in `LOOKS_AHEAD`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::page::{CHAPTERS, Page};

/// Files that are read before something that they import: (file, import, why a reader does not mind).
const LOOKS_AHEAD: [(&str, &str, &str); 5] = [
    ("runtime/task.rs", "runtime/ready.rs", "a wake pushes an id; where it goes is the next chapter"),
    ("runtime/task.rs", "runtime/local.rs", "the same, on the runtime's own thread"),
    ("net.rs", "runtime/mod.rs", "a socket keeps a handle to its runtime; what that joins comes after it"),
    ("runtime/mod.rs", "runtime/timer.rs", "the sleep has a timeout; what sets it is the next chapter"),
    ("runtime/mod.rs", "runtime/census.rs", "for reports only; nothing depends on it"),
];

/// Files that only list others.
const LISTS: [&str; 5] = ["lib.rs", "sync/mod.rs", "http/mod.rs", "inspect/mod.rs", "demo/mod.rs"];

/// One row of the table.
struct Row {
    folder: String,
    title: String,
    /// Files, or folders with a slash at the end.
    reads: Vec<String>,
}

fn rows(contents: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, link, minutes, reads, _] = cells[..] else { return None };
        number.parse::<usize>().ok()?;
        minutes.parse::<usize>().ok()?;
        let (title, target) = link.strip_prefix('[')?.split_once("](")?;
        let reads = reads.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let folder = target.strip_suffix("/README.md)")?.to_owned();
        Some(Row { folder, title: format!("{number}. {title}"), reads })
    };
    contents.lines().filter_map(row).collect()
}

/// The contents name the sixteen chapters, by the titles that they have, as does `SUMMARY.md`.
pub fn contents(contents: &str, summary: &str, chapters: &[Page]) -> Vec<String> {
    let (mut bad, rows) = (Vec::new(), rows(contents));
    if rows.iter().map(|row| row.folder.as_str()).ne(CHAPTERS) {
        bad.push("the table in walkthrough/README.md does not list the sixteen chapters in order".to_owned());
    }
    let mut from = 0;
    for row in &rows {
        let entry = format!("[{}]({}/README.md)", row.title, row.folder);
        match summary[from..].find(&entry) {
            Some(at) => from += at,
            None => bad.push(format!("walkthrough/SUMMARY.md: no `{entry}`, or not in order")),
        }
        let page =
            chapters.iter().find(|page| page.path.starts_with(Path::new("walkthrough").join(&row.folder)));
        let title =
            page.and_then(|page| page.headings().next()).map(|(_, text)| text.trim_start_matches("# "));
        if title.is_some_and(|title| title != row.title) {
            bad.push(format!(
                "{}: the chapter is called {title:?}, the contents say {:?}",
                row.folder, row.title
            ));
        }
    }
    bad
}

/// Each chapter has a program, and Cargo knows it.
pub fn program(page: &Page, manifest: &str) -> Vec<String> {
    let folder =
        page.path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let entry = format!("name = \"ch{}\"\npath = \"walkthrough/{folder}/main.rs\"", page.two_digits());
    let bad =
        (!manifest.contains(&entry)).then(|| format!("{}: Cargo.toml does not say\n{entry}", page.at(1)));
    bad.into_iter().collect()
}

/// The rows that read a file: those that name it, or else those that name its folder.
fn readers(rows: &[Row], file: &str) -> Vec<usize> {
    let named = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..rows.len()).filter(|row| rows[*row].reads.iter().any(|read| is(read))).collect()
    };
    let own = named(&|read| read == file);
    if own.is_empty() { named(&|read| read.ends_with('/') && file.starts_with(read)) } else { own }
}

/// The chapter that reads a file.
pub fn chapter_of(contents: &str, file: &str) -> Option<usize> {
    readers(&rows(contents), file).first().map(|row| row + 1)
}

/// What is wrong with the order in which files are read.
pub fn floors(contents: &str, sources: &Sources) -> Vec<String> {
    let (mut bad, rows) = (Vec::new(), rows(contents));
    let mut chapter_of: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &sources.0 {
        match readers(&rows, &file.name)[..] {
            [chapter] => drop(chapter_of.insert(&file.name, chapter)),
            [] if LISTS.contains(&file.name.as_str()) => {}
            ref found => bad.push(format!("{} is read by {} chapters", file.name, found.len())),
        }
    }
    for row in &rows {
        let places: Vec<_> = row.reads.iter().map(|read| sources.place(read)).collect();
        if places.contains(&None) || !places.is_sorted() {
            bad.push(format!("{}: not in the order of the `mod` lines: {:?}", row.folder, row.reads));
        }
    }
    bad.extend(looks_ahead(sources, &chapter_of));
    bad
}

/// Imports of what is read in a later chapter, and excuses that nobody needs.
fn looks_ahead(sources: &Sources, chapter_of: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut bad = Vec::new();
    let mut excuses: Vec<(&str, &str)> =
        LOOKS_AHEAD.iter().map(|(file, import, _)| (*file, *import)).collect();
    let known: Vec<_> = excuses.clone();
    for file in &sources.0 {
        for import in &file.imports {
            let [own, other] = [&file.name, import].map(|name| chapter_of.get(name.as_str()));
            if own < other && own.is_some() {
                let pair = (file.name.as_str(), import.as_str());
                excuses.retain(|excuse| *excuse != pair);
                if !known.contains(&pair) {
                    bad.push(format!("{} is read before {import}, which it imports", file.name));
                }
            }
        }
    }
    bad.extend(excuses.iter().map(|(file, import)| format!("{file} need not look ahead to {import}")));
    bad
}

/// The files of `src`, in reading order.
pub struct Sources(Vec<Source>);

struct Source {
    /// Such as `runtime/ready.rs`.
    name: String,
    /// Other files of the library that it imports.
    imports: Vec<String>,
}

impl Sources {
    pub fn read() -> Sources {
        let mut names = Vec::new();
        visit("", "lib.rs", &mut names);
        // The contents page, which stands behind everything as every folder's own file does, is read first.
        names.pop();
        names.insert(0, "lib.rs".to_owned());
        visit("demo/", "demo/mod.rs", &mut names);
        names.push("main.rs".to_owned());
        let read = |name: &String| {
            let text = fs::read_to_string(format!("src/{name}")).expect("a source file");
            Source { name: name.clone(), imports: imports(name, &text, &names) }
        };
        Sources(names.iter().map(read).collect())
    }

    /// The file that a path such as `runtime::ready::ReadyQueue` leads into.
    pub fn file_of(&self, path: &str) -> Option<&str> {
        let names: Vec<String> = self.0.iter().map(|file| file.name.clone()).collect();
        let found = imports("", &format!("use crate::{path};"), &names).pop()?;
        self.0.iter().map(|file| file.name.as_str()).find(|name| *name == found)
    }

    /// Where a file, or the first file of a folder, stands.
    fn place(&self, read: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|file| file.name == read || (read.ends_with('/') && file.name.starts_with(read)))
    }
}

/// The files below a module, in the order of its `mod` lines; a folder's own file stands behind them.
fn visit(folder: &str, file: &str, names: &mut Vec<String>) {
    let text = fs::read_to_string(format!("src/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
    let modules = text.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    for module in modules {
        let inner = format!("{folder}{module}/mod.rs");
        if Path::new("src").join(&inner).exists() {
            visit(&format!("{folder}{module}/"), &inner, names);
        } else {
            names.push(format!("{folder}{module}.rs"));
        }
    }
    names.push(file.to_owned());
}

/// The files that the `use` lines of `text` name: `use crate::`, `use super::`, and in a `mod.rs` its own modules.
fn imports(name: &str, text: &str, names: &[String]) -> Vec<String> {
    let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let is_list = name.ends_with("mod.rs");
    let path = |line: &str| {
        let line = line.strip_prefix("use ")?;
        let rest = match (line.strip_prefix("crate::"), line.strip_prefix("super::")) {
            (Some(rest), _) => rest.to_owned(),
            (_, Some(rest)) if !is_list => format!("{folder}{rest}"),
            _ if is_list => format!("{folder}{line}"),
            _ => return None,
        };
        let rest = rest.replace("::", "/");
        let stems = names.iter().filter(|other| {
            let stem = other.trim_end_matches(".rs").trim_end_matches("/mod");
            rest.strip_prefix(stem).is_some_and(|behind| behind.starts_with(['/', ';']))
        });
        stems.max_by_key(|other| other.trim_end_matches("/mod.rs").len()).cloned()
    };
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .filter_map(path)
        .filter(|other| other != name)
        .collect()
}

#[cfg(test)]
mod test {
    use super::*;

    fn table(rows: &[(&str, &str)]) -> String {
        let row = |(nth, (folder, reads)): (usize, &(&str, &str))| {
            format!("| {} | [A?]({folder}/README.md) | 5 | {reads} |", nth + 1)
        };
        rows.iter().enumerate().map(row).collect::<Vec<_>>().join("\n")
    }

    fn sources(files: &[(&str, &[&str])]) -> Sources {
        let source = |(name, imports): &(&str, &[&str])| Source {
            name: (*name).to_owned(),
            imports: imports.iter().map(|import| (*import).to_owned()).collect(),
        };
        Sources(files.iter().map(source).collect())
    }

    /// What is said of the order, but for excuses: those are of the real files.
    fn bad(reads: &[(&str, &str)], files: &[(&str, &[&str])]) -> String {
        let mut bad = floors(&table(reads), &sources(files));
        bad.retain(|line| !line.contains("need not look ahead"));
        bad.join("\n")
    }

    #[test]
    fn the_order_can_be_wrong() {
        let files: [(&str, &[&str]); 3] = [("a.rs", &[]), ("b/c.rs", &["a.rs"]), ("b/d.rs", &[])];
        assert_eq!(bad(&[("one", "`a.rs`"), ("two", "`b/`")], &files), "");
        assert_eq!(
            bad(&[("one", "`a.rs` `b/d.rs`"), ("two", "`b/`")], &files),
            "",
            "a file beats its folder"
        );
        assert!(bad(&[("one", "`a.rs`")], &files).contains("b/c.rs is read by 0 chapters"));
        assert!(bad(&[("one", "`a.rs`"), ("two", "`a.rs` `b/`")], &files).contains("a.rs is read by 2"));
        assert!(bad(&[("one", "`b/` `a.rs`")], &files).contains("not in the order"));
        assert!(bad(&[("one", "`a.rs` `b/` `e.rs`")], &files).contains("not in the order"));
        assert!(bad(&[("one", "`b/`"), ("two", "`a.rs`")], &files).contains("b/c.rs is read before a.rs"));
        assert!(
            !floors(&table(&[("one", "`a.rs` `b/`")]), &sources(&files)).is_empty(),
            "excuses must be needed"
        );
    }

    #[test]
    fn imports_are_found() {
        let names = ["a.rs", "b/c.rs", "b/d.rs", "b/mod.rs"].map(str::to_owned);
        assert_eq!(imports("a.rs", "use crate::b::c::X;\nuse crate::b::Y;", &names), ["b/c.rs", "b/mod.rs"]);
        assert_eq!(imports("b/d.rs", "use super::c;\n#[cfg(test)]\nuse crate::a;", &names), ["b/c.rs"]);
        assert_eq!(imports("b/mod.rs", "use c::{X, Y};\nuse std::io;", &names), ["b/c.rs"]);
    }

    #[test]
    fn the_contents_can_be_wrong() {
        let read = |name: &str| fs::read_to_string(name).expect("it is there");
        let (table, summary) = (read("walkthrough/README.md"), read("walkthrough/SUMMARY.md"));
        let chapter =
            |title: &str| [Page::parse("walkthrough/02-never-wait/README.md", &format!("# {title}\n"))];
        let bad =
            |table: &str, summary: &str, title: &str| contents(table, summary, &chapter(title)).join("\n");
        let title = "2. What if read never waits?";
        assert_eq!(bad(&table, &summary, title), "");
        assert!(bad(&table, &summary, "2. Another?").contains("the chapter is called"));
        assert!(bad(&table.replace("| 30 |", "| |"), &summary, title).contains("does not list the sixteen"));
        assert!(bad(&table, &summary.replace(title, "2. Another?"), title).contains("SUMMARY.md: no"));
        assert!(program(&chapter(title)[0], "").join("").contains("Cargo.toml does not say"));
    }
}
