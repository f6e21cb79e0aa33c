//! What `longest_delay` must say. Included by the exercise and by its solution.

use glassbox::runtime::trace::{Outcome, Wake};
use glassbox::{Recorder, Runtime};

use super::*;

/// Two ids, as a runtime gives them out.
fn tasks() -> [TaskId; 2] {
    let runtime = Runtime::builder().observer(Recorder::new()).build().expect("a runtime");
    [(); 2].map(|()| runtime.handle().spawn(async {}).id())
}

fn woken(nanos: u64, task: TaskId) -> Record {
    Record { nanos, event: Event::Woken { task, wake: Wake::Queued, foreign: false } }
}

fn again(nanos: u64, task: TaskId) -> Record {
    Record { nanos, event: Event::Woken { task, wake: Wake::Coalesced, foreign: false } }
}

fn polled(nanos: u64, task: TaskId) -> Record {
    Record { nanos, event: Event::Polled { task, nth: 1 } }
}

#[test]
fn from_the_wake_to_the_poll() {
    let [a, b] = tasks();
    let records = [woken(10, a), woken(20, b), polled(30, a), polled(90, b)];
    assert_eq!(longest_delay(&records), Some((b, 70)));
}

#[test]
fn a_second_wake_does_not_begin_it_anew() {
    let [a, b] = tasks();
    let records = [woken(0, a), woken(50, b), again(95, a), polled(100, a), polled(110, b)];
    assert_eq!(longest_delay(&records), Some((a, 100)));
}

#[test]
fn a_delay_ends_with_the_poll() {
    let [a, b] = tasks();
    // The second poll of a was seen, its wake was not: the ring had dropped it, or begins in the middle.
    let records = [woken(0, a), polled(1, a), polled(1000, a), woken(1000, b), polled(1010, b)];
    assert_eq!(longest_delay(&records), Some((b, 10)));
}

#[test]
fn a_wake_during_its_own_poll() {
    let [a, _] = tasks();
    let pending = Record { nanos: 30, event: Event::Pending { task: a, lost: false } };
    let records = [woken(0, a), polled(5, a), woken(10, a), pending, polled(40, a)];
    assert_eq!(longest_delay(&records), Some((a, 30)));
}

#[test]
fn of_equals_the_first() {
    let [a, b] = tasks();
    let records = [woken(0, a), woken(10, b), polled(10, a), polled(20, b)];
    assert_eq!(longest_delay(&records), Some((a, 10)));
}

#[test]
fn who_is_never_polled_does_not_count() {
    let [a, b] = tasks();
    let aborted = Record { nanos: 500, event: Event::Finished { task: a, outcome: Outcome::Aborted } };
    assert_eq!(longest_delay(&[woken(0, a), aborted, polled(600, b)]), None);
    assert_eq!(longest_delay(&[]), None);
}
