//! Quoted source stands verbatim in the file that it names.

use std::fs;

use super::page::{Fence, Page};

/// Every fence is of a known kind, is closed, and what it quotes is there.
pub fn fences(page: &Page) -> Vec<String> {
    let mut bad: Vec<String> =
        page.unclosed.iter().map(|line| format!("{}: never closed", page.at(*line))).collect();
    for fence in &page.fences {
        let complaint = match (fence.language.as_str(), fence.attribute.as_str()) {
            ("rust", _) if fence.value("src").is_some() => quote(fence).err(),
            ("text", _) if fence.value("run").or(fence.value("part")).is_some() => None,
            ("rust" | "text" | "sh" | "toml" | "http" | "diff", "") => None,
            (language, attribute) => Some(format!("a fence of an unknown kind: `{language} {attribute}`")),
        };
        bad.extend(complaint.map(|complaint| format!("{}: {complaint}", page.at(fence.line))));
    }
    bad
}

fn quote(fence: &Fence) -> Result<(), String> {
    let file = fence.value("src").unwrap_or_default();
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    stands_in(&fence.body, &text).map_err(|part| format!("this is not in {file}:\n{part}"))
}

/// Whether the parts of a quote, which lines `// ...` separate, stand in `text` one behind the other. Otherwise: the
/// first that does not.
fn stands_in(quote: &[String], text: &str) -> Result<(), String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = 0;
    for part in quote.split(|line| line.trim() == "// ...") {
        let part: Vec<&str> =
            part.iter().map(String::as_str).skip_while(|line| line.trim().is_empty()).collect();
        let length = part.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
        let part = &part[..length];
        let mut places = (from..=lines.len().saturating_sub(length)).filter(|at| same(part, &lines[*at..]));
        from = length + places.next().ok_or_else(|| part.join("\n"))?;
    }
    Ok(())
}

/// Whether `lines` begin with `part`, all of it moved to the right by the same indentation.
fn same(part: &[&str], lines: &[&str]) -> bool {
    let (Some(first), Some(line)) = (part.first(), lines.first()) else { return part.is_empty() };
    let Some(indent) = line.strip_suffix(first).filter(|indent| indent.trim().is_empty()) else {
        return false;
    };
    part.len() <= lines.len()
        && part.iter().zip(lines).all(|(quoted, line)| {
            let is_empty = quoted.trim().is_empty() && line.trim().is_empty();
            is_empty || line.strip_prefix(indent) == Some(quoted)
        })
}

#[cfg(test)]
mod test {
    use super::*;

    const TEXT: &str = "fn a() {\n    one();\n\n    two();\n}\n\nfn b() {}\n";

    fn check(quote: &str) -> Result<(), String> {
        stands_in(&quote.lines().map(str::to_owned).collect::<Vec<_>>(), TEXT)
    }

    #[test]
    fn a_quote_is_verbatim() {
        assert_eq!(check("fn a() {\n    one();"), Ok(()));
        assert_eq!(check("one();\n\ntwo();"), Ok(()), "common indentation may go");
        assert_eq!(check("fn a() {\n    // ...\n    two();\n}\n// ...\nfn b() {}"), Ok(()));
    }

    #[test]
    fn a_quote_can_be_false() {
        assert!(check("one();\ntwo();").is_err(), "a line is missing");
        assert!(check("fn a() {\none();").is_err(), "the indentation is another");
        assert!(check("fn b() {}\n// ...\nfn a() {").is_err(), "the order is another");
        assert!(check("fn a() { // a remark").is_err());
        assert!(check("fn b() {}\nfn c() {}").is_err(), "it goes on behind the end");
    }

    #[test]
    fn fences_can_be_bad() {
        let bad = |text: &str| fences(&Page::parse("x.md", text)).join("\n");
        assert!(bad("```console\n$ ls\n```").contains("unknown kind"));
        assert!(bad("```\nls\n```").contains("unknown kind"));
        assert!(bad("```sh hidden\nls\n```").contains("unknown kind"));
        assert!(bad("```text\n").contains("never closed"));
        assert!(bad("```rust src=src/nothing.rs\n```").contains("No such file"));
        assert!(bad("```rust src=src/lib.rs\nfn nothing() {}\n```").contains("not in src/lib.rs"));
        assert_eq!(bad("```rust src=src/lib.rs\n#![forbid(unsafe_code)]\n```"), "");
    }
}
