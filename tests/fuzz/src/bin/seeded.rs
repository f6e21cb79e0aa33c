//! The fuzz targets under the seeded mutator, on any toolchain.
//!
//! `cargo run --release --manifest-path tests/fuzz/Cargo.toml --no-default-features --bin seeded -- [EXECUTIONS] [SEED]
//! [TARGET]`

#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Instant;

use glassbox_fuzz::{TARGETS, disagreements, mutate};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .map_or(default, |text| text.parse().expect("a number (hint: EXECUTIONS SEED TARGET)"))
    };
    let (executions, seed) = (number(0, 1_000_000), number(1, 1));
    let only = arguments.get(2);
    let targets = TARGETS.iter().filter(|(name, _)| only.is_none_or(|only| only == name));
    let targets: Vec<_> = targets.collect();
    let mut total = 0;
    for (name, target) in &targets {
        let corpus = mutate::corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name));
        let began = Instant::now();
        let done = mutate::run(*target, &corpus, executions / targets.len() as u64, seed);
        println!("{name:<12} {done:>10} executions in {:.1} s", began.elapsed().as_secs_f64());
        total += done;
    }
    println!("{:<12} {total:>10} executions, seed {seed}", "all");
    for (count, known) in disagreements::met() {
        println!("{count:>10} {:?} {:?}: {}", known.peers, known.kind, known.why);
    }
}
