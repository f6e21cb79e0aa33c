//! Middleware: an `async fn(Request, Next) -> Response` that wraps everything behind it.
//!
//! ```text
//!   request --> log --> timeout --> router --> handler
//!   response <-- log <-- timeout <-- router <--+
//! ```
//!
//! A middleware is a future around a future. It can look at the request, answer without going on, run the rest under
//! a time limit, or change the answer. `Next` is the rest; it can be run once, because a request can be read once.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::handler::ResponseFuture;
use super::request::Request;
use super::response::{IntoResponse, Response};
use super::router::{Routed, Router};

/// Wraps the answering of requests. Implemented for async functions and async closures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "not a middleware",
    note = "a middleware is an `async fn(Request, Next) -> T` or an async closure, where `T: IntoResponse`"
)]
pub trait Middleware: 'static {
    /// Starts answering one request.
    fn call(self: Rc<Self>, request: Request, next: Next) -> ResponseFuture;
}

impl<F, T> Middleware for F
where
    F: AsyncFn(Request, Next) -> T + 'static,
    T: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, request: Request, next: Next) -> ResponseFuture {
        Box::pin(async move { self(request, next).await.into_response() })
    }
}

/// All middleware of a router, outermost first.
#[derive(Default)]
pub struct Chain(Vec<Rc<dyn Middleware>>);

impl Chain {
    pub(super) fn push(&mut self, middleware: Rc<dyn Middleware>) {
        self.0.push(middleware);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, index: usize) -> Option<&Rc<dyn Middleware>> {
        self.0.get(index)
    }
}

/// What stands behind a middleware.
pub struct Next {
    router: Rc<Router>,
    /// The middleware that comes next.
    index: usize,
}

impl Next {
    /// Everything, from the outermost middleware on.
    pub(super) fn all(router: Rc<Router>) -> Next {
        Next { router, index: 0 }
    }

    /// Lets the rest answer.
    pub async fn run(self, request: Request) -> Response {
        self.start(request).await
    }

    pub(super) fn start(self, request: Request) -> ResponseFuture {
        let Some(middleware) = self.router.chain().get(self.index).cloned() else {
            return match self.router.dispatch(request) {
                Routed::Future(future) => future,
                Routed::Response(response) => Box::pin(Ready(Some(response))),
            };
        };
        middleware.call(request, Next { router: self.router, index: self.index + 1 })
    }
}

/// A response that is there already, as a future.
struct Ready(Option<Response>);

impl Future for Ready {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Response> {
        std::task::Poll::Ready(self.0.take().expect("polled after it was ready"))
    }
}
