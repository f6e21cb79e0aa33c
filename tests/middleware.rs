//! Middleware: futures around futures, and the ready-made ones.

mod common;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use common::conversation::{Conversation, expect_one, statuses};
use common::pipe::Pipe;
use common::{Gate, OnDrop};
use glassbox::http::{Limits, Next, Request, Response, Router, Server, Status, layers, serve_connection};
use glassbox::{JoinHandle, Runtime};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The first one added is the outermost: it sees the request first and the answer last.
#[test]
fn the_chain_runs_from_the_outside_in() {
    let diary = Rc::new(RefCell::new(Vec::new()));
    let note = |name: &'static str| {
        let diary = diary.clone();
        async move |request: Request, next: Next| {
            diary.borrow_mut().push(format!("{name} in"));
            let response = next.run(request).await;
            diary.borrow_mut().push(format!("{name} out"));
            response
        }
    };
    let (outer, inner) = (note("outer"), note("inner"));
    let conversation =
        Conversation::new(Router::new().get("/", async |_| "x").with(outer).with(inner), Limits::default());
    expect_one(&conversation.say(GET), 200, false);
    assert_eq!(*diary.borrow(), ["outer in", "inner in", "inner out", "outer out"]);
    conversation.end();
}

/// A middleware can answer without going on, and it is asked for paths that do not exist, too.
#[test]
fn a_middleware_can_answer_alone() {
    let guard = async |request: Request, next: Next| match request.header("x-key") {
        Some("secret") => next.run(request).await,
        _ => Response::error(Status::UNAUTHORIZED, "no key"),
    };
    let conversation =
        Conversation::new(Router::new().get("/", async |_| "x").with(guard), Limits::default());
    expect_one(&conversation.say(GET), 401, false);
    expect_one(&conversation.say("GET / HTTP/1.1\r\nHost: a\r\nX-Key: secret\r\n\r\n"), 200, false);
    expect_one(&conversation.say("GET /nowhere HTTP/1.1\r\nHost: a\r\nX-Key: secret\r\n\r\n"), 404, false);
    conversation.end();
}

