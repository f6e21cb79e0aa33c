//! Looking inside: one log of events, and what can be made of it.
//!
//! You learn to read a timeline as a picture, to follow one request through it, and to ask every task what it waits for.
//!
//! Step through it with `cargo test --test inspect -- --nocapture`.

mod common;

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use common::pipe::Pipe;
use common::{Gate, frozen_runtime};
use glassbox::http::{Request, Router, Server, serve_connection};
use glassbox::inspect::chrome::{self, Lane};
use glassbox::inspect::why::why;
use glassbox::inspect::{Fanout, journey, report};
use glassbox::net::TcpListener;
use glassbox::runtime::recorder::Record;
use glassbox::runtime::trace::{Event, Wake};
use glassbox::sync::channel;
use glassbox::{Handle, Observer, Recorder, Runtime};

/// A small world: a producer, a consumer, two sleepers of which one is aborted, and a panic.
fn scenario() -> Arc<Recorder> {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let (sender, mut receiver) = channel(1);
    let producer = async move {
        for number in 1..=3 {
            sender.send(number).await.expect("somebody receives");
        }
    };
    let consumer = async move { while receiver.recv().await.is_some() {} };
    let sleeper = {
        let handle = handle.clone();
        async move { handle.sleep(Duration::from_millis(5)).await }
    };
    handle.spawn(producer).detach();
    handle.spawn(consumer).detach();
    handle.spawn(sleeper).detach();
    let forever = handle.spawn(handle.sleep(Duration::from_secs(60)));
    handle.spawn(async { panic!("on purpose") }).detach();
    runtime.run_until_stalled();
    runtime.advance(Duration::from_millis(5));
    runtime.run_until_stalled();
    forever.abort();
    runtime.run_until_stalled();
    log
}

/// The same program on a frozen clock tells the same story, to the byte. Without line numbers: those change with this
/// file.
#[test]
fn a_timeline_is_the_same_on_every_run() {
    let once = scenario().timeline();
    print!("{once}");
    for _ in 0..10 {
        assert_eq!(scenario().timeline(), once);
    }
    let without_lines: String = once
        .lines()
        .map(|line| line.split(" at tests").next().unwrap_or_default().to_owned() + "\n")
        .collect();
    golden("timeline.txt", &without_lines);
}

/// The same log as Chrome trace JSON. The times are made even, so that the file is the same on every run.
#[test]
fn a_chrome_trace_is_the_same_on_every_run() {
    let mut records = scenario().records();
    for (nth, record) in (1..).zip(&mut records) {
        record.nanos = nth * 1000;
    }
    records.retain(|record| !matches!(record.event, Event::Spawned { .. })); // These name lines of this file.
    let json = chrome::render(&[Lane { name: "runtime".into(), records }]);
    let summary = common::chrome::check(&json).unwrap_or_else(|error| panic!("{error}\n{json}"));
    assert_eq!(
        (summary.slices > 10, summary.arrows > 5, summary.counts > 10),
        (true, true, true),
        "{summary:?}"
    );
    golden("trace.json", &json);
}

/// Compares with a file in `tests/golden`. `GOLDEN=write cargo test` writes it anew.
fn golden(name: &str, text: &str) {
    let path = format!("tests/golden/{name}");
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        fs::create_dir_all("tests/golden").expect("a writable tree");
        fs::write(&path, text).expect("a writable tree");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{path} differs (hint: if this is meant, GOLDEN=write cargo test)");
}

/// A ring that has dropped its beginning still makes a trace that every viewer opens: no end without a beginning, no
/// arrow from nowhere.
#[test]
fn a_trace_may_begin_and_end_anywhere() {
    let records = scenario().records();
    for from in 0..records.len() {
        for to in from..records.len() {
            let json = chrome::render(&[Lane { name: "part".into(), records: records[from..to].to_vec() }]);
            common::chrome::check(&json).unwrap_or_else(|error| panic!("{from}..{to}: {error}\n{json}"));
        }
    }
}

