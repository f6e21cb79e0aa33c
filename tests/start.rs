//! How the server starts, and what happens when a part of it cannot.

use std::process::Command;

/// With too few descriptors for all its workers, the process says so and ends with 1. It does not go on with those that
/// could start.
#[test]
fn a_worker_that_cannot_start_ends_the_process() {
    let glassbox = env!("CARGO_BIN_EXE_glassbox");
    let script = format!("ulimit -n 40 && exec '{glassbox}' --workers 50 --listen 127.0.0.1:0");
    let output = Command::new("sh").args(["-c", &script]).output().expect("it runs");
    let errors = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.lines().any(|line| line.starts_with("glassbox: cannot ")), "{errors}");
    assert!(errors.contains("(hint: "), "{errors}");
}
