//! The fuzz targets. Each is a plain function over bytes that panics when a promise is broken.
//!
//! ```text
//!   fuzz_targets/*.rs   cargo-fuzz: libFuzzer looks for inputs that reach new code (nightly)
//!   src/bin/seeded.rs   the same targets under a small seeded mutator: any toolchain, millions of executions
//!   ../fuzzing.rs       the same again for a few seconds in every `cargo test`
//! ```
//!
//! An input that broke something becomes a file of `corpus/`, and a test with a name.

#![forbid(unsafe_code)]

pub mod choices;
pub mod decode;
pub mod raw;
pub mod peers;
pub mod disagreements;
pub mod request;
#[path = "../../common/pipe.rs"]
#[allow(
    dead_code,
    missing_docs,
    clippy::new_without_default,
    clippy::duplicate_mod,
    reason = "shared with the tests, which have it too"
)]
pub mod pipe;
pub mod stage;
pub mod mutate;
pub mod connection;
pub mod response;
pub mod router_model;
pub mod router;
pub mod form;

/// A target: its name, which is also its corpus' folder, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("request", request::run),
    ("connection", connection::run),
    ("response", response::run),
    ("router", router::run),
    ("form", form::run),
];