/// The checker of traces finds what it is there for.
#[test]
fn the_trace_checker_finds_something() {
    let good = |body: &str| format!("{{\"traceEvents\":[{body}]}}");
    let event = |ph: &str, ts: u32| format!("{{\"ph\":\"{ph}\",\"pid\":1,\"tid\":1,\"ts\":{ts},\"id\":1}}");
    let join = |events: &[String]| good(&events.join(","));
    assert!(common::chrome::check(&join(&[event("B", 1), event("E", 2)])).is_ok());
    for bad in [
        join(&[event("E", 1)]),
        join(&[event("B", 1)]),
        join(&[event("B", 2), event("E", 1)]),
        join(&[event("B", 1), event("s", 1), event("E", 2)]),
        join(&[event("B", 1), event("f", 1), event("E", 2)]),
        join(&[event("s", 1)]),
        join(&[event("X", 1)]),
        "{\"traceEvents\":[".to_owned(),
    ] {
        assert!(common::chrome::check(&bad).is_err(), "{bad}");
    }
}

/// A ring holds what it was made for and not one event more, however many come.
#[test]
fn a_ring_never_grows() {
    let log = Recorder::with_capacity(1000);
    for number in 0..250_000 {
        log.observe(Event::Mark { what: "step", number, stage: "taken" });
    }
    let records = log.records();
    assert_eq!((records.len(), log.dropped()), (1000, 249_000));
    let numbers = records.iter().map(|record| match record.event {
        Event::Mark { number, .. } => number,
        _ => 0,
    });
    assert!(numbers.eq(249_000..250_000), "the latest are there, in order");
    assert!(records.windows(2).all(|pair| pair[0].nanos <= pair[1].nanos), "times never fall");
}

/// Two observers are told the same, in the same order.
#[test]
fn a_fanout_tells_everybody() {
    let (first, second) = (Recorder::new(), Recorder::new());
    let both = Fanout::of(vec![first.clone(), second.clone()]).expect("there are two");
    let runtime = Runtime::builder().observer(both).build().expect("a runtime");
    runtime.block_on(async {});
    let story = first.story();
    assert_eq!(story.len(), 4, "spawned, woken, polled, completed");
    assert_eq!(story, second.story());
    assert!(Fanout::of(Vec::new()).is_none(), "nobody watches: the runtime need not emit");
}

/// Every kind of event has its sentence and its chapter.
#[test]
fn every_event_is_explained() {
    let records = scenario().records();
    let kinds: std::collections::HashSet<_> =
        records.iter().map(|record| std::mem::discriminant(&record.event)).collect();
    assert!(kinds.len() >= 9, "{} kinds", kinds.len());
    for record in &records {
        let why = why(&record.event);
        assert!(why.sentence.ends_with('.') && why.sentence.len() < 110, "{}", why.sentence);
        assert!((1..=16).contains(&why.chapter));
    }
}

/// A server on pipes: two connections whose requests are under way at the same time.
struct Stage {
    runtime: Runtime,
    log: Arc<Recorder>,
    pipes: [Pipe; 2],
    /// Opens the gate that the second route waits at.
    gate: Gate,
}

impl Stage {
    fn new() -> Stage {
        let (runtime, log) = frozen_runtime();
        let gate = Gate::default();
        let (opened, sleeper) = (gate.clone(), runtime.handle());
        let router = Router::new()
            .get("/now", async |_: Request| "now\n")
            .get("/gate", async move |_: Request| {
                opened.clone().await;
                "open\n"
            })
            .get("/sleep", async move |_: Request| {
                sleeper.sleep(Duration::from_millis(7)).await;
                "slept\n"
            });
        let service = Server::new(router).into_service(runtime.handle());
        let pipes = [Pipe::new(), Pipe::new()];
        for pipe in &pipes {
            let connection = serve_connection(service.clone(), pipe.server_end(), None);
            runtime.handle().spawn(connection).detach();
        }
        runtime.run_until_stalled();
        Stage { runtime, log, pipes, gate }
    }

    fn ask(&self, pipe: usize, path: &str) {
        self.pipes[pipe].client_send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        self.runtime.run_until_stalled();
    }

