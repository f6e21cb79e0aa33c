//! What can be checked of prose: the frame of a chapter, its length, its words, its links.

use std::fs;
use std::path::Path;

use super::page::{CHAPTERS, Fence, Page};

/// The parts of a chapter, in order.
const FRAME: [&str; 8] = [
    "The question",
    "Predict",
    "Run",
    "Read",
    "Break it and see",
    "Step through",
    "What the big ones do",
    "Check yourself",
];

/// More than that is not read in one sitting.
const WORDS: usize = 2_000;

/// Words that tell a reader who does not understand that it is the reader's fault, and those that praise.
const FORBIDDEN: [&str; 18] = [
    "simply",
    "just",
    "obviously",
    "easily",
    "trivial",
    "trivially",
    "clearly",
    "of course",
    "as you know",
    "everybody knows",
    "needless to say",
    "blazing",
    "blazingly",
    "effortless",
    "effortlessly",
    "powerful",
    "seamless",
    "seamlessly",
];

/// Where something lay on a writer's own machine.
const PRIVATE: [&str; 3] = ["/home/", "/tmp/", "/root/"];

/// What a part cannot do without: the part, how to call it, and how to see that it is there.
type Need = (&'static str, &'static str, fn(&Part<'_>) -> bool);

const NEEDS: [Need; 9] = [
    ("Predict", "a folded answer", |part| part.text.contains("<details>")),
    ("Run", "an output: `text run=...`", |part| part.has_fence(|fence| fence.value("run").is_some())),
    ("Read", "quoted source: `rust src=...`", |part| part.has_fence(|fence| fence.value("src").is_some())),
    ("Break it and see", "a command", |part| part.has_fence(|fence| fence.language == "sh")),
    ("Step through", "`cargo test ...`", |part| {
        part.has_fence(|fence| fence.body.iter().any(|line| line.starts_with("cargo test")))
    }),
    ("What the big ones do", "tokio", |part| part.text.contains("tokio")),
    ("What the big ones do", "a path such as `tokio/src/task.rs`", |part| part.text.contains(".rs`")),
    ("Check yourself", "three to five questions with folded answers", |part| {
        (3..=5).contains(&part.text.matches("<details>").count())
    }),
    ("Check yourself", "`cargo test --example exercises chNN`, with the chapter's number", |part| {
        part.text.contains(&format!("cargo test --example exercises ch{}", part.page.two_digits()))
    }),
];

/// One part of a chapter.
struct Part<'a> {
    page: &'a Page,
    first: usize,
    last: usize,
    text: String,
}

impl Part<'_> {
    fn of<'a>(page: &'a Page, title: &str) -> Option<Part<'a>> {
        let (first, last) = page.section(title)?;
        Some(Part { page, first, last, text: page.lines[first..last].join("\n") })
    }

    fn has_fence(&self, is: impl Fn(&Fence) -> bool) -> bool {
        self.page.fences.iter().any(|fence| (self.first..=self.last).contains(&fence.line) && is(fence))
    }
}

/// The headings: the number with a question, then the eight parts and no other, each with what it needs.
pub fn frame(page: &Page) -> Vec<String> {
    let mut bad = Vec::new();
    let mut headings = page.headings().filter(|(_, text)| !text.starts_with("###"));
    let number = page.number().unwrap_or_default();
    match headings.next() {
        Some((1, title)) if title.starts_with(&format!("# {number}. ")) && title.ends_with('?') => {}
        other => {
            bad.push(format!("{}: `# {number}. A question?` begins a chapter, not {other:?}", page.at(1)));
        }
    }
    let titles: Vec<&str> = headings.map(|(_, text)| text.trim_start_matches("## ")).collect();
    if titles != FRAME {
        bad.push(format!("{}: the parts are {FRAME:?}, not {titles:?}", page.at(1)));
        return bad;
    }
    for (title, what, is_there) in NEEDS {
        let part = Part::of(page, title).expect("all parts are there");
        if !is_there(&part) {
            bad.push(format!("{}: `{title}` needs {what}", page.at(part.first)));
        }
    }
    bad
}

