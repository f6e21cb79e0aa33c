//! What all connections of one server share.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use slab::Slab;

use super::body::Chunk;
use super::buffer::{BUFFER_SIZE, Buffer, READ_SIZE};
use super::date::DateCache;
use super::limits::Limits;
use super::pool::Pool;
use super::request::Parts;
use super::router::Router;
use super::stats::Stats;
use crate::runtime::Handle;
use crate::runtime::join::AbortHandle;
use crate::sync::Notify;

/// How many unused buffers and requests are kept. A busy server uses a handful at a time, since a buffer is lent only
/// while bytes are in flight; what a burst needs beyond this is freed again. 256 buffers for answers are 4 MiB, a quarter
/// as many to read into are 4.25 MiB.
const POOL_LIMIT: usize = 256;

/// One server: its routes, limits, pools and connections.
pub struct Service {
    pub(super) handle: Handle,
    pub(super) router: Rc<Router>,
    pub(super) limits: Limits,
    /// Of `BUFFER_SIZE`: for answers, and for what is kept while somebody waits.
    pub(super) outputs: Rc<Pool<Buffer>>,
    /// Of `READ_SIZE`: for what is read, and pieces of it.
    pub(super) inputs: Rc<Pool<Buffer>>,
    pub(super) parts: Rc<Pool<Parts>>,
    pub(super) dates: DateCache,
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
    /// Whether, at its last poll, no byte of a request had been read, and all answers had left. Asked, not told: a server
    /// stops once, and each request would have to tell it twice.
    fn is_idle(&self) -> bool;

    /// The task that runs it, if it has one of its own: to be aborted, so nobody asks twice.
    fn take_task(&self) -> Option<AbortHandle>;
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
            dates: DateCache::new(handle.turn_time()),
            handle,
            router: Rc::new(router),
            limits,
            outputs: Pool::new(POOL_LIMIT),
            inputs: Pool::of(POOL_LIMIT / 4, || Buffer::with_size(READ_SIZE)),
            parts: Pool::new(POOL_LIMIT),
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

    /// A buffer for so many bytes that may be kept for long: of the smaller kind, if they fit.
    #[allow(clippy::unnecessary_box_returns, reason = "the box is what is lent")]
    pub(super) fn buffer_for(&self, bytes: usize) -> Box<Buffer> {
        if bytes <= BUFFER_SIZE { self.outputs.take() } else { self.inputs.take() }
    }

    /// Where a buffer came from.
    fn pool_of(&self, buffer: &Buffer) -> &Rc<Pool<Buffer>> {
        if buffer.made() == READ_SIZE { &self.inputs } else { &self.outputs }
    }

    /// Takes a buffer back into the pool that it came from.
    pub(super) fn put_back(&self, buffer: Box<Buffer>) {
        self.pool_of(&buffer).put_back(buffer);
    }

    /// Makes a chunk of a buffer: it goes back when that is dropped.
    pub(super) fn chunk(&self, buffer: Box<Buffer>) -> Chunk {
        Chunk::Pooled(self.pool_of(&buffer).entrust(buffer))
    }

    /// Enters a connection, under a key that it leaves with.
    pub(super) fn enter(&self, connection: Weak<dyn Connection>) -> usize {
        self.stats.accepted.add(1);
        self.stats.open.add(1);
        self.connections.borrow_mut().insert(connection)
    }

    /// Forgets a connection that has ended.
    pub(super) fn leave(&self, key: usize) {
        self.connections.borrow_mut().try_remove(key);
        self.stats.open.subtract(1);
        self.connection_ended.notify_all();
    }

    /// Connections open now.
    pub(super) fn open(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Ends connections at once: those that wait for a request, or all. An abort drops the connection's future, and
    /// with it its socket, its timer and its buffers.
    pub(super) fn cut(&self, only_idle: bool) {
        let connections = self.connections.borrow();
        let open = connections.iter().filter_map(|(_, connection)| connection.upgrade());
        let cut = open.filter(|connection| !only_idle || connection.is_idle());
        let tasks: Vec<_> = cut.filter_map(|connection| connection.take_task()).collect();
        // Outside the borrow: whoever ends leaves, which borrows again.
        drop(connections);
        for task in tasks {
            task.abort();
        }
    }
}
