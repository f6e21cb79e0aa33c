//! Several observers in place of one.

use std::sync::Arc;

use crate::runtime::trace::{Event, Observer};

/// Tells every event to each of its observers, in their order.
pub struct Fanout(Vec<Arc<dyn Observer>>);

impl Fanout {
    /// One observer that stands for these. `None`: there are none, and the runtime need not emit at all.
    pub fn of(mut observers: Vec<Arc<dyn Observer>>) -> Option<Arc<dyn Observer>> {
        if observers.len() > 1 { Some(Arc::new(Fanout(observers))) } else { observers.pop() }
    }
}

impl Observer for Fanout {
    fn observe(&self, event: Event) {
        self.0.iter().for_each(|observer| observer.observe(event));
    }
}
