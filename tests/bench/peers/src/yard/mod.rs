//! The driver: it starts servers and generators, measures in turns, and writes the report.
//!
//! ```text
//!   options   the command line
//!   contest   who takes part
//!   cores     one core for the server, another for the generator
//!   children  the servers that run, ended when we are
//!   server    a running peer, checked before it is measured
//!   crowd     connections that are open and silent meanwhile
//!   rows      what is measured: a table
//!   rounds    how it is measured: in turns, medians over rounds
//!   memory    RSS for each idle connection
//!   syscalls  strace -c, the difference of two runs
//!   callgrind instructions and allocations, the difference of two runs
//!   parts     which parts of the server the instructions belong to
//!   machine   where it was measured, and with which versions
//!   report    tables in Markdown
//! ```

pub mod options;
pub mod contest;
pub mod cores;
pub mod children;
pub mod server;
pub mod crowd;
pub mod rows;
pub mod rounds;
pub mod memory;
pub mod syscalls;
pub mod callgrind;
pub mod parts;
pub mod machine;
pub mod report;
