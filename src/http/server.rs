//! The server: accepts connections, bounds them, and stops in good order.
//!
//! ```text
//!   accept loop:  permit? --> accept --> spawn a connection --> ...
//!                  none: wait; the kernel's backlog holds the others
//!   stop:         close the listener --> cut idle connections --> wait for the rest, at most `grace` --> cut them
//! ```
//!
//! 1. At the connection limit the loop does not accept. A connection that waits in the backlog costs us nothing.
//! 2. An accept that fails for want of descriptors does not end the loop and does not spin: it waits until a connection
//!    ends, or a little while.
//! 3. When `run` returns, no connection's task is left.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Serve;
use super::limits::Limits;
use super::router::Router;
use super::service::Service;
use super::stats::Stats;
use super::wire::Wire;
use crate::future::{race, yield_now};
use crate::net::{Listener, Transport};
use crate::runtime::Handle;
use crate::sync::Semaphore;

/// Accepted, or failed, in one go before others get their turn: a flood of connections must not starve those that are open.
const ACCEPTS_PER_TURN: u32 = 64;

/// How long to wait after a failed accept, unless a connection ends first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server, before it runs.
pub struct Server {
    router: Router,
    limits: Limits,
    grace: Duration,
    stats: Arc<Stats>,
    draining: Rc<Cell<bool>>,
}

/// How a server ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped {
    /// Connections that were still busy when the grace period was over, and were cut.
    pub cut: usize,
}

impl Server {
    /// A server with these routes and the default limits.
    pub fn new(router: Router) -> Server {
        let draining = Rc::new(Cell::new(false));
        Server {
            router,
            limits: Limits::default(),
            grace: Duration::from_secs(10),
            stats: Arc::new(Stats::new()),
            draining,
        }
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// How long requests in flight may take after the stop.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Server {
        self.grace = grace;
        self
    }

    /// Counts into these counters.
    #[must_use]
    pub fn stats(mut self, stats: Arc<Stats>) -> Server {
        self.stats = stats;
        self
    }

    /// A flag that the server sets when it begins to stop.
    #[must_use]
    pub fn draining(mut self, draining: Rc<Cell<bool>>) -> Server {
        self.draining = draining;
        self
    }

    /// What connections need of the server, for those that come from elsewhere than a listener.
    pub fn into_service(self, handle: Handle) -> Rc<Service> {
        Service::new(handle, self.router, self.limits, self.stats, self.draining)
    }

    /// Serves until `stop` is ready, then stops in good order.
    pub async fn run(self, listener: impl Listener, stop: impl Future<Output = ()>) -> Stopped {
        let grace = self.grace;
        let service = self.into_service(listener.handle().clone());
        race(stop, accept_loop(&listener, &service)).await;
        // New connections are refused from here on, so that a load balancer goes elsewhere. That is also all that one
        // sees who asks `/readyz` on a new connection each time; on one that is open and at work the answer is 503.
        drop(listener);
        drain(&service, grace).await
    }
}

/// Serves `router` on `listener` with the default limits, for ever.
pub async fn serve(listener: impl Listener, router: Router) {
    Server::new(router).run(listener, std::future::pending()).await;
}

/// Serves one connection over any transport: a socket, a pipe in memory, a script that a test plays. It counts as open from
/// now on, not from the first poll. The future may be moved: `Handle::spawn_detached` takes it.
pub fn serve_connection<T: Transport + 'static>(
    service: Rc<Service>,
    transport: T,
    peer: Option<SocketAddr>,
) -> impl Future<Output = ()> + Unpin + 'static {
    Serve::new(Wire::new(transport, peer, service, None))
}

async fn accept_loop(listener: &impl Listener, service: &Rc<Service>) {
    let permits = Semaphore::new(service.limits.connections);
    let mut in_a_row = 0;
    let mut complaint = Complaint::default();
    loop {
        let permit = permits.acquire().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let wire = Wire::new(stream, Some(peer), service.clone(), Some(permit));
                // The future owns the wire, and the wire knows its task: `Service::cut` finds a connection by its wire, and
                // ends it by its task.
                let task = service.handle.spawn_detached(Serve::new(wire.clone()));
                wire.set_task(task);
            }
            Err(error) => {
                service.stats.accept_errors.add(1);
                if !is_of_one_connection(&error) {
                    complaint.say(service.handle.now(), &error);
                    race(service.connection_ended.notified(), service.handle.sleep(ACCEPT_PAUSE)).await;
                }
            }
        }
        in_a_row += 1;
        if in_a_row == ACCEPTS_PER_TURN {
            in_a_row = 0;
            yield_now().await;
        }
    }
}

/// Errors that concern the one connection that was about to be accepted: the next may be fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Logs once a second at most: at the descriptor limit accept fails thousands of times.
#[derive(Default)]
struct Complaint {
    last: Option<Instant>,
}

impl Complaint {
    fn say(&mut self, now: Instant, error: &io::Error) {
        if self.last.is_none_or(|last| now - last >= Duration::from_secs(1)) {
            self.last = Some(now);
            log::warn!(
                "cannot accept: {error} (hint: raise the limit on open files, or lower --max-connections)"
            );
        }
    }
}

/// Waits for the requests in flight, but not for ever.
async fn drain(service: &Rc<Service>, grace: Duration) -> Stopped {
    service.draining.set(true);
    service.cut(true);
    let waiting = service.open();
    if waiting > 0 {
        log::info!("waiting up to {grace:?} for {waiting} connections with a request in flight");
    }
    let finished = async {
        while service.open() > 0 {
            service.connection_ended.notified().await;
        }
    };
    let over = service.handle.timeout(grace, finished).await.is_err();
    let cut = if over { service.open() } else { 0 };
    if cut > 0 {
        log::warn!("the grace period of {grace:?} is over: cutting {cut} connections");
    }
    service.cut(false);
    Stopped { cut }
}
