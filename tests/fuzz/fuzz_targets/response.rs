//! `cargo fuzz run --fuzz-dir tests/fuzz response`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| glassbox_fuzz::response::run(bytes));
