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
    let request = wire::request(plan);
    let mut held = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        let mut stream = wire::connect(plan)?;
        let answer = wire::ask(&mut stream, &request)?;
        if answer.status != 200 {
            return Err(io::Error::other(format!("status {}", answer.status)));
        }
        held.push(stream);
    }
    println!("held {}", held.len());
    // Whoever started this closes its end, and be it by ending itself.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
