//! A block that is marked as output is what its command prints now.
//!
//! `text run=COMMAND` is the whole output, `text part=COMMAND` lines of it that follow each other. With `REGENERATE=1`
//! in the environment the pages are rewritten: a whole output always, a part when its first and last lines are
//! still to be found.

use std::collections::HashMap;
use std::fs;

use super::page::{Fence, Page};
use super::run::{Call, masked, output};

/// So often is a command run before a difference is believed. Programs of this book print the same each time; but the
/// machine that they run on may be busy, and a bound of time in a demonstration may pass too early.
const TRIES: usize = 3;

/// What commands have printed, so that each is run once.
#[derive(Default)]
pub struct Outputs(HashMap<String, Result<Vec<String>, String>>);

impl Outputs {
    fn of(&mut self, command: &str, again: bool) -> Result<Vec<String>, String> {
        if again {
            self.0.remove(command);
        }
        self.0.entry(command.to_owned()).or_insert_with(|| run(command)).clone()
    }
}

fn run(command: &str) -> Result<Vec<String>, String> {
    let text = output(Call::parse(command)?.command()?)?;
    let mut lines: Vec<String> = result_last(&text);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    // libtest begins with an empty line; a page need not.
    let empty = lines.iter().take_while(|line| line.is_empty()).count();
    Ok(lines.split_off(empty))
}

