//! Every command of the walkthrough can be typed: its program exists, and its filter finds a test.

use std::collections::HashMap;

use super::page::Page;
use super::run::{Call, Target, output};

/// What commands other than ours may begin with.
const TOOLS: [&str; 8] = ["curl", "kill", "git", "ulimit", "strace", "printf", "mdbook", "nc"];

/// Commands of cargo that name no program, as they may stand.
const WHOLE: [&str; 9] = [
    "cargo test",
    "cargo bench",
    "cargo build",
    "cargo build --examples",
    "cargo fmt",
    "cargo install mdbook",
    "cargo test --examples",
    "cargo doc --open",
    "REGENERATE=1 cargo test --test walkthrough",
];

/// The names of the tests that a program has, each program asked once.
#[derive(Default)]
pub struct Lists(HashMap<(bool, String), Result<Vec<String>, String>>);

impl Lists {
    fn of(&mut self, call: &Call) -> Result<&[String], String> {
        let key = (call.target == Target::Test, call.name.clone());
        let list = self.0.entry(key).or_insert_with(|| list(call.target, &call.name));
        list.as_deref().map_err(Clone::clone)
    }
}

/// What `--list` says.
pub fn list(target: Target, name: &str) -> Result<Vec<String>, String> {
    let call = Call { target, name: name.to_owned(), arguments: vec!["--list".to_owned()] };
    let text = output(call.command()?)?;
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// The commands of a page: what stands in `sh` fences, behind `run=` and `part=`, and in backticks.
pub fn commands(page: &Page, lists: &mut Lists) -> Vec<String> {
    let mut all: Vec<(usize, String)> = Vec::new();
    for fence in &page.fences {
        if fence.language == "sh" {
            let lines =
                fence.body.iter().enumerate().map(|(index, line)| (fence.line + 1 + index, line.clone()));
            all.extend(lines);
        }
        all.extend(
            fence.value("run").or(fence.value("part")).map(|command| (fence.line, command.to_owned())),
        );
    }
    let spans = page
        .spans()
        .into_iter()
        .filter(|(_, span)| span.starts_with("cargo ") && !span.contains("NN") && !span.contains("NAME"));
    all.extend(spans);
    let complaint = |(line, command): (usize, String)| {
        let error = check(&command, lists).err()?;
        Some(format!("{}: `{command}`: {error}", page.at(line)))
    };
    all.into_iter().filter_map(complaint).collect()
}

fn check(command: &str, lists: &mut Lists) -> Result<(), String> {
    // A remark may stand behind a command or alone, another program may end it or read from it.
    let command = command.split(" #").next().unwrap_or_default().trim().trim_end_matches('&').trim();
    if command.is_empty() || command.starts_with('#') || WHOLE.contains(&command) {
        return Ok(());
    }
    for part in command.split([';', '|']).flat_map(|part| part.split("&&")) {
        let first = part.split_whitespace().next().unwrap_or_default();
        if !TOOLS.contains(&first) {
            ours(part.trim(), lists)?;
        }
    }
    Ok(())
}

fn ours(command: &str, lists: &mut Lists) -> Result<(), String> {
    let call = Call::parse(command)?;
    call.command()?;
    if !matches!(call.target, Target::Test | Target::ExampleTest) {
        return Ok(());
    }
    let tests = lists.of(&call)?;
    let exact = call.arguments.iter().any(|argument| argument == "--exact");
    let finds =
        |filter: &str| tests.iter().any(|test| if exact { test == filter } else { test.contains(filter) });
    let mut filters = call.arguments.iter().filter(|argument| !argument.starts_with('-'));
    match filters.find(|filter| !finds(filter)) {
        Some(filter) => Err(format!("no test is called {filter}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn bad(text: &str) -> String {
        commands(&Page::parse("x.md", text), &mut Lists::default()).join("\n")
    }

    #[test]
    fn commands_can_be_typed() {
        for good in [
            "cargo run",
            "cargo run -- --trace",
            "cargo run --example ch01 -- --demo",
            "cargo test --test ready",
            "cargo test --test ready the_oldest_id_comes_first -- --nocapture --exact",
            "cargo test --example exercises ch01",
            "curl -i http://127.0.0.1:8080/ # a remark",
            "# a remark",
            "ulimit -n 20000; cargo run --example ch01",
            "cargo test",
        ] {
            assert_eq!(bad(&format!("```sh\n{good}\n```\n")), "", "{good}");
        }
    }

    #[test]
    fn commands_can_be_wrong() {
        for (wrong, why) in [
            ("cargo run --example ch99", "there is no example ch99"),
            ("cargo test --test nothing", "there is no test nothing"),
            ("cargo test --test ready nothing_like_this", "no test is called"),
            ("cargo test --test ready the_oldest -- --exact", "no test is called"),
            ("cargo test --example exercises ch99", "no test is called"),
            ("cargo launch", "an unknown kind of command"),
            ("rm file", "an unknown kind of command"),
            ("ulimit -n 20000; cargo run --example ch99", "there is no example ch99"),
        ] {
            assert!(bad(&format!("```sh\n{wrong}\n```\n")).contains(why), "{wrong}");
        }
        assert!(bad("say `cargo run --example ch99`").contains("there is no example"));
        assert!(bad("```text run=cargo run --example ch99\n```").contains("there is no example"));
    }
}
