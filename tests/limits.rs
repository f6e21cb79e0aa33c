//! Every limit, reached from both sides: what is allowed is answered, one more is refused with its status code.
//!
//! The clock stands still until a test moves it, and the client is a pipe in memory. So "ten seconds later" takes no time.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::conversation::{Conversation, expect_one, statuses};
use common::pipe::Pipe;
use glassbox::Runtime;
use glassbox::http::{
    Body, BodyError, BodySource, Chunk, Limits, Request, Response, Router, Server, Status, serve_connection,
};

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// `/` answers at once, `/text` collects the body, `/ignore` does not look at it, `/echo` passes it on, `/never`
/// never answers, `/panic` panics.
fn router() -> Router {
    Router::new()
        .get("/", async |_| "ok")
        .post("/text", async |mut request: Request| request.text().await)
        .post("/ignore", async |_| "ignored")
        .post("/echo", async |request: Request| Response::new(Status::OK).with_body(request.into_body()))
        .get("/never", async |_| std::future::pending::<&str>().await)
        .get("/panic", async |_| -> &str { panic!("on purpose") })
        .get("/big", async |_| vec![b'x'; 10_000_000])
}

fn with(change: impl FnOnce(&mut Limits)) -> Conversation {
    let mut limits = Limits::default();
    change(&mut limits);
    Conversation::new(router(), limits)
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}")
}

fn with_length(path: &str, body: &str) -> String {
    post(path, &format!("Content-Length: {}", body.len()), body)
}

fn chunked(path: &str, chunks: &str) -> String {
    post(path, "Transfer-Encoding: chunked", chunks)
}

/// Head bytes, headers, target: the largest that fits, and one more.
#[test]
fn the_head() {
    let padded = |size: usize| {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(size - start.len() - 4))
    };
    let headers = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    let target = |length: usize| format!("GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 2));
    for (fits, too_much, status) in [
        (padded(500), padded(501), 431),
        (headers(10), headers(11), 431),
        (target(100), target(101), 414),
        (target(100), target(400), 414),
    ] {
        for (request, status, closes) in [(fits, 200, false), (too_much, status, true)] {
            let conversation = with(|limits| {
                (limits.head, limits.headers, limits.target) = (500, 10, 100);
            });
            expect_one(&conversation.say(request), status, closes);
            conversation.end();
        }
    }
}

/// Body bytes, announced and in chunks; bytes that a handler collects; bytes of chunk extensions and of trailers.
#[test]
fn the_body() {
    for (request, status, closes) in [
        (with_length("/text", "12345678"), 200, false),
        (with_length("/text", "123456789"), 413, false), // all of it is here, so the next request can be found
        (with_length("/echo", "1234567890"), 200, false),
        (with_length("/echo", "12345678901"), 413, true),
        (chunked("/echo", "4\r\n1234\r\n6\r\n567890\r\n0\r\n\r\n"), 200, false),
        (chunked("/echo", "4\r\n1234\r\n7\r\n5678901\r\n0\r\n\r\n"), 413, true),
        (chunked("/echo", &format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(18))), 200, false),
        (chunked("/echo", &format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(40))), 400, true),
        (chunked("/echo", "1\r\nx\r\n0\r\nA: b\r\n\r\n"), 200, false),
        (chunked("/echo", "1\r\nx\r\n0\r\nA: bcdefghijklmnopqrstuvw\r\n\r\n"), 431, true),
    ] {
        let conversation = with(|limits| {
            (limits.body, limits.collected) = (10, 8);
            (limits.chunk_extensions, limits.trailers) = (20, 20);
        });
        expect_one(&conversation.say(&request), status, closes);
        conversation.end();
    }
}

/// A body that the handler ignores is read and thrown away, up to a limit; beyond it the connection ends.
#[test]
fn the_unread_body() {
    for (length, keeps) in [(100, true), (101, false)] {
        let conversation = with(|limits| limits.drain = 100);
        let request = with_length("/ignore", &"x".repeat(length)) + GET;
        let answers = if keeps { vec![200, 200] } else { vec![200] };
        assert_eq!(statuses(&conversation.say(request)), answers);
        conversation.end();
    }
}

