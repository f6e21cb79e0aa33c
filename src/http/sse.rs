//! Server-sent events: an answer that never ends, one line of text after another (WHATWG HTML, section 9.2).
//!
//! ```text
//!   a task: sender.send(event).await --> channel (bounded) --> EventBody --> chunked answer --> EventSource
//! ```
//!
//! The streaming example. Backpressure goes all the way: a client that reads slowly fills the socket, then the channel,
//! and then the task waits in `send`. When the client is gone, the body is dropped, the receiver with it, and
//! `send` gives the event back: so the task learns that nobody listens.

use std::task::{Context, Poll, ready};

use super::body::{Body, BodyError, BodySource, Chunk};
use super::response::Response;
use super::status::Status;
use crate::sync::{Receiver, Sender, channel};

/// One event: a text, and if wanted a name and an id.
#[derive(Clone, Debug, Default)]
pub struct ServerEvent {
    /// The text; each of its lines is sent as a `data:` line.
    pub data: String,
    /// What `addEventListener` of the browser listens to; `message` if empty. Line ends are left out.
    pub name: String,
    /// What the browser sends back as `Last-Event-ID` when it connects again. Line ends are left out.
    pub id: String,
}

impl ServerEvent {
    fn encode(&self) -> Vec<u8> {
        let one_line = |text: &str| text.replace(['\r', '\n', '\0'], "");
        let mut text = String::new();
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            if !value.is_empty() {
                text.extend([field, ": ", &one_line(value), "\n"]);
            }
        }
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            text.extend(["data: ", line, "\n"]);
        }
        text += "\n";
        text.into_bytes()
    }
}

/// A sender of events, and the answer that carries them. Up to `capacity` events wait for a slow client.
pub fn event_stream(capacity: usize) -> (Sender<ServerEvent>, Response) {
    let (sender, receiver) = channel(capacity);
    let response = Response::new(Status::OK)
        .with_header("content-type", "text/event-stream")
        .with_header("cache-control", "no-store")
        .with_body(Body::stream(EventBody { receiver }, None));
    (sender, response)
}

struct EventBody {
    receiver: Receiver<ServerEvent>,
}

impl BodySource for EventBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        let event = ready!(self.receiver.poll_recv(cx));
        Poll::Ready(event.map(|event| Ok(Chunk::Owned(event.encode()))))
    }
}
