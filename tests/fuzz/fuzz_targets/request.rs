//! `cargo fuzz run --fuzz-dir tests/fuzz request`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| glassbox_fuzz::request::run(bytes));
