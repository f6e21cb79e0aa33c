//! An exercise fails until it is solved, and its solution passes the same test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::commands::list;
use super::page::Page;
use super::run::{Call, Target, output};

/// So many exercises a chapter has at least.
const LEAST: usize = 2;

/// The files of a chapter's exercises belong together, and both lists name them.
pub fn files(page: &Page) -> Vec<String> {
    let folder = page.path.parent().expect("a chapter is in a folder");
    let [exercises, solutions] = ["exercises", "solutions"]
        .map(|name| fs::read_to_string(format!("walkthrough/{name}.rs")).expect("both lists are there"));
    listed(&page.two_digits(), folder, &exercises, &solutions)
}

fn listed(chapter: &str, folder: &Path, exercises: &str, solutions: &str) -> Vec<String> {
    let mut bad = Vec::new();
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let numbers = (1..).take_while(|number| folder.join(format!("exercise{number}.rs")).exists());
    let count =
        numbers.map(|number| bad.extend(one(chapter, folder, name, number, exercises, solutions))).count();
    if count < LEAST {
        bad.push(format!("{}: {count} exercises, fewer than {LEAST}", folder.display()));
    }
    bad
}

/// What is wrong with one exercise.
fn one(
    chapter: &str,
    folder: &Path,
    name: &str,
    number: usize,
    exercises: &str,
    solutions: &str,
) -> Vec<String> {
    let mut bad = Vec::new();
    let module = format!("mod ch{chapter}_exercise{number};");
    let test = format!("exercise{number}_test.rs");
    for (list, file, text) in [("exercises", "exercise", exercises), ("solutions", "solution", solutions)] {
        let entry = format!("#[path = \"{name}/{file}{number}.rs\"]\n{module}");
        if !text.contains(&entry) {
            bad.push(format!("{}: walkthrough/{list}.rs does not say\n{entry}", folder.display()));
        }
        let path = folder.join(format!("{file}{number}.rs"));
        let source = fs::read_to_string(&path).unwrap_or_default();
        if !source.contains(&format!("#[path = \"{test}\"]")) {
            bad.push(format!("{}: does not include {test}", path.display()));
        }
    }
    bad
}

/// Results of the tests below each `chNN_exerciseN`: how many passed, how many failed.
type Results = BTreeMap<String, (usize, usize)>;

fn results(name: &str) -> Result<Results, String> {
    let call = Call { target: Target::ExampleTest, name: name.to_owned(), arguments: Vec::new() };
    let text = output(call.command()?)?;
    if !text.contains("\ntest result: ") {
        return Err(format!("{name} do not come to an end:\n{text}"));
    }
    Ok(counted(&text))
}

/// Reads what libtest prints. With one thread, an exercise's own output may stand between a name and its result.
fn counted(text: &str) -> Results {
    let mut results = Results::new();
    let mut module = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("test ch") {
            module = rest.split("::").next().map(|name| format!("ch{name}"));
        }
        let Some(name) = &module else { continue };
        let ended = (line.ends_with("ok"), line.ends_with("FAILED"));
        if ended.0 || ended.1 {
            let (passed, failed) = results.entry(name.clone()).or_default();
            *passed += usize::from(ended.0);
            *failed += usize::from(ended.1);
            module = None;
        }
    }
    results
}

/// Every exercise fails, and every solution passes, in the same tests.
pub fn outcomes() -> Vec<String> {
    let mut bad = Vec::new();
    let names = |name| list(Target::ExampleTest, name).map(BTreeSet::from_iter);
    let differ = match (names("exercises"), names("solutions")) {
        (Ok(exercises), Ok(solutions)) => different(&exercises, &solutions),
        (exercises, solutions) => exercises.err().or(solutions.err()),
    };
    bad.extend(differ);
    match (results("exercises"), results("solutions")) {
        (Ok(exercises), Ok(solutions)) => bad.extend(judged(&exercises, &solutions)),
        (exercises, solutions) => bad.extend(exercises.err().into_iter().chain(solutions.err())),
    }
    bad
}

fn different(exercises: &BTreeSet<String>, solutions: &BTreeSet<String>) -> Option<String> {
    let odd: Vec<_> = exercises.symmetric_difference(solutions).collect();
    (!odd.is_empty()).then(|| format!("only exercises or only solutions have {odd:?}"))
}

fn judged(exercises: &Results, solutions: &Results) -> Vec<String> {
    let solved = exercises.iter().filter(|(_, (_, failed))| *failed == 0);
    let wrong = solutions.iter().filter(|(_, (_, failed))| *failed > 0);
    solved
        .map(|(name, _)| format!("{name} passes without being solved"))
        .chain(wrong.map(|(name, _)| format!("the solution of {name} fails")))
        .collect()
}

#[cfg(test)]
mod test {
    use super::*;

    const FOLDER: &str = "walkthrough/01-one-blocking-read";

    #[test]
    fn an_exercise_can_be_missing() {
        let read = |name: &str| fs::read_to_string(name).expect("it is there");
        let (exercises, solutions) = (read("walkthrough/exercises.rs"), read("walkthrough/solutions.rs"));
        let bad = |folder: &str, exercises: &str, solutions: &str| {
            listed("01", Path::new(folder), exercises, solutions).join("\n")
        };
        assert_eq!(bad(FOLDER, &exercises, &solutions), "");
        assert!(bad(FOLDER, "", &solutions).contains("walkthrough/exercises.rs does not say"));
        assert!(bad(FOLDER, &exercises, "").contains("walkthrough/solutions.rs does not say"));
        assert!(bad("walkthrough", &exercises, &solutions).contains("fewer than 2"));
        let swapped = solutions.replace("ch01_exercise1", "ch01_exercise9");
        assert!(bad(FOLDER, &exercises, &swapped).contains("ch01_exercise1"));
    }

    #[test]
    fn outcomes_can_be_wrong() {
        let unsolved =
            counted("test ch07_exercise1::test::a ... ok\ntest ch07_exercise1::test::b ... FAILED\n");
        let solved =
            counted("test ch07_exercise1::test::a ... ok\ntest ch07_exercise1::test::b ... printed\nok\n");
        assert_eq!(unsolved["ch07_exercise1"], (1, 1));
        assert_eq!(solved["ch07_exercise1"], (2, 0));
        assert_eq!(judged(&unsolved, &solved), Vec::<String>::new());
        assert!(judged(&solved, &solved)[0].contains("passes without being solved"));
        assert!(judged(&unsolved, &unsolved)[0].contains("the solution of ch07_exercise1 fails"));
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(different(&set(&["a"]), &set(&["a"])), None);
        assert!(different(&set(&["a"]), &set(&["a", "b"])).is_some());
    }
}
