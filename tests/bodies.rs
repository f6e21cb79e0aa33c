//! How long a request's body lives: from its head to the end of its answer. Whoever keeps it longer gets an error.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use common::conversation::{Conversation, expect_one, statuses};
use common::pipe::Pipe;
use glassbox::http::{
    Body, BodyError, BodySource, Chunk, Limits, Request, Response, Router, Server, Status, serve_connection,
};
use glassbox::{JoinHandle, Runtime};

/// What a task that reads a body has seen: the bytes, and how it ended.
type Diary = Rc<RefCell<(usize, Option<Result<(), String>>)>>;

async fn read_all(mut body: Body, diary: Diary) {
    while let Some(chunk) = body.chunk().await {
        match chunk {
            Ok(chunk) => diary.borrow_mut().0 += chunk.len(),
            Err(error) => {
                diary.borrow_mut().1 = Some(Err(error.to_string()));
                return;
            }
        }
    }
    diary.borrow_mut().1 = Some(Ok(()));
}

/// A server whose `/` gives the body to a task of its own and answers at once; and one connection to it.
fn handing_on() -> (Runtime, Pipe, Diary) {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let (handle, diary) = (runtime.handle(), Diary::default());
    let kept = diary.clone();
    let router = Router::new().post("/", async move |request: Request| {
        handle.spawn(read_all(request.into_body(), kept.clone())).detach();
        Status::ACCEPTED
    });
    let pipe = Pipe::new();
    let service = Server::new(router).into_service(runtime.handle());
    runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
    (runtime, pipe, diary)
}

/// A task that reads the body while the answer is sent sees every byte, or an error: never a clean end with bytes
/// missing, and it never sleeps for ever.
#[test]
fn a_body_given_to_a_task_is_whole_or_an_error() {
    for sent in [0, 1, 50, 99, 100] {
        let (runtime, pipe, diary) = handing_on();
        pipe.client_send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
        pipe.client_send(&vec![b'x'; sent]);
        runtime.run_until_stalled();
        assert_eq!(statuses(&pipe.client_text()), [202]);
        let (bytes, end) = diary.borrow_mut().clone();
        let end = end.expect("the task has come to an end");
        assert!(
            end == Err("the body ended early".to_owned()) || bytes == 100,
            "{sent} sent: {bytes}, {end:?}"
        );
        pipe.client_end();
        runtime.run_until_stalled();
        assert_eq!(runtime.tasks(), []);
    }
}

/// A body that is kept for ever does not keep the socket open.
#[test]
fn a_kept_body_keeps_no_socket() {
    let kept: Rc<RefCell<Vec<Body>>> = Rc::default();
    let keep = kept.clone();
    let router = Router::new().post("/", async move |request: Request| {
        keep.borrow_mut().push(request.into_body());
        "kept"
    });
    let conversation = Conversation::new(router, Limits::default());
    expect_one(&conversation.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 200, false);
    conversation.wait(Duration::from_secs(60));
    assert!(conversation.pipe.is_closed(), "the idle timeout has closed it");
    assert_eq!(kept.borrow().len(), 1);
    conversation.end();
}

/// One kept body changes nothing for the requests behind it: an unread body that is too long still ends the connection,
/// and `100 Continue` is still said only on demand.
#[test]
fn a_kept_body_does_not_confuse_the_next_request() {
    let kept: Rc<RefCell<Vec<Body>>> = Rc::default();
    let keep = kept.clone();
    let router = Router::new()
        .post("/keep", async move |request: Request| {
            keep.borrow_mut().push(request.into_body());
            "kept"
        })
        .post("/ignore", async |_| "ignored");
    let conversation = Conversation::new(router, Limits::default());
    expect_one(
        &conversation.say("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
        200,
        false,
    );
    let expecting = "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    expect_one(&conversation.say(expecting), 200, true);
    conversation.end();
}

/// An answer made of the request's body is still the body's time.
#[test]
fn an_answer_may_be_the_body() {
    let router = Router::new()
        .post("/", async |request: Request| Response::new(Status::OK).with_body(request.into_body()));
    let conversation = Conversation::new(router, Limits::default());
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 100_000);
    let mut text = conversation.say(head);
    for _ in 0..10 {
        text += &conversation.say("x".repeat(10_000));
    }
    expect_one(&text, 200, false);
    assert!(text.ends_with(&"x".repeat(100_000)));
    conversation.end();
}

