//! Every limit of the server in one place, with its default.
//!
//! The problem: a client can send any amount, or nothing, for ever. What is not limited will be used up. Each limit
//! says what a client meets beyond it: a status code, or, where there is no request to answer or nobody who reads, the
//! end of the connection.

use std::time::Duration;

/// What a client may ask for. All fields are public: start from `default()` and change what you need.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's head: request line and headers. Beyond: 431.
    pub head: usize,
    /// Headers in a request. Beyond: 431. At most [`MAX_HEADERS`].
    pub headers: usize,
    /// Bytes of the request target. Beyond: 414.
    pub target: usize,
    /// Bytes of a request's body. Beyond: 413.
    pub body: u64,
    /// Bytes that `Request::bytes` and `Request::text` collect in memory. Beyond: 413.
    pub collected: usize,
    /// Bytes of chunk extensions in one body, and of one chunk's size line. Beyond: 400.
    pub chunk_extensions: usize,
    /// Bytes of trailers after a chunked body. Beyond: 431.
    pub trailers: usize,
    /// Bytes of an unread body that are read and thrown away to keep the connection. Beyond: it is closed.
    pub drain: u64,
    /// From the first byte of a head to its last. Beyond: 408.
    pub head_timeout: Duration,
    /// To wait for an expected body without one byte of it. Beyond: 408.
    pub body_timeout: Duration,
    /// To wait without one byte that the client takes. Beyond: the connection is cut; there is no way to tell it.
    pub write_timeout: Duration,
    /// Bytes a second of a body that a client sends, or of an answer that it takes, while we wait for it. Both timeouts
    /// above are what it may fall behind: each byte buys `1 / min_rate` seconds of waiting, up to the whole timeout. So
    /// a byte now and then does not hold a connection for ever. 0: any byte buys all. Beyond: as those timeouts.
    pub min_rate: u64,
    /// Without a request. Beyond: closed without a word, as keep-alive allows.
    pub idle_timeout: Duration,
    /// For a handler to answer. Beyond: 503.
    pub handler_timeout: Duration,
    /// Connections at once. Beyond: they wait in the kernel's backlog until another one ends.
    pub connections: usize,
    /// Requests on one connection. The last one's answer says `Connection: close`. 2^32 or more: no limit.
    pub requests_per_connection: u64,
}

/// The most headers that the parser has room for.
pub const MAX_HEADERS: usize = 100;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: 32 * 1024,
            headers: MAX_HEADERS,
            target: 8 * 1024,
            body: 1 << 30,
            collected: 1 << 20,
            chunk_extensions: 4 * 1024,
            trailers: 8 * 1024,
            drain: 256 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            min_rate: 240, // As in Microsoft's Kestrel: slower than any modem that is still in use.
            idle_timeout: Duration::from_secs(60),
            handler_timeout: Duration::from_secs(120),
            connections: 16_384,
            requests_per_connection: 1_000_000,
        }
    }
}
