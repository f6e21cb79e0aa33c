//! Idle connections: each has had one answer and keeps silent, until the standard input ends.

use std::io::{self, Read};

use super::plan::Plan;
use super::wire;

/// Opens them, says so, and holds them.
///
/// # Errors
///
/// The server cannot be reached, or answers badly.
pub fn run(plan: &Plan) -> io::Result<()> {
    let (held, _) = wire::open_all(plan)?;
    println!("held {}", held.len());
    // Whoever started this closes its end, and be it by ending itself.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
