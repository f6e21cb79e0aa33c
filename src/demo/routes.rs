//! The demo's routes.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use glassbox::Handle;
use glassbox::http::sse::{ServerEvent, event_stream};
use glassbox::http::{
    self, Body, BodyError, BodySource, Chunk, IntoResponse, Request, Response, Router, Status, layers,
};
use glassbox::metrics::{self, Worker};

/// The most bytes that `/bytes` and `/chunked` make.
const MAX_BYTES: u64 = 1 << 30;

/// The most events of `/events`: an hour of them.
const MAX_EVENTS: u64 = 3_600;

/// The longest sleep, in milliseconds.
const MAX_SLEEP: u64 = 60_000;

/// What `/bytes` is made of: written to the socket from where it is, never copied. A mebibyte, because each piece is a
/// system call that also wakes the reader: in pieces of 64 KiB a mebibyte took 1.5 times the CPU.
static PATTERN: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// What the routes need.
pub struct Surroundings {
    pub handle: Handle,
    pub draining: Rc<Cell<bool>>,
    /// All workers' numbers: `/metrics` on one of them tells of all.
    pub workers: Arc<Mutex<Vec<Worker>>>,
    /// Where the server listens, for the greeting.
    pub address: SocketAddr,
    /// A folder to serve at `/files/`.
    pub files: Option<PathBuf>,
    /// Log each request.
    pub log_requests: bool,
}

/// All routes that need no flag.
pub fn router(surroundings: Surroundings) -> Router {
    let Surroundings { handle, draining, workers, address, files, log_requests } = surroundings;
    let greeting: &'static str = Box::leak(greeting(address).into_boxed_str());
    let (sleeper, ticker) = (handle.clone(), handle.clone());
    let mut router = Router::new()
        .get("/", async move |_| greeting)
        .get("/hello/{name}", hello)
        .post("/echo", echo)
        .get("/bytes/{n}", bytes)
        .get("/chunked/{n}", chunked)
        .get("/sleep/{ms}", async move |request| sleep(&sleeper, request).await)
        .get("/events/{n}", async move |request| events(&ticker, &request))
        .get("/healthz", async |_| "ok\n")
        .get("/readyz", async move |_| ready(draining.get()))
        .get("/metrics", async move |_| metrics_text(&workers));
    if let Some(folder) = files {
        router = router.get("/files/{*path}", http::files::files(handle.clone(), folder));
    }
    if log_requests {
        router = router.with(layers::access_log(handle));
    }
    router
}

/// Made once, when the server starts, and kept until it ends.
fn greeting(address: SocketAddr) -> String {
    let url = format!("http://{address}");
    format!(
        "This is glassbox, an HTTP server that you can see through. Try:\n\n\
         curl {url}/hello/you\n\
         curl -d 'some text' {url}/echo\n\
         curl {url}/sleep/1000\n\
         curl -N {url}/events/3\n\
         curl -o /dev/null {url}/bytes/1000000000\n\
         curl {url}/metrics\n"
    )
}

async fn hello(request: Request) -> String {
    format!("Hello, {}!\n", request.param("name"))
}

/// Gives back what it gets, while it comes.
async fn echo(request: Request) -> Response {
    let content_type = request.header("content-type").unwrap_or("application/octet-stream").to_owned();
    Response::new(Status::OK).with_header("content-type", content_type).with_body(request.into_body())
}

async fn bytes(request: Request) -> Result<Response, Response> {
    let count = number(&request, "n", MAX_BYTES)?;
    Ok(octets(match usize::try_from(count) {
        Ok(small) if small <= PATTERN.len() => Body::full(Chunk::Static(&PATTERN[..small])),
        _ => Body::stream(Pattern { left: count }, Some(count)),
    }))
}

async fn chunked(request: Request) -> Result<Response, Response> {
    let count = number(&request, "n", MAX_BYTES)?;
    Ok(octets(Body::stream(Pattern { left: count }, None)))
}

fn octets(body: Body) -> Response {
    Response::new(Status::OK).with_header("content-type", "application/octet-stream").with_body(body)
}

/// A body of x's, made as fast as it is taken.
struct Pattern {
    left: u64,
}

impl BodySource for Pattern {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let count = usize::try_from(self.left).map_or(PATTERN.len(), |left| left.min(PATTERN.len()));
        self.left -= count as u64;
        Poll::Ready(Some(Ok(Chunk::Static(&PATTERN[..count]))))
    }
}

/// Holds a timer and nothing else while it waits.
async fn sleep(handle: &Handle, request: Request) -> Result<String, Response> {
    let ms = number(&request, "ms", MAX_SLEEP)?;
    drop(request);
    handle.sleep(Duration::from_millis(ms)).await;
    Ok(format!("slept {ms} ms\n"))
}

/// Ticks as server-sent events, one a second; the first at once.
fn events(handle: &Handle, request: &Request) -> Result<Response, Response> {
    let count = number(request, "n", MAX_EVENTS)?;
    let (sender, response) = event_stream(handle, 1);
    let clock = handle.clone();
    let ticks = async move {
        for tick in 1..=count {
            let event = ServerEvent { data: format!("tick {tick} of {count}"), ..ServerEvent::default() };
            if sender.send(event).await.is_err() {
                return; // Nobody listens any more.
            }
            clock.sleep(Duration::from_secs(1)).await;
        }
    };
    handle.spawn(ticks).detach();
    Ok(response)
}

/// 503 while the server stops, for whoever still can ask: on a connection that is at work. Idle ones were closed, and new
/// ones are refused, which says the same.
fn ready(draining: bool) -> Response {
    if draining {
        Response::error(Status::SERVICE_UNAVAILABLE, "the server is stopping")
    } else {
        "ready\n".into_response()
    }
}

fn metrics_text(workers: &Mutex<Vec<Worker>>) -> Response {
    let workers = workers.lock().unwrap_or_else(PoisonError::into_inner);
    Response::text(metrics::render(&workers))
        .with_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
}

/// A path parameter that must be a number from 0 to `max`.
fn number(request: &Request, name: &str, max: u64) -> Result<u64, Response> {
    let text = request.param(name);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|number| digits && *number <= max);
    number
        .ok_or_else(|| Response::error(Status::BAD_REQUEST, &format!("give a whole number from 0 to {max}")))
}
