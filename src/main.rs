//! The demo server: `cargo run`, then `curl`.
//!
//! A thin shell around the library: a command line, routes worth trying, and one thread per worker.

#![forbid(unsafe_code)]

mod demo;

use std::io::Write as _;
use std::process::ExitCode;

use demo::options::{Asked, Options};

fn main() -> ExitCode {
    match Options::read(std::env::vars_os(), std::env::args_os().skip(1)) {
        Ok(Asked::Run(options)) => demo::run::run(&options),
        Ok(Asked::Print(text)) => {
            // A closed stdout, as behind `| head -1`, is not worth a panic. Nor is a closed stderr below.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "glassbox: {message}");
            ExitCode::from(2)
        }
    }
}
