//! What `Parking` must do, in every order. Included by the exercise and by its solution.

use std::sync::Arc;

use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::*;

/// Stands for the operating system.
#[derive(Default)]
struct Bell {
    rung: Mutex<usize>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    /// Sleeps until it was rung, and returns how often.
    fn wait(&self) -> usize {
        let mut rung = self.rung.lock().unwrap();
        while *rung == 0 {
            rung = self.changed.wait(rung).unwrap();
        }
        std::mem::take(&mut *rung)
    }
}

/// `senders` threads bring one piece of news each; the runtime sleeps whenever it finds none.
fn model(senders: usize) {
    // Two switches of thread at any place show every mistake that is known here, and keep the test short.
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let (parking, bell) = (Arc::new(Parking::new()), Arc::new(Bell::default()));
        let news = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..senders)
            .map(|_| {
                let (parking, bell, news) = (parking.clone(), bell.clone(), news.clone());
                thread::spawn(move || {
                    news.fetch_add(1, Relaxed);
                    if parking.notify() {
                        bell.ring();
                    }
                })
            })
            .collect();
        while news.load(Relaxed) < senders {
            if parking.try_park() {
                assert_eq!(bell.wait(), 1, "one ring is enough for one sleep");
                parking.unparked();
            }
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn one_wake_is_not_lost() {
    model(1);
}

#[test]
fn of_two_wakes_none_is_lost_and_one_rings() {
    model(2);
}

#[test]
fn news_for_a_waking_runtime_rings_nobody_and_is_kept() {
    loom::model(|| {
        let parking = Parking::new();
        assert!(!parking.notify());
        assert!(!parking.notify());
        assert!(!parking.try_park(), "there is news to look at");
        assert!(parking.try_park(), "it was looked at");
    });
}
