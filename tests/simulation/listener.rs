//! A listener without a socket: connections and errors come out of it in the order in which the script puts them in.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use glassbox::Handle;
use glassbox::net::Listener;

use super::pipe::Pipe;
use super::script::AcceptError;
use super::server_end::ServerEnd;

/// What waits to be accepted; clones are the same.
#[derive(Clone, Default)]
pub struct Backlog(Rc<State>);

#[derive(Default)]
struct State {
    queue: RefCell<VecDeque<Result<Pipe, AcceptError>>>,
    waker: RefCell<Option<Waker>>,
    closed: Cell<bool>,
    /// When the latest error was handed out.
    failed: Cell<Option<Duration>>,
    now: Rc<Cell<Duration>>,
}

impl Backlog {
    pub fn new(now: Rc<Cell<Duration>>) -> Backlog {
        Backlog(Rc::new(State { now, ..State::default() }))
    }

    /// The listener itself, for the server.
    pub fn listener(&self, handle: Handle) -> ScriptedListener {
        ScriptedListener { backlog: self.clone(), handle }
    }

    /// Something arrives. `false`: nobody listens any more.
    pub fn push(&self, what: Result<Pipe, AcceptError>) -> bool {
        if self.0.closed.get() {
            return false;
        }
        self.0.queue.borrow_mut().push_back(what);
        let waker = self.0.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Whether somebody waits to be accepted.
    pub fn is_empty(&self) -> bool {
        self.0.queue.borrow().is_empty()
    }

    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// When the latest error was handed out.
    pub fn failed_at(&self) -> Option<Duration> {
        self.0.failed.get()
    }
}

/// What the server holds.
pub struct ScriptedListener {
    backlog: Backlog,
    handle: Handle,
}

impl Drop for ScriptedListener {
    /// Who waits in the backlog meets the closed connection, as with a socket.
    fn drop(&mut self) {
        self.backlog.0.closed.set(true);
        for pipe in self.backlog.0.queue.take().into_iter().flatten() {
            drop(pipe.server_end());
        }
        drop(self.backlog.0.waker.take());
    }
}

impl Listener for ScriptedListener {
    type Stream = ServerEnd;

    fn accept(&self) -> impl Future<Output = io::Result<(ServerEnd, SocketAddr)>> {
        Accept { state: &self.backlog.0 }
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }
}

struct Accept<'a> {
    state: &'a State,
}

impl Future for Accept<'_> {
    type Output = io::Result<(ServerEnd, SocketAddr)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let next = self.state.queue.borrow_mut().pop_front();
        match next {
            None => {
                let replaced = self.state.waker.replace(Some(cx.waker().clone()));
                drop(replaced);
                Poll::Pending
            }
            Some(Ok(pipe)) => {
                pipe.accept();
                Poll::Ready(Ok((pipe.server_end(), ([127, 0, 0, 1], 9).into())))
            }
            Some(Err(AcceptError::Aborted)) => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Some(Err(error)) => {
                self.state.failed.set(Some(self.state.now.get()));
                Poll::Ready(Err(io::Error::from_raw_os_error(number(error))))
            }
        }
    }
}

/// What Linux, the BSDs and macOS call it.
fn number(error: AcceptError) -> i32 {
    match error {
        AcceptError::Enfile => 23,
        AcceptError::Emfile | AcceptError::Aborted => 24,
    }
}
