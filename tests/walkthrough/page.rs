//! A page of Markdown, taken apart: prose, headings, fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// The sixteen chapters, in reading order.
pub const CHAPTERS: [&str; 16] = [
    "01-one-blocking-read",
    "02-never-wait",
    "03-who-tells-us",
    "04-what-is-a-future",
    "05-why-not-poll-all",
    "06-what-is-a-waker",
    "07-ready-queue",
    "08-socket-wakes-task",
    "09-nobody-is-ready",
    "10-what-is-time",
    "11-what-if-i-drop-it",
    "12-who-goes-next",
    "13-http-on-top",
    "14-slow-many-hostile",
    "15-how-does-it-stop",
    "16-how-do-we-know",
];

/// A Markdown file.
pub struct Page {
    pub path: PathBuf,
    pub lines: Vec<String>,
    /// Everything outside of fences, with its line numbers.
    pub prose: Vec<(usize, String)>,
    pub fences: Vec<Fence>,
    /// The line of a fence that is never closed.
    pub unclosed: Option<usize>,
}

/// A fenced block.
pub struct Fence {
    /// The line of its opening, from 1.
    pub line: usize,
    /// How far its opening is indented.
    pub indent: usize,
    /// The first word behind the backticks.
    pub language: String,
    /// What stands behind it, such as `src=src/lib.rs`.
    pub attribute: String,
    /// Its lines, without the indentation of the opening.
    pub body: Vec<String>,
}

impl Fence {
    /// The value of `name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attribute.strip_prefix(name)?.strip_prefix('=')
    }
}

impl Page {
    pub fn read(path: PathBuf) -> Page {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Page::parse(path, &text)
    }

    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Page {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (mut prose, mut fences, mut open) = (Vec::new(), Vec::new(), None::<Fence>);
        for (number, line) in lines.iter().enumerate().map(|(index, line)| (index + 1, line)) {
            let code = line.trim_start();
            match &mut open {
                Some(_) if code.trim_end() == "```" => fences.extend(open.take()),
                Some(fence) => {
                    let indent = fence.indent.min(line.len() - code.len());
                    fence.body.push(line[indent..].to_owned());
                }
                None if code.starts_with("```") => open = Some(opening(number, line)),
                None => prose.push((number, line.clone())),
            }
        }
        Page { path: path.into(), lines, prose, fences, unclosed: open.map(|fence| fence.line) }
    }

    /// `file:line`, as a compiler would say it.
    pub fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The chapter's number, if this is a chapter.
    pub fn number(&self) -> Option<usize> {
        let folder = self.path.parent()?.file_name()?.to_str()?;
        let place = CHAPTERS.iter().position(|chapter| *chapter == folder)?;
        (self.path.file_name()? == "README.md").then_some(place + 1)
    }

    /// `07`, for chapter 7.
    pub fn two_digits(&self) -> String {
        format!("{:02}", self.number().unwrap_or_default())
    }

    /// The headings with their lines: (line, `## The question`).
    pub fn headings(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose
            .iter()
            .filter(|(_, line)| line.starts_with('#'))
            .map(|(number, line)| (*number, line.as_str()))
    }

    /// The first and the last line of the section below `## title`.
    pub fn section(&self, title: &str) -> Option<(usize, usize)> {
        let sections: Vec<_> = self.headings().filter(|(_, text)| !text.starts_with("###")).collect();
        let place = sections.iter().position(|(_, text)| text.strip_prefix("## ") == Some(title))?;
        let end = sections.get(place + 1).map_or(self.lines.len(), |(line, _)| line - 1);
        Some((sections[place].0, end))
    }

    /// The words in backticks, with the line on which their paragraph begins. A span may go over the end of a line.
    pub fn spans(&self) -> Vec<(usize, String)> {
        let mut spans = Vec::new();
        for (line, text) in self.paragraphs() {
            let ticked = text.split('`').skip(1).step_by(2);
            spans.extend(ticked.map(|span| (line, span.split_whitespace().collect::<Vec<_>>().join(" "))));
        }
        spans
    }

    /// The prose without what stands in backticks, a paragraph each, with its first line.
    pub fn plain(&self) -> Vec<(usize, String)> {
        let plain =
            |(line, text): (usize, String)| (line, text.split('`').step_by(2).collect::<Vec<_>>().join(" "));
        self.paragraphs().into_iter().map(plain).collect()
    }

    /// Lines that follow each other without an empty one between. A row of a table is one.
    fn paragraphs(&self) -> Vec<(usize, String)> {
        let mut paragraphs: Vec<(usize, String)> = Vec::new();
        let mut next = 0;
        for (number, line) in &self.prose {
            let goes_on = *number == next && !line.starts_with(['|', '#']) && !line.trim().is_empty();
            match paragraphs.last_mut() {
                Some((_, text)) if goes_on => text.extend(["\n", line]),
                _ => paragraphs.push((*number, line.clone())),
            }
            next = if line.trim().is_empty() { 0 } else { number + 1 };
        }
        paragraphs.retain(|(_, text)| !text.trim().is_empty());
        paragraphs
    }
}

fn opening(number: usize, line: &str) -> Fence {
    let code = line.trim_start();
    let info = code.trim_start_matches('`').trim();
    let (language, attribute) = info.split_once(' ').unwrap_or((info, ""));
    Fence {
        line: number,
        indent: line.len() - code.len(),
        language: language.to_owned(),
        attribute: attribute.trim().to_owned(),
        body: Vec::new(),
    }
}

/// The chapters that exist.
pub fn chapters() -> Vec<Page> {
    let paths = CHAPTERS.iter().map(|name| Path::new("walkthrough").join(name).join("README.md"));
    paths.filter(|path| path.exists()).map(Page::read).collect()
}

/// All pages of the walkthrough.
pub fn pages() -> Vec<Page> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from("walkthrough")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().map(Page::read).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_page_is_taken_apart() {
        let page = Page::parse(
            "walkthrough/07-ready-queue/README.md",
            "# 7. A?\n\ntext `a\nb` and\n\n  ```text run=cargo run --example ch07\n  out\n    in\n  ```\n## Run\nrest\n",
        );
        assert_eq!((page.number(), page.two_digits().as_str()), (Some(7), "07"));
        assert_eq!(page.spans(), [(3, "a b".to_owned())]);
        let fence = &page.fences[0];
        assert_eq!((fence.line, fence.language.as_str()), (6, "text"));
        assert_eq!(fence.value("run"), Some("cargo run --example ch07"));
        assert_eq!(fence.body, ["out", "  in"]);
        assert_eq!(page.section("Run"), Some((10, 11)));
        assert_eq!(Page::parse("x.md", "```sh\n").unclosed, Some(1));
    }
}