    fn journey(&self, request: u64) -> Vec<String> {
        let journey = journey::journey(&self.log.records(), request).expect("the request is in the ring");
        let text = journey::text(&journey);
        println!("--- request {request}\n{text}");
        text.lines().map(str::to_owned).collect()
    }
}

/// Two requests are mixed in the log. Each one's journey has its own events alone, from the wake that brought it to
/// the poll in which its answer left.
#[test]
fn a_journey_is_one_requests_own() {
    let stage = Stage::new();
    stage.ask(0, "/gate"); // request 1, on task 1: waits
    stage.ask(1, "/now"); // request 2, on task 2: answered meanwhile
    stage.gate.open();
    stage.runtime.run_until_stalled();
    assert_eq!(
        stage.journey(2),
        [
            "task 2 spawned at tests/inspect.rs:LINE",
            "task 2 woken: queued",
            "task 2 polled (1)",
            "    timer 2 armed for 60s", // the idle timeout
            "task 2 pending",
            "peek at epoll", // the look at the OS after which it was woken
            "up again, 0 events",
            "task 2 woken: queued",
            "task 2 polled (2)",
            "    request 2 parsed",
            "    request 2 answered",
            "    request 2 sent",
            "task 2 pending",
        ]
        .map(|line| line.replace("LINE", &stage.spawn_line()))
    );
    let first = stage.journey(1);
    assert!(!first.iter().any(|line| line.contains("task 2") || line.contains("request 2")), "{first:?}");
    assert_eq!(first.iter().filter(|line| line.contains("polled")).count(), 3, "born, asked, and woken");
}

impl Stage {
    /// The line of the spawn, out of the log itself.
    fn spawn_line(&self) -> String {
        let place = self.log.records().iter().find_map(|record| match record.event {
            Event::Spawned { at, .. } => Some(at.line()),
            _ => None,
        });
        place.expect("somebody was spawned").to_string()
    }
}

/// The second request of a connection begins where the first has ended, and the timer that it waits for is its own.
#[test]
fn a_later_journey_begins_behind_the_one_before() {
    let stage = Stage::new();
    stage.ask(0, "/now");
    stage.ask(0, "/sleep");
    stage.runtime.advance(Duration::from_millis(7));
    stage.runtime.run_until_stalled();
    assert_eq!(
        stage.journey(2),
        [
            "peek at epoll",
            "up again, 0 events",
            "task 1 woken: queued",
            "task 1 polled (3)",
            "    request 2 parsed",
            "    timer 3 armed for 7ms",
            "    timer 4 armed for 120s", // the handler's time limit
            "task 1 pending",
            "peek at epoll",
            "up again, 0 events",
            "timer 3 fired",
            "task 1 woken: queued",
            "task 1 polled (4)",
            "    timer 4 cancelled",
            "    request 2 answered",
            "    request 2 sent",
            "task 1 pending",
        ]
    );
}

/// Pipelined requests share polls. The journey of each has its own marks.
#[test]
fn pipelined_journeys_share_polls() {
    let stage = Stage::new();
    let two = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
    stage.pipes[0].client_send(two.as_bytes());
    stage.runtime.run_until_stalled();
    for request in 1..=2 {
        let story = stage.journey(request);
        assert!(story.contains(&format!("    request {request} parsed")), "{story:?}");
        assert!(!story.iter().any(|line| line.contains(&format!("request {} parsed", 3 - request))));
        assert!(story.last().is_some_and(|line| line.ends_with("pending")), "{story:?}");
    }
    assert_eq!(journey::requests(&stage.log.records()), Some((1, 2)));
    assert!(journey::journey(&stage.log.records(), 3).is_none(), "there was no third");
}

/// An answer that leaves while the next request waits is the earlier request's: its own journey ends with it, and the next
/// one's goes on.
#[test]
fn an_answer_that_leaves_before_the_next_one() {
    let stage = Stage::new();
    let two = ["/now", "/sleep"].map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    stage.pipes[0].client_send(two.as_bytes());
    stage.runtime.run_until_stalled();
    stage.runtime.advance(Duration::from_millis(7));
    stage.runtime.run_until_stalled();
    let marks = |request| {
        let marks = stage
            .journey(request)
            .into_iter()
            .filter_map(|line| Some(line.split_once(&format!("request {request} "))?.1.to_owned()));
        marks.collect::<Vec<_>>()
    };
    assert_eq!(marks(1), ["parsed", "answered", "sent"]);
    assert_eq!(marks(2), ["parsed", "answered", "sent"]);
}

