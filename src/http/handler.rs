//! Handlers: any `async fn(Request) -> impl IntoResponse`, or async closure.
//!
//! The problem: a router holds handlers of many types in one list, so their types must be erased; and the future
//! that a handler returns has yet another type, and must be pinned before it is polled. A box for each call would do
//! both. But nearly every handler is ready at its first poll, and then the box is as good as new.
//!
//! ```text
//!   call(request, cx) --> future into the slot's box --> poll it once
//!                              ^                            |      \
//!                              +-------- the box ----- ready: answer \
//!                                                              pending: the box leaves; who waits polls it
//! ```
//!
//! 1. One box for each handler, not for each request: `Pin::set` drops the future that was ready and puts the next one into
//!    its place. The next call makes another box if this one is away. (Measured by callgrind: 130 of 3,680 instructions
//!    for a request, all of `malloc` and `free`.)
//! 2. No `Send` bound anywhere: a handler may hold an `Rc` across an await, since its task never leaves the thread.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::request::Request;
use super::response::{IntoResponse, Response};
use crate::runtime::join::quietly;

/// An answer in the making.
pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = Response>>>;

/// What the first poll of a handler, or of a middleware, came to.
pub(super) enum Answering {
    /// It is ready.
    Ready(Response),
    /// It waits: it has kept the waker, and is to be polled when that was called.
    Waits(ResponseFuture),
}

impl Answering {
    /// Waits for the answer that `start` makes, or starts to make.
    pub(super) async fn of(start: impl FnOnce(&mut Context<'_>) -> Answering) -> Response {
        let mut start = Some(start);
        let answering = poll_fn(|cx| Poll::Ready(start.take().map(|start| start(cx)))).await;
        match answering.expect("cannot be polled again: it was ready") {
            Answering::Ready(response) => response,
            Answering::Waits(future) => future.await,
        }
    }
}

/// Answers requests. Implemented for async functions and async closures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn(Request) -> T` or an async closure, where `T: IntoResponse`"
)]
pub trait Handler: 'static {
    /// Starts answering one request. When the future is ready it is not dropped at once, but before the next one starts: what
    /// it must give back earlier it gives back in its last poll, as an `async fn` does.
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

/// A handler whose type, and whose future's type, nobody need know.
pub(super) trait Endpoint {
    /// Starts answering, and goes as far as one poll does.
    fn call(&self, request: Request, cx: &mut Context<'_>) -> Answering;
}

/// Erases a handler's type.
pub(super) fn endpoint(handler: impl Handler) -> Rc<dyn Endpoint> {
    let handler = Rc::new(handler);
    Rc::new(Slotted { start: move |request| handler.clone().call(request), slot: Slot::new() })
}

struct Slotted<S, A> {
    start: S,
    slot: Slot<A>,
}

impl<S, A> Endpoint for Slotted<S, A>
where
    S: Fn(Request) -> A,
    A: Future<Output = Response> + 'static,
{
    fn call(&self, request: Request, cx: &mut Context<'_>) -> Answering {
        self.slot.poll((self.start)(request), cx)
    }
}

/// A box for futures of one type, each polled once in it.
pub(super) struct Slot<A> {
    /// With the latest future that was ready in it. `None`: not made yet, or away with a future that waits.
    free: Cell<Option<Pin<Box<A>>>>,
}

impl<A: Future<Output = Response> + 'static> Slot<A> {
    pub(super) fn new() -> Slot<A> {
        Slot { free: Cell::new(None) }
    }

    /// Polls `future` once, in the box.
    pub(super) fn poll(&self, future: A, cx: &mut Context<'_>) -> Answering {
        let pinned = match self.free.take() {
            Some(mut pinned) => {
                pinned.set(future);
                pinned
            }
            None => Box::pin(future),
        };
        let mut guest = Guest(Some(pinned));
        let Poll::Ready(response) = guest.poll(cx) else { return Answering::Waits(guest.survive()) };
        self.free.set(Some(guest.survive()));
        Answering::Ready(response)
    }
}

/// A future that may panic when it is polled, and again in its drop: while a panic is on its way, a second one would end
/// the process.
struct Guest<A>(Option<Pin<Box<A>>>);

impl<A: Future> Guest<A> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<A::Output> {
        self.0.as_mut().expect("cannot be gone before its drop").as_mut().poll(cx)
    }

    fn survive(mut self) -> Pin<Box<A>> {
        self.0.take().expect("cannot be gone before its drop")
    }
}

impl<A> Drop for Guest<A> {
    #[inline]
    fn drop(&mut self) {
        if let Some(future) = self.0.take() {
            drop_after_panic(future);
        }
    }
}

#[cold]
fn drop_after_panic<A>(future: Pin<Box<A>>) {
    quietly("the drop of a handler", || drop(future));
}
