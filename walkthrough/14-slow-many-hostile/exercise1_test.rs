//! What `Outbox` must do. Included by the exercise and by its solution.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn push(outbox: &Outbox, waker: &Arc<Count>, piece: &[u8]) -> bool {
    let mut piece = piece.to_vec();
    let length = piece.len();
    let ready =
        outbox.poll_push(&mut Context::from_waker(&Waker::from(waker.clone())), &mut piece).is_ready();
    assert_eq!(piece.len(), if ready { 0 } else { length }, "a piece is taken whole, or not at all");
    ready
}

#[test]
fn what_fits_goes_in() {
    let (outbox, waker) = (Outbox::new(10), Arc::new(Count::default()));
    assert!(push(&outbox, &waker, b"12345"));
    assert!(push(&outbox, &waker, b"67890"));
    assert_eq!(outbox.take(100), b"1234567890");
    assert_eq!(waker.0.load(Ordering::SeqCst), 0, "nobody waited");
}

#[test]
fn a_client_that_does_not_read_costs_no_more_than_the_limit() {
    let (outbox, waker) = (Outbox::new(10), Arc::new(Count::default()));
    let pushed = (0..1000).take_while(|_| push(&outbox, &waker, b"1234")).count();
    assert_eq!((pushed, outbox.len()), (2, 8));
}

#[test]
fn whoever_waits_is_woken_once() {
    let (outbox, waker) = (Outbox::new(4), Arc::new(Count::default()));
    assert!(push(&outbox, &waker, b"1234"));
    assert!(!push(&outbox, &waker, b"5"));
    assert!(outbox.take(0).is_empty());
    assert_eq!(waker.0.load(Ordering::SeqCst), 0, "there is no more room than before");
    outbox.take(1);
    outbox.take(1);
    assert_eq!(waker.0.load(Ordering::SeqCst), 1);
    assert!(push(&outbox, &waker, b"5"));
    assert_eq!(outbox.take(9), b"345");
}

#[test]
fn the_newest_waker_counts() {
    let (outbox, old, new) = (Outbox::new(1), Arc::new(Count::default()), Arc::new(Count::default()));
    assert!(push(&outbox, &old, b"1"));
    assert!(!push(&outbox, &old, b"2"));
    assert!(!push(&outbox, &new, b"2"));
    outbox.take(1);
    assert_eq!((old.0.load(Ordering::SeqCst), new.0.load(Ordering::SeqCst)), (0, 1));
}

#[test]
fn a_large_piece_gets_through_alone() {
    let (outbox, waker) = (Outbox::new(4), Arc::new(Count::default()));
    assert!(push(&outbox, &waker, b"123456"));
    assert!(!push(&outbox, &waker, b"7"));
    outbox.take(6);
    assert!(push(&outbox, &waker, b"7"));
}

/// A waker that looks at the outbox, as a debugger would.
struct Nosy;

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        HERE.with(|here| {
            let outbox = here.borrow();
            assert_eq!(outbox.as_ref().map(|outbox| outbox.len()), Some(0));
        });
    }
}

thread_local! {
    static HERE: RefCell<Option<Rc<Outbox>>> = const { RefCell::new(None) };
}

#[test]
fn a_waker_may_look_around() {
    let outbox = Rc::new(Outbox::new(1));
    HERE.set(Some(outbox.clone()));
    let waker = Waker::from(Arc::new(Nosy));
    let mut cx = Context::from_waker(&waker);
    assert!(outbox.poll_push(&mut cx, &mut b"1".to_vec()).is_ready());
    assert!(outbox.poll_push(&mut cx, &mut b"2".to_vec()).is_pending());
    outbox.take(1);
}
