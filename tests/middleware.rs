//! Middleware: futures around futures, and the ready-made ones.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::conversation::{Conversation, expect_one, statuses};
use common::pipe::Pipe;
use glassbox::Runtime;
use glassbox::http::sse::{ServerEvent, event_stream};
use glassbox::http::{Limits, Next, Request, Response, Router, Server, layers, serve_connection};

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
        _ => Response::error(glassbox::http::Status::UNAUTHORIZED, "no key"),
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

/// Two at once, one in the queue, and beyond that 503 at once. A permit comes back when an answer is given, and when the
/// client goes away.
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

/// Events leave as they are sent; a client that does not read holds the sender back; one that is gone lets it know.
#[test]
fn server_sent_events() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let handle = runtime.handle();
    let sent = Rc::new(RefCell::new(Vec::new()));
    let diary = sent.clone();
    let router = Router::new().get("/", async move |_| {
        let (sender, response) = event_stream(1);
        let diary = diary.clone();
        let task = async move {
            for number in 0..1000 {
                let event = ServerEvent {
                    data: format!("{number}\nx"),
                    name: "n\r\nid: 7".into(),
                    id: String::new(),
                };
                let result = sender.send(event).await;
                diary.borrow_mut().push(result.is_ok());
                if result.is_err() {
                    return;
                }
            }
        };
        handle.spawn(task).detach();
        response
    });
    let pipe = serve(&runtime, router, 1).remove(0);
    pipe.set_room(400);
    pipe.client_send(GET.as_bytes());
    runtime.run_until_stalled();
    let text = pipe.client_text();
    assert!(text.contains("\r\ncontent-type: text/event-stream\r\n"), "{text}");
    assert!(
        text.contains("event: nid: 7\ndata: 0\ndata: x\n\n"),
        "one event, its lines and nothing injected: {text}"
    );
    let held_back = sent.borrow().len();
    assert!(held_back < 20, "the sender is {held_back} events ahead of a client that does not read");
    runtime.run_until_stalled();
    pipe.client_take();
    runtime.run_until_stalled();
    assert!(sent.borrow().len() > held_back, "it goes on when the client reads");
    runtime.advance(Duration::from_secs(30));
    runtime.run_until_stalled();
    assert!(pipe.is_closed(), "the client has stopped reading");
    assert_eq!(sent.borrow().last(), Some(&false), "and the sender has heard of it");
}
