//! The workshop: a copy of the crate in which bugs may be put, built and watched.
//!
//! ```text
//!   crate ---- sync ----> target/museum/crate ---- cargo test --no-run ----> a test's program ---- run, at most N s
//!                         (only what differs is written, so that little is built again)
//! ```
//!
//! Your own files are read and never written. One visitor at a time: a second one waits at the door.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::exhibit::{Exhibit, Test};

/// What the copy consists of.
const PARTS: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "README.md", "CONCEPTS.md", "src", "tests", "walkthrough"];

/// A copy of the crate, and a folder for what is built from it.
pub struct Workshop {
    /// The crate itself.
    root: PathBuf,
    copy: PathBuf,
    target: PathBuf,
    /// Removed at the end.
    door: PathBuf,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Passed,
    Failed,
    /// It was still running when its time was over.
    Stopped,
}

impl Workshop {
    /// Enters the workshop below `folder` and brings the copy up to date.
    pub fn enter(root: &Path, folder: &Path) -> Result<Workshop, String> {
        let (copy, target) = (folder.join("crate"), folder.join("target"));
        fs::create_dir_all(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
        let door = folder.join("visitor");
        close_door(&door)?;
        let workshop = Workshop { root: root.to_owned(), copy, target, door };
        workshop.restore()?;
        Ok(workshop)
    }

    /// Makes the copy equal to the crate.
    pub fn restore(&self) -> Result<(), String> {
        PARTS.iter().try_for_each(|part| {
            let (from, to) = (self.root.join(part), self.copy.join(part));
            sync(&from, &to).map_err(|error| format!("cannot copy {part}: {error}"))
        })
    }

    /// Puts the bug into the copy.
    pub fn break_it(&self, exhibit: &Exhibit) -> Result<(), String> {
        for (path, text) in exhibit.apply(&self.root)? {
            fs::write(self.copy.join(&path), text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Builds test files and returns their programs. What the compiler has to say is shown only if it fails: a broken
    /// crate is full of warnings about what it does not use any more.
    pub fn build(&self, targets: &BTreeSet<&str>) -> Result<Vec<(String, PathBuf)>, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["test", "--quiet", "--no-run", "--message-format=json-render-diagnostics"]);
        command.args(targets.iter().flat_map(|target| ["--test", target]));
        command.arg("--target-dir").arg(&self.target).current_dir(&self.copy);
        let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
        if !output.status.success() {
            return Err(format!("it does not compile:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(programs(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Runs one test for at most `limit` and gives each line of its output to `show`.
    pub fn run(
        &self,
        program: &Path,
        test: &Test,
        limit: Duration,
        mut show: impl FnMut(&str),
    ) -> Result<Seen, String> {
        let wrong = |error: io::Error| format!("cannot run {test}: {error}");
        // One pipe for both outputs keeps them in order.
        let (reader, writer) = io::pipe().map_err(wrong)?;
        let mut child = Command::new(program)
            .args([&test.name, "--exact", "--nocapture", "--test-threads=1"])
            .env("RUST_BACKTRACE", "0")
            .current_dir(&self.copy)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(wrong)?)
            .stderr(writer)
            .spawn()
            .map_err(wrong)?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(reader).lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        let (end, mut ran) = (Instant::now() + limit, false);
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    ran |= line == "running 1 test";
                    show(&line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().and_then(|()| child.wait()).map_err(wrong)?;
                    return Ok(Seen::Stopped);
                }
            }
        }
        let passed = child.wait().map_err(wrong)?.success();
        if !ran {
            return Err(format!("there is no test `{test}`"));
        }
        Ok(if passed { Seen::Passed } else { Seen::Failed })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.door);
    }
}

/// Waits until nobody else is in the workshop. A visitor that was killed has left its number at the door: if no
/// process has it any more (Linux tells), the door is opened.
fn close_door(door: &Path) -> Result<(), String> {
    loop {
        match File::create_new(door) {
            Ok(mut file) => {
                return write!(file, "{}", std::process::id()).map_err(|error| error.to_string());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", door.display())),
        }
        let visitor = fs::read_to_string(door).unwrap_or_default();
        if !visitor.is_empty()
            && Path::new("/proc/self").exists()
            && !Path::new("/proc").join(visitor).exists()
        {
            let _ = fs::remove_file(door);
        } else {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Makes `to` equal to `from`, a file or a folder. What is equal already keeps its date.
fn sync(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        let bytes = fs::read(from)?;
        return if fs::read(to).is_ok_and(|old| old == bytes) { Ok(()) } else { fs::write(to, bytes) };
    }
    fs::create_dir_all(to)?;
    let names = |folder: &Path| -> io::Result<BTreeSet<_>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    let wanted = names(from)?;
    for name in names(to)?.difference(&wanted) {
        let extra = to.join(name);
        if extra.is_dir() { fs::remove_dir_all(extra)? } else { fs::remove_file(extra)? }
    }
    wanted.iter().try_for_each(|name| sync(&from.join(name), &to.join(name)))
}

/// The tests' programs in cargo's messages: `.../deps/reactor-0f3a...` is that of `--test reactor`.
fn programs(messages: &str) -> Vec<(String, PathBuf)> {
    let path = |line: &str| Some(PathBuf::from(line.split_once("\"executable\":\"")?.1.split('"').next()?));
    let named = |path: PathBuf| {
        let stem = path.file_stem()?.to_str()?;
        Some((stem.rsplit_once('-')?.0.to_owned(), path.clone()))
    };
    messages.lines().filter_map(path).filter_map(named).collect()
}
