//! Drop is cancel: every future of the library is dropped after every number of polls, and nothing is lost with it.
//!
//! Each entry of the table is one situation. It is played again and again: the future is polled k times, while what it
//! waits for happens in between, and then dropped; for k = 0, 1, 2, ... until it completes. After each time
//!
//! 1. nothing is left: no task, no timer, no source, and nobody holds a waker;
//! 2. nothing is lost: the byte, the permit, the value, the connection, the notification is there for the next one.
//!
//! The last tests compare the table with the source: a future that is not in it is a failure.

mod common;

mod cancellation {
    pub mod knife;
    pub mod machine;
    pub mod sync;
    pub mod net;
    pub mod http;
    pub mod server;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cancellation::{http, machine, net, server, sync};

/// No situation needs more polls than this.
const MOST_POLLS: usize = 400;

/// Makes a test of each situation, and the list of what they cover.
macro_rules! situations {
    ($($name:ident: $play:path, [$($covers:literal),*];)*) => {
        $(#[test]
        fn $name() {
            play(stringify!($name), $play);
        })*

        /// What each situation is about: `file: Type` for a future that is written by hand, `file: name()` for an
        /// async function.
        const COVERED: &[&str] = &[$($($covers,)*)*];
    };
}

situations! {
    sleep: machine::sleep, ["runtime/timer.rs: Sleep"];
    timeout: machine::timeout, ["runtime/timer.rs: Timeout", "runtime/timer.rs: timeout()", "runtime/mod.rs: timeout()"];
    join_handle: machine::join_handle, ["runtime/join.rs: JoinHandle"];
    aborted_task: machine::aborted_task, ["runtime/join.rs: Spawned"];
    blocking: machine::blocking, ["runtime/blocking.rs: Blocking"];
    signal: machine::signal, ["signal.rs: Recv"];
    yield_now: machine::yields, ["future.rs: YieldNow"];
    join: machine::joined, ["future.rs: Join", "future.rs: join()"];
    race: machine::raced, ["future.rs: Race", "future.rs: race()"];
    notified_by_one: sync::notified_by_one, ["sync/notify.rs: Notified"];
    notified_by_all: sync::notified_by_all, [];
    acquire: sync::acquire, ["sync/semaphore.rs: Acquire"];
    send: sync::send, ["sync/channel.rs: Send"];
    send_to_nobody: sync::send_to_nobody, [];
    recv: sync::recv, ["sync/channel.rs: Recv"];
    raised: sync::raised, ["sync/flag.rs: Raised"];
    accept: net::accept, ["net.rs: Accept"];
    connect: net::connect, ["net.rs: Connect", "net.rs: connect()"];
    connect_in_vain: net::connect_in_vain, [];
    read: net::read, ["net.rs: Read"];
    write: net::write, ["net.rs: Write"];
    write_all: net::write_all, ["net.rs: write_all()"];
    next_chunk: http::next_chunk, ["http/body.rs: NextChunk"];
    collect: http::collect, ["http/body.rs: collect()"];
    chunks_in_a_handler: http::chunks_in_a_handler, [];
    connection_head: http::head, ["http/connection.rs: Serve"];
    connection_answer: http::answer, ["http/guest.rs: Answer", "http/middleware.rs: run()", "http/layers.rs: request_id()"];
    connection_stream: http::stream, ["http/guest.rs: NextPiece", "http/connection.rs: SendPiece"];
    connection_file: http::file, [];
    connection_events: http::events, [];
    connection_text: http::text, ["http/request.rs: text()", "http/request.rs: bytes()", "http/request.rs: form()"];
    connection_drain: http::drain, ["http/connection.rs: Drain"];
    connection_linger: http::linger, [];
    server: server::server, ["http/server.rs: run()", "http/server.rs: serve()"];
    stopping_server: server::stopping, [];
}

/// Plays a situation with every number of polls, up to the first that is enough.
fn play(name: &str, situation: fn(usize) -> bool) {
    let enough = (0..MOST_POLLS).find(|polls| situation(*polls));
    let enough = enough.unwrap_or_else(|| panic!("{name} is not over after {MOST_POLLS} polls"));
    assert!(enough > 0, "{name}: a future that was never polled is not over");
    println!("{name}: dropped after 0 to {} polls, complete after {enough}", enough - 1);
}

/// All source files of the library with their text, as paths below `src`.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|own| own == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            found.push((path.strip_prefix("src").expect("below src").to_owned(), text));
        }
    }
}

/// The futures that a file defines.
fn futures_in(text: &str) -> Vec<String> {
    let name = |rest: &str| {
        rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().map(str::to_owned)
    };
    let by_hand = text.lines().filter(|line| line.starts_with("impl"));
    let by_hand = by_hand.filter_map(|line| name(line.split_once(" Future for ")?.1));
    let functions = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("pub async fn "));
    by_hand.chain(functions.filter_map(name).map(|name| name + "()")).collect()
}

/// Every future in the source is in the table, and nothing else. (Not those of the demo: its zoo is wrong on purpose.)
#[test]
fn the_table_is_complete() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let defined: BTreeSet<String> = files
        .iter()
        .filter(|(path, _)| !path.starts_with("demo"))
        .flat_map(|(path, text)| {
            futures_in(text).into_iter().map(|name| format!("{}: {name}", path.display()))
        })
        .collect();
    let covered: BTreeSet<String> = COVERED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(covered.len(), COVERED.len(), "a future is in the table twice");
    let missing: Vec<_> = defined.difference(&covered).collect();
    let gone: Vec<_> = covered.difference(&defined).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in the table: {missing:?}; not in the source: {gone:?}"
    );
    println!("{} futures, all of them in the table", defined.len());
}

/// The search finds what it looks for.
#[test]
fn futures_are_found() {
    let text = "impl<'a, T: Transport> Future for Send<'a, T> {\nimpl TaskFuture for X {\n    pub async fn run(self) {\n";
    assert_eq!(futures_in(text), ["Send", "run()"]);
}