/// A head must be complete in its time, counted from its first byte: a byte now and then buys nothing.
#[test]
fn the_time_for_a_head() {
    let conversation = with(|_| {});
    assert_eq!(conversation.wait(50 * SECOND), "", "idle is something else");
    assert_eq!(conversation.say("GET / HTTP/1.1\r\n"), "");
    for _ in 0..9 {
        assert_eq!(conversation.wait(SECOND), "");
        assert_eq!(conversation.say("X"), "");
    }
    expect_one(&conversation.wait(SECOND), 408, true);
    conversation.end();
}

/// Without a least rate a body may take long, as long as each byte comes within the limit of the one before.
#[test]
fn the_time_for_a_body() {
    let conversation = with(|limits| limits.min_rate = 0);
    conversation.say(post("/text", "Content-Length: 4", "a"));
    for byte in ["b", "c"] {
        assert_eq!(conversation.wait(29 * SECOND), "");
        assert_eq!(conversation.say(byte), "");
    }
    expect_one(&conversation.wait(30 * SECOND), 408, true);
    conversation.end();
}

/// A client that stops reading is cut, and until then it holds no more than its answer and a buffer.
#[test]
fn the_time_for_a_write() {
    let conversation = with(|limits| limits.min_rate = 0);
    conversation.pipe.set_room(1000);
    conversation.pipe.client_send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    conversation.runtime.run_until_stalled();
    for _ in 0..3 {
        conversation.runtime.advance(29 * SECOND);
        conversation.runtime.run_until_stalled();
        assert!(!conversation.pipe.is_closed());
        assert_eq!(conversation.pipe.client_take().len(), 1000, "each byte taken buys new time");
        conversation.runtime.run_until_stalled();
    }
    conversation.runtime.advance(30 * SECOND);
    conversation.runtime.run_until_stalled();
    assert!(conversation.pipe.is_closed());
    conversation.end();
}

/// What is sent at once may come in many reads. When the first of them alone bought time, a client that was fast enough
/// was cut.
#[test]
fn a_burst_was_paid_for_its_first_read_alone() {
    let conversation = with(|limits| limits.min_rate = 10);
    conversation.say(post("/text", "Content-Length: 1000", ""));
    for _ in 0..9 {
        assert_eq!(conversation.wait(10 * SECOND), "");
        for _ in 0..10 {
            conversation.pipe.client_send(b"0123456789");
        }
        assert_eq!(conversation.say(""), "", "a hundred bytes in ten seconds");
    }
    assert_eq!(conversation.wait(10 * SECOND), "");
    expect_one(&conversation.say("x".repeat(100)), 200, false);
    conversation.end();
}

/// A client that sends a byte of its body now and then, each time within the timeout, runs out of time: a byte buys a
/// moment, not another half minute. One that keeps to the least rate may take as long as it likes.
#[test]
fn a_body_that_drips_is_refused() {
    let conversation = with(|limits| limits.min_rate = 10);
    conversation.say(post("/echo", "Content-Length: 1000", "x"));
    for _ in 0..29 {
        assert_eq!(conversation.wait(SECOND), "");
        assert_eq!(conversation.say("x"), "", "a second was used up, a tenth of one bought");
    }
    let mut text = String::new();
    for _ in 0..10 {
        text += &conversation.wait(SECOND);
        text += &conversation.say("x");
    }
    expect_one(&text, 408, true);
    conversation.end();

    let conversation = with(|limits| limits.min_rate = 10);
    conversation.say(post("/ignore", "Content-Length: 6000", ""));
    for _ in 0..599 {
        conversation.wait(SECOND);
        conversation.say("0123456789");
    }
    assert!(!conversation.pipe.is_closed(), "ten minutes, at ten bytes a second");
    conversation.say("0123456789");
    expect_one(&conversation.say(GET), 200, false);
    conversation.end();
}

/// The time that a handler takes between two looks at the body is not the client's.
#[test]
fn a_slow_handler_does_not_use_up_the_clients_time() {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let clock = runtime.handle();
    let router = Router::new().post("/", async move |request: Request| {
        let mut body = request.into_body();
        let mut read = 0;
        while let Some(Ok(chunk)) = body.chunk().await {
            read += chunk.len();
            clock.sleep(25 * SECOND).await;
        }
        format!("read {read}")
    });
    let pipe = Pipe::new();
    let service = Server::new(router).into_service(runtime.handle());
    runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
    pipe.client_send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    for _ in 0..3 {
        runtime.run_until_stalled();
        runtime.advance(5 * SECOND);
        runtime.run_until_stalled();
        pipe.client_send(b"x"); // Fifteen seconds in all, and three bytes: well within thirty.
        runtime.run_until_stalled();
        runtime.advance(25 * SECOND);
    }
    runtime.run_until_stalled();
    assert!(pipe.client_text().ends_with("read 3"));
}

