//! Handlers that leave their work to a task of its own, and wait for it; and somebody who aborts such tasks.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use glassbox::{Handle, JoinError, JoinHandle};

/// All such tasks; clones are the same.
#[derive(Clone, Default)]
pub struct Workers(Rc<RefCell<Vec<Rc<Worker>>>>);

struct Worker {
    handle: RefCell<JoinHandle<()>>,
    aborted: Cell<bool>,
}

impl Workers {
    /// Does the work in a task. Whether it was done; an error if the task ended in a way that nobody asked for.
    pub async fn work(
        &self,
        handle: &Handle,
        work: impl Future<Output = ()> + 'static,
    ) -> Result<bool, JoinError> {
        let worker = Rc::new(Worker { handle: handle.spawn(work).into(), aborted: Cell::new(false) });
        self.0.borrow_mut().push(worker.clone());
        match (Join { worker: &worker }).await {
            Ok(()) => Ok(true),
            Err(JoinError::Aborted) if worker.aborted.get() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Aborts the oldest task that has not ended. `false`: there is none.
    pub fn abort_one(&self) -> bool {
        self.0.borrow_mut().retain(|worker| !worker.handle.borrow().is_finished());
        let oldest = self.0.borrow().first().cloned();
        if let Some(worker) = &oldest {
            worker.aborted.set(true);
            worker.handle.borrow().abort();
        }
        oldest.is_some()
    }
}

/// Waits for a task whose handle somebody else has, too.
struct Join<'w> {
    worker: &'w Worker,
}

impl Future for Join<'_> {
    type Output = Result<(), JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.worker.handle.borrow_mut()).poll(cx)
    }
}

impl Drop for Join<'_> {
    /// A handler that ends early takes its task with it.
    fn drop(&mut self) {
        self.worker.handle.borrow().abort();
    }
}
