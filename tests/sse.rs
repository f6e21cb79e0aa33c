//! Server-sent events: what they look like, when they leave, and how a sender learns that nobody listens.

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::pipe::{Pipe, ServerEnd};
use glassbox::Runtime;
use glassbox::http::sse::{KEEP_ALIVE, ServerEvent, event_stream};
use glassbox::http::{Limits, Router, Server, serve_connection};
use glassbox::net::Transport;
use glassbox::sync::Sender;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server with one route, which opens a stream of events and leaves its sending end to the test.
struct Stage {
    runtime: Runtime,
    pipe: Pipe,
    sender: Rc<RefCell<Option<Sender<ServerEvent>>>>,
    /// Results of all sends, in order: whether the event was taken, or the text of the one that came back.
    results: Rc<RefCell<Vec<Result<(), String>>>>,
    broken: Rc<Break>,
}

impl Stage {
    /// The stream is open, and the head of the answer was read.
    fn open(capacity: usize) -> Stage {
        let stage = Stage::new(capacity);
        stage.pipe.client_send(GET.as_bytes());
        stage.runtime.run_until_stalled();
        let head = stage.pipe.client_text();
        assert!(head.ends_with("\r\n\r\n"), "a head and nothing else: {head}");
        stage
    }

    fn new(capacity: usize) -> Stage {
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let sender = Rc::new(RefCell::new(None));
        let (place, handle) = (sender.clone(), runtime.handle());
        let router = Router::new().get("/", async move |_| {
            let (sender, response) = event_stream(&handle, capacity);
            place.replace(Some(sender));
            response
        });
        let (pipe, broken) = (Pipe::new(), Rc::new(Break::default()));
        let transport = Breakable { inner: pipe.server_end(), broken: broken.clone() };
        let service = Server::new(router).into_service(runtime.handle());
        runtime.handle().spawn(serve_connection(service, transport, None)).detach();
        Stage { runtime, pipe, sender, results: Rc::default(), broken }
    }

    /// A task sends these events one after the other. Returns what the client has read when nothing moves any more.
    fn send(&self, events: Vec<ServerEvent>) -> String {
        let sender = self.sender.borrow().clone().expect("the stream is open");
        let results = self.results.clone();
        let task = async move {
            for event in events {
                let result = sender.send(event).await.map_err(|closed| closed.0.data);
                results.borrow_mut().push(result);
            }
        };
        self.runtime.handle().spawn(task).detach();
        self.runtime.run_until_stalled();
        self.pipe.client_text()
    }

    /// Sends one event and returns its text, after a look at the chunk around it.
    #[track_caller]
    fn encoded(&self, event: ServerEvent) -> String {
        let bytes = self.send(vec![event]);
        let (size, rest) = bytes.split_once("\r\n").expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a size in hex");
        assert_eq!(rest.get(size..), Some("\r\n"), "one event is one chunk: {bytes:?}");
        rest[..size].to_owned()
    }

    /// How many sends were taken so far.
    fn taken(&self) -> usize {
        self.results.borrow().iter().filter(|result| result.is_ok()).count()
    }
}

fn data(text: &str) -> ServerEvent {
    ServerEvent { data: text.to_owned(), ..ServerEvent::default() }
}

/// A transport whose client can vanish: from then on every read and write fails, as it does after a reset.
struct Breakable {
    inner: ServerEnd,
    broken: Rc<Break>,
}

#[derive(Default)]
struct Break {
    happened: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    writer: RefCell<Option<Waker>>,
}

impl Break {
    fn now(&self) {
        self.happened.set(true);
        for waiting in [&self.reader, &self.writer] {
            let waiting = waiting.take();
            if let Some(waiting) = waiting {
                waiting.wake();
            }
        }
    }
}

impl Transport for Breakable {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.broken.happened.get() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let read = self.inner.poll_read(cx, buffer);
        if read.is_pending() {
            self.broken.reader.replace(Some(cx.waker().clone()));
        }
        read
    }

    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.broken.happened.get() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = self.inner.poll_write(cx, parts);
        if written.is_pending() {
            self.broken.writer.replace(Some(cx.waker().clone()));
        }
        written
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_shutdown(cx)
    }
}

