//! A request, as a handler sees it.

use std::net::SocketAddr;
use std::rc::Rc;

use super::body::{Body, BodyError};
use super::error::RequestError;
use super::head::Head;
use super::method::Method;
use super::pool::Pooled;
use super::uri;

/// One request: a checked head, and a body that is read when the handler asks for it.
pub struct Request {
    head: Pooled<Head>,
    body: Body,
    /// The names of the path parameters, from the route that was found.
    names: ParamNames,
    context: Context,
}

/// The names of a route's parameters, in the order of its pattern. `None`: no route was found yet.
pub(super) type ParamNames = Option<Rc<[Box<str>]>>;

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
    pub(super) fn new(head: Pooled<Head>, body: Body, context: Context) -> Request {
        Request { head, body, names: None, context }
    }

    /// What it wants done.
    pub fn method(&self) -> Method {
        self.head.method()
    }

    /// The path, still percent-encoded, as it was sent.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// The whole target, as it was sent.
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// The text behind the `?`, as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.head.query()
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
        let index = self.names.as_ref().and_then(|names| names.iter().position(|own| **own == *name));
        let value = index.and_then(|index| self.head.params().get(index));
        value.unwrap_or_else(|| panic!("the route of {} has no parameter {{{name}}}", self.path()))
    }

    /// The first header with this name, in any case, as bytes: a client may send any.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.head.header(name)
    }

    /// The first header with this name, if its value is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// All headers in the order in which they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.headers()
    }

    /// Whom the request is for: the target's authority, or the Host header.
    pub fn host(&self) -> Option<&str> {
        self.head.host()
    }

    /// Who sent it, and its number.
    pub fn context(&self) -> Context {
        self.context
    }

    /// The body, to be read piece by piece.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The body alone.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Collects the body in memory.
    ///
    /// # Errors
    /// When it is larger than the limit for collected bodies, malformed, or does not come.
    pub async fn bytes(&mut self) -> Result<Vec<u8>, BodyError> {
        let limit = self.context.collected;
        std::mem::take(&mut self.body).collect(limit).await
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

    pub(super) fn set_params(&mut self, names: ParamNames, params: impl Iterator<Item = String>) {
        self.head.set_params(params);
        self.names = names;
    }
}