/// A chunk leaves in one write, with its size in front and its line end behind, whether it is small enough to be copied
/// or not. Head and end are writes of their own here, because the body
/// waits before each piece.
#[test]
fn a_chunk_is_one_write() {
    struct Slow {
        size: usize,
        left: usize,
        waited: bool,
    }
    impl BodySource for Slow {
        fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
            self.waited = !self.waited;
            if self.waited {
                cx.waker().wake_by_ref(); // So that what has been said so far leaves.
                return Poll::Pending;
            }
            let next = self.left.checked_sub(1);
            self.left = next.unwrap_or_default();
            Poll::Ready(next.map(|_| Ok(Chunk::Owned(vec![b'x'; self.size]))))
        }
    }
    for size in [1, 4_000, 100_000] {
        let router = Router::new().get("/", async move |_| {
            let body = Slow { size, left: 5, waited: false };
            Response::new(Status::OK).with_body(Body::stream(body, None))
        });
        let conversation = Conversation::new(router, Limits::default());
        let text = conversation.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        expect_one(&text, 200, false);
        let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
        assert!(text.ends_with(&(chunk.repeat(5) + "0\r\n\r\n")));
        assert_eq!(conversation.pipe.writes(), 1 + 5 + 1, "head, five chunks, end");
        conversation.end();
    }
}

/// A server whose `/` gives the body to a task of its own and answers with a megabyte; and one connection to it whose
/// client takes `room` bytes of that, and no more.
fn handing_on_to_a_slow_reader(room: usize) -> (Runtime, Pipe, Diary, JoinHandle<()>) {
    let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
    let (handle, diary) = (runtime.handle(), Diary::default());
    let kept = diary.clone();
    let router = Router::new().post("/", async move |request: Request| {
        handle.spawn(read_all(request.into_body(), kept.clone())).detach();
        vec![b'x'; 1_000_000]
    });
    let pipe = Pipe::new();
    pipe.set_room(room);
    let service = Server::new(router).into_service(runtime.handle());
    let connection = runtime.handle().spawn(serve_connection(service, pipe.server_end(), None));
    pipe.client_send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789");
    runtime.run_until_stalled();
    (runtime, pipe, diary, connection)
}

/// The connection dies while another task waits for the body: that task slept for ever, and leaked. It hears of it.
#[test]
fn a_body_in_another_task_was_not_told_that_its_connection_died() {
    let (runtime, pipe, diary, connection) = handing_on_to_a_slow_reader(1000);
    connection.abort();
    runtime.run_until_stalled();
    assert!(pipe.is_closed());
    assert_eq!(diary.borrow().1, Some(Err("the body ended early".to_owned())));
    assert_eq!(runtime.tasks(), [], "nobody sleeps for ever");
}

/// Both wait, the reading task for bytes and the connection for room. One timer for both: each pushed the other's
/// deadline back, and neither ever came.
#[test]
fn a_body_in_another_task_put_the_write_timeout_off() {
    let (runtime, pipe, diary, _connection) = handing_on_to_a_slow_reader(1000);
    for byte in b"abcdef" {
        runtime.advance(Duration::from_secs(5));
        pipe.client_send(&[*byte]);
        runtime.run_until_stalled();
    }
    assert!(pipe.is_closed(), "thirty seconds without a byte that the client took");
    assert_eq!((runtime.tasks(), runtime.timers()), (vec![], vec![]));
    assert!(diary.borrow().1.is_some());
}

/// Answers wait for room while another task reads the body. That task took the only wake for "there is room", and the
/// connection was never told. It does the writing alone now.
#[test]
fn a_body_in_another_task_took_the_wake_of_the_answer() {
    let (runtime, pipe, diary, _connection) = handing_on_to_a_slow_reader(50); // less than the answer's head
    let mut taken = 0;
    for byte in b"a".repeat(90) {
        pipe.client_send(&[byte]);
        runtime.run_until_stalled();
        taken += pipe.client_take().len();
        runtime.run_until_stalled();
    }
    assert_eq!(diary.borrow().1, Some(Ok(())), "the whole body has come");
    pipe.set_room(100_000);
    for _ in 0..20 {
        taken += pipe.client_take().len();
        runtime.run_until_stalled();
    }
    assert!(taken > 1_000_000, "the whole answer has come");
    pipe.client_end();
    runtime.run_until_stalled();
    assert_eq!(runtime.tasks(), []);
}

/// A body in large chunks, and a client that takes whatever it gets: in one turn the connection moved two megabytes,
/// where half of one was meant, and three hundred such clients held everybody else up for seconds. Bytes count now.
#[test]
fn a_turn_moved_as_much_as_thirty_two_chunks() {
    static LARGE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
    struct Endless;
    impl BodySource for Endless {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
            Poll::Ready(Some(Ok(Chunk::Static(&LARGE))))
        }
    }
    let router =
        Router::new().get("/", async |_| Response::new(Status::OK).with_body(Body::stream(Endless, None)));
    let conversation = Conversation::new(router, Limits::default());
    conversation.pipe.client_send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..10 {
        assert_eq!(conversation.runtime.turn(), 1);
        let moved = conversation.pipe.client_take().len();
        assert!((64 * 1024..600_000).contains(&moved), "{moved} bytes in one turn");
    }
}