/// The answer says that it is a stream of events, that nobody may keep it, and that its length is unknown.
#[test]
fn the_head_announces_a_stream() {
    let stage = Stage::new(1);
    stage.pipe.client_send(GET.as_bytes());
    stage.runtime.run_until_stalled();
    let head = stage.pipe.client_text();
    for line in ["content-type: text/event-stream", "cache-control: no-store", "transfer-encoding: chunked"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    assert!(!head.contains("content-length"), "{head}");
}

/// Each line of the text is a `data:` line of its own, whichever of the three line ends stood behind it.
#[test]
fn lines_of_data() {
    let stage = Stage::open(1);
    for (text, expected) in [
        ("one", "data: one\n\n"),
        ("one\ntwo", "data: one\ndata: two\n\n"),
        ("one\r\ntwo\rthree", "data: one\ndata: two\ndata: three\n\n"),
        ("a\n\nb", "data: a\ndata: \ndata: b\n\n"),
        ("end\n", "data: end\ndata: \n\n"),
        ("", "data: \n\n"),
        (" indented", "data:  indented\n\n"),
        ("id: 7", "data: id: 7\n\n"),
        ("\u{e9}\u{2028}x", "data: \u{e9}\u{2028}x\n\n"),
    ] {
        assert_eq!(stage.encoded(data(text)), expected, "{text:?}");
    }
}

/// A name and an id stand on lines of their own. Line ends in them are left out: they cannot add a field.
#[test]
fn names_and_ids_stay_on_one_line() {
    let stage = Stage::open(1);
    for (name, id, expected) in [
        ("tick", "7", "event: tick\nid: 7\ndata: x\n\n"),
        ("tick", "", "event: tick\ndata: x\n\n"),
        ("", "7", "id: 7\ndata: x\n\n"),
        ("a\ndata: b", "1\r\n\r\ndata: c", "event: adata: b\nid: 1data: c\ndata: x\n\n"),
        ("\r\n", "\0", "event: \nid: \ndata: x\n\n"),
    ] {
        let event = ServerEvent { data: "x".into(), name: name.into(), id: id.into() };
        assert_eq!(stage.encoded(event), expected, "{name:?} {id:?}");
    }
}

/// Nothing is held back to be sent together: each event is with the client before the clock moves on.
#[test]
fn events_leave_as_they_are_sent() {
    let stage = Stage::open(1);
    let sender = stage.sender.take().expect("the stream is open");
    let clock = stage.runtime.handle();
    let ticks = async move {
        for text in ["a", "b"] {
            sender.send(data(text)).await.expect("somebody listens");
            clock.sleep(Duration::from_secs(1)).await;
        }
    };
    stage.runtime.handle().spawn(ticks).detach();
    let second = |passed: u64| {
        stage.runtime.advance(Duration::from_secs(passed));
        stage.runtime.run_until_stalled();
        stage.pipe.client_text()
    };
    assert_eq!(second(0), "9\r\ndata: a\n\n\r\n");
    assert_eq!(second(1), "9\r\ndata: b\n\n\r\n");
    assert_eq!(second(1), "0\r\n\r\n", "the last sender is gone: the stream is over");
    stage.pipe.client_send(GET.as_bytes());
    stage.runtime.run_until_stalled();
    assert!(stage.pipe.client_text().starts_with("HTTP/1.1 200 OK\r\n"), "and the connection goes on");
}

/// A stream without events is no idle connection: an hour of silence does not end it. Every so often a comment says
/// that the server is still there.
#[test]
fn silence_is_filled_with_comments() {
    let stage = Stage::open(1);
    assert!(Limits::default().idle_timeout < Duration::from_secs(3600));
    let almost = KEEP_ALIVE.saturating_sub(Duration::from_millis(1));
    for _ in 0..240 {
        stage.runtime.advance(almost);
        stage.runtime.run_until_stalled();
        assert_eq!(stage.pipe.client_text(), "");
        stage.runtime.advance(Duration::from_millis(1));
        stage.runtime.run_until_stalled();
        assert_eq!(stage.pipe.client_text(), "3\r\n:\n\n\r\n", "one comment, one chunk");
    }
    assert_eq!(stage.encoded(data("still here")), "data: still here\n\n");
}

/// Each event pushes the comment back: a stream that is in use has none.
#[test]
fn an_event_is_as_good_as_a_comment() {
    let stage = Stage::open(1);
    for _ in 0..10 {
        stage.runtime.advance(KEEP_ALIVE.saturating_sub(Duration::from_secs(1)));
        stage.runtime.run_until_stalled();
        assert_eq!(stage.encoded(data("x")), "data: x\n\n");
    }
}

/// A client that closes while nothing is sent is noticed at once, not when the next event fails: the body goes, and a
/// task that would have sent something next week learns of it when it tries.
#[test]
fn a_client_that_closes_in_silence_is_noticed() {
    for reset in [false, true] {
        let stage = Stage::open(1);
        stage.send(vec![data("one")]);
        if reset {
            stage.broken.now();
        } else {
            stage.pipe.client_end();
        }
        stage.runtime.run_until_stalled();
        assert!(stage.pipe.is_closed());
        assert_eq!(stage.runtime.tasks(), [], "no time has passed, and nobody is left");
        assert_eq!(stage.runtime.timers(), []);
        stage.send(vec![data("two")]);
        assert_eq!(*stage.results.borrow(), [Ok(()), Err("two".to_owned())]);
    }
}

/// A client that has closed its side ends the stream, but not before the answers in front of it have left. They were
/// lost with it when they still waited for room.
#[test]
fn an_answer_was_lost_with_the_stream_behind_it() {
    let stage = Stage::new(1);
    stage.pipe.set_room(10);
    stage.pipe.client_send(format!("GET /missing HTTP/1.1\r\nHost: a\r\n\r\n{GET}").as_bytes());
    stage.pipe.client_end();
    let mut text = String::new();
    while !stage.pipe.is_closed() {
        stage.runtime.run_until_stalled();
        text += &stage.pipe.client_text();
    }
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    assert!(text.contains("HTTP/1.1 200") && text.ends_with("\r\n\r\n"), "both heads are whole: {text}");
    assert_eq!((stage.runtime.tasks(), stage.runtime.timers()), (vec![], vec![]));
}

/// A client whose machine has died says nothing at all. The comments fill the way to it, and then the write timeout
/// counts.
#[test]
fn a_client_that_has_died_is_noticed() {
    let stage = Stage::open(1);
    stage.pipe.set_room(0);
    stage.runtime.advance(KEEP_ALIVE);
    stage.runtime.run_until_stalled();
    assert!(!stage.pipe.is_closed());
    stage.runtime.advance(Limits::default().write_timeout);
    stage.runtime.run_until_stalled();
    assert!(stage.pipe.is_closed());
    stage.send(vec![data("late")]);
    assert_eq!(*stage.results.borrow(), [Err("late".to_owned())]);
}

/// A client that does not read holds the sender back: one event is on its way, `capacity` wait, and no more are
/// taken. Each event that the client reads lets one more in, and none is lost.
#[test]
fn a_slow_client_holds_the_sender_back() {
    const CAPACITY: usize = 3;
    let stage = Stage::open(CAPACITY);
    let event = "9\r\ndata: 0\n\n\r\n";
    stage.pipe.set_room(1);
    let mut read = stage.send((0..10).map(|number| data(&number.to_string())).collect());
    assert_eq!(stage.taken(), 1 + CAPACITY, "the rest waits in `send`");
    stage.runtime.run_until_stalled();
    assert_eq!(stage.taken(), 1 + CAPACITY, "and goes on waiting");

    stage.pipe.set_room(event.len());
    for _ in 0..10 {
        read += &stage.pipe.client_text();
        stage.runtime.run_until_stalled();
        let gone = (read.len() + stage.pipe.waiting()) / event.len();
        assert!(stage.taken() <= gone + 1 + CAPACITY, "{} were taken, {gone} have left", stage.taken());
    }
    assert_eq!(stage.taken(), 10);
    stage.pipe.set_room(usize::MAX);
    for _ in 0..2 {
        read += &stage.pipe.client_text();
        stage.runtime.run_until_stalled();
    }
    let expected: Vec<String> = (0..10).map(|number| format!("9\r\ndata: {number}\n\n\r\n")).collect();
    assert_eq!(read, expected.concat());
}

/// After a reset the next write fails. The body goes, the receiver with it, and a sender that waits gets its event
/// back. So does every later one.
#[test]
fn a_client_that_is_gone_lets_the_sender_know() {
    let stage = Stage::open(1);
    stage.pipe.set_room(0);
    stage.send(vec![data("on its way"), data("in the queue"), data("waits")]);
    assert_eq!(*stage.results.borrow(), [Ok(()), Ok(())]);

    stage.broken.now();
    stage.runtime.run_until_stalled();
    assert_eq!(*stage.results.borrow(), [Ok(()), Ok(()), Err("waits".to_owned())]);
    stage.send(vec![data("late")]);
    assert_eq!(stage.results.borrow().last(), Some(&Err("late".to_owned())));
    assert!(stage.pipe.is_closed());
    assert_eq!(stage.runtime.tasks(), [], "nobody is left");
    assert_eq!(stage.runtime.timers(), [], "and nobody waits for a time");
}

/// A client that is there but stopped reading is cut when the write timeout is over, and no earlier.
#[test]
fn a_client_that_stops_reading_is_cut() {
    let stage = Stage::open(1);
    let last = Duration::from_millis(1);
    let before = Limits::default().write_timeout.saturating_sub(last);
    stage.pipe.set_room(0);
    stage.send((0..3).map(|number| data(&number.to_string())).collect());
    stage.runtime.advance(before);
    stage.runtime.run_until_stalled();
    assert!(!stage.pipe.is_closed());
    assert_eq!(stage.taken(), 2);

    stage.runtime.advance(last);
    stage.runtime.run_until_stalled();
    assert!(stage.pipe.is_closed());
    assert_eq!(stage.results.borrow().last(), Some(&Err("2".to_owned())));
}