/// Over a real socket the journey of a first request begins at the listener: it was readable, the accept loop was
/// woken, and spawned the task.
#[test]
fn a_journey_begins_at_the_listener() {
    let (runtime, log) = frozen_runtime();
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().get("/", async |_: Request| "hello\n");
    let (stop, mut stopped) = channel::<()>(1);
    let server = Server::new(router).run(listener, async move {
        stopped.recv().await;
    });
    runtime.handle().spawn(server).detach();
    runtime.run_until_stalled();
    let client = std::thread::spawn(move || get(address));
    while log.records().iter().all(|record| !record.event.to_string().ends_with("sent")) {
        runtime.park(Some(Duration::from_secs(30))).expect("events");
        runtime.turn();
    }
    assert_eq!(client.join().expect("the client is answered").status, 200);
    let text = journey::text(&journey::journey(&log.records(), 1).expect("it was answered"));
    println!("{text}");
    let wanted = [
        "up again",
        "source 1 readable",
        "task 1 woken",
        "task 1 polled",
        "    source 1 read 1",
        "    source 2 opened",
        "    task 2 spawned by task 1",
        "task 1 pending",
        "task 2 polled (1)",
        "    request 1 parsed",
        "    request 1 sent",
        "task 2 pending",
    ];
    let mut lines = text.lines();
    for begin in wanted {
        assert!(lines.any(|line| line.starts_with(begin)), "{begin:?} in its place of\n{text}");
    }
    drop(stop);
}

/// The census says of each task what it waits for: a timer, another task's handle, a place of its own, or nobody.
#[test]
fn a_census_knows_who_holds_a_waker() {
    let (runtime, _log) = frozen_runtime();
    let handle = runtime.handle();
    let gate = Gate::default();
    let sleeper = handle.spawn(handle.sleep(Duration::from_secs(3)));
    handle.spawn(async move { sleeper.await.expect("it sleeps well") }).detach();
    handle.spawn(gate.clone()).detach();
    handle.spawn(std::future::pending::<()>()).detach();
    let listener = TcpListener::bind(&handle, ([127, 0, 0, 1], 0).into()).expect("a port");
    handle.spawn(async move { drop(listener.accept().await) }).detach();
    runtime.run_until_stalled();
    let census = runtime.census();
    let waits: Vec<_> = census.iter().map(|task| behind_place(&task.to_string())).collect();
    println!("{}", waits.join("\n"));
    assert_eq!(
        waits,
        [
            "waiting after 1 poll; waker held by timer 1 (due in 3s)",
            "waiting after 1 poll; waker held by the handle of task 1",
            "waiting after 1 poll; waker held elsewhere",
            "waiting after 1 poll, and lost: nobody holds its waker",
            "waiting after 1 poll; waker held by source 1 (readable)",
        ]
    );
    let lost: Vec<_> = census.iter().map(|task| task.is_lost()).collect();
    assert_eq!(lost, [false, false, false, true, false]);
    let copy = gate.waker();
    let waits = runtime.census()[2].to_string();
    assert!(waits.ends_with("elsewhere (2 copies)"), "a copy of the waker counts: {waits}");
    drop(copy);
}

/// What stands behind `task 1 (file:line) `.
fn behind_place(text: &str) -> String {
    text.split_once(") ").expect("a place").1.to_owned()
}

/// Two futures of one task wait, with two wakers: both holders are named.
#[test]
fn a_census_names_all_holders() {
    let (runtime, _log) = frozen_runtime();
    let handle = runtime.handle();
    let gate = Gate::default();
    let timed = handle.clone();
    handle.spawn(async move { timed.timeout(Duration::from_secs(9), gate).await }).detach();
    runtime.run_until_stalled();
    assert_eq!(
        behind_place(&runtime.census()[0].to_string()),
        "waiting after 1 poll; waker held by timer 1 (due in 9s) and elsewhere"
    );
}

