//! hyper on tokio's current_thread: 1.00 on the yardstick, because it is what most would take.
//!
//! It has no timer and so no timeouts: the leanest that hyper can be. `--pipeline-flush` lets it collect answers.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use peers::peer::{OCTETS, Options, TEXT, octets};

type Answer = Response<Either<Full<Bytes>, Incoming>>;

fn main() -> std::io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut builder = http1::Builder::new();
        builder.pipeline_flush(options.pipeline_flush);
        let greeting = options.greeting;
        loop {
            let (stream, _) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| async move { answer(request, greeting) });
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let _ = connection.await;
            });
        }
    })
}

#[allow(clippy::unnecessary_wraps, reason = "hyper wants a Result")]
fn answer(request: Request<Incoming>, greeting: &'static str) -> Result<Answer, Infallible> {
    let path = request.uri().path();
    Ok(match (request.method(), path) {
        (&Method::GET, "/") => full(TEXT, greeting.as_bytes()),
        (&Method::POST, "/echo") => typed(OCTETS, Either::Right(request.into_body())),
        (&Method::GET, _) => match path.strip_prefix("/bytes/").and_then(octets) {
            Some(bytes) => full(OCTETS, bytes),
            None => not_found(),
        },
        _ => not_found(),
    })
}

fn full(kind: &'static str, bytes: &'static [u8]) -> Answer {
    typed(kind, Either::Left(Full::new(Bytes::from_static(bytes))))
}

fn typed(kind: &'static str, body: Either<Full<Bytes>, Incoming>) -> Answer {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn not_found() -> Answer {
    let mut response = full(TEXT, b"not found\n");
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
