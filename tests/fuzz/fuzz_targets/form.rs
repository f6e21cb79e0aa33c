//! `cargo fuzz run --fuzz-dir tests/fuzz form`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| glassbox_fuzz::form::run(bytes));
