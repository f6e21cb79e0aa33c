//! Middleware: an `async fn(Request, Next) -> Response` that wraps everything behind it.
//!
//! ```text
//!   request --> log --> timeout --> router --> handler
//!   response <-- log <-- timeout <-- router <--+
//! ```
//!
//! A middleware is a future around a future. It can look at the request, answer without going on, run the rest under
//! a time limit, or change the answer. `Next` is the rest; it can be run once, because a request can be read once.

use std::rc::Rc;

use super::handler::{ResponseFuture, Routed};
use super::request::Request;
use super::response::{IntoResponse, Response};

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

/// What `Next` walks through: layers of middleware around something that finds the handler. The router is one.
pub(super) trait Layers {
    /// The middleware at this depth, 0 being the outermost. `None`: there are no more.
    fn layer(&self, depth: usize) -> Option<Rc<dyn Middleware>>;

    /// What all layers are wrapped around.
    fn innermost(&self, request: Request) -> Routed;
}

/// What stands behind a middleware.
pub struct Next {
    layers: Rc<dyn Layers>,
    /// The layer that comes next.
    depth: usize,
}

impl Next {
    /// Everything, from the outermost middleware on.
    pub(super) fn all(layers: Rc<dyn Layers>) -> Next {
        Next { layers, depth: 0 }
    }

    /// Lets the rest answer.
    pub async fn run(self, request: Request) -> Response {
        match self.start(request) {
            Routed::Future(future) => future.await,
            Routed::Response(response) => response,
        }
    }

    pub(super) fn start(self, request: Request) -> Routed {
        match self.layers.layer(self.depth) {
            Some(middleware) => {
                let next = Next { layers: self.layers, depth: self.depth + 1 };
                Routed::Future(middleware.call(request, next))
            }
            None => self.layers.innermost(request),
        }
    }
}
