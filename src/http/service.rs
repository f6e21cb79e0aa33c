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
use crate::sync::Notify;

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
    connections: RefCell<Slab<Weak<dyn Connection>>>,
    /// The number of the latest request. See `request::Context::number`.
    requests: Cell<u64>,
}

/// A connection, as a stopping server sees it.
pub(super) trait Connection {
    /// Whether no byte of a request has come, and no answer is on its way. Asked, not told: a server stops once, and each
    /// request would have to tell it twice.
    fn is_idle(&self) -> bool;

    /// Ends it at once, if it has a task of its own. That drops its future, and with it its socket, its timer and its
    /// buffers.
    fn abort(&self);
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

    /// Enters a connection, under a key that it leaves with.
    pub(super) fn enter(&self, connection: Weak<dyn Connection>) -> usize {
        self.stats.accepted.add(1);
        self.stats.open.add(1);
        self.connections.borrow_mut().insert(connection)
    }

    /// Forgets a connection that has ended.
    pub(super) fn leave(&self, key: usize) {
        let connection = self.connections.borrow_mut().try_remove(key);
        drop(connection);
        self.stats.open.subtract(1);
        self.connection_ended.notify_all();
    }

    /// Connections open now.
    pub(super) fn open(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Ends connections at once: those that wait for a request, or all.
    pub(super) fn cut(&self, only_idle: bool) {
        let connections = self.connections.borrow();
        let open = connections.iter().filter_map(|(_, connection)| connection.upgrade());
        let cut: Vec<_> = open.filter(|connection| !only_idle || connection.is_idle()).collect();
        // Outside the borrow: whoever ends leaves, which borrows again.
        drop(connections);
        for connection in cut {
            connection.abort();
        }
    }
}
