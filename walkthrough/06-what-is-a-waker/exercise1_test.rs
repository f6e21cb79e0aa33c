//! What exercise 6.1 asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Counts its calls, and looks at the bulletin in each.
struct Nosy {
    bulletin: Arc<Bulletin>,
    wakes: AtomicUsize,
    found_locked: AtomicUsize,
}

impl Nosy {
    fn new(bulletin: &Arc<Bulletin>) -> Arc<Nosy> {
        Arc::new(Nosy {
            bulletin: bulletin.clone(),
            wakes: AtomicUsize::new(0),
            found_locked: AtomicUsize::new(0),
        })
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        if self.bulletin.waiters.try_lock().is_err() {
            self.found_locked.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Two tasks; the first has polled three times.
fn two_wait() -> (Arc<Bulletin>, [Arc<Nosy>; 2]) {
    let bulletin = Arc::new(Bulletin::default());
    let tasks = [Nosy::new(&bulletin), Nosy::new(&bulletin)];
    for index in [0, 1, 0, 0] {
        bulletin.wait(&Waker::from(tasks[index].clone()));
    }
    (bulletin, tasks)
}

#[test]
fn each_task_is_woken_once_per_news() {
    let (bulletin, tasks) = two_wait();
    bulletin.news();
    bulletin.news(); // nobody waits any more
    assert_eq!(tasks.each_ref().map(|task| task.wakes.load(Ordering::SeqCst)), [1, 1]);
}

#[test]
fn no_waker_is_called_under_the_lock() {
    let (bulletin, tasks) = two_wait();
    bulletin.news();
    assert_eq!(tasks.each_ref().map(|task| task.found_locked.load(Ordering::SeqCst)), [0, 0]);
}

#[test]
fn nothing_is_left_behind() {
    let (bulletin, tasks) = two_wait();
    bulletin.news();
    assert!(bulletin.waiters.lock().expect("cannot be poisoned").is_empty());
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1, 1], "the test's own references");
}
