//! glassbox: an async HTTP server that you can see through.
//!
//! A hand-rolled, single-threaded executor and a reactor drive hand-written futures. This page is the contents: the
//! modules stand in reading order, and a file uses only what stands above it.

#![forbid(unsafe_code)]

/// The machine: tasks, wakers, the ready queue, timers, the reactor, and the loop that joins them.
pub mod runtime;
/// Small hand-written futures: `yield_now`, `join`, `race`.
pub mod future;
/// TCP, and the leaf futures `Accept`, `Read`, `Write`.
pub mod net;
/// What tasks share: `Notify`, `Semaphore`, `channel`.
pub mod sync;
/// Signals as one more readable source.
pub mod signal;
/// HTTP/1.1: the request decoder, bodies, router, connections, server.
pub mod http;
/// Looking inside: timelines, journeys, traces, lints, step mode.
pub mod inspect;
/// Counters as Prometheus text.
pub mod metrics;

pub use runtime::join::{AbortHandle, JoinError, JoinHandle};
pub use runtime::recorder::Recorder;
pub use runtime::timer::{Elapsed, Sleep};
pub use runtime::trace::{Event, Observer};
pub use runtime::{Handle, Runtime};

/// Compiles the README's program.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
