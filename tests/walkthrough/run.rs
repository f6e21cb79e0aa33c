//! Runs the commands that the walkthrough names, and masks what differs from run to run.
//!
//! Everything is built once, by one `cargo test --no-run`; then the programs are run directly, without cargo in
//! between. On a fresh clone `cargo test` has built all of it already, and has let go of cargo's lock before it ran us.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use super::built::Built;

/// No command of the walkthrough takes longer than this: a bound on failure, not a measure. Exhibits of the museum
/// are compiled first.
const PATIENCE: Duration = Duration::from_secs(300);

/// Everything that the walkthrough can start.
static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let mut built = Built::default();
    built.build(&["test", "--no-run"]);
    // Not part of `cargo test`, because they fail.
    built.build(&["test", "--no-run", "--example", "exercises"]);
    // Of an example that has tests of its own, `cargo test` builds the tests alone.
    built.build(&["build", "--examples"]);
    built
});

/// What a command starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `cargo run`
    Binary,
    /// `cargo run --example NAME`
    Example,
    /// `cargo test --test NAME`
    Test,
    /// `cargo test --example NAME`
    ExampleTest,
}

/// A command that starts one of our programs.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    pub target: Target,
    pub name: String,
    /// What the program itself gets.
    pub arguments: Vec<String>,
}

impl Call {
    /// Understands `cargo run ...` and `cargo test --test NAME ...`.
    pub fn parse(command: &str) -> Result<Call, String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (own, behind) = match words.iter().position(|word| *word == "--") {
            Some(at) => (&words[..at], &words[at + 1..]),
            None => (&words[..], &[][..]),
        };
        let own: Vec<&str> =
            own.iter().copied().filter(|word| !matches!(*word, "--quiet" | "-q" | "--release")).collect();
        let (target, name, filters) = match own[..] {
            ["cargo", "run"] => (Target::Binary, "glassbox", &[][..]),
            ["cargo", "run", "--example", name] => (Target::Example, name, &[][..]),
            ["cargo", "test", "--test", name, ..] => (Target::Test, name, &own[4..]),
            ["cargo", "test", "--example", name, ..] => (Target::ExampleTest, name, &own[4..]),
            _ => return Err(format!("an unknown kind of command: `{command}`")),
        };
        if let Some(option) = filters.iter().find(|word| word.starts_with('-')) {
            return Err(format!("an unknown option: {option}"));
        }
        let arguments = filters.iter().chain(behind).map(|word| (*word).to_owned()).collect();
        Ok(Call { target, name: name.to_owned(), arguments })
    }

    /// The program, ready to be started.
    pub fn command(&self) -> Result<Command, String> {
        let name = self.name.as_str();
        let file = match self.target {
            Target::Binary => BUILT.file("bin", "glassbox", false),
            Target::Example => BUILT.file("example", name, false),
            Target::Test => BUILT.file("test", name, true),
            Target::ExampleTest => BUILT.file("example", name, true),
        };
        let mut command = Command::new(file?);
        // The same whoever calls us: no backtraces, one test after the other.
        command.args(&self.arguments).env("RUST_BACKTRACE", "0").env("RUST_TEST_THREADS", "1");
        command.env_remove("REGENERATE").stdin(Stdio::null());
        Ok(command)
    }
}

/// Everything that a program prints, to stdout and stderr, in the order in which a terminal would show it.
pub fn output(mut command: Command) -> Result<String, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let other = writer.try_clone().map_err(|error| error.to_string())?;
    let child = command.stdout(writer).stderr(other).spawn().map_err(|error| error.to_string())?;
    drop(command); // It holds our ends of the pipe.
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || stop_late(child, &end));
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    drop(ended);
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    let in_time = watchdog.join().expect("the watchdog does not panic");
    if in_time { Ok(text) } else { Err(format!("it does not end by itself; so far:\n{text}")) }
}

