//! The generator: one thread, one epoll, little CPU time for each request, so that the server is the slow one.
//!
//! ```text
//!   plan    what to do: how many connections, how deep, how fast, how long
//!   wire    the bytes of a request and the length of its answer, learned from the first one
//!   client  one connection: a batch is written, its answers are counted byte by byte
//!   pace    a fixed rate, and how late each request was
//!   meter   what a run takes: time, and the server's CPU time
//!   flow    keep-alive connections, flat out or at a fixed rate
//!   fresh   a new connection for each request, flat out or at a fixed rate
//!   hold    idle connections
//!   report  one line of key=value
//! ```
//!
//! An answer is not parsed: the first one is, and all others must be as long and begin with the same status. That is
//! what makes it light; the driver checks bodies before it measures.

pub mod client;
pub mod flow;
pub mod fresh;
pub mod hold;
pub mod meter;
pub mod pace;
pub mod plan;
pub mod report;
pub mod wire;
