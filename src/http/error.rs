//! Everything that can be wrong with a request, and the one place that maps it to a status code.
//!
//! Each message is what the client reads in the answer's body: what is wrong, and what to do about it.

use super::status::Status;

/// Why a request is refused.
///
/// `Clone`, because a body that failed says so again to everybody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request line is not `METHOD SP TARGET SP VERSION`.
    #[error("bad request line (hint: METHOD, one space, target, one space, HTTP/1.1)")]
    RequestLine,
    /// The target has a form or a byte that RFC 9112 section 3.2 does not allow for this method.
    #[error("bad request target (hint: start with / and percent-encode what is not allowed in a URI)")]
    Target,
    /// A header line is malformed.
    #[error(
        "bad header (hint: name, colon, value; no space before the colon, no line folding, no control bytes)"
    )]
    Header,
    /// A line ends in LF without CR, or has a CR inside.
    #[error("bad line end (hint: every line of a head ends in CR LF)")]
    LineEnd,
    /// `Host` is missing, repeated or malformed.
    #[error("bad Host (hint: HTTP/1.1 needs exactly one valid Host header)")]
    Host,
    /// Content-Length or Transfer-Encoding leave room for more than one reading.
    #[error(
        "ambiguous body length (hint: one Content-Length in digits, or Transfer-Encoding: chunked, not both)"
    )]
    Framing,
    /// A chunk of the body is malformed.
    #[error("bad chunk (hint: size in hex, CR LF, that many bytes, CR LF)")]
    Chunk,
    /// The connection ended inside a body.
    #[error("the body ended early")]
    Truncated,
    /// The head, the body or the next byte of it did not come in time.
    #[error("the request took too long (hint: send it without a pause)")]
    Timeout,
    /// The body is larger than allowed.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The target is longer than allowed.
    #[error("the request target is too long")]
    TargetTooLong,
    /// An expectation other than `100-continue`.
    #[error("unknown expectation (hint: the only one is 100-continue)")]
    Expectation,
    /// The head or the trailers are larger, or the headers more, than allowed.
    #[error("the request's headers are too large or too many")]
    HeadersTooLarge,
    /// A method that this server does not know.
    #[error("unknown method")]
    Method,
    /// A transfer coding that this server does not know.
    #[error("unknown transfer coding (hint: the only one is chunked)")]
    TransferCoding,
    /// Not HTTP/1.
    #[error("unsupported HTTP version (hint: speak HTTP/1.1)")]
    Version,
    /// The body is not what the handler asked for.
    #[error("the body or query is malformed")]
    Malformed,
}

impl RequestError {
    /// The status code of the refusal.
    pub fn status(self) -> Status {
        match self {
            RequestError::RequestLine
            | RequestError::Target
            | RequestError::Header
            | RequestError::LineEnd
            | RequestError::Host
            | RequestError::Framing
            | RequestError::Chunk
            | RequestError::Truncated
            | RequestError::Malformed => Status::BAD_REQUEST,
            RequestError::Timeout => Status::REQUEST_TIMEOUT,
            RequestError::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            RequestError::TargetTooLong => Status::URI_TOO_LONG,
            RequestError::Expectation => Status::EXPECTATION_FAILED,
            RequestError::HeadersTooLarge => Status::HEADER_FIELDS_TOO_LARGE,
            RequestError::Method | RequestError::TransferCoding => Status::NOT_IMPLEMENTED,
            RequestError::Version => Status::VERSION_NOT_SUPPORTED,
        }
    }
}