/// Folded answers: opened and closed, and with the empty line without which Markdown is not rendered inside.
pub fn details(page: &Page) -> Vec<String> {
    let (mut bad, mut open) = (Vec::new(), None);
    for (number, line) in &page.prose {
        if line.contains("<details>") {
            if open.replace(*number).is_some() {
                bad.push(format!("{}: a fold inside a fold", page.at(*number)));
            }
            if page.lines.get(*number).is_some_and(|next| !next.trim().is_empty()) {
                bad.push(format!("{}: an empty line must follow", page.at(*number)));
            }
        }
        if line.contains("</details>") && open.take().is_none() {
            bad.push(format!("{}: closes what is not open", page.at(*number)));
        }
    }
    bad.extend(open.map(|number| format!("{}: this fold is never closed", page.at(number))));
    bad
}

/// At most so many words of prose, code not counted.
pub fn length(page: &Page) -> Vec<String> {
    let words: usize = page.prose.iter().map(|(_, line)| line.split_whitespace().count()).sum();
    let bad = (words > WORDS).then(|| format!("{}: {words} words, more than {WORDS}", page.at(1)));
    bad.into_iter().collect()
}

/// Plain words, nothing private, no exclamation marks, no long dashes.
pub fn words(page: &Page) -> Vec<String> {
    let mut bad = Vec::new();
    for (line, text) in page.plain() {
        let spaced: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let lower = format!(" {} ", words.join(" ").to_lowercase());
        for word in FORBIDDEN {
            if lower.contains(&format!(" {word} ")) {
                bad.push(format!("{}: says {word:?}", page.at(line)));
            }
        }
        if text.replace("![", "").replace("<!--", "").contains('!') {
            bad.push(format!("{}: has an exclamation mark", page.at(line)));
        }
        if text.contains(['\u{2014}', '\u{2013}']) {
            bad.push(format!("{}: has a long dash (hint: a colon, or two sentences)", page.at(line)));
        }
        if words.contains(&"AI") && !page.path.ends_with("TUTOR.md") {
            bad.push(format!("{}: says \"AI\"", page.at(line)));
        }
    }
    for (number, line) in page.lines.iter().enumerate() {
        let private = PRIVATE.iter().filter(|word| line.contains(**word));
        bad.extend(private.map(|word| format!("{}: says {word:?}", page.at(number + 1))));
    }
    bad
}

/// Every link leads to a file that is there, and to a heading in it.
pub fn links(page: &Page) -> Vec<String> {
    let mut bad = Vec::new();
    let folder = page.path.parent().unwrap_or(Path::new(""));
    for (line, text) in page.plain() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                bad.push(format!("{}: {target} is not relative", page.at(line)));
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.path.clone() } else { folder.join(file) };
            // A chapter that is not written yet is missed by another test, once.
            let is_chapter = CHAPTERS
                .iter()
                .any(|name| file == format!("../{name}/README.md") || file == format!("{name}/README.md"));
            if is_chapter && !path.exists() {
                continue;
            }
            if !file.is_empty() && !path.exists() {
                bad.push(format!("{}: {target}: no such file", page.at(line)));
            } else if !anchor.is_empty() && !anchors(page, file, &path).contains(&anchor.to_owned()) {
                bad.push(format!("{}: {target}: no such heading", page.at(line)));
            }
        }
    }
    bad
}

/// The anchors of a page. Its own are known without reading it again.
fn anchors(page: &Page, file: &str, path: &Path) -> Vec<String> {
    let of = |page: &Page| page.headings().map(|(_, text)| anchor(text)).collect();
    if file.is_empty() {
        return of(page);
    }
    fs::read_to_string(path).map(|text| of(&Page::parse(path, &text))).unwrap_or_default()
}

