//! What cargo builds: where the programs of a target are.
//!
//! A test can name the package's binary, but not its examples; and `cargo test --test NAME` alone does not build them.
//! So cargo is asked once more. After a whole `cargo test` everything is there already, and the outer cargo has let go of
//! its lock before it ran us: then the answer comes in a moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs: (kind, name, as a test) and where they are.
#[derive(Default)]
pub struct Built(BTreeMap<(String, String, bool), PathBuf>);

impl Built {
    /// Runs `cargo` with these arguments, for the profile and the folder that we come from ourselves.
    pub fn build(&mut self, arguments: &[&str]) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(arguments).args(["--offline", "--message-format", "json"]);
        // target/debug/deps/walkthrough-....
        let own = std::env::current_exe().expect("we are a file");
        let profile = own.parent().and_then(|deps| deps.parent()).expect("deps is in a profile's folder");
        command.arg("--target-dir").arg(profile.parent().expect("and that in target"));
        if profile.ends_with("release") {
            command.arg("--release");
        }
        let output = command.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).expect("JSON is UTF-8").lines() {
            let message: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let Some(file) = message["executable"].as_str() else { continue };
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let target = &message["target"];
            let is_test = message["profile"]["test"] == true;
            self.0.insert((text(&target["kind"][0]), text(&target["name"]), is_test), file.into());
        }
    }

    /// Where a program is.
    pub fn file(&self, kind: &str, name: &str, is_test: bool) -> Result<&Path, String> {
        let key = (kind.to_owned(), name.to_owned(), is_test);
        let file = self.0.get(&key).ok_or_else(|| format!("there is no {kind} {name} (hint: Cargo.toml)"))?;
        Ok(file)
    }
}
