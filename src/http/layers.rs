//! Ready-made middleware: access log, request id, time limit, CORS, concurrency limit.
//!
//! Each is a few lines around `next.run(request).await`: a future around a future. They are as much an example of
//! how to write one as they are a help.

use std::rc::Rc;
use std::time::Duration;

use super::method::Method;
use super::middleware::{Middleware, Next};
use super::request::Request;
use super::response::Response;
use super::status::Status;
use crate::runtime::Handle;
use crate::sync::Semaphore;

/// Logs each request and its answer at debug level, one line each, to the target `access`: number, peer, method, target,
/// status, time until the answer began.
///
/// ```text
/// #17 127.0.0.1:50934 GET /hello/you?x=%0A -> 200 in 1.2ms
/// ```
///
/// No client can write a line of its own: the parser lets nothing into a target but the visible ASCII of RFC 3986, and
/// the target is logged as it was sent, not decoded. A request that was refused, whose handler panicked, or whose client
/// left has no line here; the first two have one of their own. When nobody listens at that level, nothing is done.
pub fn access_log(handle: Handle) -> impl Middleware {
    async move |request: Request, next: Next| {
        if !log::log_enabled!(target: "access", log::Level::Debug) {
            return next.run(request).await;
        }
        let began = handle.now();
        let context = request.context();
        let line = format!("{} {}", request.method(), request.target());
        let response = next.run(request).await;
        let peer = context.peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string());
        let took = handle.now().saturating_duration_since(began);
        log::debug!(target: "access", "#{} {peer} {line} -> {} in {took:?}", context.number, response.status().code());
        response
    }
}

/// Gives each answer an `x-request-id`: the client's own, if it sent one of up to 64 letters, digits, `-` and `_`, or
/// else the request's number.
pub async fn request_id(request: Request, next: Next) -> Response {
    let sane = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let own = request.header("x-request-id").filter(sane).map(str::to_owned);
    let id = own.unwrap_or_else(|| request.context().number.to_string());
    next.run(request).await.with_header("x-request-id", id)
}

/// Answers 503 when everything behind it takes longer than `limit`. What was running is dropped: drop is cancel.
pub fn time_limit(handle: Handle, limit: Duration) -> impl Middleware {
    async move |request: Request, next: Next| match handle.timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Response::error(Status::SERVICE_UNAVAILABLE, "the request took too long"),
    }
}

/// Lets pages from `origin` (`*`: from everywhere) read the answers, and answers the browser's preflight question
/// (an OPTIONS request with `access-control-request-method`).
pub fn cors(origin: &'static str) -> impl Middleware {
    async move |request: Request, next: Next| {
        let is_preflight =
            request.method() == Method::Options && request.header("access-control-request-method").is_some();
        let response = if is_preflight {
            let headers =
                request.header("access-control-request-headers").unwrap_or("content-type").to_owned();
            Response::new(Status::NO_CONTENT)
                .with_header("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
                .with_header("access-control-allow-headers", headers)
                .with_header("access-control-max-age", "600")
        } else {
            next.run(request).await
        };
        // A cache must not give the answer for one origin to another.
        response.with_header("access-control-allow-origin", origin).with_header("vary", "origin")
    }
}

/// At most `limit` requests at once behind it; up to `queue` more wait for their turn, and beyond that 503 is
/// answered at once. To wait without a bound would only move the overload into memory.
pub fn concurrency_limit(limit: usize, queue: usize) -> impl Middleware {
    let permits = Semaphore::new(limit);
    async move |request: Request, next: Next| {
        let permits: &Rc<Semaphore> = &permits;
        if permits.free() == 0 && permits.waiting() >= queue {
            return Response::error(
                Status::SERVICE_UNAVAILABLE,
                "too many requests at once (hint: try again later)",
            )
            .with_header("retry-after", "1");
        }
        let _permit = permits.acquire().await;
        next.run(request).await
    }
}
