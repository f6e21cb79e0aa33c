//! A conversation with the server in memory, on a frozen clock: bytes in, bytes out, and time when the test says so.

use std::time::Duration;

use glassbox::http::{Limits, Router, Server, serve_connection};
use glassbox::{Handle, Runtime};

use super::pipe::Pipe;

/// One connection to a server that runs in this thread.
pub struct Conversation {
    pub runtime: Runtime,
    pub pipe: Pipe,
}

impl Conversation {
    pub fn new(router: Router, limits: Limits) -> Conversation {
        Conversation::start(|_| router, limits)
    }

    /// With routes that need the runtime's handle.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn with(router: impl FnOnce(Handle) -> Router) -> Conversation {
        Conversation::start(router, Limits::default())
    }

    fn start(router: impl FnOnce(Handle) -> Router, limits: Limits) -> Conversation {
        let runtime = Runtime::builder().frozen_clock().build().expect("a runtime");
        let server = Server::new(router(runtime.handle())).limits(limits);
        let service = server.into_service(runtime.handle());
        let pipe = Pipe::new();
        runtime.handle().spawn(serve_connection(service, pipe.server_end(), None)).detach();
        Conversation { runtime, pipe }
    }

    /// Sends, lets the server do all that it can, and returns what it wrote.
    pub fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        self.pipe.client_send(bytes.as_ref());
        self.runtime.run_until_stalled();
        self.pipe.client_text()
    }

    /// Lets time pass and returns what the server wrote because of it.
    pub fn wait(&self, time: Duration) -> String {
        self.runtime.advance(time);
        self.runtime.run_until_stalled();
        self.pipe.client_text()
    }

    /// The client closes; afterwards the server has nothing left of this connection.
    #[track_caller]
    pub fn end(self) {
        self.pipe.client_end();
        self.runtime.run_until_stalled();
        self.pipe.client_take();
        self.runtime.run_until_stalled();
        assert!(self.pipe.is_closed(), "the server has not closed");
        assert_eq!(self.runtime.tasks(), [], "a task is left");
        assert_eq!(self.runtime.timers(), [], "a timer is left");
    }
}

/// The status codes in what a server wrote, interim ones included. Bodies here never contain a status line.
pub fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).map(|part| part[..3].parse().expect("a status code")).collect()
}

/// Checks one answer: its status, and whether it announces the end of the connection.
#[track_caller]
pub fn expect_one(text: &str, status: u16, closes: bool) {
    assert_eq!(statuses(text), [status], "{text}");
    assert_eq!(text.contains("\r\nconnection: close\r\n"), closes, "{text}");
}
