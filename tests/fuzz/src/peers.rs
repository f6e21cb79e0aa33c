//! Second opinions on the same bytes: httparse alone, and hyper's server.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};

/// A request as somebody else read it.
#[derive(Debug, Default)]
pub struct Seen {
    /// The method's name.
    pub method: String,
    /// Path and query; httparse gives the whole target as the path.
    pub path: String,
    /// What stands behind the `?`.
    pub query: Option<String>,
    /// 0 or 1.
    pub minor_version: u8,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body, if it came whole.
    pub body: Option<Vec<u8>>,
    /// The head's length, where that is told.
    pub length: usize,
}

/// What httparse makes of the front of a stream: a head, or none.
pub fn httparse(bytes: &[u8]) -> Option<Seen> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes).ok()? else { return None };
    let headers = request.headers.iter();
    Some(Seen {
        method: request.method?.to_owned(),
        path: request.path?.to_owned(),
        query: None,
        minor_version: request.version?,
        headers: headers.map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect(),
        body: None,
        length,
    })
}

/// All requests that hyper's server hands to its service, and whether the connection ended without an error.
pub fn hyper(bytes: &[u8]) -> (Vec<Seen>, bool) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let log = log.clone();
        async move {
            let (head, body) = request.into_parts();
            let number = log.borrow().len();
            log.borrow_mut().push(from_parts(&head));
            let body = Collect { body, data: Vec::new() }.await;
            log.borrow_mut()[number].body = body;
            let mut response = Response::new(Nothing);
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, Infallible>(response)
        }
    });
    let input = Input { bytes: bytes.to_vec(), read: 0 };
    let mut builder = http1::Builder::new();
    let connection = builder.half_close(true).auto_date_header(false).serve_connection(input, service);
    let mut connection = pin!(connection);
    let mut cx = Context::from_waker(Waker::noop());
    // The input is always ready: hyper yields at times, but never waits.
    let ended = (0..10_000).find_map(|_| match connection.as_mut().poll(&mut cx) {
        Poll::Ready(result) => Some(result.is_ok()),
        Poll::Pending => None,
    });
    let clean = ended.expect("hyper has come to an end");
    (seen.take(), clean)
}

fn from_parts(head: &hyper::http::request::Parts) -> Seen {
    let headers = head.headers.iter();
    Seen {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        minor_version: u8::from(head.version == hyper::Version::HTTP_11),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect(),
        body: None,
        length: 0,
    }
}

/// A connection whose client has sent everything and closed its half. What is written to it is thrown away.
struct Input {
    bytes: Vec<u8>,
    read: usize,
}

impl Read for Input {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = into.remaining().min(self.bytes.len() - self.read);
        into.put_slice(&self.bytes[self.read..self.read + count]);
        self.read += count;
        Poll::Ready(Ok(()))
    }
}

impl Write for Input {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// An empty answer.
struct Nothing;

impl Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// Collects a body. `None`: it was broken or incomplete.
struct Collect {
    body: Incoming,
    data: Vec<u8>,
}

impl Future for Collect {
    type Output = Option<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Some(std::mem::take(&mut self.data))),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(None),
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        self.data.extend_from_slice(data);
                    }
                }
            }
        }
    }
}
