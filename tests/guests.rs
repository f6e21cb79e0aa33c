//! Handlers and bodies that panic: when they are called, polled and dropped. Each time the connection says what
//! happened, the panic is counted once, and nobody else notices.

mod common;

use std::cell::Cell;
use std::panic;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use common::conversation::{expect_one, statuses};
use common::log;
use common::pipe::Pipe;
use common::{Gate, OnDrop};
use glassbox::Runtime;
use glassbox::http::stats::Stats;
use glassbox::http::{
    Body, BodyError, BodySource, Chunk, Handler, Limits, Request, Response, Router, Server, Status,
    serve_connection,
};

/// A handler whose future is written by hand.
struct By<M>(M);

impl<M, A> Handler for By<M>
where
    M: Fn(Request) -> A + 'static,
    A: Future<Output = Response> + 'static,
{
    fn call(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static {
        (self.0)(request)
    }
}

/// A server in memory with two clients: one who asks for trouble, and a bystander.
struct Stage {
    runtime: Runtime,
    pipe: Pipe,
    bystander: Pipe,
    stats: Arc<Stats>,
}

impl Stage {
    fn new(router: Router) -> Stage {
        log::keep(::log::LevelFilter::Error);
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let stats = Arc::new(Stats::default());
        let server = Server::new(router.get("/fine", async |_| "fine"))
            .limits(Limits { handler_timeout: Duration::from_secs(5), ..Limits::default() })
            .stats(stats.clone());
        let service = server.into_service(runtime.handle());
        let (pipe, bystander) = (Pipe::new(), Pipe::new());
        for pipe in [&pipe, &bystander] {
            runtime.handle().spawn(serve_connection(service.clone(), pipe.server_end(), None)).detach();
        }
        Stage { runtime, pipe, bystander, stats }
    }

    fn get(&self, path: &str) -> String {
        self.pipe.client_send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        self.runtime.run_until_stalled();
        self.pipe.client_text()
    }

    /// How many panics were counted and which were logged; and the bystander is served as if nothing had happened.
    #[track_caller]
    fn expect(self, counted: u64, logged: &[&str]) {
        self.bystander.client_send(b"GET /fine HTTP/1.1\r\nHost: a\r\n\r\n");
        self.runtime.run_until_stalled();
        expect_one(&self.bystander.client_text(), 200, false);
        let lines: Vec<String> = log::take().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines.len(), logged.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(logged) {
            assert!(line.contains(expected), "{line} is not {expected}");
        }
        assert_eq!(self.stats.panics.get(), counted);
        self.bystander.client_end();
        self.pipe.client_end();
        self.runtime.run_until_stalled();
        assert_eq!(self.runtime.tasks(), [], "each connection has come to its end");
        assert_eq!(self.stats.open.get(), 0, "and has left");
        assert_eq!(self.stats.in_flight.get(), 0);
    }
}

/// Something that panics when it is dropped.
fn grenade(text: &'static str) -> OnDrop<impl FnMut()> {
    OnDrop(move || panic!("{text}"))
}

/// A body whose source panics when it is polled for the `nth` time, from 1 on, or when it is dropped.
struct Bad {
    nth: u32,
    polls: u32,
    drops_badly: bool,
}

impl Bad {
    fn body(nth: u32, drops_badly: bool, length: Option<u64>) -> Body {
        Body::stream(Bad { nth, polls: 0, drops_badly }, length)
    }
}

impl BodySource for Bad {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.polls += 1;
        assert!(self.polls != self.nth, "the body has had enough");
        Poll::Ready((self.polls < 3).then_some(Ok(Chunk::Static(b"abc"))))
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        assert!(!self.drops_badly, "the body goes with a bang");
    }
}

/// A body that panics while it is sent is counted and logged like a handler that does. Its answer has begun, so the
/// connection is cut: the client sees that the end is missing.
#[test]
fn a_body_that_panics_is_counted_and_cuts_the_connection() {
    for (length, seen) in [(None, "3\r\nabc\r\n"), (Some(6), "abc")] {
        let stage = Stage::new(
            Router::new()
                .get("/", async move |_| Response::new(Status::OK).with_body(Bad::body(2, false, length))),
        );
        let text = stage.get("/");
        assert_eq!(text.split_once("\r\n\r\n").map(|(_, body)| body), Some(seen), "and not its end");
        assert!(stage.pipe.is_closed());
        stage.expect(1, &["a streamed body panicked: the body has had enough"]);
    }
}

/// A body that panics when it is dropped has done its work by then: the answer is whole, and the connection goes on.
#[test]
fn a_body_that_panics_in_its_drop_changes_nothing() {
    let stage = Stage::new(
        Router::new().get("/", async |_| Response::new(Status::OK).with_body(Bad::body(9, true, Some(6)))),
    );
    let text = stage.get("/");
    expect_one(&text, 200, false);
    assert!(text.ends_with("abcabc"), "{text}");
    expect_one(&stage.get("/fine"), 200, false);
    stage.expect(0, &["the drop of a body panicked: the body goes with a bang"]);
}