/// Ends a child that is late. Returns whether it was in time.
fn stop_late(mut child: Child, end: &mpsc::Receiver<()>) -> bool {
    let in_time = !matches!(end.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Timeout));
    if !in_time {
        let _ = child.kill();
    }
    let _ = child.wait();
    in_time
}

/// A line without what differs from run to run: times, ports, line numbers, percentages, thread ids.
pub fn masked(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line.trim_end();
    while !rest.is_empty() {
        let digits =
            rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let starts_a_number = rest.starts_with(|letter: char| letter.is_ascii_digit())
            && !masked.ends_with(char::is_alphabetic);
        if starts_a_number {
            let number = rest[..digits].trim_end_matches('.');
            let behind = &rest[number.len()..];
            let skip = mask(&mut masked, number, behind);
            rest = &behind[skip..];
        } else {
            let letter = rest.chars().next().expect("it is not empty");
            masked.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    masked
}

/// Appends a number or its mask to `masked`, and says how much of what stands behind it is masked too.
fn mask(masked: &mut String, number: &str, behind: &str) -> usize {
    let unit = ["ns", "us", "\u{b5}s", "ms", "s", "%"].iter().find_map(|unit| {
        let space = usize::from(behind.starts_with(' '));
        let rest = behind[space..].strip_prefix(unit)?;
        (!rest.starts_with(|letter: char| letter.is_alphanumeric())).then_some(space + unit.len())
    });
    if let Some(length) = unit {
        // A column of times moves with their width.
        let text = masked.trim_end_matches(' ').len();
        if masked.len() > text {
            masked.truncate(text + 1);
        }
        masked.push_str(if behind[..length].ends_with('%') { "#%" } else { "#s" });
        return length;
    }
    let id = ["ThreadId(", ".rs:", "127.0.0.1:"].iter().any(|sign| masked.ends_with(sign));
    let column = masked.ends_with(".rs:#:");
    let thread = masked.ends_with("' (") && masked.contains("thread '");
    let others = behind.starts_with(" filtered out");
    masked.push_str(if id || column || thread || others { "#" } else { number });
    0
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn what_differs_is_masked() {
        for (line, expected) in [
            ("took 12.5ms and 3 s", "took #s and #s"),
            ("a     900ns | b", "a #s | b"),
            ("a   1.25us | b", "a #s | b"),
            ("listening on http://127.0.0.1:43123", "listening on http://127.0.0.1:#"),
            (
                "thread 'main' (4711) panicked at src/lib.rs:10:5:",
                "thread 'main' (#) panicked at src/lib.rs:#:#:",
            ),
            ("task 3 spawned at src/main.rs:12", "task 3 spawned at src/main.rs:#"),
            ("12 % or 7.5%", "#% or #%"),
            ("ThreadId(17)", "ThreadId(#)"),
            (
                "ok. 1 passed; 9 filtered out; finished in 0.01s",
                "ok. 1 passed; # filtered out; finished in #s",
            ),
            ("10 systems, 2 servers, HTTP/1.1, v2s", "10 systems, 2 servers, HTTP/1.1, v2s"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }

    #[test]
    fn what_does_not_differ_is_kept() {
        assert_ne!(masked("task 3 polled (2)"), masked("task 3 polled (3)"));
        assert_ne!(masked("1.5 KB"), masked("2.5 KB"));
    }

    #[test]
    fn commands_are_understood() {
        let call = Call::parse("cargo test --test ready wakes -- --nocapture").expect("a test");
        assert_eq!((call.target, call.name.as_str()), (Target::Test, "ready"));
        assert_eq!(call.arguments, ["wakes", "--nocapture"]);
        let call = Call::parse("cargo run --example ch01 -- --demo").expect("an example");
        assert_eq!((call.target, call.name.as_str(), call.arguments.len()), (Target::Example, "ch01", 1));
        assert!(Call::parse("cargo run --exmaple ch01").is_err());
        assert!(Call::parse("make").is_err());
    }
}
