//! Chapter 03's program.

fn main() {}
