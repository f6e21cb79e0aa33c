//! Server-sent events: an answer that never ends, one line of text after another (WHATWG HTML, section 9.2).
//!
//! ```text
//!   a task: sender.send(event).await --> channel (bounded) --> EventBody --> chunked answer --> EventSource
//! ```
//!
//! 1. Backpressure goes all the way: a client that reads slowly fills the socket, then the channel, and then the task
//!    waits in `send`.
//! 2. When the client closes, or resets, the body is dropped at once, even if no event is sent, and the receiver with
//!    it. `send` then gives the event back: so the task learns that nobody listens.
//! 3. A client whose machine or network has died says nothing. So after `KEEP_ALIVE` without an event a comment is
//!    sent, which the browser skips. It also tells the proxies on the way that the connection is in use; and if nobody
//!    takes it, the write fails or times out, which is point 2.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::body::{Body, BodyError, BodySource, Chunk};
use super::response::Response;
use super::status::Status;
use crate::runtime::Handle;
use crate::runtime::timer::Sleep;
use crate::sync::{Receiver, Sender, channel};

/// How long a stream may be silent. WHATWG HTML, 9.2.7 proposes a comment "every 15 seconds or so": proxies often cut
/// what is silent for a minute.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A line that begins with a colon says nothing.
const COMMENT: &[u8] = b":\n\n";

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
///
/// The stream ends when the last sender is dropped, or when the client is gone: every `send` then gives its event back.
pub fn event_stream(handle: &Handle, capacity: usize) -> (Sender<ServerEvent>, Response) {
    let (sender, receiver) = channel(capacity);
    let body = EventBody { receiver, silence: handle.sleep(KEEP_ALIVE) };
    let response = Response::new(Status::OK)
        .with_header("content-type", "text/event-stream")
        .with_header("cache-control", "no-store")
        .with_body(Body::stream(body, None));
    (sender, response)
}

struct EventBody {
    receiver: Receiver<ServerEvent>,
    /// Over when a comment is due. Each event pushes it back, which costs nothing.
    silence: Sleep,
}

impl BodySource for EventBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BodyError>>> {
        let chunk = match self.receiver.poll_recv(cx) {
            Poll::Ready(event) => event.map(|event| Chunk::Owned(event.encode())),
            Poll::Pending => {
                ready!(Pin::new(&mut self.silence).poll(cx));
                Some(Chunk::Static(COMMENT))
            }
        };
        self.silence.reset_after(KEEP_ALIVE);
        Poll::Ready(chunk.map(Ok))
    }

    /// No browser half-closes a stream of events.
    fn ends_with_client(&self) -> bool {
        true
    }
}
