//! Lints: the mistakes that the runtime can see for itself, and the neighbours that look like them and are none.
//!
//! You learn what each mistake looks like in a timeline, and where the line to honest work runs.
//!
//! Step through it with `cargo test --test lints -- --nocapture`.

mod common;

use std::future::{self, Future};
use std::io;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Gate, OnDrop, spin};
use glassbox::future::{race, yield_now};
use glassbox::http::{Request, Response, Router, Server, Status};
use glassbox::inspect::{Finding, Lint, Lints};
use glassbox::net::TcpListener;
use glassbox::runtime::trace::{Direction, Event, Observer};
use glassbox::sync::{Notify, Semaphore, channel};
use glassbox::{Handle, Runtime};

/// A runtime under lints, and what they found.
struct Stage {
    runtime: Runtime,
    lints: Arc<Lints>,
    found: Arc<Mutex<Vec<Finding>>>,
    /// Findings as they come, for a task that waits for one while it blocks.
    news: Option<Receiver<Finding>>,
}

impl Stage {
    /// Without a watchdog: findings are a function of the events, whatever the machine does meanwhile.
    fn new() -> Stage {
        Stage::with(Lints::without_watchdog)
    }

    fn watched() -> Stage {
        Stage::with(Lints::new)
    }

    fn with<F>(lints: F) -> Stage
    where
        F: FnOnce(Box<dyn Fn(&Finding) + Send + Sync>) -> Arc<Lints>,
    {
        let found = Arc::new(Mutex::new(Vec::new()));
        let (sender, news) = mpsc::channel();
        let list = found.clone();
        let lints = lints(Box::new(move |finding| {
            println!("{finding}");
            list.lock().expect("no panic").push(*finding);
            let _ = sender.send(*finding);
        }));
        let runtime = Runtime::builder().frozen_clock().observer(lints.clone()).build().expect("a runtime");
        Stage { runtime, lints, found, news: Some(news) }
    }

    #[track_caller]
    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.runtime.handle().spawn(future).detach();
    }

    fn handle(&self) -> Handle {
        self.runtime.handle()
    }

    /// As many turns, with a look at the sockets behind each.
    fn turns(&self, count: usize) {
        for _ in 0..count {
            self.runtime.turn();
            self.runtime.park(Some(Duration::ZERO)).expect("a peek");
        }
    }

    fn found(&self) -> Vec<Lint> {
        self.found.lock().expect("no panic").iter().map(|finding| finding.lint).collect()
    }

    #[track_caller]
    fn expect(&self, lints: &[Lint]) {
        assert_eq!(self.found(), lints);
    }
}

/// Stores its waker where nobody will ever look, or nowhere.
struct Lost;

