//! The yardstick: other HTTP servers with the routes of the demo server, generators of load, and a driver that
//! measures all of them side by side.
//!
//! The problem: a server's speed is a ratio, not a number. What counts is the CPU time that one request costs here
//! and costs elsewhere, in the same minute on the same core. So everything is in one place and one command runs it:
//!
//! ```text
//!   bin/yardstick --> starts --> glassbox, bin/peer_hyper, bin/peer_actix, ...   on one core
//!        |   |                        ^
//!        |   +-----> starts --> bin/load, or wrk                                 on another
//!        +---------> reads /proc, writes RESULTS.md
//! ```
//!
//! Reading order is the order of these lines.

// What every peer serves, and how it is told where.
pub mod peer;
// The clock of a `Date` header, for the peers without a framework.
pub mod date;
// The CPU time and the memory of another process.
pub mod process;
// The generator: what it is asked to do, one connection, and the loop over all.
pub mod load;
// The driver: processes, rows, rounds, probes and the report.
pub mod yard;
