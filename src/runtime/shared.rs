//! The two tools that let threads share something: a lock and an atomic flag.
//!
//! Everything that another thread can touch is built from these two names, in `ready.rs`, `task.rs` and
//! `blocking.rs`. They are the standard library's. They have a file of their own for one reason: the model checker
//! loom tries every order in which two threads can meet, and it can only see locks and atomics that are its own.
//! `tests/loom.rs` compiles those files again with loom's tools under the same names.
//!
//! tokio does the same (`tokio/src/loom/`), and crossbeam calls it `primitive`.

pub use std::sync::atomic::AtomicBool;
pub use std::sync::{Condvar, Mutex, MutexGuard};
