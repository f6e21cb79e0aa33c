//! Bodies, and connections whose task is aborted after each of its polls.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use glassbox::Handle;
use glassbox::future::{Either, race, yield_now};
use glassbox::http::files::files;
use glassbox::http::sse::{ServerEvent, event_stream};
use glassbox::http::stats::Stats;
use glassbox::http::{
    Body, BodyError, BodySource, Chunk, Next, Request, Response, Router, Server, Status, layers,
    serve_connection,
};
use glassbox::sync::{Receiver, Sender, channel};

use super::knife::{cut, cut_with, nothing_is_left, now, runtime, wait_for_pool};
use crate::common::conversation::Conversation;
use crate::common::pipe::Pipe;
use crate::common::wakers::CountingWaker;

/// A body that comes through a channel.
struct Pieces(Receiver<&'static [u8]>);

impl BodySource for Pieces {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Chunk::Static(bytes))))
    }
}

fn pieces() -> (Sender<&'static [u8]>, Body) {
    let (sender, receiver) = channel(9);
    (sender, Body::stream(Pieces(receiver), None))
}

fn push(sender: &Sender<&'static [u8]>, bytes: &'static [u8]) {
    assert!(now(sender.send(bytes)).is_some_and(|sent| sent.is_ok()), "there is room");
}

/// A piece that nobody took is there for the next one. The body's source may keep the waker, as long as it lives: the
/// future does not know where it is.
pub fn next_chunk(polls: usize) -> bool {
    let (sender, mut body) = pieces();
    let waker = CountingWaker::new();
    let output = cut_with(&waker, polls, body.chunk(), |nth| {
        if nth == 2 {
            push(&sender, b"abc");
        }
    });
    push(&sender, b"def");
    let complete = output.is_some();
    let mut got = Vec::new();
    let mut note = |chunk: Option<Option<Result<Chunk, BodyError>>>| {
        if let Some(Some(Ok(chunk))) = chunk {
            got.extend_from_slice(&chunk);
        }
    };
    note(output);
    for _ in 0..2 {
        note(cut_with(&waker, 1, body.chunk(), |_| {}));
    }
    assert_eq!(got, if polls < 2 { &b"def"[..] } else { b"abcdef" });
    drop(body);
    assert!(!waker.is_held());
    complete
}

/// A body that is collected goes with the collector, and its sender learns of it.
pub fn collect(polls: usize) -> bool {
    let (sender, body) = pieces();
    let mut sender = Some(sender);
    let output = cut(polls, body.collect(100), |nth| match (nth, &sender) {
        (2 | 3, Some(sender)) => push(sender, b"abc"),
        (4, _) => drop(sender.take()),
        _ => {}
    });
    if let Some(sender) = sender {
        assert!(now(sender.send(b"?")).expect("at once").is_err(), "nobody receives any more");
    }
    output.is_some_and(|all| all.expect("no error") == b"abcabc")
}

/// A handler that gives up each `chunk()` after so many polls, and tries again, gets every byte once.
pub fn chunks_in_a_handler(polls: usize) -> bool {
    let router = Router::new().post("/", async move |request: Request| {
        let (mut body, mut all) = (request.into_body(), Vec::new());
        loop {
            let patience = async {
                for _ in 0..polls {
                    yield_now().await;
                }
            };
            match race(body.chunk(), patience).await {
                Either::First(Some(Ok(chunk))) => all.extend_from_slice(&chunk),
                Either::First(None) => return all,
                Either::First(Some(Err(error))) => return error.to_string().into_bytes(),
                Either::Second(()) => yield_now().await,
            }
        }
    });
    let conversation = Conversation::new(router, glassbox::http::Limits::default());
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for byte in head.iter().chain(b"3\r\nabc\r\n5\r\ndefgh\r\n1\r\ni\r\n0\r\n\r\n") {
        conversation.pipe.client_send(&[*byte]);
        for _ in 0..3 {
            conversation.runtime.turn();
        }
    }
    let answer = conversation.say("");
    assert!(answer.ends_with("\r\n\r\nabcdefghi"), "{answer}");
    conversation.end();
    polls == 5
}

