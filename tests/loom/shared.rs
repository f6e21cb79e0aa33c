//! loom's tools under the names of `src/runtime/shared.rs`.
//!
//! The lock and the condition are wrapped, because loom's `wait_timeout` never times out. Here it can: a patient
//! one waits for ever, an impatient one gives up at once, and loom tries everything that can happen in between.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

pub use loom::sync::atomic::AtomicBool;
pub use loom::thread::Builder as ThreadBuilder;

thread_local! {
    /// Whether waits with a timeout time out at once. All threads of a model are one thread of the test.
    static IMPATIENT: Cell<bool> = const { Cell::new(false) };
}

/// From now on waits with a timeout time out at once.
pub fn be_impatient() {
    IMPATIENT.set(true);
}

#[derive(Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.0.lock().map_err(|error| {
            PoisonError::new(MutexGuard { mutex: &self.0, guard: Some(error.into_inner()) })
        })?;
        Ok(MutexGuard { mutex: &self.0, guard: Some(guard) })
    }
}

pub struct MutexGuard<'a, T> {
    mutex: &'a loom::sync::Mutex<T>,
    /// `None` only while it waits.
    guard: Option<loom::sync::MutexGuard<'a, T>>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("cannot be used while it waits")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("cannot be used while it waits")
    }
}

#[derive(Default)]
pub struct Condvar(loom::sync::Condvar);

/// How a wait with a timeout ended.
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub fn new() -> Condvar {
        Condvar::default()
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    #[allow(clippy::unnecessary_wraps, reason = "the standard library's signature")]
    pub fn wait_timeout<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let inner = guard.guard.take().expect("cannot wait twice");
        let impatient = IMPATIENT.get();
        let inner = if impatient {
            drop(inner);
            loom::thread::yield_now();
            guard.mutex.lock().expect("cannot be poisoned")
        } else {
            self.0.wait(inner).expect("cannot be poisoned")
        };
        guard.guard = Some(inner);
        Ok((guard, WaitTimeoutResult(impatient)))
    }
}
