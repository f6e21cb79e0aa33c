//! What tasks of one thread share: a signal, a counter of permits, a queue of values.
//!
//! The problem: tasks wait not only for sockets. They wait for each other. None of that (but for `Flag`) needs a
//! lock or an atomic here, because all of it happens on one thread; it needs the same care with wakers as a socket does.
//!
//! ```text
//!   waiters    a first-in-first-out list of wakers, with the two hard cases solved once
//!   Notify     "something happened": a condition variable for tasks
//!   Semaphore  at most n at a time; a permit goes back when it is dropped
//!   channel    values from many tasks to one, with a limit
//!   Flag       raised once, seen on every thread: the only one with a lock
//! ```
//!
//! The two hard cases: a waiter that is dropped while it waits leaves the list, and a waiter that is dropped *after*
//! it was chosen, but before it ran, passes its turn on. Without the second, a permit or a signal vanishes.
//!
//! tokio's thread-safe relatives: `tokio/src/sync/notify.rs`, `batch_semaphore.rs`, `mpsc/`.

mod waiters;
mod notify;
mod semaphore;
mod channel;
mod flag;

pub use channel::{Closed, Receiver, Recv, Send, Sender, channel};
pub use flag::{Flag, Raised};
pub use notify::{Notified, Notify};
pub use semaphore::{Acquire, Permit, Semaphore};
