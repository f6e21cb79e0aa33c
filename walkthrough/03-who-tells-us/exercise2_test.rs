//! What `interest` must say. Included by the exercise and by its solution.

use super::*;

/// How many of `trips` trips to a level-triggered selector come back at once, though no client does anything.
fn vain_trips(trips: usize, unsent: usize, room: bool) -> usize {
    let wanted = interest(unsent);
    (0..trips).filter(|_| wanted.writable && room).count()
}

#[test]
fn an_idle_connection_lets_the_loop_sleep() {
    assert_eq!(vain_trips(1000, 0, true), 0);
}

#[test]
fn an_unsent_answer_is_sent_when_there_is_room() {
    assert!(interest(1).writable);
    assert_eq!(vain_trips(1000, 1, false), 0, "no room: nothing to report");
}

#[test]
fn new_requests_are_heard() {
    assert!(interest(0).readable);
    assert!(interest(ENOUGH).readable);
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    assert!(!interest(ENOUGH + 1).readable);
}
