//! Chapter 01's program.

fn main() {}