/// A census inside of a task sees the others and the task itself, and disturbs nobody.
#[test]
fn a_task_can_take_the_census() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    let seen = Rc::new(RefCell::new(String::new()));
    let (asker, place, records) = (handle.clone(), seen.clone(), log.clone());
    handle.spawn(std::future::ready(())).detach();
    handle.spawn(async move { *place.borrow_mut() = ask(&asker, &records) }).detach();
    handle.spawn(std::future::pending::<()>()).detach();
    runtime.step(); // the first one ends
    runtime.step(); // the second one asks
    let seen = seen.borrow();
    println!("{seen}");
    let lines: Vec<_> = seen.lines().map(str::trim).collect();
    assert_eq!(lines[0], "2 tasks, 0 timers, 0 registered sources");
    assert!(
        lines[1].starts_with("task 2 (tests/inspect.rs:") && lines[1].ends_with("running, poll 1"),
        "{seen}"
    );
    assert_eq!(lines[2], "last: task 2 polled (1)");
    assert!(lines[3].starts_with("task 3") && lines[3].ends_with("queued after 0 polls"), "{seen}");
    assert_eq!(lines[4], "last: task 3 woken: queued");
}

fn ask(handle: &Handle, log: &Recorder) -> String {
    report::report(handle, &log.records())
}

/// Without a ring the report knows a task's last step by its state.
#[test]
fn a_report_needs_no_ring() {
    let runtime = Runtime::new().expect("a runtime");
    let handle = runtime.handle();
    handle.spawn(std::future::pending::<()>()).detach();
    handle.spawn(std::future::pending::<()>()).detach();
    runtime.step();
    let text = report::report(&handle, &[]);
    assert!(text.contains("last: pending, poll 1") && text.contains("last: woken: queued"), "{text}");
}

/// The report's "last" is what the task did last, not that it waits: the state says that.
#[test]
fn a_report_tells_the_last_thing_done() {
    let (runtime, log) = frozen_runtime();
    let handle = runtime.handle();
    handle.spawn(handle.sleep(Duration::from_secs(1))).detach();
    handle.spawn(std::future::pending::<()>()).detach();
    runtime.run_until_stalled();
    let text = ask(&handle, &log);
    assert!(text.contains("last: timer 1 armed for 1s"), "{text}");
    assert!(text.contains("last: task 2 pending, and nobody holds its waker"), "{text}");
}

/// A wake by another thread says so, and stands at the margin even if it falls into somebody's poll.
#[test]
fn a_foreign_wake_is_not_the_running_tasks() {
    let (runtime, log) = frozen_runtime();
    let gate = Gate::default();
    let task = runtime.handle().spawn(gate.clone());
    runtime.run_until_stalled();
    log.take();
    let waker = gate.waker();
    let running = async move { std::thread::spawn(move || waker.wake()).join().expect("it wakes") };
    runtime.handle().spawn(running).detach();
    runtime.step();
    let timeline = log.timeline();
    print!("{timeline}");
    assert!(timeline.contains("\ntask 1 woken by another thread: queued\n"), "{timeline}");
    assert!(
        log.take()
            .iter()
            .any(|event| matches!(event, Event::Woken { wake: Wake::Queued, foreign: true, .. }))
    );
    drop(task);
}

/// Marks and times survive in records as they were made.
#[test]
fn a_record_is_an_event_with_its_time() {
    let log = Recorder::new();
    log.observe(Event::Parked { timeout: None });
    let [Record { nanos, event }] = log.records()[..] else { panic!("one record") };
    assert!(nanos < 60_000_000_000, "counted from the recorder's birth");
    assert_eq!(event, Event::Parked { timeout: None });
    assert_eq!(log.records().len(), 1, "looking does not take");
}

/// One request by a client on another thread.
fn get(address: std::net::SocketAddr) -> common::server::Answer {
    let mut client = common::server::Client::connect(address);
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.answer()
}