/// A client's own request id is kept if it is harmless; otherwise the request's number is given.
#[test]
fn request_ids() {
    let conversation =
        Conversation::new(Router::new().get("/", async |_| "x").with(layers::request_id), Limits::default());
    for (sent, expected) in [("abc-1", "abc-1"), ("a b", "2"), ("", "3")] {
        let text = conversation.say(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: {sent}\r\n\r\n"));
        assert!(text.contains(&format!("\r\nx-request-id: {expected}\r\n")), "{text}");
    }
    conversation.end();
}

/// The browser's preflight question is answered without the handler; every answer says who may read it.
#[test]
fn cross_origin() {
    let router = Router::new().get("/", async |_| "x").with(layers::cors("https://example.com"));
    let conversation = Conversation::new(router, Limits::default());
    let preflight = "OPTIONS / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: PUT\r\n\r\n";
    let text = conversation.say(preflight);
    expect_one(&text, 204, false);
    assert!(text.contains("\r\naccess-control-allow-methods: GET, HEAD, POST"), "{text}");
    for text in [text, conversation.say(GET)] {
        assert!(text.contains("\r\naccess-control-allow-origin: https://example.com\r\n"), "{text}");
    }
    conversation.end();
}

/// A runtime with a server in memory, for tests that need its handle or several connections.
fn serve(runtime: &Runtime, router: Router, connections: usize) -> Vec<Pipe> {
    let service = Server::new(router).into_service(runtime.handle());
    let pipes: Vec<Pipe> = (0..connections).map(|_| Pipe::new()).collect();
    for pipe in &pipes {
        runtime.handle().spawn(serve_connection(service.clone(), pipe.server_end(), None)).detach();
    }
    pipes
}

/// However many layers are around it, a handler is polled once when its task is polled once. So one that yields does let
/// the others go first.
#[test]
fn layers_poll_no_more_than_they_are_polled() {
    for layers in 0..=3 {
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let (polls, gate) = (Rc::new(Cell::new(0)), Gate::default());
        let (count, inner) = (polls.clone(), gate.clone());
        let handler = async move |_| {
            let (count, mut gate) = (count.clone(), inner.clone());
            poll_fn(|cx| {
                count.set(count.get() + 1);
                Pin::new(&mut gate).poll(cx)
            })
            .await;
            "through"
        };
        let pass = |router: Router, _| router.with(async |request, next: Next| next.run(request).await);
        let router = (0..layers).fold(Router::new().get("/", handler), pass);
        let pipes = serve(&runtime, router, 1);
        pipes[0].client_send(GET.as_bytes());
        runtime.run_until_stalled();
        assert_eq!(polls.get(), 1, "{layers} layers");
        gate.open();
        runtime.run_until_stalled();
        assert_eq!(polls.get(), 2, "{layers} layers");
        expect_one(&pipes[0].client_text(), 200, false);
    }
}

/// Two requests for one handler at once: while the first one's future is away with the box, the second gets another. Who is
/// ready first does not matter, and a panic in between takes one box along and no more.
#[test]
fn a_handler_serves_several_at_once() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let gate = Gate::default();
    let inner = gate.clone();
    let handler = async move |request: Request| {
        match request.param("what") {
            "wait" => inner.clone().await,
            "panic" => panic!("once"),
            _ => {}
        }
        request.param("what").to_owned()
    };
    let pipes = serve(&runtime, Router::new().get("/{what}", handler), 2);
    let ask = |pipe: &Pipe, what: &str| {
        pipe.client_send(format!("GET /{what} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        runtime.run_until_stalled();
        pipe.client_text()
    };
    assert_eq!(ask(&pipes[0], "wait"), "");
    expect_one(&ask(&pipes[1], "go"), 200, false);
    gate.open();
    runtime.run_until_stalled();
    let text = pipes[0].client_text();
    expect_one(&text, 200, false);
    assert!(text.ends_with("wait"), "{text}");
    expect_one(&ask(&pipes[0], "go"), 200, false);
    expect_one(&ask(&pipes[0], "panic"), 500, true);
    expect_one(&ask(&pipes[1], "go"), 200, false);
}

/// What takes too long is dropped, and 503 is answered in its place.
#[test]
fn the_time_limit_drops_what_it_cuts() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let limit = layers::time_limit(runtime.handle(), Duration::from_secs(3));
    let pipes = serve(
        &runtime,
        Router::new().get("/", async |_| std::future::pending::<&str>().await).with(limit),
        1,
    );
    pipes[0].client_send(GET.as_bytes());
    runtime.run_until_stalled();
    runtime.advance(Duration::from_secs(3));
    runtime.run_until_stalled();
    expect_one(&pipes[0].client_text(), 503, false);
}

/// Two at once, one in the queue, and beyond that 503 at once. A permit comes back when an answer is given.
#[test]
fn the_concurrency_limit_queues_and_refuses() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let clock = runtime.handle();
    let slow = async move |_| {
        clock.sleep(Duration::from_secs(1)).await;
        "done"
    };
    let pipes = serve(&runtime, Router::new().get("/", slow).with(layers::concurrency_limit(2, 1)), 4);
    for pipe in &pipes {
        pipe.client_send(GET.as_bytes());
    }
    runtime.run_until_stalled();
    let answers = || pipes.iter().map(|pipe| statuses(&pipe.client_text())).collect::<Vec<_>>();
    assert_eq!(answers(), [vec![], vec![], vec![], vec![503]]);
    runtime.advance(Duration::from_secs(1));
    runtime.run_until_stalled();
    assert_eq!(answers(), [vec![200], vec![200], vec![], vec![]]);
    runtime.advance(Duration::from_secs(1));
    runtime.run_until_stalled();
    assert_eq!(answers(), [vec![], vec![], vec![200], vec![]]);
}

/// A time limit that is not reached changes nothing; at its very end it cuts, and the handler's future is dropped in
/// that moment, with all that it held.
#[test]
fn the_time_limit_is_exact() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let dropped = Rc::new(Cell::new(0));
    let (clock, count) = (runtime.handle(), dropped.clone());
    let slow = async move |request: Request| {
        let _guard = OnDrop(|| count.set(count.get() + 1));
        let seconds = request.param("seconds").parse().expect("a number");
        clock.sleep(Duration::from_secs(seconds)).await;
        "in time"
    };
    let limit = layers::time_limit(runtime.handle(), Duration::from_secs(3));
    let pipe = serve(&runtime, Router::new().get("/{seconds}", slow).with(limit), 1).remove(0);
    let after = |time: Duration| {
        runtime.advance(time);
        runtime.run_until_stalled();
        pipe.client_text()
    };
    pipe.client_send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(after(Duration::ZERO), "");
    expect_one(&after(Duration::from_secs(2)), 200, false);
    assert_eq!(dropped.replace(0), 1);

    pipe.client_send(b"GET /9 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(after(Duration::ZERO), "");
    assert_eq!(after(Duration::from_millis(2_999)), "");
    assert_eq!(dropped.get(), 0, "still running");
    let text = after(Duration::from_millis(1));
    expect_one(&text, 503, false);
    assert!(text.ends_with("503 Service Unavailable: the request took too long\n"), "{text}");
    assert_eq!(dropped.get(), 1, "drop is cancel");
}

