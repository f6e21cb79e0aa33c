//! The wall clock jumps: somebody sets it, or it was wrong since the machine started.
//!
//! Only root can set it, for the whole machine. libfaketime (`apt-get install faketime`) sets it for one process: it
//! stands between the server and the system, and adds what a file says. Where it is not installed, this is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::super::common::bystander::undisturbed;
use super::super::common::server::{Client, Server};
use super::super::{alone, binary, get, healthy, let_pass};

#[path = "../conformance/date.rs"]
mod date;

const DAY: i64 = 24 * 60 * 60;

/// Where Debian and others put it.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let folders = folders.chain(["/usr/lib".into(), "/usr/local/lib".into()]);
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file())
}

/// Tells the process that reads this file how many seconds its wall clock is off. Never half a number.
fn set(file: &Path, seconds: i64) {
    let fresh = file.with_extension("new");
    fs::write(&fresh, format!("{seconds:+}")).expect("a writable folder");
    fs::rename(fresh, file).expect("it can be moved");
}

fn start(library: &Path, file: &Path) -> Server {
    set(file, 0);
    let mut command = binary();
    command.args(["--head-timeout", "2"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", file);
    // Read the file at each look at the clock, and leave the monotonic clock alone.
    command.env("FAKETIME_NO_CACHE", "1");
    // Its name before and since version 0.9.9.
    command.env("DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Server::start_command(command)
}

/// How far the server's Date is from the real one. A date before 1970 cannot be told: then it says 1970.
fn offset(client: &mut Client, wanted: i64) -> i64 {
    get(client, "/hello/you");
    let answer = client.answer();
    let told = date::imf_fixdate(answer.header("date").expect("a date")).expect("an IMF-fixdate");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("behind 1970").as_secs();
    let (told, now) = (i64::try_from(told).expect("small"), i64::try_from(now).expect("small"));
    if now + wanted < 0 && told == 0 { wanted } else { told - now }
}

/// Half a head and a sleep are under way when the clock jumps. Neither ends early, neither is forgotten; and the date
/// follows.
fn jump(server: &Server, file: &Path, seconds: i64) {
    let (mut half, mut sleeper, mut asker) = (server.connect(), server.connect(), server.connect());
    assert!(healthy(&mut half) && healthy(&mut asker));
    let began = Instant::now();
    half.send(b"GET / HT");
    get(&mut sleeper, "/sleep/2500");
    let _ = server.get("/healthz"); // What was sent before this is in the server's hands.
    set(file, seconds);
    let is_right = |asker: &mut Client| (offset(asker, seconds) - seconds).abs() <= 1;
    let follows = (0..20).any(|_| {
        let_pass(server, 100);
        is_right(&mut asker)
    });
    let off = offset(&mut asker, seconds);
    assert!(follows, "two seconds behind the jump the date is {off} s from the real one, not {seconds}");
    assert_eq!(half.answer().status, 408);
    // Its two seconds count from the turn in which it was read, which may have begun before it was sent.
    assert!(began.elapsed() >= Duration::from_millis(1900), "a timeout came early: {:?}", began.elapsed());
    assert_eq!(sleeper.answer().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(2500), "a timer came early: {:?}", began.elapsed());
    assert!(is_right(&mut asker), "the date went back");
}

/// A day ahead, a year back, to before 1970, and home again. The answers' dates follow within two seconds; no timer is
/// early, none is late by more than a client's patience, and a bystander notices nothing.
#[test]
fn the_wall_clock_jumps() {
    let Some(library) = library() else {
        println!("skipped: libfaketime is not installed (hint: apt-get install faketime)");
        return;
    };
    let _alone = alone();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wall-clock-{}", std::process::id()));
    undisturbed(
        "jumps of the wall clock",
        || start(&library, &file),
        |server| {
            for seconds in [DAY, -365 * DAY, -60 * 365 * DAY, 0] {
                jump(server, &file, seconds);
            }
        },
    );
    fs::remove_file(file).expect("it is ours");
}
