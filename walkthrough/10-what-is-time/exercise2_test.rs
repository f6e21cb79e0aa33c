//! What an `Interval` must do. Included by the exercise and by its solution.

use std::cell::RefCell;
use std::rc::Rc;

use glassbox::Runtime;
use glassbox::future::{race, yield_now};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

type Ticks = Rc<RefCell<Vec<(Duration, Duration)>>>;

/// A task that ticks, works for `work`, and notes each tick: when it was due, and when it came.
fn ticking(work: Duration) -> (Runtime, Ticks) {
    let runtime = Runtime::builder().frozen_clock().build().unwrap();
    let (handle, ticks) = (runtime.handle(), Ticks::default());
    let noted = ticks.clone();
    runtime
        .handle()
        .spawn(async move {
            let (start, mut interval) = (handle.now(), Interval::new(&handle, SECOND));
            loop {
                let due = interval.tick().await;
                noted.borrow_mut().push((due - start, handle.now() - start));
                handle.sleep(work).await;
            }
        })
        .detach();
    runtime.turn();
    (runtime, ticks)
}

/// Lets time pass in small steps.
fn pass(runtime: &Runtime, tenths: u32) {
    for _ in 0..tenths {
        runtime.advance(SECOND / 10);
        runtime.run_until_stalled();
    }
}

#[test]
fn work_does_not_move_the_beat() {
    let (runtime, ticks) = ticking(3 * SECOND / 10);
    pass(&runtime, 50);
    let beats: Vec<_> = (1..=5).map(|beat| (beat * SECOND, beat * SECOND)).collect();
    assert_eq!(*ticks.borrow(), beats);
}

#[test]
fn missed_ticks_are_left_out() {
    let (runtime, ticks) = ticking(5 * SECOND / 2);
    pass(&runtime, 80);
    let tenths = |tenths: u32| tenths * SECOND / 10;
    // The tick of second 2 comes at 3.5, the one of second 3 not at all, the next at 6.
    let expected = [(10, 10), (20, 35), (40, 60), (70, 85)].map(|(due, came)| (tenths(due), tenths(came)));
    assert_eq!(*ticks.borrow(), expected[..3]);
    pass(&runtime, 5);
    assert_eq!(*ticks.borrow(), expected);
}

#[test]
fn a_dropped_tick_moves_nothing() {
    let runtime = Runtime::builder().frozen_clock().build().unwrap();
    let handle = runtime.handle();
    let mut interval = Interval::new(&handle, SECOND);
    let start = handle.now();
    for _ in 0..9 {
        let mut asked = interval;
        // The race is lost each time: the tick is dropped while it waits.
        interval = runtime.block_on(async move {
            race(asked.tick(), yield_now()).await;
            asked
        });
        runtime.advance(SECOND / 10);
    }
    runtime.advance(SECOND / 10);
    // By now one second has passed: the tick is ready at its first poll.
    let (due, interval) = runtime.block_on(async move {
        let mut asked = interval;
        let due = match race(asked.tick(), yield_now()).await {
            glassbox::future::Either::First(due) => Some(due),
            glassbox::future::Either::Second(()) => None,
        };
        (due, asked)
    });
    assert_eq!(due.map(|due| due - start), Some(SECOND));
    drop(interval);
    assert_eq!(runtime.timers(), []);
}
