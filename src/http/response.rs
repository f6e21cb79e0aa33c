//! A response, and what handlers may return in its place.

use std::borrow::Cow;

use super::body::{Body, BodyError};
use super::error::RequestError;
use super::status::Status;
use super::token::{is_text, is_token};

/// What a handler answers: a status, headers, a body.
///
/// The connection adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection`. A handler cannot set these:
/// two framings in one answer would let its bytes be read in two ways.
pub struct Response {
    status: Status,
    /// Apart from the other headers, because nearly every answer has one that we know: this saves the list for most.
    content_type: ContentType,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: Body,
    close: bool,
    /// A header was refused: this is a 500 now, and stays one.
    spoiled: bool,
}

/// The Content-Type of a text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// What is known of an answer's Content-Type: a byte in place of a text, which would be moved with every answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ContentType {
    /// It has none.
    Unset,
    Text,
    Json,
    Octets,
    /// It is the first of the headers.
    Listed,
}

impl ContentType {
    const KNOWN: [ContentType; 3] = [ContentType::Text, ContentType::Json, ContentType::Octets];

    fn of(value: &str) -> ContentType {
        let mut known = ContentType::KNOWN.into_iter();
        known.find(|own| own.value() == Some(value)).unwrap_or(ContentType::Listed)
    }

    /// The header's value, unless that stands in the list.
    fn value(self) -> Option<&'static str> {
        match self {
            ContentType::Unset | ContentType::Listed => None,
            ContentType::Text => Some(TEXT),
            ContentType::Json => Some("application/json"),
            ContentType::Octets => Some("application/octet-stream"),
        }
    }
}

/// Headers that belong to the connection.
const OWN_HEADERS: [&str; 7] =
    ["connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade"];

impl Response {
    /// An answer with this status and nothing else.
    pub fn new(status: Status) -> Response {
        Response {
            status,
            content_type: ContentType::Unset,
            headers: Vec::new(),
            body: Body::default(),
            close: false,
            spoiled: false,
        }
    }

    /// 200 with a text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        let body = match text.into() {
            Cow::Borrowed(text) => Body::from(text),
            Cow::Owned(text) => Body::from(text),
        };
        let content_type = ContentType::Text;
        Response { status: Status::OK, content_type, headers: Vec::new(), body, close: false, spoiled: false }
    }

    /// 200 with a text that is JSON already.
    pub fn json(text: impl Into<Cow<'static, str>>) -> Response {
        Response::text(text).with_header("content-type", "application/json")
    }

    /// An answer with this status, and the status in words as its one-line body.
    pub fn of(status: Status) -> Response {
        Response::text(format!("{status}\n")).with_status(status)
    }

    /// An answer with this status and one line of text.
    pub fn error(status: Status, message: &str) -> Response {
        Response::text(format!("{status}: {message}\n")).with_status(status)
    }

    /// Changes the status. Not that of an answer that a header has spoiled.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Response {
        if !self.spoiled {
            self.status = status;
        }
        self
    }

    /// Changes the body. Not that of an answer that a header has spoiled.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Response {
        if !self.spoiled {
            self.body = body.into();
        }
        self
    }

    /// Adds a header; `content-type` replaces the one before.
    ///
    /// A value with a control byte in it never leaves the server: whoever let a client choose it would let the
    /// client write headers of its own. Such a value spoils the answer: it becomes a 500 in place of what it was, the
    /// headers so far included, and the log says which header it was. It stays a 500, since a status or a body that is
    /// set afterwards was meant for the answer that is lost. Headers that are set afterwards, by a middleware perhaps,
    /// do count; only the Content-Type stays that of the 500's text.
    ///
    /// # Panics
    /// When `name` is no header name, or one of those that belong to the connection.
    #[must_use]
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Response {
        let (name, value) = (name.into(), value.into());
        assert!(!name.is_empty() && name.bytes().all(is_token), "{name:?} is not a header name");
        let own = OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own));
        assert!(!own, "{name} is written by the connection and cannot be set by a handler");
        if !value.bytes().all(is_text) {
            log::error!("a handler set {name} to a value with control bytes: answered 500 (hint: encode it)");
            return Response { close: true, spoiled: true, ..Response::of(Status::INTERNAL_SERVER_ERROR) };
        }
        match name.eq_ignore_ascii_case("content-type") {
            true if self.spoiled => {}
            true => self.set_content_type(value),
            false => self.headers.push((name, value)),
        }
        self
    }

    fn set_content_type(&mut self, value: Cow<'static, str>) {
        if self.content_type == ContentType::Listed {
            self.headers.remove(0);
        }
        self.content_type = ContentType::of(&value);
        if self.content_type == ContentType::Listed {
            self.headers.insert(0, (Cow::Borrowed("content-type"), value));
        }
    }

    /// Asks for the connection to be closed behind this answer.
    #[must_use]
    pub fn closing(mut self) -> Response {
        self.close = true;
        self
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The value of a header that was set.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The headers that were set; Content-Type first.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let known_type = self.content_type.value().map(|value| ("content-type", value));
        known_type.into_iter().chain(self.headers.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Whether this is a 200 and a text, without other headers: most answers are.
    pub(super) fn is_plain(&self) -> bool {
        self.status == Status::OK && self.content_type == ContentType::Text && self.headers.is_empty()
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    pub(super) fn closes(&self) -> bool {
        self.close
    }

    pub(super) fn into_body(self) -> Body {
        self.body
    }

    /// The answer without its body, and the body.
    pub(super) fn split(mut self) -> (Response, Body) {
        let body = std::mem::take(&mut self.body);
        (self, body)
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something to answer with",
    label = "a handler cannot return this",
    note = "return a `Response`, a `&'static str`, a `String`, a `Vec<u8>`, a `Status`, `(Status, T)`, `Option<T>` or \
            `Result<T, E>` of such types"
)]
pub trait IntoResponse {
    /// Makes the answer.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::new(Status::OK).with_header("content-type", "application/octet-stream").with_body(self)
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        if self.is_empty() { Response::new(self) } else { Response::of(self) }
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Status::NO_CONTENT)
    }
}

impl<T: IntoResponse> IntoResponse for (Status, T) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

/// `None` is 404.
impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        self.map_or_else(|| Status::NOT_FOUND.into_response(), T::into_response)
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        Response::error(self.status(), &self.to_string())
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        match self {
            BodyError::Request(error) => error.into_response(),
            // Nobody will read it; the connection is gone.
            BodyError::Io(_) => Status::BAD_REQUEST.into_response().closing(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last Content-Type counts, whether it is one that we know or not, and it comes first.
    #[test]
    fn content_types() {
        let known = ["text/plain; charset=utf-8", "application/json", "application/octet-stream"];
        let others = ["text/html", "text/plain", ""];
        for first in known.into_iter().chain(others) {
            for second in known.into_iter().chain(others) {
                let response =
                    Response::new(Status::OK).with_header("x", "y").with_header("Content-Type", first);
                assert_eq!(response.header("content-type"), Some(first));
                let response = response.with_header("z", "w").with_header("content-type", second);
                let headers: Vec<_> = response.headers().collect();
                assert_eq!(headers, [("content-type", second), ("x", "y"), ("z", "w")], "{first}");
            }
        }
        assert_eq!(Response::new(Status::OK).headers().count(), 0);
    }
}
