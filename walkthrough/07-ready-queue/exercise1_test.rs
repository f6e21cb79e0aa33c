//! What exercise 7.1 asks for.

use std::cell::Cell;
use std::rc::Rc;

use super::*;

/// Polls the task for each name on the queue, at most 1,000 times. Returns the number of polls.
fn run(queue: &Queue, task: &mut Task) -> usize {
    for polls in 0..1_000 {
        let name = queue.lock().expect("cannot be poisoned").pop_front();
        if name.is_none() {
            return polls;
        }
        task.poll();
    }
    1_000
}

fn names(queue: &Queue) -> Vec<u32> {
    queue.lock().expect("cannot be poisoned").iter().copied().collect()
}

#[test]
fn a_hundred_wakes_are_one_entry() {
    let queue = Queue::default();
    let mut task = Task::new(7, &queue, |_| {});
    let waker = Waker::from(task.shared.clone());
    (0..100).for_each(|_| waker.wake_by_ref());
    assert_eq!(names(&queue), [7]);
    assert_eq!(run(&queue, &mut task), 1);
}

#[test]
fn after_the_poll_a_wake_counts_again() {
    let queue = Queue::default();
    let mut task = Task::new(7, &queue, |_| {});
    let waker = Waker::from(task.shared.clone());
    for _ in 0..3 {
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(run(&queue, &mut task), 1);
    }
}

/// The task wakes itself in its first poll. It must be polled once more, and after that a wake must still reach it.
#[test]
fn a_wake_during_the_poll_is_one_more_poll() {
    let queue = Queue::default();
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let mut task = Task::new(7, &queue, move |cx| {
        count.set(count.get() + 1);
        if count.get() == 1 {
            cx.waker().wake_by_ref();
            cx.waker().wake_by_ref();
        }
    });
    let waker = Waker::from(task.shared.clone());
    waker.wake_by_ref();
    assert_eq!(run(&queue, &mut task), 2, "the first poll, and the one that it asked for");
    waker.wake_by_ref();
    assert_eq!(run(&queue, &mut task), 1);
    assert_eq!(polls.get(), 3);
}
