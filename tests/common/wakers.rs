//! Polling by hand: a waker that can be asked what became of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts its calls.
#[derive(Default)]
pub struct CountingWaker {
    wakes: AtomicUsize,
}

impl CountingWaker {
    pub fn new() -> Arc<CountingWaker> {
        Arc::default()
    }

    /// How often it was called.
    pub fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    /// Whether anybody but the test has it: a table of wakers, a future, another thread.
    pub fn is_held(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that panics when it is called.
pub struct BrokenWaker;

impl Wake for BrokenWaker {
    fn wake(self: Arc<Self>) {
        panic!("a waker, on purpose");
    }
}

/// Polls once with this waker. The copy that is lent to the poll is dropped after it: if the waker is still held,
/// the future kept one.
pub fn poll_with<F: Future + Unpin, W: Wake + Send + Sync + 'static>(
    waker: &Arc<W>,
    future: &mut F,
) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&Waker::from(waker.clone())))
}
