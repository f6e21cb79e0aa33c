//! The bug museum: classic bugs of async runtimes, put into our own code one at a time, each with the test that
//! notices it.
//!
//! ```text
//!   cargo run --example museum              the list
//!   cargo run --example museum -- 07        one exhibit: the change, the test's trace, what to see in it
//!   cargo run --example museum -- exam      the final exam (chapter 16): how a healthy run looks
//!   cargo run --example museum -- exam 3    a patch without a name: what is wrong?
//!   cargo run --example museum -- --all     checks every patch; slow
//! ```
//!
//! A patch is put into a copy of the crate, below the target folder. Your files stay as they are.

mod exhibit;
mod patch;
mod report;
mod workshop;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use exhibit::{Ends, Exhibit, Test};
use report::Trace;
use workshop::{Seen, Workshop};

/// The test whose trace the exam is about.
const EXAM: (&str, &str) = ("exam", "exam");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => list(),
        ["--all"] => check_all(),
        ["exam"] => healthy_exam(),
        ["exam", number] => exam(number),
        [number] => visit(number),
        _ => Err("usage: cargo run --example museum -- [NUMBER | exam [NUMBER] | --all]".to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("museum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn exhibits() -> Result<Vec<Exhibit>, String> {
    exhibit::all(&root().join("walkthrough/museum"))
}

fn exams() -> Result<Vec<Exhibit>, String> {
    exhibit::all(&root().join("walkthrough/16-how-do-we-know/exam"))
}

/// `target/museum`: this program is `target/debug/examples/museum`.
fn workshop() -> Result<Workshop, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = own.ancestors().nth(3).map(PathBuf::from).ok_or("where is the target folder?")?;
    Workshop::enter(root(), &target.join("museum"))
}

fn list() -> Result<bool, String> {
    println!("nr  chapter  exhibit");
    for exhibit in exhibits()? {
        println!("{:2}  {:7}  {}", exhibit.number(), exhibit.chapter, exhibit.title);
    }
    println!("\ncargo run --example museum -- NUMBER");
    Ok(true)
}

fn visit(number: &str) -> Result<bool, String> {
    let wanted = number.trim_start_matches('0');
    let exhibits = exhibits()?;
    let exhibit = exhibits.iter().find(|exhibit| exhibit.number().trim_start_matches('0') == wanted);
    let exhibit =
        exhibit.ok_or(format!("there is no exhibit {number}; without a number you get the list"))?;
    report::label(exhibit);
    let seen = watch(&workshop()?, exhibit)?;
    Ok(report::verdict(exhibit, seen))
}

/// One of the exam's patches. Its diff is not shown.
fn exam(number: &str) -> Result<bool, String> {
    let exams = exams()?;
    let exhibit = exams.iter().find(|exhibit| exhibit.number() == number);
    let exhibit = exhibit.ok_or(format!("there is no exam {number}; they are 1 to {}", exams.len()))?;
    println!("Exam {number}. {}\n", exhibit.see);
    let seen = watch(&workshop()?, exhibit)?;
    println!("\nThe change is in {}.", report::places(exhibit));
    println!(
        "Compare with `cargo run --example museum -- exam`. Answers: walkthrough/16-how-do-we-know/README.md"
    );
    Ok(is_as_said(exhibit, seen))
}

/// The exam's program without a patch.
fn healthy_exam() -> Result<bool, String> {
    let workshop = workshop()?;
    let test = Test { target: EXAM.0.to_owned(), name: EXAM.1.to_owned() };
    let limit = std::time::Duration::from_secs(60);
    let mut trace = Trace::default();
    let program = build(&workshop, &test)?;
    let seen = workshop.run(&program, &test, limit, |line| trace.show(line))?;
    Ok(seen == Seen::Passed)
}

/// Builds the exhibit and runs its test in front of the visitor.
fn watch(workshop: &Workshop, exhibit: &Exhibit) -> Result<Seen, String> {
    workshop.break_it(exhibit)?;
    let program = build(workshop, &exhibit.test)?;
    let mut trace = Trace::default();
    workshop.run(&program, &exhibit.test, exhibit.limit, |line| trace.show(line))
}

fn build(workshop: &Workshop, test: &Test) -> Result<PathBuf, String> {
    let programs = workshop.build(&[test.target.as_str()].into())?;
    let found = programs.into_iter().find(|(target, _)| *target == test.target);
    found.map(|(_, program)| program).ok_or(format!("cargo built no program for {test}"))
}

fn is_as_said(exhibit: &Exhibit, seen: Seen) -> bool {
    match exhibit.ends {
        Ends::Fails => seen == Seen::Failed,
        Ends::Stopped => seen == Seen::Stopped,
    }
}

/// Every test without its patch, then every patch.
fn check_all() -> Result<bool, String> {
    let mut all = exhibits()?;
    all.extend(exams()?);
    let workshop = workshop()?;
    println!("building and running the tests as they are");
    let targets = all.iter().map(|exhibit| exhibit.test.target.as_str()).collect();
    let programs = workshop.build(&targets)?;
    let mut table = report::Table::new();
    for exhibit in &all {
        if table.knows(&exhibit.test) {
            continue;
        }
        let found = programs.iter().find(|(target, _)| *target == exhibit.test.target);
        let (_, program) = found.ok_or(format!("cargo built no program for {}", exhibit.test))?;
        let seen = workshop.run(program, &exhibit.test, exhibit.limit, |_| {});
        table.without(&exhibit.test, &seen);
    }
    for exhibit in &all {
        let started = std::time::Instant::now();
        let seen = workshop.break_it(exhibit).and_then(|()| {
            let program = build(&workshop, &exhibit.test)?;
            workshop.run(&program, &exhibit.test, exhibit.limit, |_| {})
        });
        workshop.restore()?;
        let good = seen.as_ref().is_ok_and(|seen| is_as_said(exhibit, *seen));
        table.with(exhibit, seen, good, started.elapsed());
    }
    Ok(table.finish())
}
