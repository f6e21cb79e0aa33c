//! The ring of the latest events: pushed to by any thread, read by any.

use std::sync::Arc;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

use super::recorder::Recorder;
use super::trace::{Event, Observer, TaskId};

fn woken(serial: u64) -> Event {
    Event::Woken { task: TaskId { slot: 0, serial }, wake: super::trace::Wake::Queued, foreign: true }
}

/// Two threads push three events into a ring for two while a third empties it. Each event is read or counted as lost,
/// never both, never neither; each thread's own stay in order, and times never fall.
#[test]
fn each_event_is_kept_or_counted() {
    loom::model(|| {
        let ring = Recorder::with_capacity(2);
        let (one, two) = (ring.clone(), ring.clone());
        let threads = [
            thread::spawn(move || [1, 2].map(|serial| one.observe(woken(serial))).len()),
            thread::spawn(move || [3].map(|serial| two.observe(woken(serial))).len()),
        ];
        let mut read = ring.take();
        for thread in threads {
            thread.join().unwrap();
        }
        let rest = ring.records();
        assert!(rest.windows(2).all(|pair| pair[0].nanos <= pair[1].nanos), "time falls");
        read.extend(rest.iter().map(|record| record.event));
        assert_eq!(read.len() as u64 + ring.dropped(), 3, "an event is nowhere, or twice");
        let place = |serial| read.iter().position(|event| *event == woken(serial));
        if let (Some(first), Some(second)) = (place(1), place(2)) {
            assert!(first < second, "out of order");
        }
    });
}

/// The mistake: the time is taken before the lock. Whoever was first to look at the clock can be second in the ring.
#[test]
#[should_panic(expected = "time falls")]
fn a_time_taken_before_the_lock_can_fall() {
    loom::model(|| {
        let clock = Arc::new(AtomicU64::new(0));
        let ring = Arc::new(Mutex::new(Vec::new()));
        let threads = [(); 2].map(|()| {
            let (clock, ring) = (clock.clone(), ring.clone());
            thread::spawn(move || {
                let time = clock.fetch_add(1, Relaxed); // too early
                ring.lock().unwrap().push(time);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(ring.lock().unwrap().is_sorted(), "time falls");
    });
}

/// The mistake: "is it full?" and "push" are two steps. Two threads find room for one.
#[test]
#[should_panic(expected = "the ring has grown")]
fn looking_before_locking_lets_the_ring_grow() {
    loom::model(|| {
        let ring = Arc::new(Mutex::new(Vec::new()));
        let threads = [(); 2].map(|()| {
            let ring = ring.clone();
            thread::spawn(move || {
                let full = ring.lock().unwrap().len() == 1;
                let mut ring = ring.lock().unwrap(); // too late: another may have pushed since
                if full {
                    ring.clear();
                }
                ring.push(());
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(ring.lock().unwrap().len(), 1, "the ring has grown");
    });
}
