//! Middleware: an `async fn(Request, Next) -> Response` that wraps everything behind it.
//!
//! ```text
//!   request  --> log --> timeout --> find the route --> handler
//!   response <-- log <-- timeout <-------------------------+
//! ```
//!
//! A middleware is a future around a future. It can look at the request, answer without going on, run the rest under
//! a time limit, or change the answer. `Next` is the rest; it can be run once, because a request can be read once.

use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::handler::{Answering, Boxed, RunningHandler, SpareBox};
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
    fn start(&self, request: Request, next: Next, cx: &mut Context<'_>) -> Answering;
}

/// Erases a middleware's type.
pub(super) fn layer(middleware: impl Middleware) -> Rc<dyn Layer> {
    let middleware = Rc::new(middleware);
    let make = move |request, next| middleware.clone().call(request, next);
    Rc::new(Boxed { make, spare: SpareBox::new() })
}

impl<M, A> Layer for Boxed<M, A>
where
    M: Fn(Request, Next) -> A,
    A: Future<Output = Response> + 'static,
{
    fn start(&self, request: Request, next: Next, cx: &mut Context<'_>) -> Answering {
        self.spare.poll(|| (self.make)(request, next), cx)
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
        let (mut rest, mut waits) = (Some((self, request)), None);
        // Written out, so that each poll of ours, the first one too, is one poll of what stands behind.
        poll_fn(|cx| {
            let Some((next, request)) = rest.take() else {
                let handler: &mut RunningHandler = waits.as_mut().expect("cannot be polled when it is over");
                return handler.as_mut().poll(cx);
            };
            match next.start(request, cx) {
                Answering::Ready(response) => Poll::Ready(response),
                Answering::Waits(handler) => {
                    waits = Some(handler);
                    Poll::Pending
                }
            }
        })
        .await
    }

    pub(super) fn start(self, request: Request, cx: &mut Context<'_>) -> Answering {
        match self.layers.layer(self.depth) {
            Some(layer) => {
                let next = Next { layers: self.layers, depth: self.depth + 1 };
                layer.start(request, next, cx)
            }
            None => self.layers.innermost(request, cx),
        }
    }
}
