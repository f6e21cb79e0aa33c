//! The parts of the demo server, in reading order.

pub mod options;
pub mod routes;
pub mod trace;
pub mod run;
