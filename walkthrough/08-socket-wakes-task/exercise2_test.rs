//! What exercise 8.2 asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::Direction::{Read, Write};
use super::*;

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll(io: &ScheduledIo, direction: Direction, task: &Arc<Task>) -> Poll<()> {
    io.poll_ready(direction, &mut Context::from_waker(&Waker::from(task.clone())))
}

/// A socket that is ready for nothing.
fn exhausted() -> ScheduledIo {
    let io = ScheduledIo::default();
    io.clear(Read);
    io.clear(Write);
    io
}

#[test]
fn both_directions_start_ready_and_are_cleared_apart() {
    let (io, task) = (ScheduledIo::default(), Arc::new(Task::default()));
    assert_eq!(poll(&io, Read, &task), Poll::Ready(()));
    io.clear(Read);
    assert_eq!(poll(&io, Read, &task), Poll::Pending);
    assert_eq!(poll(&io, Write, &task), Poll::Ready(()), "nobody has said that writing would block");
}

#[test]
fn news_for_the_reader_leave_the_writer_alone() {
    let (io, reader, writer) = (exhausted(), Arc::new(Task::default()), Arc::new(Task::default()));
    assert_eq!([poll(&io, Read, &reader), poll(&io, Write, &writer)], [Poll::Pending; 2]);
    io.event(Read);
    assert_eq!((reader.wakes(), writer.wakes()), (1, 0));
    io.event(Write);
    assert_eq!((reader.wakes(), writer.wakes()), (1, 1));
}

#[test]
fn the_newest_waker_is_woken_and_once() {
    let (io, old, new) = (exhausted(), Arc::new(Task::default()), Arc::new(Task::default()));
    assert_eq!([poll(&io, Read, &old), poll(&io, Read, &new)], [Poll::Pending; 2]);
    io.event(Read);
    io.event(Read);
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1), "no waker is left behind");
}

#[test]
fn an_event_that_nobody_waits_for_is_remembered() {
    let (io, task) = (exhausted(), Arc::new(Task::default()));
    io.event(Read);
    assert_eq!(poll(&io, Read, &task), Poll::Ready(()));
    assert_eq!(poll(&io, Write, &task), Poll::Pending);
}