/// A client that takes a few bytes of its answer now and then is cut as well. One that is as fast as the least rate
/// gets all of it, however long that takes.
#[test]
fn an_answer_that_is_sipped_is_cut() {
    for (sip, survives) in [(10, true), (1, false)] {
        let conversation = with(|limits| limits.min_rate = 10);
        conversation.pipe.set_room(sip);
        conversation.pipe.client_send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..600 {
            conversation.runtime.run_until_stalled();
            conversation.runtime.advance(SECOND);
            conversation.runtime.run_until_stalled();
            conversation.pipe.client_take();
        }
        conversation.runtime.run_until_stalled();
        assert_eq!(conversation.pipe.is_closed(), !survives, "{sip} bytes a second");
    }
}

/// An idle connection is closed without a word: that is what keep-alive allows.
#[test]
fn the_time_between_requests() {
    let conversation = with(|_| {});
    expect_one(&conversation.say(GET), 200, false);
    assert_eq!(conversation.wait(59 * SECOND), "");
    expect_one(&conversation.say(GET), 200, false);
    assert_eq!(conversation.wait(59 * SECOND), "");
    assert!(!conversation.pipe.is_closed(), "each request buys a new minute");
    assert_eq!(conversation.wait(SECOND), "");
    assert!(conversation.pipe.is_closed());
    conversation.end();
}

/// A handler that does not answer in time: 503 in its place, and its future is dropped.
#[test]
fn the_time_for_a_handler() {
    let conversation = with(|_| {});
    assert_eq!(conversation.say("GET /never HTTP/1.1\r\nHost: a\r\n\r\n"), "");
    assert_eq!(conversation.wait(119 * SECOND), "");
    expect_one(&conversation.wait(SECOND), 503, true);
    conversation.end();
}

/// The last request that a connection may carry is answered with the announcement of its end.
#[test]
fn the_number_of_requests() {
    let conversation = with(|limits| limits.requests_per_connection = 2);
    expect_one(&conversation.say(GET), 200, false);
    expect_one(&conversation.say(GET), 200, true);
    assert_eq!(conversation.say(GET), "");
    conversation.end();
}

/// A panic in a handler is a 500 and the end of that connection.
#[test]
fn a_panic_is_a_500() {
    let conversation = with(|_| {});
    expect_one(&conversation.say("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n"), 500, true);
    conversation.end();
}

/// All answers to pipelined requests leave in one write.
#[test]
fn pipelined_answers_leave_together() {
    let conversation = with(|_| {});
    let text = conversation.say(GET.repeat(10));
    assert_eq!(statuses(&text), [200; 10]);
    assert_eq!(conversation.pipe.writes(), 1);
    conversation.end();
}