impl Future for Lost {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A task whose waker is gone can never run again, and is named with the place where it was spawned.
#[test]
fn a_lost_waker_is_found() {
    let stage = Stage::new();
    let line = line!() + 1;
    stage.spawn(Lost);
    stage.turns(2);
    stage.expect(&[Lint::LostWaker]);
    let finding = stage.found.lock().expect("no panic")[0];
    assert_eq!(finding.at.map(|at| (at.file(), at.line())), Some((file!(), line)));
    assert_eq!(finding.task.serial(), 1);
}

/// Neighbours: a task that waits for a gate, a timer, a thread, another task, or that was woken in its very poll.
#[test]
fn a_waiting_task_is_not_lost() {
    let stage = Stage::new();
    let handle = stage.handle();
    let gate = Gate::default();
    stage.spawn(gate.clone());
    stage.spawn(handle.sleep(Duration::from_secs(9)));
    stage.spawn(yield_now());
    let sleeper = handle.spawn(handle.sleep(Duration::from_secs(9)));
    stage.spawn(async move { drop(sleeper.await) });
    let (hold, blocked) = mpsc::channel::<()>();
    let job = handle.spawn_blocking(move || blocked.recv());
    stage.spawn(async move { drop(job.await) });
    stage.turns(5);
    stage.expect(&[]);
    drop(hold);
    drop(gate);
}

/// A task may be found lost later than in its first poll: the last copy of its waker was dropped by somebody else. The
/// census knows at once; the lint speaks at the next poll, of which there is none. What is not seen is said here.
#[test]
fn a_waker_dropped_by_somebody_else_shows_in_the_census() {
    let stage = Stage::new();
    let place = Arc::new(Mutex::new(None));
    stage.spawn(Keep(place.clone()));
    stage.turns(2);
    assert!(!stage.runtime.census()[0].is_lost());
    let waker = place.lock().expect("no panic").take();
    drop(waker);
    assert!(stage.runtime.census()[0].is_lost());
    stage.expect(&[]);
}

/// Leaves its waker where somebody may drop it.
struct Keep(Arc<Mutex<Option<Waker>>>);

impl Future for Keep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.0.lock().expect("no panic") = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A busy loop: it wakes itself in each poll and does nothing else.
#[test]
fn a_task_that_wakes_itself_is_found() {
    let stage = Stage::new();
    stage.spawn(spin());
    stage.turns(99);
    stage.expect(&[]); // not enough to judge
    stage.turns(1);
    stage.expect(&[Lint::SelfWakes]);
    stage.turns(500);
    stage.expect(&[Lint::SelfWakes]); // once
}

/// Neighbours: a task that yields between pieces of work that leave events, and one that others wake as often.
#[test]
fn a_task_that_yields_between_work_is_not_a_busy_loop() {
    let stage = Stage::new();
    let handle = stage.handle();
    stage.spawn(async move {
        for number in 0..1000 {
            handle.mark("piece", number, "done");
            yield_now().await;
        }
    });
    let (notify, wakers) = (std::rc::Rc::new(Notify::new()), stage.handle());
    let woken = notify.clone();
    stage.spawn(async move {
        loop {
            woken.notified().await; // woken by the other one ...
            yield_now().await; // ... and once by itself
        }
    });
    stage.spawn(async move {
        for number in 0..1000 {
            notify.notify_one();
            wakers.mark("signal", number, "given");
            yield_now().await;
            yield_now().await; // time for the other one to wait again
        }
    });
    stage.turns(900);
    stage.expect(&[]);
}

/// Polls that were for a socket, and found nothing there. Real sockets give few of them: so the events are told by
/// hand, as a reactor with a stale registration would.
#[test]
fn polls_for_nothing_are_found() {
    let stage = Stage::new();
    let events = spurious_poll_events();
    let [spawned, queued, polled, pending, ready, blocked] = events;
    tell(&stage.lints, &[spawned, queued, polled, pending]);
    for nth in 2..=101 {
        let polled = with_number(polled, nth);
        tell(&stage.lints, &[Event::Unparked { events: 1 }, ready, queued, polled, blocked, pending]);
        stage.expect(if nth < 101 { &[] } else { &[Lint::SpuriousPolls] });
    }
}

/// Neighbours: polls that find something, polls by a timer that is armed anew, polls by another task, first polls.
#[test]
fn polls_that_find_something_are_not_spurious() {
    let stage = Stage::new();
    let [spawned, queued, polled, pending, ready, blocked] = spurious_poll_events();
    tell(&stage.lints, &[spawned, queued, polled, pending]);
    let Event::Ready { source, .. } = ready else { panic!("a readiness") };
    let found = Event::Io { source, direction: Direction::Read, count: 1 };
    let Some(fired) = timer_event() else { panic!("a timer") };
    for nth in 2..=500 {
        let polled = with_number(polled, nth);
        tell(&stage.lints, &[Event::Unparked { events: 1 }, ready, queued, polled, found, blocked, pending]);
        tell(&stage.lints, &[Event::Unparked { events: 0 }, fired, queued, polled, pending]);
    }
    stage.expect(&[]);
}

fn tell(lints: &Lints, events: &[Event]) {
    for event in events {
        lints.observe(*event);
    }
}

fn with_number(polled: Event, nth: u64) -> Event {
    let Event::Polled { task, .. } = polled else { panic!("a poll") };
    Event::Polled { task, nth }
}

/// Spawned, Woken, Polled, Pending, Ready and WouldBlock of one task and one socket, out of a real run.
fn spurious_poll_events() -> [Event; 6] {
    let events = real_events();
    let first = |is: fn(&Event) -> bool| *events.iter().find(|event| is(event)).expect("such an event");
    [
        first(|event| matches!(event, Event::Spawned { .. })),
        first(|event| matches!(event, Event::Woken { .. })),
        first(|event| matches!(event, Event::Polled { .. })),
        first(|event| matches!(event, Event::Pending { .. })),
        first(|event| matches!(event, Event::Ready { .. })),
        first(|event| matches!(event, Event::WouldBlock { .. })),
    ]
}

fn timer_event() -> Option<Event> {
    let (runtime, log) = common::frozen_runtime();
    runtime.handle().spawn(runtime.handle().sleep(Duration::from_secs(1))).detach();
    runtime.run_until_stalled();
    runtime.advance(Duration::from_secs(1));
    log.take().into_iter().find(|event| matches!(event, Event::TimerFired { .. }))
}

/// A task that accepts two connections, one at a time, so that it has waited.
fn real_events() -> Vec<Event> {
    let (runtime, log) = common::frozen_runtime();
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepted = runtime.handle().spawn(async move { drop(listener.accept().await) });
    runtime.run_until_stalled();
    let client = std::net::TcpStream::connect(address).expect("connects");
    while !accepted.is_finished() {
        runtime.park(Some(Duration::from_secs(30))).expect("events");
        runtime.turn();
    }
    drop(client);
    log.take()
}

/// A future of many kilobytes is named when it is spawned.
#[test]
fn a_large_future_is_found() {
    let stage = Stage::new();
    stage.spawn(of_size::<20_000>());
    stage.expect(&[Lint::LargeFuture]);
    assert!(stage.found.lock().expect("no panic")[0].amount >= 20_000);
}

/// Neighbours: a future that is not quite as large, and one that keeps its bytes on the heap.
#[test]
fn a_middling_future_is_not_large() {
    let stage = Stage::new();
    stage.spawn(of_size::<15_000>());
    stage.spawn(async {
        let bytes = vec![0_u8; 1 << 20];
        yield_now().await;
        assert_eq!(bytes.len(), 1 << 20);
    });
    stage.turns(5);
    stage.expect(&[]);
}

async fn of_size<const N: usize>() {
    let bytes = [1_u8; N];
    yield_now().await;
    assert!(bytes.iter().all(|byte| *byte == 1));
}

/// A poll that holds the thread is noticed while it does: this one ends only when it has been noticed.
#[test]
fn a_blocked_poll_is_found_while_it_blocks() {
    let mut stage = Stage::watched();
    let news = stage.news.take().expect("the receiver is there");
    stage.spawn(async move {
        yield_now().await; // not its first poll
        assert_eq!(news.recv().expect("a finding").lint, Lint::Blocked);
    });
    stage.turns(3);
    stage.expect(&[Lint::Blocked]);
    assert!(stage.found.lock().expect("no panic")[0].amount >= 100, "milliseconds");
}

/// A first poll that goes on and on: at first it is a poll that blocks, then a task that never yielded.
#[test]
fn a_task_that_never_yields_is_found_while_it_runs() {
    let mut stage = Stage::watched();
    let news = stage.news.take().expect("the receiver is there");
    stage.spawn(async move {
        let lints = [news.recv().expect("a finding").lint, news.recv().expect("another").lint];
        assert_eq!(lints, [Lint::Blocked, Lint::NeverYielded]);
        future::ready(()).await;
    });
    stage.turns(1);
    stage.expect(&[Lint::Blocked, Lint::NeverYielded]);
}

/// Neighbours: a runtime that sleeps for long, many short polls in a row, and blocking work where it belongs. The
/// watchdog has looked several times meanwhile: another runtime's blocked poll, on another thread, proves that.
#[test]
fn a_sleeping_runtime_is_not_blocked() {
    let stage = Stage::watched();
    let handle = stage.handle();
    let (seen, noticed) = mpsc::channel();
    let work = handle.spawn_blocking(move || {
        // Elsewhere a poll blocks until its own watchdog has spoken, three times over.
        for _ in 0..3 {
            let mut other = Stage::watched();
            let news = other.news.take().expect("the receiver is there");
            other.spawn(async move {
                let _ = news.recv();
            });
            other.turns(1);
            assert_eq!(other.found(), [Lint::Blocked]);
        }
        seen.send(()).expect("somebody waits");
    });
    stage.spawn(async move { drop(work.await) });
    let busy = OnDrop(|| {});
    stage.spawn(async move {
        let _busy = busy;
        loop {
            let turn = yield_now();
            handle.mark("turn", 0, "over");
            turn.await;
        }
    });
    while noticed.try_recv().is_err() {
        stage.turns(1);
    }
    stage.expect(&[]);
}

/// One mistake made a thousand times in one place is told once; the same mistake in another place is told again.
#[test]
fn a_finding_is_told_once_per_place() {
    let stage = Stage::new();
    for _ in 0..1000 {
        stage.spawn(Lost);
    }
    stage.turns(2);
    stage.expect(&[Lint::LostWaker]);
    stage.spawn(Lost);
    stage.turns(2);
    stage.expect(&[Lint::LostWaker, Lint::LostWaker]);
}

/// A finding says which task, where it was spawned, what was seen, why it matters, what to do, and where to read on.
#[test]
fn a_finding_explains_itself() {
    let stage = Stage::new();
    stage.spawn(Lost);
    stage.turns(1);
    let text = stage.found.lock().expect("no panic")[0].to_string();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("lint lost-waker: task 1, spawned at tests/lints.rs:"), "{text}");
    for (line, begin) in lines[1..].iter().zip(["  seen: ", "  why:  ", "  mend: ", "  read: chapter "]) {
        assert!(line.starts_with(begin), "{text}");
    }
    let names: std::collections::HashSet<_> = Lint::ALL.iter().map(|lint| lint.name()).collect();
    assert_eq!(names.len(), Lint::ALL.len());
    assert!(Lint::ALL.iter().all(|lint| (1..=16).contains(&lint.chapter())));
}

