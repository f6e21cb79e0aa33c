//! The demo server: `cargo run`, then `curl`.
//!
//! A thin shell around the library: a command line, routes worth trying, and one thread per worker.

#![forbid(unsafe_code)]

mod demo;

use std::process::ExitCode;

use demo::options::{Asked, Options};

fn main() -> ExitCode {
    match Options::read(std::env::vars(), std::env::args_os().skip(1)) {
        Ok(Asked::Run(options)) => demo::run::run(&options),
        Ok(Asked::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("glassbox: {message}");
            ExitCode::from(2)
        }
    }
}
