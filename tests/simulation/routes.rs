//! The server's side of the requests: ordinary handlers, of every kind of waiting.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use glassbox::Handle;
use glassbox::future::yield_now;
use glassbox::http::sse::{ServerEvent, event_stream};
use glassbox::http::{Body, BodyError, BodySource, Chunk, Request, Response, Router, Status};
use glassbox::sync::Flag;

use super::request::pattern;
use super::workers::Workers;

/// What handlers found wrong.
pub type Complaints = Rc<RefCell<Vec<String>>>;

/// Bytes in pieces; every other poll finds none and wakes itself.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    rests: bool,
}

impl BodySource for Pieces {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        self.rests = !self.rests;
        if self.rests {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.at == self.bytes.len() {
            return Poll::Ready(None);
        }
        let end = (self.at + 3000).min(self.bytes.len());
        let piece = self.bytes[self.at..end].to_vec();
        self.at = end;
        Poll::Ready(Some(Ok(Chunk::Owned(piece))))
    }
}

fn number(request: &Request, name: &str) -> usize {
    request.param(name).parse().expect("the client sends numbers")
}

fn stream(bytes: Vec<u8>, length: Option<u64>) -> Response {
    Response::new(Status::OK).with_body(Body::stream(Pieces { bytes, at: 0, rests: false }, length))
}

/// Compares a body with the pattern while it comes. A clean end must be the whole; an error may come at any place.
async fn read_all(mut body: Body, number: usize, length: usize) -> Result<bool, String> {
    let wanted = pattern(number, length);
    let mut at = 0;
    while let Some(chunk) = body.chunk().await {
        let Ok(chunk) = chunk else { return Ok(false) };
        if wanted.get(at..at + chunk.len()) != Some(&chunk[..]) {
            return Err(format!("request {number}: its body is wrong behind byte {at}"));
        }
        at += chunk.len();
    }
    if at == length { Ok(true) } else { Err(format!("request {number}: its body ended at {at} of {length}")) }
}

/// All routes that `Kind` knows.
pub fn router(handle: &Handle, flag: &Flag, complaints: &Complaints, workers: &Workers) -> Router {
    let (sleeper, ticker, flag) = (handle.clone(), handle.clone(), flag.clone());
    Router::new()
        .get("/hello/{n}", async |request: Request| format!("hello {}\n", request.param("n")))
        .get("/panic", async |_| -> &str { panic!("{}", super::ON_PURPOSE) })
        .get("/sleep/{n}/{ms}", async move |request: Request| {
            sleeper.sleep(Duration::from_millis(number(&request, "ms") as u64)).await;
            format!("slept {}\n", request.param("n"))
        })
        .get("/raised/{n}", async move |request: Request| {
            flag.raised().await;
            format!("raised {}\n", request.param("n"))
        })
        .get("/work/{n}/{ms}", work(handle, complaints, workers))
        .get("/yield/{n}/{times}", async |request: Request| {
            for _ in 0..number(&request, "times") {
                yield_now().await;
            }
            format!("yielded {}\n", request.param("n"))
        })
        .get("/big/{n}/{size}", async |request: Request| {
            pattern(number(&request, "n"), number(&request, "size"))
        })
        .get("/stream/{n}/{size}", async |request: Request| {
            stream(pattern(number(&request, "n"), number(&request, "size")), None)
        })
        .get("/events/{n}/{count}", async move |request: Request| events(&ticker, &request))
        .post("/echo", async |request: Request| Response::new(Status::OK).with_body(request.into_body()))
        .post("/ignore/{n}", async |request: Request| format!("ignored {}\n", request.param("n")))
        .post("/collect/{n}/{length}", collect)
        .post("/split/{n}/{length}/{size}", split(handle, complaints))
}

async fn collect(mut request: Request) -> Result<String, BodyError> {
    let (own, length) = (number(&request, "n"), number(&request, "length"));
    let right = request.bytes().await? == pattern(own, length);
    Ok(if right { format!("collected {own}\n") } else { format!("the body of {own} is wrong\n") })
}

fn events(handle: &Handle, request: &Request) -> Response {
    let (own, count) = (number(request, "n"), number(request, "count"));
    let (sender, response) = event_stream(handle, 2);
    let ticks = async move {
        for nth in 0..count {
            let event = ServerEvent { data: format!("{own}.{nth}"), ..ServerEvent::default() };
            if sender.send(event).await.is_err() {
                return;
            }
        }
    };
    handle.spawn(ticks).detach();
    response
}

/// Leaves the work to a task of its own, which somebody may abort.
fn work(
    handle: &Handle,
    complaints: &Complaints,
    workers: &Workers,
) -> impl AsyncFn(Request) -> String + use<> {
    let (handle, complaints, workers) = (handle.clone(), complaints.clone(), workers.clone());
    async move |request: Request| {
        let (own, time) = (number(&request, "n"), Duration::from_millis(number(&request, "ms") as u64));
        match workers.work(&handle, handle.sleep(time)).await {
            Ok(true) => format!("worked {own}\n"),
            Ok(false) => format!("aborted {own}\n"),
            Err(error) => {
                complaints.borrow_mut().push(format!("request {own}: its task ended by itself: {error}"));
                String::new()
            }
        }
    }
}

/// Gives the body to another task and answers without waiting for it.
fn split(handle: &Handle, complaints: &Complaints) -> impl AsyncFn(Request) -> Response + use<> {
    let (handle, complaints) = (handle.clone(), complaints.clone());
    async move |request: Request| {
        let (own, length, size) =
            (number(&request, "n"), number(&request, "length"), number(&request, "size"));
        let (body, complaints) = (request.into_body(), complaints.clone());
        let reader = async move {
            if let Err(complaint) = read_all(body, own, length).await {
                complaints.borrow_mut().push(complaint);
            }
        };
        handle.spawn(reader).detach();
        stream(pattern(own, size), Some(size as u64))
    }
}
