//! Handlers: any `async fn(Request) -> impl IntoResponse`, or async closure.
//!
//! The problem: a router holds handlers of many types in one list, so their types must be erased; and the future
//! that a handler returns has yet another type, and must be pinned before it is polled. A box for each call would do
//! both. But nearly every handler is ready at its first poll, and then the box is as good as new.
//!
//! ```text
//!   start(request, cx)
//!        |
//!        v
//!   future into the spare box --> poll it once --> ready:   the answer; the box is empty again
//!                                          \------> pending: the box leaves with the future in it
//! ```
//!
//! 1. One box for each handler, not for each request. If it is away, the next call makes another one. (Measured by
//!    callgrind: 110 of 3,680 instructions for a request, all of `malloc` and `free` among them.)
//! 2. A future is dropped as soon as it is ready: what it holds may be the request's, or somebody's lock.
//! 3. No `Send` bound anywhere: a handler may hold an `Rc` across an await, since its task never leaves the thread.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::request::Request;
use super::response::{IntoResponse, Response};
use crate::runtime::panics::quietly;

/// A handler's future in its box.
pub(super) type RunningHandler = Pin<Box<dyn Running>>;

/// A future of a type that nobody need know, in a place that it can leave.
pub(super) trait Running {
    /// Polls it.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response>;
}

impl<A: Future<Output = Response>> Running for Option<A> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        self.as_pin_mut().expect("cannot be polled when it is over").poll(cx)
    }
}

/// How far an answer is: there, or waited for.
pub(super) enum Answering {
    /// It is ready.
    Ready(Response),
    /// It waits: it has kept the waker, and is to be polled when that was called.
    Waits(RunningHandler),
}

/// Answers requests. Implemented for async functions and async closures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn(Request) -> T` or an async closure, where `T: IntoResponse`"
)]
pub trait Handler: 'static {
    /// Starts answering one request.
    fn call(self: Rc<Self>, request: Request) -> impl Future<Output = Response> + 'static;
}

impl<F, T> Handler for F
where
    F: AsyncFn(Request) -> T + 'static,
    T: IntoResponse + 'static,
{
    async fn call(self: Rc<Self>, request: Request) -> Response {
        // The future owns a share of the handler, so that it borrows from nobody.
        self(request).await.into_response()
    }
}

/// A handler whose type, and whose future's type, nobody need know: what the router keeps.
pub(super) trait Endpoint {
    /// Starts answering, and goes as far as one poll does.
    fn start(&self, request: Request, cx: &mut Context<'_>) -> Answering;
}

/// Erases a handler's type.
pub(super) fn endpoint(handler: impl Handler) -> Box<dyn Endpoint> {
    let handler = Rc::new(handler);
    Box::new(Boxed { make: move |request| handler.clone().call(request), spare: SpareBox::new() })
}

/// A handler, or a middleware, with a box for its futures.
pub(super) struct Boxed<M, A> {
    pub(super) make: M,
    pub(super) spare: SpareBox<A>,
}

impl<M, A> Endpoint for Boxed<M, A>
where
    M: Fn(Request) -> A,
    A: Future<Output = Response> + 'static,
{
    fn start(&self, request: Request, cx: &mut Context<'_>) -> Answering {
        self.spare.poll(|| (self.make)(request), cx)
    }
}

/// Lends one box to the futures of one type, to one after the other.
pub(super) struct SpareBox<A> {
    /// An empty one. `None`: not made yet, in use right now, or away with a future that waits.
    free: Cell<Option<Pin<Box<Option<A>>>>>,
}

impl<A: Future<Output = Response> + 'static> SpareBox<A> {
    pub(super) fn new() -> SpareBox<A> {
        SpareBox { free: Cell::new(None) }
    }

    /// Makes a future in the box, and polls it once.
    pub(super) fn poll(&self, make: impl FnOnce() -> A, cx: &mut Context<'_>) -> Answering {
        let mut place = self.free.take().unwrap_or_else(|| Box::pin(None));
        place.set(Some(make()));
        let mut guest = DropQuietly(Some(place));
        let polled = guest.poll(cx);
        let mut place = guest.into_box();
        if polled.is_pending() {
            return Answering::Waits(place);
        }
        quietly("the drop of a handler", || place.set(None));
        self.free.set(Some(place));
        // Unwrapped last: before calls that could unwind, the answer would be copied to where its drop can find it. (By
        // callgrind, this saves 14 of 2,130 instructions for a request.)
        let Poll::Ready(response) = polled else { unreachable!("asked above") };
        Answering::Ready(response)
    }
}

/// Drops a future quietly if its poll panics: a second panic, in the drop, would end the process.
struct DropQuietly<A>(Option<Pin<Box<Option<A>>>>);

impl<A: Future<Output = Response>> DropQuietly<A> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response> {
        Running::poll(self.0.as_mut().expect("cannot be gone before its drop").as_mut(), cx)
    }

    fn into_box(mut self) -> Pin<Box<Option<A>>> {
        self.0.take().expect("cannot be gone before its drop")
    }
}

impl<A> Drop for DropQuietly<A> {
    #[inline] // Nearly always there is nothing left.
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            drop_after_panic(place);
        }
    }
}

#[cold] // Rare: so the drop of a guest is short enough to be inlined.
fn drop_after_panic<A>(place: Pin<Box<Option<A>>>) {
    quietly("the drop of a handler", || drop(place));
}