/// What GitHub and mdBook make of a heading: lower case, hyphens for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    /// A chapter as it should be. Each test spoils one thing.
    pub fn good() -> String {
        let fold = "<details><summary>Answer</summary>\n\nIt is.\n\n</details>\n";
        format!(
            "# 7. What is it?\n## The question\nA\n## Predict\n{fold}## Run\n```text run=cargo run --example ch07\nx\n```\n\
             ## Read\n```rust src=src/lib.rs\n#![forbid(unsafe_code)]\n```\n## Break it and see\n```sh\ncargo run\n```\n\
             ## Step through\n```sh\ncargo test --test ready\n```\n## What the big ones do\ntokio 1.0: `tokio/src/a.rs`: `b`\n\
             ## Check yourself\n{fold}{fold}{fold}\n```sh\ncargo test --example exercises ch07\n```\n"
        )
    }

    fn page(text: &str) -> Page {
        Page::parse("walkthrough/07-ready-queue/README.md", text)
    }

    /// What `check` says about the good chapter with `from` replaced by `to`.
    fn spoilt(check: fn(&Page) -> Vec<String>, from: &str, to: &str) -> String {
        assert_eq!(check(&page(&good())), Vec::<String>::new());
        let bad = good().replacen(from, to, 1);
        assert_ne!(bad, good(), "nothing was spoilt");
        check(&page(&bad)).join("\n")
    }

    #[test]
    fn the_frame_can_be_broken() {
        assert!(spoilt(frame, "# 7.", "# 8.").contains("A question?"));
        assert!(spoilt(frame, "## Read", "## Look").contains("the parts are"));
        assert!(spoilt(frame, "## Read", "## Read\n## Extra").contains("the parts are"));
        assert!(spoilt(frame, "text run=cargo run --example ch07", "text").contains("`Run` needs an output"));
        assert!(spoilt(frame, "rust src=src/lib.rs", "rust").contains("`Read` needs quoted source"));
        assert!(spoilt(frame, "<details>", "<b>").contains("`Predict` needs a folded answer"));
        assert!(spoilt(frame, "```sh\ncargo run\n```", "").contains("`Break it and see` needs a command"));
        assert!(spoilt(frame, "cargo test --test", "cargo run").contains("`Step through` needs"));
        assert!(spoilt(frame, "tokio 1.0: `tokio/", "smol: `smol/").contains("needs tokio"));
        assert!(spoilt(frame, "`tokio/src/a.rs`", "somewhere").contains("needs a path"));
        assert!(spoilt(frame, "exercises ch07", "exercises ch08").contains("exercises chNN"));
        let one = "## Check yourself\n<details>";
        assert!(spoilt(frame, one, "## Check yourself\n<b>").contains("three to five questions"));
    }

    #[test]
    fn folds_can_be_broken() {
        assert!(spoilt(details, "</details>", "").contains("a fold inside a fold"));
        assert!(spoilt(details, "</summary>\n\n", "</summary>\n").contains("an empty line must follow"));
        assert!(spoilt(details, "<details>", "").contains("closes what is not open"));
    }

    #[test]
    fn a_chapter_can_be_too_long() {
        assert!(spoilt(length, "A\n", &"word ".repeat(WORDS)).contains("more than 2000"));
    }

    #[test]
    fn words_can_be_bad() {
        for bad in
            ["Just so", "It is,\nof\ncourse, so", "Read this!", "a \u{2014} b", "an AI", "see /home/me"]
        {
            assert!(!spoilt(words, "A\n", &format!("{bad}\n")).is_empty(), "{bad}");
        }
        assert_eq!(words(&page("adjust `println!` and `just`")), Vec::<String>::new());
    }

    #[test]
    fn links_can_be_broken() {
        let bad = |text: &str| links(&Page::parse("walkthrough/README.md", text)).join("\n");
        assert_eq!(bad("# A b?\n[a](#a-b) [b](../CONCEPTS.md#the-life-of-a-task)"), "");
        assert!(bad("[a](nowhere.md)").contains("no such file"));
        assert!(bad("[a](#nothing)").contains("no such heading"));
        assert!(bad("[a](../CONCEPTS.md#nothing)").contains("no such heading"));
        assert!(bad("[a](https://example.com)").contains("not relative"));
    }
}
