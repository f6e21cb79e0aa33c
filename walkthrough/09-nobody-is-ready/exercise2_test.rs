//! What the oneshot must do. Included by the exercise and by its solution.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Wake;
use std::thread;

use super::*;

/// Counts its calls, and notes whether the lock was free each time: in `wake`, and when it is dropped.
struct Witness {
    state: Weak<Mutex<State<u32>>>,
    wakes: AtomicUsize,
    was_locked: Arc<AtomicBool>,
}

impl Witness {
    fn new(receiver: &Receiver<u32>) -> Arc<Witness> {
        let state = Arc::downgrade(&receiver.0);
        Arc::new(Witness { state, wakes: AtomicUsize::new(0), was_locked: Arc::default() })
    }

    fn look(&self) {
        if self.state.upgrade().is_some_and(|state| state.try_lock().is_err()) {
            self.was_locked.store(true, SeqCst);
        }
    }
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, SeqCst);
        self.look();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.look();
    }
}

fn poll(receiver: &mut Receiver<u32>, witness: &Arc<Witness>) -> Poll<Result<u32, Gone>> {
    Pin::new(receiver).poll(&mut Context::from_waker(&Waker::from(witness.clone())))
}

#[test]
fn a_value_arrives_although_its_sender_is_gone() {
    let (sender, mut receiver) = oneshot();
    thread::spawn(move || sender.send(42)).join().unwrap();
    let witness = Witness::new(&receiver);
    assert_eq!(poll(&mut receiver, &witness), Poll::Ready(Ok(42)));
}

#[test]
fn a_value_wakes_once() {
    let (sender, mut receiver) = oneshot();
    let witness = Witness::new(&receiver);
    assert_eq!(poll(&mut receiver, &witness), Poll::Pending);
    sender.send(42);
    assert_eq!(witness.wakes.load(SeqCst), 1);
    assert!(!witness.was_locked.load(SeqCst), "the waker was called under the lock");
    assert_eq!(poll(&mut receiver, &witness), Poll::Ready(Ok(42)));
}

#[test]
fn a_sender_that_goes_wakes_too() {
    let (sender, mut receiver) = oneshot::<u32>();
    let witness = Witness::new(&receiver);
    assert_eq!(poll(&mut receiver, &witness), Poll::Pending);
    thread::spawn(move || drop(sender)).join().unwrap();
    assert_eq!(witness.wakes.load(SeqCst), 1, "nobody will ever wake this task again");
    assert!(!witness.was_locked.load(SeqCst), "the waker was called under the lock");
    assert_eq!(poll(&mut receiver, &witness), Poll::Ready(Err(Gone)));
}

#[test]
fn a_sender_may_be_gone_before_the_first_poll() {
    let (sender, mut receiver) = oneshot::<u32>();
    drop(sender);
    let witness = Witness::new(&receiver);
    assert_eq!(poll(&mut receiver, &witness), Poll::Ready(Err(Gone)));
}

#[test]
fn the_newest_waker_counts_and_the_old_one_is_dropped_outside_of_the_lock() {
    let (sender, mut receiver) = oneshot();
    let (old, new) = (Witness::new(&receiver), Witness::new(&receiver));
    assert_eq!(poll(&mut receiver, &old), Poll::Pending);
    let (wakes, was_locked) = (Arc::downgrade(&old), old.was_locked.clone());
    drop(old); // The oneshot holds the last reference now.
    assert_eq!(poll(&mut receiver, &new), Poll::Pending);
    assert_eq!(wakes.strong_count(), 0, "replaced, and let go");
    assert!(!was_locked.load(SeqCst), "the old waker was dropped under the lock");
    sender.send(42);
    assert_eq!(new.wakes.load(SeqCst), 1);
}
