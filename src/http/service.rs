//! What all connections of one server share.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use slab::Slab;

use super::buffer::{Buffer, READ_SIZE};
use super::date::DateCache;
use super::limits::Limits;
use super::pool::Pool;
use super::request::Parts;
use super::router::Router;
use super::stats::Stats;
use crate::runtime::Handle;
use crate::runtime::join::JoinHandle;
use crate::sync::{Notify, Permit};

/// How many unused buffers and requests are kept. A busy server uses a handful at a time, since a buffer is lent only
/// while bytes are in flight; what a burst needs beyond this is freed again. 256 buffers are 4 MiB.
const POOL_LIMIT: usize = 256;

/// One server: its routes, limits, pools and connections.
pub struct Service {
    pub(super) handle: Handle,
    pub(super) router: Rc<Router>,
    pub(super) limits: Limits,
    /// For answers.
    pub(super) outputs: Rc<Pool<Buffer>>,
    /// For what is read, and pieces of it.
    pub(super) inputs: Rc<Pool<Buffer>>,
    pub(super) parts: Rc<Pool<Parts>>,
    pub(super) date: DateCache,
    pub(super) stats: Arc<Stats>,
    /// No new requests: the server is about to stop. Shared, so that `/readyz` can say it.
    pub(super) draining: Rc<Cell<bool>>,
    /// Told when a connection ends: shutdown waits for the last, an accept loop without descriptors for any.
    pub(super) connection_ended: Notify,
    connections: RefCell<Slab<Tracked>>,
    /// The number of the latest request. See `request::Context::number`.
    requests: Cell<u64>,
}

/// What the server knows of a connection from outside.
struct Tracked {
    /// `None` for the moment between the tracking and the spawn, and once it was aborted.
    task: Option<(JoinHandle<()>, Weak<dyn Idle>)>,
}

/// A connection that a stopping server may cut, or not.
pub(super) trait Idle {
    /// Whether no byte of a request has come, and no answer is on its way. Asked, not told: a server stops once, and each
    /// request would have to tell it twice.
    fn is_idle(&self) -> bool;
}

impl Service {
    pub(super) fn new(
        handle: Handle,
        router: Router,
        limits: Limits,
        stats: Arc<Stats>,
        draining: Rc<Cell<bool>>,
    ) -> Rc<Service> {
        Rc::new(Service {
            handle,
            router: Rc::new(router),
            limits,
            outputs: Pool::new(POOL_LIMIT),
            inputs: Pool::of(POOL_LIMIT / 4, || Buffer::with_size(READ_SIZE)),
            parts: Pool::new(POOL_LIMIT),
            date: DateCache::new(),
            stats,
            draining,
            connection_ended: Notify::new(),
            connections: RefCell::default(),
            requests: Cell::new(0),
        })
    }

    /// A number for the next request.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.set(self.requests.get() + 1);
        self.requests.get()
    }

    /// Enters a connection. The membership leaves when it is dropped.
    ///
    /// `permit`: its place among so many connections at once, if they are counted.
    pub(super) fn enter(self: &Rc<Self>, permit: Option<Permit>) -> Membership {
        let key = self.connections.borrow_mut().insert(Tracked { task: None });
        self.stats.accepted.add(1);
        self.stats.open.add(1);
        Membership { service: self.clone(), key, served: Cell::new(0), _permit: permit }
    }

    /// Says which task runs the connection, so that it can be aborted, and whom to ask whether it is idle.
    pub(super) fn set_task(&self, key: usize, task: JoinHandle<()>, connection: Weak<dyn Idle>) {
        if let Some(tracked) = self.connections.borrow_mut().get_mut(key) {
            tracked.task = Some((task, connection));
        }
    }

    /// Connections open now.
    pub(super) fn open(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Ends connections at once: those that wait for a request, or all. An abort drops the connection's future, and
    /// with it its socket, its timer and its buffers.
    pub(super) fn cut(&self, only_idle: bool) {
        let mut tasks = Vec::new();
        for (_, tracked) in self.connections.borrow_mut().iter_mut() {
            let is_idle = |(_, connection): &mut (_, Weak<dyn Idle>)| {
                connection.upgrade().is_some_and(|connection| connection.is_idle())
            };
            tasks.extend(tracked.task.take_if(|task| !only_idle || is_idle(task)));
        }
        // Outside the borrow: each abort drops a Membership, which borrows again.
        for (task, _) in tasks {
            task.abort();
        }
    }
}

/// A connection's entry in the list of connections.
pub(super) struct Membership {
    pub(super) service: Rc<Service>,
    pub(super) key: usize,
    /// Requests so far.
    served: Cell<u64>,
    /// Given back when the connection is gone.
    _permit: Option<Permit>,
}

impl Membership {
    /// Counts a request. Whether it is the last that this connection may make.
    pub(super) fn is_last_request(&self) -> bool {
        self.served.set(self.served.get() + 1);
        self.served.get() >= self.service.limits.requests_per_connection
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let tracked = self.service.connections.borrow_mut().try_remove(self.key);
        drop(tracked);
        self.service.stats.open.subtract(1);
        self.service.connection_ended.notify_all();
    }
}
