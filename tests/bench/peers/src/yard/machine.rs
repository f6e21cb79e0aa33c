//! Where it was measured, and with which versions. No names of hosts or people: a report is for strangers.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

/// The crates whose versions matter, as locked.
const CRATES: [&str; 8] = ["hyper", "tokio", "axum", "actix-web", "ntex", "mio", "httparse", "rustix"];

/// Lines such as `processor: ...`.
#[must_use]
pub fn describe() -> Vec<(String, String)> {
    let mut lines = vec![
        ("date".to_owned(), date()),
        ("processor".to_owned(), processor()),
        ("kernel".to_owned(), read("/proc/sys/kernel/osrelease")),
        (
            "load average at the end".to_owned(),
            read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        ),
        ("compiler".to_owned(), first_line("rustc", &["--version"])),
        (
            "glassbox".to_owned(),
            format!("commit {}", first_line("git", &["describe", "--always", "--dirty", "--exclude=*"])),
        ),
        ("crates".to_owned(), crates(include_str!("../../Cargo.lock"))),
    ];
    for (program, flag) in [("nginx", "-v"), ("wrk", "-v"), ("strace", "-V"), ("valgrind", "--version")] {
        let text = first_line(program, &[flag]);
        let text = text.split(" Copyright").next().unwrap_or_default();
        lines.push((
            program.to_owned(),
            if text.is_empty() { "not here".to_owned() } else { text.to_owned() },
        ));
    }
    lines
}

fn date() -> String {
    let text = httpdate::fmt_http_date(SystemTime::now());
    // "Mon, 23 Nov 2026 00:00:00 GMT": the day is enough.
    text.get(5..16).unwrap_or(&text).to_owned()
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim())
    };
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    let guest = if value("flags").split(' ').any(|flag| flag == "hypervisor") { ", virtual" } else { "" };
    format!(
        "{} (family {}, model {}), {cores} cores{guest}",
        value("model name"),
        value("cpu family"),
        value("model\t")
    )
}

fn crates(lock: &str) -> String {
    let version = |name: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        rest.split('"').next().map(|version| format!("{name} {version}"))
    };
    CRATES.iter().filter_map(|name| version(name)).collect::<Vec<_>>().join(", ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The first line that a program prints, wherever it prints it.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else { return String::new() };
    let bytes = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.lines().next().unwrap_or_default().trim().to_owned()
}