/// A middleware may put another answer in the place of the one it got, and add to it. It stands around everything:
/// what is answered without a handler passes through it as well.
#[test]
fn a_middleware_can_change_the_answer() {
    let change = async |request: Request, next: Next| match next.run(request).await {
        lost if lost.status() == Status::NOT_FOUND => Response::text("elsewhere").with_status(Status::GONE),
        kept => kept.with_header("x-seen", "yes"),
    };
    let router = Router::new().get("/", async |_| "x").with(change);
    let conversation = Conversation::new(router, Limits::default());
    let text = conversation.say(GET);
    assert!(text.contains("\r\nx-seen: yes\r\n") && text.ends_with("\r\n\r\nx"), "{text}");
    let text = conversation.say("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 410 Gone\r\n") && text.ends_with("\r\n\r\nelsewhere"), "{text}");
    for (request, status) in [("DELETE /", 405), ("OPTIONS *", 204)] {
        let text = conversation.say(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        expect_one(&text, status, false);
        assert!(text.contains("\r\nx-seen: yes\r\n"), "{request}: {text}");
    }
    conversation.end();
}

thread_local! {
    /// What the access log has said in this thread: each test runs in its own.
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what goes to the target `access`.
struct Notebook;

impl log::Log for Notebook {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "access"
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.level(), record.args());
            LOGGED.with_borrow_mut(|lines| lines.push(line));
        }
    }

    fn flush(&self) {}
}

