//! The tools that let threads share something: a lock, an atomic flag, and the start of a thread.
//!
//! Everything that another thread can touch is built from these names: `recorder.rs`, `ready.rs`, `task.rs`,
//! `blocking.rs` and `sync/flag.rs`. They are the standard library's. They have a file of their own for one reason: the
//! model checker loom tries every order in which two threads can meet, and it can only see locks, atomics and threads
//! that are its own. `tests/loom.rs` compiles those files again with loom's tools under the same names.
//!
//! tokio does the same (`tokio/src/loom/`), and crossbeam calls it `primitive`.

pub use std::sync::atomic::AtomicBool;
pub use std::sync::{Condvar, Mutex, MutexGuard};
pub use std::thread::Builder as ThreadBuilder;
