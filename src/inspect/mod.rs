//! Looking inside: what can be made of the runtime's events.
//!
//! The problem: one log of typed events answers many questions, and each wants another form. A learner reads lines, a
//! profiler wants slices on a time axis, an operator wants to hear of a stuck task and of nothing else.
//!
//! ```text
//!                       +--> Printer   a line an event                       --trace
//!   Tracer --> Fanout --+--> Recorder --> journey   one request's events     /debug/trace?request=N
//!                       |             +-> chrome    slices, arrows, counters /debug/trace.json, --trace-file
//!                       |             +-> report    every task               /debug/tasks, SIGUSR1
//!                       +--> Lints     wrong tasks, named while they run
//!                       +--> Stepper   stops at each event                   --step
//! ```
//!
//! 1. Nothing here is needed to serve a request. The runtime knows one trait, `Observer`.
//! 2. An observer is called in the middle of things, on any thread. It takes a lock of its own, and
//!    calls nobody while it holds it.

pub mod fanout;
pub mod printer;
pub mod journey;
pub mod chrome;
pub mod report;
pub mod lint;
pub mod watchdog;
pub mod lints;
pub mod why;
pub mod step;

pub use fanout::Fanout;
pub use lint::{Finding, Lint};
pub use lints::Lints;
pub use printer::Printer;
pub use step::Stepper;
