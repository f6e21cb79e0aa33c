//! Chapter 02's program.

fn main() {}
