//! What exercise 5.1 asks for.

use super::*;

type Read = Rc<RefCell<Vec<u32>>>;

/// A task that reads letters for ever.
fn reader(executor: &mut Executor) -> (Mailbox, Read) {
    let (mailbox, read) = (Mailbox::default(), Read::default());
    let (inside, seen) = (mailbox.clone(), read.clone());
    executor.spawn(|bell| async move {
        loop {
            let letter = inside.next(&bell).await;
            seen.borrow_mut().push(letter);
        }
    });
    (mailbox, read)
}

#[test]
fn idle_tasks_are_polled_once() {
    let mut executor = Executor::default();
    let idle: Vec<_> = (0..1_000).map(|_| reader(&mut executor)).collect();
    let (mailbox, read) = reader(&mut executor);
    for letter in 0..5 {
        executor.round();
        executor.round();
        mailbox.put(letter);
    }
    executor.round();
    assert_eq!(*read.borrow(), [0, 1, 2, 3, 4]);
    assert_eq!(executor.polls, 1_001 + 5, "each task once, and once for each letter");
    drop(idle);
}

#[test]
fn two_letters_between_two_rounds_are_one_poll() {
    let mut executor = Executor::default();
    let (mailbox, read) = reader(&mut executor);
    executor.round();
    mailbox.put(1);
    mailbox.put(2);
    executor.round();
    executor.round();
    assert_eq!((executor.polls, read.borrow().len()), (2, 2));
}

/// A bell that rings during the poll must count. The task asks for one more poll, and gets it.
#[test]
fn a_ring_during_the_poll_is_not_lost() {
    let mut executor = Executor::default();
    let done = Rc::new(Cell::new(false));
    let end = done.clone();
    executor.spawn(|bell| async move {
        let mut first = true;
        std::future::poll_fn(|_| {
            if std::mem::take(&mut first) {
                bell.ring();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        end.set(true);
    });
    (0..5).for_each(|_| executor.round());
    assert!(done.get(), "the ring came during the poll and was taken back after it");
    assert_eq!(executor.polls, 2);
}
