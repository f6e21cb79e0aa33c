//! A request, as a handler sees it.

use std::net::SocketAddr;
use std::rc::Rc;

use super::body::{Body, BodyError};
use super::error::RequestError;
use super::head::{Head, Param};
use super::method::Method;
use super::pool::{Pooled, Reuse};
use super::uri;

/// One request: a checked head, and a body that is read when the handler asks for it.
///
/// Two pointers, because it is moved all the way: from the connection to the router, through every middleware, into the
/// handler's future. What it is made of is lent by a pool. (Measured, together with path parameters that are ranges of
/// the path: 270 of 4,850 instructions for a request.)
pub struct Request {
    parts: Pooled<Parts>,
}

/// What a request is made of.
pub(super) struct Parts {
    pub(super) head: Head,
    pub(super) body: Body,
    /// The names of the path parameters, from the route that was found. `None`: no route was found yet.
    names: Option<Rc<[Box<str>]>>,
    pub(super) context: Context,
}

/// What the connection knows besides the request.
#[derive(Clone, Copy)]
pub struct Context {
    /// Who sent it.
    pub peer: Option<SocketAddr>,
    /// Counted up from 1 by the server, for each request whose head was read and found to be good; one that is refused
    /// has none. It never repeats in one server; with several workers each is a server, and counts for itself.
    pub number: u64,
    /// How much `bytes` and `text` collect.
    pub(super) collected: usize,
}

impl Request {
    pub(super) fn new(parts: Pooled<Parts>) -> Request {
        Request { parts }
    }

    /// What it wants done.
    pub fn method(&self) -> Method {
        self.parts.head.method()
    }

    /// The path, still percent-encoded, as it was sent.
    pub fn path(&self) -> &str {
        self.parts.head.path()
    }

    /// The whole target, as it was sent.
    pub fn target(&self) -> &str {
        self.parts.head.target()
    }

    /// The text behind the `?`, as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.parts.head.query()
    }

    /// The decoded value of a name in the query: `?name=value`. The first one, if there are more.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let query = self.query()?;
        uri::form_pairs(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The decoded value of a path parameter: for the route `/users/{id}`, `param("id")`.
    ///
    /// # Panics
    /// When the route has no such parameter. No client can cause that, only a misspelt name.
    pub fn param(&self, name: &str) -> &str {
        let names = self.parts.names.as_ref();
        let index = names.and_then(|names| names.iter().position(|own| **own == *name));
        let value = index.and_then(|index| self.parts.head.param(index));
        value.unwrap_or_else(|| panic!("the route of {} has no parameter {{{name}}}", self.path()))
    }

    /// The first header with this name, in any case, as bytes: a client may send any.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.parts.head.header(name)
    }

    /// The first header with this name, if its value is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All headers in the order in which they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.parts.head.headers()
    }

    /// Whom the request is for: the target's authority, or the Host header.
    pub fn host(&self) -> Option<&str> {
        self.parts.head.host()
    }

    /// Who sent it, and its number.
    pub fn context(&self) -> Context {
        self.parts.context
    }

    /// The body, to be read piece by piece.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.parts.body
    }

    /// The body alone.
    pub fn into_body(mut self) -> Body {
        std::mem::take(&mut self.parts.body)
    }

    /// Collects the body in memory.
    ///
    /// # Errors
    /// When it is larger than the limit for collected bodies, malformed, or does not come.
    pub async fn bytes(&mut self) -> Result<Vec<u8>, BodyError> {
        let limit = self.parts.context.collected;
        std::mem::take(&mut self.parts.body).collect(limit).await
    }

    /// Collects the body as text.
    ///
    /// # Errors
    /// As [`Request::bytes`], and `Malformed` when it is not UTF-8.
    pub async fn text(&mut self) -> Result<String, BodyError> {
        String::from_utf8(self.bytes().await?).map_err(|_| RequestError::Malformed.into())
    }

    /// Collects the body as `name=value` pairs of a form.
    ///
    /// # Errors
    /// As [`Request::bytes`].
    pub async fn form(&mut self) -> Result<Vec<(String, String)>, BodyError> {
        Ok(uri::form_pairs(&self.bytes().await?).collect())
    }

    /// The path's bytes, and the list of its parameters, for the router to fill.
    pub(super) fn path_and_params(&mut self) -> (&[u8], &mut Vec<Param>) {
        self.parts.head.path_and_params()
    }

    /// Stores the names that the route gives to the path parameters.
    pub(super) fn set_names(&mut self, names: &Rc<[Box<str>]>) {
        if !names.is_empty() {
            self.parts.names = Some(names.clone());
        }
    }
}

impl Reuse for Parts {
    fn fresh() -> Parts {
        let context = Context { peer: None, number: 0, collected: 0 };
        Parts { head: Head::fresh(), body: Body::default(), names: None, context }
    }

    #[inline(always)] // Called in one place, a drop. (By callgrind, saves 13 of 2,160 instructions for a request.)
    fn clean(&mut self) -> bool {
        // Nearly always it is empty: no drop to call then.
        if !self.body.is_empty() {
            self.body = Body::default();
        }
        if self.names.is_some() {
            self.names = None;
        }
        self.head.clean()
    }
}
