//! What `epoll_timeout` must say. Included by the exercise and by its solution.

use super::*;

#[test]
fn no_timer_is_for_ever() {
    assert_eq!(epoll_timeout(None), -1);
}

#[test]
fn now_is_a_peek() {
    assert_eq!(epoll_timeout(Some(Duration::ZERO)), 0);
}

#[test]
fn parts_of_a_millisecond_are_rounded_up() {
    for (nanos, millis) in
        [(1, 1), (300_000, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2), (2_700_000, 3)]
    {
        assert_eq!(epoll_timeout(Some(Duration::from_nanos(nanos))), millis, "{nanos} ns");
    }
}

#[test]
fn a_long_time_is_a_long_time() {
    for seconds in [3_000_000, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(epoll_timeout(Some(Duration::from_secs(seconds))), i32::MAX, "{seconds} s");
    }
    assert_eq!(epoll_timeout(Some(Duration::from_millis(2_147_483_647))), i32::MAX);
    assert_eq!(epoll_timeout(Some(Duration::from_millis(2_147_483_646))), i32::MAX - 1);
}