/// Everything that the runtime offers, in use at once: no lint speaks.
#[test]
fn honest_work_is_left_alone() {
    let stage = Stage::watched();
    let handle = stage.handle();
    let (sender, mut receiver) = channel(4);
    for number in 0..20 {
        let sender = sender.clone();
        stage.spawn(async move {
            for nth in 0..50 {
                sender.send(number * nth).await.expect("somebody receives");
            }
        });
    }
    drop(sender);
    stage.spawn(async move { while receiver.recv().await.is_some() {} });
    let semaphore = std::rc::Rc::new(Semaphore::new(2));
    for _ in 0..50 {
        let (semaphore, handle) = (semaphore.clone(), handle.clone());
        stage.spawn(async move {
            let _permit = semaphore.acquire().await;
            handle.spawn_blocking(|| ()).await.expect("it runs");
            race(yield_now(), handle.sleep(Duration::from_secs(1))).await;
        });
    }
    let done = stage.handle();
    stage.spawn(async move { done.spawn_blocking(|| ()).await.expect("it runs") });
    while !stage.runtime.tasks().is_empty() {
        stage.runtime.park(Some(Duration::from_millis(5))).expect("events");
        stage.runtime.turn();
    }
    stage.expect(&[]);
}

/// A server under load, with everything that its clients may do: no lint speaks.
#[test]
fn a_loaded_server_is_left_alone() {
    let stage = Stage::watched();
    let listener = TcpListener::bind(&stage.handle(), ([127, 0, 0, 1], 0).into()).expect("a port");
    let address = listener.local_addr().expect("an address");
    let big = vec![b'x'; 300_000];
    let router = Router::new()
        .get("/", async |_: Request| "hello\n")
        .get("/big", async move |_: Request| big.clone())
        .post("/echo", async |request: Request| Response::new(Status::OK).with_body(request.into_body()));
    let (stop, stopped) = channel::<()>(1);
    let server = Server::new(router).run(listener, async move {
        let mut stopped = stopped;
        stopped.recv().await;
    });
    let clients: Vec<_> = (0..8).map(|_| std::thread::spawn(move || load(address))).collect();
    let handle = stage.handle();
    let all_done =
        handle.spawn_blocking(move || clients.into_iter().for_each(|client| client.join().expect("ok")));
    stage.runtime.block_on(async move {
        let ended = async move {
            all_done.await.expect("the clients are content");
            drop(stop);
            future::pending::<()>().await;
        };
        race(
            async {
                let _ = server.await;
            },
            ended,
        )
        .await;
    });
    stage.expect(&[]);
}

/// Small requests, pipelined ones, a large answer that is read late, and a body, over and over.
fn load(address: std::net::SocketAddr) {
    use io::{Read, Write};
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(address).expect("connects");
        let small = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(small.repeat(100).as_bytes()).expect("sends");
        stream.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").expect("sends");
        let body = "y".repeat(100_000);
        let post = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{post}Connection: close\r\n\r\n").as_bytes()).expect("sends");
        let mut writer = stream.try_clone().expect("a second end");
        let sending = std::thread::spawn(move || writer.write_all(body.as_bytes()).expect("sends"));
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).expect("reads");
        sending.join().expect("it was sent");
        assert!(answers.len() > 400_000, "{} bytes", answers.len());
    }
}
