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
use std::rc::Rc;
use std::task::Context;

use super::handler::{Answering, Slot};
use super::request::Request;
use super::response::{IntoResponse, Response};

/// Wraps the answering of requests. Implemented for async functions and async closures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "not a middleware",
    note = "a middleware is an `async fn(Request, Next) -> T` or an async closure, where `T: IntoResponse`"
)]
pub trait Middleware: 'static {
    /// Starts answering one request. The future is dropped as that of [`Handler::call`](super::Handler::call) is.
    fn call(self: Rc<Self>, request: Request, next: Next) -> impl Future<Output = Response> + 'static;
}

impl<F, T> Middleware for F
where
    F: AsyncFn(Request, Next) -> T + 'static,
    T: IntoResponse + 'static,
{
    async fn call(self: Rc<Self>, request: Request, next: Next) -> Response {
        self(request, next).await.into_response()
    }
}

/// A middleware whose type nobody need know.
pub(super) trait Layer {
    /// Starts answering, and goes as far as one poll does.
    fn call(&self, request: Request, next: Next, cx: &mut Context<'_>) -> Answering;
}

/// Erases a middleware's type.
pub(super) fn layer(middleware: impl Middleware) -> Rc<dyn Layer> {
    let middleware = Rc::new(middleware);
    Rc::new(Slotted { start: move |request, next| middleware.clone().call(request, next), slot: Slot::new() })
}

struct Slotted<S, A> {
    start: S,
    slot: Slot<A>,
}

impl<S, A> Layer for Slotted<S, A>
where
    S: Fn(Request, Next) -> A,
    A: Future<Output = Response> + 'static,
{
    fn call(&self, request: Request, next: Next, cx: &mut Context<'_>) -> Answering {
        self.slot.poll((self.start)(request, next), cx)
    }
}

/// What `Next` walks through: layers of middleware around something that finds the handler. The router is one.
pub(super) trait Layers {
    /// The middleware at this depth, 0 being the outermost. `None`: there are no more.
    fn layer(&self, depth: usize) -> Option<Rc<dyn Layer>>;

    /// What all layers are wrapped around.
    fn innermost(&self, request: Request, cx: &mut Context<'_>) -> Answering;
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
        Answering::of(|cx| self.start(request, cx)).await
    }

    pub(super) fn start(self, request: Request, cx: &mut Context<'_>) -> Answering {
        match self.layers.layer(self.depth) {
            Some(layer) => {
                let next = Next { layers: self.layers, depth: self.depth + 1 };
                layer.call(request, next, cx)
            }
            None => self.layers.innermost(request, cx),
        }
    }
}