/// We run tests one after the other, and then libtest prints a test's name before the test and `ok` after it. Whoever
/// types the command has several threads, and sees `test NAME ... ok` after what the test prints. So do we.
fn result_last(printed: &str) -> Vec<String> {
    let (mut lines, mut name) = (Vec::new(), None);
    for line in printed.lines().map(str::trim_end) {
        let results = ["ok", "FAILED"];
        match line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            Some((test, rest))
                if name.is_none() && !results.contains(&rest) && !rest.starts_with("ignored") =>
            {
                name = Some(test);
                lines.push(rest.to_owned());
            }
            _ if results.contains(&line) && name.is_some() => {
                lines.extend(name.take().map(|test| format!("test {test} ... {line}")));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Compares the outputs of a page with what their commands print.
pub fn outputs(page: &Page, known: &mut Outputs) -> Vec<String> {
    let mut bad = Vec::new();
    for fence in &page.fences {
        let Some((command, compare)) = comparison(fence) else { continue };
        let mut result = Ok(());
        for nth in 0..TRIES {
            result = known.of(command, nth > 0).and_then(|lines| {
                if compare(&fence.body, &lines) { Ok(()) } else { Err(difference(&fence.body, &lines)) }
            });
            if result.is_ok() {
                break;
            }
        }
        bad.extend(result.err().map(|text| format!("{}: `{command}`: {text}", page.at(fence.line))));
    }
    bad
}

/// What a person needs in order to see the difference.
fn difference(block: &[String], lines: &[String]) -> String {
    let (block, seen) = (all_masked(block), all_masked(lines));
    let same = block.iter().zip(&seen).take_while(|(old, new)| old == new).count();
    let line = |lines: &[String]| lines.get(same).cloned().unwrap_or("nothing more".to_owned());
    format!(
        "it prints\n{}\n(whole: they differ at line {}: the page says {:?}, the program {:?})",
        lines.join("\n"),
        same + 1,
        line(&block),
        line(&seen)
    )
}

type Compare = fn(&[String], &[String]) -> bool;

fn comparison(fence: &Fence) -> Option<(&str, Compare)> {
    let whole = fence.value("run").map(|command| (command, is_whole as Compare));
    whole.or_else(|| fence.value("part").map(|command| (command, is_part as Compare)))
}

fn all_masked(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| masked(line)).collect()
}

fn is_whole(block: &[String], lines: &[String]) -> bool {
    all_masked(block) == all_masked(lines)
}

fn is_part(block: &[String], lines: &[String]) -> bool {
    let (block, lines) = (all_masked(block), all_masked(lines));
    !block.is_empty() && lines.windows(block.len()).any(|window| window == block)
}

/// Writes a page's outputs anew. Returns what needs a hand.
pub fn regenerate(page: &Page, known: &mut Outputs) -> Vec<String> {
    let (mut bad, mut lines) = (Vec::new(), page.lines.clone());
    // From the end, so that the lines above keep their numbers.
    for fence in page.fences.iter().rev() {
        let Some((command, compare)) = comparison(fence) else { continue };
        let new = known.of(command, false).and_then(|now| match compare(&fence.body, &now) {
            true => Ok(fence.body.clone()),
            false if fence.value("run").is_some() => Ok(now),
            false => between(&fence.body, &now)
                .ok_or_else(|| format!("no such part; it prints\n{}", now.join("\n"))),
        });
        match new {
            Ok(new) => {
                let indent = " ".repeat(fence.indent);
                let new = new.into_iter().map(|line| format!("{indent}{line}").trim_end().to_owned());
                lines.splice(fence.line..fence.line + fence.body.len(), new);
            }
            Err(error) => bad.push(format!("{}: `{command}`: {error}", page.at(fence.line))),
        }
    }
    if lines != page.lines {
        fs::write(&page.path, lines.join("\n") + "\n").expect("the page can be written");
        println!("rewritten: {}", page.path.display());
    }
    bad
}

/// From the block's first to its last line, as they stand in the output now.
fn between(block: &[String], lines: &[String]) -> Option<Vec<String>> {
    let seen = all_masked(lines);
    let first = seen.iter().position(|line| Some(line) == all_masked(block).first())?;
    let length = seen[first..].iter().position(|line| Some(line) == all_masked(block).last())?;
    Some(lines[first..=first + length].to_vec())
}

#[cfg(test)]
mod test {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    /// A page whose command prints `lines`, without a program behind it.
    fn bad(fence: &str, printed: &str) -> String {
        let page = Page::parse("x.md", &format!("```text {fence}\n```\n"));
        let command =
            page.fences[0].attribute.split_once('=').expect("a command").1.lines().next().unwrap_or_default();
        let mut known = Outputs::default();
        known.0.insert(command.to_owned(), Ok(lines(printed)));
        let compare = comparison(&page.fences[0]).expect("an output").1;
        if compare(&page.fences[0].body, &lines(printed)) { String::new() } else { command.to_owned() }
    }

    #[test]
    fn a_result_stands_behind_what_its_test_printed() {
        let seen = "running 2 tests\ntest a ... one\ntwo\nok\ntest b ... ok\n";
        assert_eq!(result_last(seen), ["running 2 tests", "one", "two", "test a ... ok", "test b ... ok"]);
    }

    #[test]
    fn outputs_are_whole() {
        assert_eq!(bad("run=x\none 5ms\ntwo", "one 17ms\ntwo"), "");
        assert_eq!(bad("run=x\none", "one\ntwo"), "x");
        assert_eq!(bad("run=x\none\ntwo", "two\none"), "x");
    }

    #[test]
    fn parts_follow_each_other() {
        assert_eq!(bad("part=x\ntwo\nthree", "one\ntwo\nthree\nfour"), "");
        assert_eq!(bad("part=x\none\nthree", "one\ntwo\nthree"), "x");
        assert_eq!(bad("part=x", "one"), "x", "an empty part says nothing");
    }

    #[test]
    fn an_output_can_be_false() {
        let page = Page::parse("x.md", "```text run=cargo run -- --version\nglassbox 77\n```\n");
        assert!(outputs(&page, &mut Outputs::default()).join("").contains("it prints\nglassbox 0"));
        let page = Page::parse("x.md", "```text run=cargo run --example nothing\n```\n");
        assert!(outputs(&page, &mut Outputs::default()).join("").contains("there is no example nothing"));
    }

    #[test]
    fn a_part_is_found_again() {
        let now = lines("a\nfirst 2ms\nnew\nlast\nb");
        assert_eq!(between(&lines("first 1ms\nold\nlast"), &now), Some(lines("first 2ms\nnew\nlast")));
        assert_eq!(between(&lines("gone\nlast"), &now), None);
    }

    #[test]
    fn a_page_is_rewritten() {
        let path = std::env::temp_dir().join(format!("glassbox-walkthrough-{}.md", std::process::id()));
        let text = "a\n\n  ```text run=cargo run -- --version\n  old\n  ```\nb\n";
        let page = Page::parse(&path, text);
        assert_eq!(regenerate(&page, &mut Outputs::default()), Vec::<String>::new());
        let new = fs::read_to_string(&path).expect("it was written");
        fs::remove_file(&path).expect("it can be removed");
        let expected = text.replace("old", concat!("glassbox ", env!("CARGO_PKG_VERSION")));
        assert_eq!(new, expected);
    }
}