/// One line for each answer, when it is made: number, peer, method, target as it was sent, status, and the time that
/// everything behind it took. A path without a route is logged, too.
#[test]
fn the_access_log() {
    log::set_logger(&Notebook).expect("this is the only logger");
    log::set_max_level(log::LevelFilter::Debug);
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let clock = runtime.handle();
    let slow = async move |_| {
        clock.sleep(Duration::from_secs(2)).await;
        (Status::CREATED, "x")
    };
    let router = Router::new().get("/slow", slow).with(layers::access_log(runtime.handle()));
    let service = Server::new(router).into_service(runtime.handle());
    let peer = "192.0.2.1:5000".parse().expect("an address");
    let (known, unknown) = (Pipe::new(), Pipe::new());
    for (pipe, peer) in [(&known, Some(peer)), (&unknown, None)] {
        runtime.handle().spawn(serve_connection(service.clone(), pipe.server_end(), peer)).detach();
    }
    known.client_send(b"GET /slow?a=%20b HTTP/1.1\r\nHost: a\r\n\r\n");
    runtime.run_until_stalled();
    assert_eq!(LOGGED.take(), [""; 0], "nothing is answered yet");
    unknown.client_send(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    runtime.run_until_stalled();
    assert_eq!(LOGGED.take(), ["DEBUG #2 - POST /nowhere -> 404 in 0ns"]);
    runtime.advance(Duration::from_secs(2));
    runtime.run_until_stalled();
    assert_eq!(LOGGED.take(), ["DEBUG #1 192.0.2.1:5000 GET /slow?a=%20b -> 201 in 2s"]);
}

/// An id of 64 letters is kept, one of 65 is not; nothing that could end a line or a log entry is.
#[test]
fn request_ids_have_a_measure() {
    let router = Router::new().get("/", async |_| "x").with(layers::request_id);
    let conversation = Conversation::new(router, Limits::default());
    let (longest, longer) = ("a".repeat(64), "a".repeat(65));
    for (sent, expected) in
        [(&*longest, &*longest), (&*longer, "2"), ("A_z-09", "A_z-09"), ("a;b", "4"), ("\u{e9}", "5")]
    {
        let text = conversation.say(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: {sent}\r\n\r\n"));
        assert!(text.contains(&format!("\r\nx-request-id: {expected}\r\n")), "{sent}: {text}");
    }
    conversation.end();
}

/// A preflight question names what it wants to send and gets that back. An OPTIONS request that is none goes on to
/// the routes. Each answer says that it depends on the origin.
#[test]
fn preflight_questions_and_others() {
    let router = Router::new().get("/", async |_| "x").with(layers::cors("*"));
    let conversation = Conversation::new(router, Limits::default());
    let options = |more: &str| {
        conversation.say(format!("OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n{more}\r\n"))
    };
    let plain = options("");
    assert!(plain.contains("\r\nallow: GET, HEAD, OPTIONS\r\n"), "{plain}");
    let asked = "Access-Control-Request-Method: PUT\r\n";
    let named = options(&format!("{asked}Access-Control-Request-Headers: x-a, x-b\r\n"));
    assert!(named.contains("\r\naccess-control-allow-headers: x-a, x-b\r\n"), "{named}");
    let unnamed = options(asked);
    assert!(unnamed.contains("\r\naccess-control-allow-headers: content-type\r\n"), "{unnamed}");
    assert!(unnamed.contains("\r\naccess-control-max-age: 600\r\n"), "{unnamed}");
    for text in [plain, named, unnamed] {
        expect_one(&text, 204, false);
        assert!(text.contains("\r\naccess-control-allow-origin: *\r\nvary: origin\r\n"), "{text}");
    }
    conversation.end();
}

/// Three connections to a route that never answers, behind a limit of one at once and one in the queue. The first
/// two have asked already.
struct Crowd {
    runtime: Runtime,
    pipes: Vec<Pipe>,
    tasks: Vec<JoinHandle<()>>,
    /// How often the handler was begun.
    begun: Rc<Cell<u32>>,
}

fn crowd() -> Crowd {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let begun = Rc::new(Cell::new(0));
    let count = begun.clone();
    let slow = async move |_| {
        count.set(count.get() + 1);
        std::future::pending::<()>().await;
    };
    let router = Router::new().get("/", slow).with(layers::concurrency_limit(1, 1));
    let service = Server::new(router).into_service(runtime.handle());
    let pipes: Vec<Pipe> = (0..3).map(|_| Pipe::new()).collect();
    let serve = |pipe: &Pipe| serve_connection(service.clone(), pipe.server_end(), None);
    let tasks = pipes.iter().map(|pipe| runtime.handle().spawn(serve(pipe))).collect();
    for pipe in &pipes[..2] {
        pipe.client_send(GET.as_bytes());
        runtime.run_until_stalled();
    }
    assert_eq!(begun.get(), 1, "one runs, one is queued");
    Crowd { runtime, pipes, tasks, begun }
}

/// When a connection ends in the middle of a request, its permit goes to the one that waits.
#[test]
fn a_connection_that_ends_gives_its_permit_back() {
    let Crowd { runtime, pipes, tasks, begun } = crowd();
    tasks[0].abort();
    runtime.run_until_stalled();
    assert!(pipes[0].is_closed());
    assert_eq!(begun.get(), 2, "the second has begun");
}

/// When a connection ends that waits in the queue, its place is free again: the next one waits and is not refused.
#[test]
fn a_connection_that_ends_gives_its_place_in_the_queue_back() {
    let Crowd { runtime, pipes, tasks, begun } = crowd();
    tasks[1].abort();
    runtime.run_until_stalled();
    pipes[2].client_send(GET.as_bytes());
    runtime.run_until_stalled();
    assert_eq!((pipes[2].client_text().as_str(), begun.get()), ("", 1), "it waits");
    tasks[0].abort();
    runtime.run_until_stalled();
    assert_eq!(begun.get(), 2, "and its turn comes");
}

/// A client that takes nothing any more while an answer is due to it is cut, and the request that runs behind that
/// answer gives its permit back.
#[test]
fn a_client_that_is_cut_gives_its_permit_back() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let begun = Rc::new(Cell::new(0));
    let count = begun.clone();
    let slow = async move |_: Request| {
        count.set(count.get() + 1);
        std::future::pending::<()>().await;
    };
    let router = Router::new().get("/", slow).get("/fast", async |_| "x");
    let pipes = serve(&runtime, router.with(layers::concurrency_limit(1, 1)), 2);
    pipes[0].set_room(0);
    pipes[0].client_send(format!("GET /fast HTTP/1.1\r\nHost: a\r\n\r\n{GET}").as_bytes());
    runtime.run_until_stalled();
    pipes[1].client_send(GET.as_bytes());
    runtime.run_until_stalled();
    assert_eq!(begun.get(), 1);
    runtime.advance(Limits::default().write_timeout);
    runtime.run_until_stalled();
    assert!(pipes[0].is_closed());
    assert_eq!(begun.get(), 2);
}

/// Without a queue the second request is refused at once, with a body that says why and a time to come back.
#[test]
fn a_refusal_says_when_to_come_back() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let slow = async |_| std::future::pending::<&str>().await;
    let pipes = serve(&runtime, Router::new().get("/", slow).with(layers::concurrency_limit(1, 0)), 2);
    for pipe in &pipes {
        pipe.client_send(GET.as_bytes());
        runtime.run_until_stalled();
    }
    assert_eq!(pipes[0].client_text(), "");
    let text = pipes[1].client_text();
    expect_one(&text, 503, false);
    assert!(text.contains("\r\nretry-after: 1\r\n") && text.contains("try again later"), "{text}");
}
