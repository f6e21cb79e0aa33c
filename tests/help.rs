//! The help tells the truth: each limit has a flag, and the default that stands behind it is the one that counts.

use std::process::Command;
use std::time::Duration;

use glassbox::http::Limits;

/// What stands in the brackets at the end of a flag's line.
fn default_of(help: &str, flag: &str) -> String {
    let line = help.lines().find(|line| line.trim_start().starts_with(&format!("--{flag} ")));
    let line = line.unwrap_or_else(|| panic!("no --{flag} in the help"));
    let value = line.rsplit_once(" [").and_then(|(_, rest)| rest.strip_suffix(']'));
    value.unwrap_or_else(|| panic!("no default in {line:?}")).to_owned()
}

/// Every field of `Limits` is named here, so that a new one without a flag does not compile.
#[test]
fn the_defaults_in_the_help_are_the_defaults() {
    let output = Command::new(env!("CARGO_BIN_EXE_glassbox")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let Limits {
        head,
        headers,
        target,
        body,
        collected,
        chunk_extensions,
        trailers,
        drain,
        head_timeout,
        body_timeout,
        write_timeout,
        min_rate,
        idle_timeout,
        handler_timeout,
        connections,
        requests_per_connection,
    } = Limits::default();
    let seconds = |time: Duration| time.as_secs_f64().to_string();
    for (flag, default) in [
        ("max-head", head.to_string()),
        ("max-headers", headers.to_string()),
        ("max-target", target.to_string()),
        ("max-body", body.to_string()),
        ("max-collected", collected.to_string()),
        ("max-extensions", chunk_extensions.to_string()),
        ("max-trailers", trailers.to_string()),
        ("drain", drain.to_string()),
        ("head-timeout", seconds(head_timeout)),
        ("body-timeout", seconds(body_timeout)),
        ("write-timeout", seconds(write_timeout)),
        ("min-rate", min_rate.to_string()),
        ("idle-timeout", seconds(idle_timeout)),
        ("handler-timeout", seconds(handler_timeout)),
        ("max-connections", connections.to_string()),
        ("max-requests", requests_per_connection.to_string()),
    ] {
        assert_eq!(default_of(&help, flag), default, "--{flag}");
    }
}
