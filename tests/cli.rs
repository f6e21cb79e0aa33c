//! The command line: help that fits a screen, errors that say what to do, the environment.

use std::net::TcpListener;
use std::process::{Command, Output};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command.args(arguments).envs(environment.iter().copied()).output().expect("it runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn help() -> String {
    let output = run(&["--help"], &[]);
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

/// The names of all flags with a value, from the help.
fn flags() -> Vec<String> {
    let flag = |line: &str| {
        let mut words = line.trim().strip_prefix("--")?.split(' ');
        let name = words.next()?.to_owned();
        words.next().filter(|value| !value.is_empty() && value.chars().all(char::is_uppercase))?;
        Some(name)
    };
    help().lines().filter_map(flag).collect()
}

/// The help is one screen.
#[test]
fn help_fits_a_screen() {
    let help = help();
    assert!(help.lines().count() <= 40, "{} lines", help.lines().count());
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(flags().len() >= 20, "{:?}", flags());
}

/// Every flag complains about nonsense with a hint and exit code 2, on the command line and in the environment.
#[test]
fn every_flag_says_what_it_wants() {
    // Any text is the name of a file or folder.
    for flag in flags().iter().filter(|flag| !["files", "trace-file"].contains(&flag.as_str())) {
        let variable = format!("GLASSBOX_{}", flag.to_uppercase().replace('-', "_"));
        for (output, name) in [
            (run(&[&format!("--{flag}"), "nonsense"], &[]), format!("--{flag}")),
            (run(&[], &[(&variable, "-1")]), variable.clone()),
            (run(&[&format!("--{flag}"), "0"], &[(&variable, "")]), variable.clone()),
        ] {
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{flag}: {text}");
            assert!(
                text.contains(&format!("{name} cannot be")) && text.contains("(hint: give"),
                "{flag}: {text}"
            );
        }
    }
}

/// A misspelt flag is answered with the one that was meant; what is no flag, with the way to the help.
#[test]
fn mistakes_are_answered_with_a_hint() {
    for (argument, expected) in [
        ("--workrs", "unknown flag --workrs (hint: did you mean --workers?)"),
        ("--max-conections", "did you mean --max-connections?"),
        ("--zzzzzzzz", "unknown flag --zzzzzzzz (hint: glassbox --help lists all)"),
        ("-x", "unknown flag -x (hint: glassbox --help)"),
        ("8080", "unexpected 8080 (hint: flags begin with --; glassbox --help)"),
        ("--listen", "(hint: glassbox --help)"),
    ] {
        let output = run(&[argument], &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "{argument}: {}", stderr(&output));
    }
    // Two flags that do not go together.
    let output = run(&["--step", "--workers", "2"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("(hint: leave out --workers)"), "{}", stderr(&output));
}

/// A variable that begins like ours may be somebody else's: a warning, no reason not to start. A file that cannot be
/// written then ends this run.
#[test]
fn an_unknown_variable_is_a_warning() {
    let output = run(&["--trace-file", "/nonexistent/trace.json"], &[("GLASSBOX_WORKRS", "1")]);
    let text = stderr(&output);
    assert!(text.contains("unknown variable GLASSBOX_WORKRS (hint: did you mean --workers?)"), "{text}");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

/// A folder that is not there is told at the start, not by a 404 an hour later.
#[test]
fn a_folder_that_cannot_be_served() {
    let output = run(&["--files", "/nonexistent"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/nonexistent is no folder (hint: "), "{}", stderr(&output));
}

/// A trace file is opened before the server starts: nobody is told after an hour that it could not be written.
#[test]
fn a_trace_file_that_cannot_be_written() {
    let output = run(&["--trace-file", "/nonexistent/trace.json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("cannot create /nonexistent/trace.json") && text.contains("(hint: "), "{text}");
}

/// A port that is taken, and an address that is not ours: exit code 1, and what to do.
#[test]
fn an_address_that_cannot_be_had() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (address, hint) in
        [(address.as_str(), "another program has the port"), ("192.0.2.1:1", "does not have that address")]
    {
        let output = run(&["--listen", address], &[]);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert!(text.contains(&format!("cannot listen on {address}")) && text.contains(hint), "{text}");
    }
}

/// The command line goes before the environment: the taken port is in the one, a bad flag never read in the other.
#[test]
fn the_command_line_goes_first() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = run(&["--listen", &address], &[("GLASSBOX_LISTEN", "127.0.0.1:1"), ("GLASSBOX_TRACE", "0")]);
    assert!(stderr(&output).contains(&format!("cannot listen on {address}")), "{}", stderr(&output));
}

/// `--version` names the version of the package.
#[test]
fn version() {
    let output = run(&["--version"], &[]);
    assert_eq!(
        String::from_utf8(output.stdout).expect("text"),
        format!("glassbox {}\n", env!("CARGO_PKG_VERSION"))
    );
}
