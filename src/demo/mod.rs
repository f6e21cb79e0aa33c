//! The parts of the demo server, in reading order.

pub mod options;
pub mod watch;
pub mod debug;
pub mod zoo;
pub mod routes;
pub mod run;