/// What the client does when the server has nothing to do.
enum Act {
    Send(&'static str),
    Take,
    Room(usize),
    /// The pool's thread does what it was asked for.
    Pool,
    End,
}
use Act::{End, Pool, Room, Send, Take};

fn router(handle: &Handle, token: &Rc<()>) -> Router {
    let (sleeper, ticker, kept) = (handle.clone(), handle.clone(), token.clone());
    Router::new()
        .get("/", async |_| "ok")
        .get("/sleep", async move |_| {
            let _kept = kept.clone();
            sleeper.sleep(Duration::from_secs(3)).await;
            yield_now().await;
            "slept"
        })
        .get("/big", async |_| vec![b'x'; 30_000])
        .get("/stream", async |_| {
            let (sender, body) = pieces();
            for _ in 0..9 {
                push(&sender, &[b'x'; 5000]);
            }
            Response::new(Status::OK).with_body(body)
        })
        .get("/{*path}", files(handle.clone(), folder()))
        .get("/events", async move |_| {
            let (sender, response) = event_stream(&ticker, 1);
            let ticks = async move {
                for nth in 0..4 {
                    let event = ServerEvent { data: nth.to_string(), ..ServerEvent::default() };
                    if sender.send(event).await.is_err() {
                        return;
                    }
                }
            };
            ticker.spawn(ticks).detach();
            response
        })
        .post("/text", async |mut request: Request| request.text().await)
        .post("/form", async |mut request: Request| {
            request.form().await.map(|pairs| format!("{} pairs", pairs.len()))
        })
        .post("/ignore", async |_| "ignored")
        .with(layers::request_id)
        .with(async |request: Request, next: Next| next.run(request).await)
}

/// Where a file of 150,000 bytes lies.
fn folder() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cancellation");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("file.txt"), vec![b'x'; 150_000]).expect("a file");
        folder
    });
    FOLDER.clone()
}

/// Plays the client's acts, one whenever the server rests, and time when there are no more; aborts the connection's
/// task after so many polls. Whether it was over before.
fn connection(polls: usize, acts: &[Act]) -> bool {
    let (runtime, token, stats) = (runtime(), Rc::new(()), Arc::new(Stats::new()));
    let server = Server::new(router(&runtime.handle(), &token)).stats(stats.clone());
    let service = server.into_service(runtime.handle());
    let pipe = Pipe::new();
    let serving = serve_connection(service.clone(), pipe.server_end(), None);
    let task = runtime.handle().spawn(serving);
    let mut acts = acts.iter();
    for _ in 0..polls {
        while runtime.ready().is_empty() && !task.is_finished() {
            match acts.next() {
                Some(Send(text)) => pipe.client_send(text.as_bytes()),
                Some(Take) => drop(pipe.client_take()),
                Some(Room(room)) => pipe.set_room(*room),
                Some(Pool) => wait_for_pool(&runtime),
                Some(End) => pipe.client_end(),
                None => runtime.advance(Duration::from_secs(1)),
            }
        }
        runtime.step();
    }
    let complete = task.is_finished();
    task.abort();
    wait_for_pool(&runtime);
    assert!(pipe.is_closed(), "aborted after {polls} polls, and the transport is open");
    nothing_is_left(&runtime);
    assert_eq!((stats.open.get(), stats.in_flight.get()), (0, 0), "counted, and gone");
    assert_eq!(Rc::strong_count(&service), 1, "somebody keeps the service");
    drop(service);
    assert_eq!(Rc::strong_count(&token), 1, "a handler's value is kept");
    complete
}

pub fn head(polls: usize) -> bool {
    let rest = Send(" HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET");
    connection(polls, &[Send("GET"), Send(" /"), rest, Send(" / HTTP/1.1\r\n"), Send("Host: a\r\n\r\n")])
}

pub fn answer(polls: usize) -> bool {
    connection(polls, &[Send("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n")])
}

pub fn stream(polls: usize) -> bool {
    let first = Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    let slowly = (0..40).flat_map(|_| [Take, Room(7000)]);
    let acts: Vec<Act> =
        [Room(3000), first].into_iter().chain(slowly).chain([Room(1 << 20), Take, End]).collect();
    connection(polls, &acts)
}

/// A file of two chunks and a bit: one job to find it, and one for each of them.
pub fn file(polls: usize) -> bool {
    connection(polls, &[Send("GET /file.txt HTTP/1.1\r\nHost: a\r\n\r\n"), Pool, Pool, Pool, Pool, End])
}

/// A task makes events, and learns that nobody takes them any more.
pub fn events(polls: usize) -> bool {
    let first = Send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let slowly = (0..20).flat_map(|_| [Take, Room(20)]);
    let acts: Vec<Act> =
        [Room(20), first].into_iter().chain(slowly).chain([Room(1 << 20), Take, End]).collect();
    connection(polls, &acts)
}

pub fn text(polls: usize) -> bool {
    let head = Send("POST /text HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n");
    let form = Send("POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let acts = [
        head,
        Send("abc"),
        Send("def"),
        form,
        Send("3\r\na=b\r\n"),
        Send("2\r\n&c\r\n"),
        Send("0\r\n\r\n"),
        End,
    ];
    connection(polls, &acts)
}

pub fn drain(polls: usize) -> bool {
    let head = Send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    connection(
        polls,
        &[head, Send("ab"), Send("cd"), Send("ef"), Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), End],
    )
}

pub fn linger(polls: usize) -> bool {
    connection(polls, &[Send("NONSENSE\r\n\r\n and more"), Send("still more"), Send("and more")])
}