/// The same for a body that is never sent: the answers to HEAD, and 204.
#[test]
fn a_body_that_is_not_sent_may_panic_in_its_drop() {
    let router = Router::new()
        .get("/head", async |_| Response::new(Status::OK).with_body(Bad::body(9, true, Some(6))))
        .get("/204", async |_| Response::new(Status::NO_CONTENT).with_body(Bad::body(9, true, None)));
    let stage = Stage::new(router);
    stage.pipe.client_send(b"HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(statuses(&stage.get("/204")), [200, 204]);
    stage.expect(0, &["the drop of a body panicked", "the drop of a body panicked"]);
}

/// A handler that panics, and panics again when what is left of it is dropped: one 500, counted once.
#[test]
fn a_handler_that_panics_twice_is_counted_once() {
    struct Twice;
    impl Future for Twice {
        type Output = Response;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
            panic!("the handler has had enough")
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("and goes with a bang")
        }
    }
    let stage = Stage::new(Router::new().get("/", By(|_| Twice)));
    expect_one(&stage.get("/"), 500, true);
    stage.expect(
        1,
        &["the drop of a handler panicked: and", "a handler panicked: the handler has had enough"],
    );
}

/// A handler that is ready at once and panics in its drop: its answer was made by then. Nothing changes, for the next
/// request neither.
#[test]
fn a_ready_handler_may_panic_in_its_drop() {
    struct Once;
    impl Future for Once {
        type Output = Response;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
            Poll::Ready(Response::text("fine"))
        }
    }
    impl Drop for Once {
        fn drop(&mut self) {
            panic!("done, and with a bang")
        }
    }
    let stage = Stage::new(Router::new().get("/", By(|_| Once)));
    for _ in 0..3 {
        expect_one(&stage.get("/"), 200, false);
    }
    stage.expect(0, &["the drop of a handler panicked: done, and with a bang"; 3]);
}

/// What a handler's future holds is given back when it is ready, though it does not let go of it itself: here the request,
/// and with it the body. So the client is not told to send what nobody will read.
#[test]
fn a_ready_handler_holds_no_request() {
    struct Reject(Request);
    impl Future for Reject {
        type Output = Response;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Response> {
            Poll::Ready(Response::error(Status::FORBIDDEN, self.0.target()))
        }
    }
    let stage = Stage::new(Router::new().post("/", By(Reject)));
    stage
        .pipe
        .client_send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    stage.runtime.run_until_stalled();
    expect_one(&stage.pipe.client_text(), 403, true);
    stage.expect(0, &[]);
}

/// A handler that took too long is dropped. If that panics, the client still gets its 503.
#[test]
fn a_late_handler_may_panic_in_its_drop() {
    let stage = Stage::new(Router::new().get("/", async |_| {
        let _held = grenade("late, and with a bang");
        std::future::pending::<&'static str>().await
    }));
    assert_eq!(stage.get("/"), "");
    stage.runtime.advance(Duration::from_secs(5));
    stage.runtime.run_until_stalled();
    expect_one(&stage.pipe.client_text(), 503, true);
    stage.expect(0, &["the drop of a handler panicked: late, and with a bang"]);
}

/// What a panic carries can panic in its drop, too.
#[test]
fn the_payload_of_a_panic_may_panic_in_its_drop() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("the payload goes with a bang");
        }
    }
    let stage = Stage::new(Router::new().get("/", async |_| -> &'static str {
        panic::panic_any(Payload);
    }));
    expect_one(&stage.get("/"), 500, true);
    stage.expect(
        1,
        &["a handler panicked: (no message)", "the drop of a panic's payload panicked: the payload goes"],
    );
}

/// A client that closes its side while the handler waits may still want the answer, and gets it. (What a reset does
/// is seen on real sockets.)
#[test]
fn a_half_closed_client_gets_its_answer() {
    let gate = Gate::default();
    let (inner, dropped) = (gate.clone(), Rc::new(Cell::new(0)));
    let count = dropped.clone();
    let router = Router::new().get("/", async move |_| {
        let _held = OnDrop(|| count.set(count.get() + 1));
        inner.clone().await;
        "patience"
    });
    let stage = Stage::new(router);
    assert_eq!(stage.get("/"), "");
    stage.pipe.client_end();
    stage.runtime.run_until_stalled();
    assert_eq!(dropped.get(), 0, "it goes on");
    gate.open();
    stage.runtime.run_until_stalled();
    expect_one(&stage.pipe.client_text(), 200, false);
    assert_eq!(dropped.get(), 1);
}
