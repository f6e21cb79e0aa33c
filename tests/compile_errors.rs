//! A handler of the wrong type is answered by the compiler in words that say what a handler is.
//!
//! The test writes a small crate that uses this one wrongly, and reads what `cargo check` says. Where cargo cannot run
//! (no network is used), it says so and passes.

use std::fs;
use std::path::Path;
use std::process::Command;

const WRONG: &str = r#"
use glassbox::http::{Request, Router};
async fn takes_a_string(_: String) -> &'static str { "x" }
async fn returns_a_number(_: Request) -> f64 { 1.0 }
fn main() {
    let _ = Router::new().get("/", returns_a_number);
    let _ = Router::new().get("/", takes_a_string);
    let _ = Router::new().get("/", 5);
}
"#;

/// Checks the crate and returns what the compiler wrote, or why it could not be asked.
fn check(folder: &Path) -> Result<String, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        "[package]\nname = \"wrong\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\nglassbox = {{ path = \"{}\" }}\n[workspace]\n",
        own.display()
    );
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(folder.join("src/main.rs"), WRONG).expect("a program");
    fs::copy(own.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--offline", "--color", "never"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if text.contains("could not compile `wrong`") { Ok(text) } else { Err(text) }
}

/// Each mistake is named: what was returned, what was taken, what is no handler at all; and what a handler is.
#[test]
fn wrong_handlers_are_explained() {
    let text = match check(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong")) {
        Ok(text) => text,
        Err(why) => return println!("skipped: cargo check does not get as far as the crate here: {why}"),
    };
    for expected in [
        "`f64` is not something to answer with",
        "a handler cannot return this",
        "return a `Response`, a `&'static str`",
        "expected function signature `fn((glassbox::http::Request,)) -> _`",
        "`{integer}` is not a handler",
        "a handler is an `async fn(Request) -> T` or an async closure",
    ] {
        assert!(text.contains(expected), "the compiler does not say {expected:?}:\n{text}");
    }
}
