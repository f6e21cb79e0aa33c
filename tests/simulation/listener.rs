//! A listener without a socket: connections and errors come out of it in the order in which the script puts them in.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use glassbox::Handle;
use glassbox::http::stats::Stats;
use glassbox::net::Listener;

use super::log::Log;
use super::pipe::Pipe;
use super::sabotage::Saboteur;
use super::script::AcceptError;
use super::server_end::ServerEnd;

/// How long the server pauses after an `accept` that failed, unless a connection ends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What waits to be accepted; clones are the same.
#[derive(Clone)]
pub struct Backlog(Rc<State>);

struct State {
    log: Arc<Log>,
    stats: Arc<Stats>,
    saboteur: Rc<Saboteur>,
    queue: RefCell<VecDeque<Result<Pipe, AcceptError>>>,
    waker: RefCell<Option<Waker>>,
    closed: Cell<bool>,
    /// When the latest error was handed out behind which the server should pause, and still should.
    failed: Cell<Option<Duration>>,
    /// How many connections were open then. A server that pauses tries again when there are fewer.
    open: Cell<u64>,
    /// It has tried again in the middle of its pause.
    is_hasty: Cell<bool>,
    /// The latest `accept` has failed, whatever the error.
    fails: Cell<bool>,
    now: Rc<Cell<Duration>>,
}

impl Backlog {
    pub fn new(
        (log, now): (Arc<Log>, Rc<Cell<Duration>>),
        stats: Arc<Stats>,
        saboteur: Rc<Saboteur>,
    ) -> Backlog {
        Backlog(Rc::new(State {
            log,
            stats,
            saboteur,
            queue: RefCell::default(),
            waker: RefCell::default(),
            closed: Cell::new(false),
            failed: Cell::new(None),
            open: Cell::new(0),
            is_hasty: Cell::new(false),
            fails: Cell::new(false),
            now,
        }))
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

    /// Whether the server should pause now, because of an error.
    pub fn is_failing(&self) -> bool {
        self.0.is_failing()
    }

    /// Whether it has tried to accept in the middle of a pause.
    pub fn is_hasty(&self) -> bool {
        self.0.is_hasty.get()
    }
}

impl State {
    fn is_failing(&self) -> bool {
        let is_over = |failed| self.now.get().saturating_sub(failed) >= ACCEPT_PAUSE;
        if self.stats.open.get() < self.open.get() || self.failed.get().is_some_and(is_over) {
            self.failed.set(None); // A connection has ended, or time has passed: the pause is over for good.
        }
        self.failed.get().is_some()
    }

    /// Hands an error out.
    fn fail(&self, error: AcceptError) -> io::Error {
        self.log.count(("accept", error.name()));
        self.fails.set(true);
        if error.is_passing() {
            return error.error();
        }
        self.failed.set(Some(self.now.get()));
        self.open.set(self.stats.open.get());
        if self.saboteur.disguises() { AcceptError::Interrupted.error() } else { error.error() }
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
        if self.state.is_failing() {
            self.state.is_hasty.set(true);
        }
        let next = self.state.queue.borrow_mut().pop_front();
        match next {
            None => {
                let replaced = self.state.waker.replace(Some(cx.waker().clone()));
                drop(replaced);
                Poll::Pending
            }
            Some(Ok(pipe)) => {
                if self.state.fails.take() {
                    self.state.log.count(("accept", "a connection, after an error"));
                }
                pipe.accept();
                Poll::Ready(Ok((pipe.server_end(), ([127, 0, 0, 1], 9).into())))
            }
            Some(Err(error)) => Poll::Ready(Err(self.state.fail(error))),
        }
    }
}
