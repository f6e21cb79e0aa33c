//! The command line of the chapters' programs: `--listen ADDR`, numbers, and switches such as `--demo`.
//!
//! A server's program includes it with `#[path = "../args.rs"] mod args;`.

#![allow(dead_code, reason = "each program uses its part")]

use std::net::SocketAddr;
use std::str::FromStr;

/// Whether `--name` was given.
pub fn switch(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// The value behind `--name`, if there is one and it can be read.
pub fn value<T: FromStr>(name: &str) -> Option<T> {
    std::env::args().skip_while(|argument| argument != name).nth(1)?.parse().ok()
}

/// Where to listen: `--listen ADDR`, or port 8080 of this machine.
pub fn listen() -> SocketAddr {
    value("--listen").unwrap_or_else(|| ([127, 0, 0, 1], 8080).into())
}
