//! Handlers: any `async fn(Request) -> impl IntoResponse`, or async closure.
//!
//! The problem: a router holds handlers of many types in one list, so their types must be erased; and the future
//! that a handler returns has yet another type. One box for each call erases both. It is the one allocation that
//! a plain request costs.
//!
//! No `Send` bound anywhere: a handler may hold an `Rc` across an await, since its task never leaves the thread.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::request::Request;
use super::response::{IntoResponse, Response};

/// A handler's answer in the making.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Response>>>;

/// How a request will be answered.
pub enum Routed {
    /// By the future of a handler or of a middleware.
    Future(ResponseFuture),
    /// At once, without a handler: 404, 405, OPTIONS.
    Response(Response),
}

/// Answers requests. Implemented for async functions and async closures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn(Request) -> T` or an async closure, where `T: IntoResponse`"
)]
pub trait Handler: 'static {
    /// Starts answering one request.
    fn call(self: Rc<Self>, request: Request) -> ResponseFuture;
}

impl<F, T> Handler for F
where
    F: AsyncFn(Request) -> T + 'static,
    T: IntoResponse + 'static,
{
    fn call(self: Rc<Self>, request: Request) -> ResponseFuture {
        // The future owns a share of the handler, so that it borrows from nobody.
        Box::pin(async move { self(request).await.into_response() })
    }
}
