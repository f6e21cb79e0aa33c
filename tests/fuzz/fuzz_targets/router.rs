//! `cargo fuzz run --fuzz-dir tests/fuzz router`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| glassbox_fuzz::router::run(bytes));
