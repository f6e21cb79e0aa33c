//! What `RequestClock` must do. Included by the exercise and by its solution.

use super::*;

const HEAD: u64 = 500;
const SILENCE: u64 = 300;

fn clock() -> RequestClock {
    RequestClock::new(HEAD, SILENCE)
}

#[test]
fn silence_before_a_request_is_nobodys_fault() {
    assert!(!clock().is_over(1_000_000));
}

#[test]
fn a_head_may_take_its_time() {
    let mut clock = clock();
    clock.bytes(1000);
    assert!(!clock.is_over(1000 + HEAD));
    assert!(clock.is_over(1001 + HEAD));
}

/// A byte every 100 milliseconds, and no end: slowloris.
#[test]
fn a_byte_now_and_then_buys_no_time_for_a_head() {
    let mut clock = clock();
    let over = (0..1000).map(|nth| nth * 100).find(|now| {
        clock.bytes(*now);
        clock.is_over(*now)
    });
    assert_eq!(over, Some(HEAD + 100));
}

#[test]
fn each_byte_of_a_body_buys_time() {
    let mut clock = clock();
    clock.bytes(0);
    clock.head_ends(0, true);
    for now in (0..100_000).step_by(200) {
        clock.bytes(now);
        assert!(!clock.is_over(now + SILENCE), "at {now}");
    }
    assert!(clock.is_over(99_801 + SILENCE));
}

/// The time of the head is not the body's.
#[test]
fn a_body_begins_with_its_own_clock() {
    let mut clock = clock();
    clock.bytes(0);
    clock.head_ends(HEAD, true);
    assert!(!clock.is_over(HEAD + SILENCE));
    assert!(clock.is_over(HEAD + SILENCE + 1));
}

#[test]
fn between_requests_no_clock_runs() {
    let mut clock = clock();
    clock.bytes(0);
    clock.head_ends(10, false);
    assert!(!clock.is_over(1_000_000));
    clock.bytes(1_000_000);
    assert!(clock.is_over(1_000_001 + HEAD), "the next head has a clock of its own");
    clock.head_ends(1_000_010, true);
    clock.bytes(1_000_020);
    clock.body_ends();
    assert!(!clock.is_over(9_000_000));
}