/// A handler that waits does not hold back the answers to the requests before it.
#[test]
fn a_waiting_handler_holds_no_answer_back() {
    let conversation = with(|_| {});
    let text = conversation.say(GET.to_owned() + "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_one(&text, 200, false);
    conversation.wait(120 * SECOND);
    conversation.end();
}

/// `100 Continue` is said when the handler asks for the body, and only then.
#[test]
fn continue_is_said_on_demand() {
    let expect = "Expect: 100-continue\r\nContent-Length: 5";
    let conversation = with(|_| {});
    assert_eq!(statuses(&conversation.say(post("/text", expect, ""))), [100]);
    expect_one(&conversation.say("hello"), 200, false);
    conversation.end();

    let conversation = with(|_| {});
    expect_one(&conversation.say(post("/ignore", expect, "")), 200, true);
    conversation.end();

    let conversation = with(|_| {});
    let at_once = conversation.say(post("/text", expect, "hello"));
    expect_one(&at_once, 200, false);
    conversation.end();
}

/// A body that is kept beyond its request reads nothing of the next one.
#[test]
fn a_body_ends_with_its_request() {
    let kept: Rc<RefCell<Option<Body>>> = Rc::default();
    let (keep, read) = (kept.clone(), kept.clone());
    let router = Router::new()
        .post("/keep", async move |request: Request| {
            keep.replace(Some(request.into_body()));
            "kept"
        })
        .post("/steal", async move |_| {
            let mut body = read.take().expect("kept before");
            match body.chunk().await {
                Some(Ok(chunk)) => format!("stole {} bytes", chunk.len()),
                Some(Err(error)) => format!("error: {error}"),
                None => "nothing".to_owned(),
            }
        });
    let conversation = Conversation::new(router, Limits::default());
    let text = conversation.say(with_length("/keep", "first") + &with_length("/steal", "second"));
    assert!(text.ends_with("error: the body ended early"), "{text}");
    conversation.end();
}

/// A stream that makes fewer or more bytes than it promised cannot be mended: the connection ends, so that the client
/// sees it, and no byte too many leaves.
#[test]
fn a_stream_that_breaks_its_promise_ends_the_connection() {
    struct Pieces(Vec<&'static [u8]>);
    impl BodySource for Pieces {
        fn poll_chunk(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Chunk, BodyError>>> {
            std::task::Poll::Ready(self.0.pop().map(|piece| Ok(Chunk::Static(piece))))
        }
    }
    for (promised, body) in [(3, "ab"), (1, "")] {
        let router = Router::new().get("/", async move |_| {
            Response::new(Status::OK).with_body(Body::stream(Pieces(vec![b"ab"]), Some(promised)))
        });
        let conversation = Conversation::new(router, Limits::default());
        let text = conversation.say(GET.repeat(2));
        let received = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert_eq!(received, body);
        assert!(conversation.pipe.is_closed());
        conversation.end();
    }
}

/// A handler that puts a client's text into a header cannot be made to write headers of the client's choice.
#[test]
fn a_header_cannot_be_injected() {
    let router = Router::new().get("/{text}", async |request: Request| {
        Response::text("ok").with_header("x-text", request.param("text").to_owned())
    });
    let conversation = Conversation::new(router, Limits::default());
    let text = conversation.say("GET /a%0d%0aSet-Cookie:%20b HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_one(&text, 500, true);
    assert!(!text.to_lowercase().contains("cookie"), "{text}");
    conversation.end();
}

/// A limit may be as large as its type, which means: none. Nothing is added to it that makes it small again.
#[test]
fn no_limit_at_all() {
    let conversation = with(|limits| {
        (limits.head, limits.headers, limits.target) = (usize::MAX, usize::MAX, usize::MAX);
        (limits.body, limits.collected, limits.drain) = (u64::MAX, usize::MAX, u64::MAX);
        (limits.chunk_extensions, limits.trailers) = (usize::MAX, usize::MAX);
        (limits.min_rate, limits.connections) = (u64::MAX, usize::MAX);
        limits.requests_per_connection = u64::MAX;
        let (long, times) = (Duration::MAX, limits);
        (times.head_timeout, times.body_timeout, times.write_timeout) = (long, long, long);
        (times.idle_timeout, times.handler_timeout) = (long, long);
    });
    expect_one(&conversation.say(GET), 200, false);
    conversation.say(post("/echo", "Content-Length: 2", "a"));
    conversation.wait(SECOND);
    expect_one(&conversation.say("b"), 200, false);
    expect_one(&conversation.say(chunked("/ignore", "1;e=f\r\nx\r\n0\r\nA: b\r\n\r\n")), 200, false);
    expect_one(
        &conversation.say(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(50_000))),
        404,
        false,
    );
    conversation.end();
}

/// Behind a refusal the server says that it sends no more, and listens for a while, so that its word is not destroyed by
/// a reset. But not for long, and not to everything: two seconds, or as many bytes as it would drain.
#[test]
fn a_farewell_is_short() {
    let broken = "BROKEN\r\n\r\n";
    let conversation = with(|_| {});
    expect_one(&conversation.say(broken), 400, true);
    assert!(conversation.pipe.is_closed(), "the server's side is closed");
    for _ in 0..19 {
        conversation.wait(SECOND / 10);
        conversation.say("a byte now and then buys nothing");
        assert_eq!(conversation.runtime.tasks().len(), 1, "it still listens");
    }
    conversation.wait(SECOND / 10);
    assert_eq!(conversation.runtime.tasks(), []);

    let conversation = with(|limits| limits.drain = 1000);
    expect_one(&conversation.say(broken), 400, true);
    conversation.say("x".repeat(1000));
    assert_eq!(conversation.runtime.tasks().len(), 1);
    conversation.say("x");
    assert_eq!(conversation.runtime.tasks(), []);
}
