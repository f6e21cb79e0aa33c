//! `cargo fuzz run --fuzz-dir tests/fuzz connection`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| glassbox_fuzz::connection::run(bytes));
