//! Jumps of the wall clock, as when somebody sets the time, or a machine that slept asks a time server.
//!
//! The problem: only root can move the real one, and would move everybody's. So libfaketime stands between the server
//! and the C library's clock and adds what a file says. The monotonic clock stays as it is, as it does in a real jump.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::super::common::server::{Client, Server};
use super::super::{alone, get};

const DAY: i64 = 86_400;

/// Where libfaketime is, if it is installed. Not the one for several threads: one is all that one worker has.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.exists())
}

/// What the server's wall clock is ahead of ours.
struct WallClock {
    file: PathBuf,
}

impl WallClock {
    fn new() -> WallClock {
        let clock = WallClock {
            file: std::env::temp_dir().join(format!("glassbox-wall-clock-{}", std::process::id())),
        };
        clock.jump(0);
        clock
    }

    /// Written aside and moved into its place: nobody reads half of it.
    fn jump(&self, seconds: i64) {
        let aside = self.file.with_extension("new");
        fs::write(&aside, format!("{seconds:+}")).expect("a file");
        fs::rename(&aside, &self.file).expect("in its place");
    }
}

impl Drop for WallClock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// The weekday that a `Date` has when the clock is so many seconds ahead.
fn weekday(ahead: i64) -> &'static str {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970 began on a Thursday.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time behind 1970");
    let seconds = since.as_secs().cast_signed() + ahead;
    DAYS[usize::try_from(seconds / DAY % 7).expect("a weekday")]
}

/// Asks until `Date` has the day that it should have. The server looks at the wall clock once a second.
fn follows(client: &mut Client, ahead: i64) -> bool {
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(10) {
        get(client, "/healthz");
        let answer = client.answer();
        assert_eq!(answer.status, 200);
        if answer.header("date").is_some_and(|date| date.starts_with(weekday(ahead))) {
            return true;
        }
    }
    false
}

/// The wall clock jumps a day ahead, then to a day behind. `Date` follows. Nothing else notices: no half request is cut,
/// no sleep ends early or never.
#[test]
fn the_wall_clock_jumps() {
    let Some(library) = library() else {
        return println!("skipped: libfaketime is not installed (apt-get install faketime)");
    };
    let _alone = alone();
    let clock = WallClock::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
    command.args(["--listen", "127.0.0.1:0"]).env("LD_PRELOAD", library);
    command.env("FAKETIME_TIMESTAMP_FILE", &clock.file).env("FAKETIME_NO_CACHE", "1");
    // Its name before and since version 0.9.9.
    command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let server = Server::start_command(command);
    let mut client = server.connect();
    assert!(follows(&mut client, 0), "the clock has not jumped yet");
    for ahead in [DAY, -DAY] {
        let (mut half, mut sleeper) = (server.connect(), server.connect());
        half.send(b"GET / HT");
        let began = Instant::now();
        get(&mut sleeper, "/sleep/300");
        assert_eq!(server.get("/healthz").status, 200, "what was sent before is in the server's hands");
        clock.jump(ahead);
        assert!(follows(&mut client, ahead), "Date does not follow a jump by {ahead} seconds");
        half.send(b"TP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(half.answer().status, 200, "ten seconds for a head have not passed");
        assert_eq!(sleeper.answer().status, 200);
        assert!(began.elapsed() >= Duration::from_millis(300), "a sleep ended early");
    }
}
