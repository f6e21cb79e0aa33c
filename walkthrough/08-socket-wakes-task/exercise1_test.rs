//! What exercise 8.1 asks for.

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

fn poll(source: &Rc<Source>, count: &Arc<Count>) -> Poll<()> {
    Pin::new(&mut Readable(source.clone())).poll(&mut Context::from_waker(&Waker::from(count.clone())))
}

/// The event before the first operation, before the second, ... and after all of them: it is seen, or it wakes.
#[test]
fn the_event_is_seen_whenever_it_happens() {
    for nth in 0..10 {
        let (source, count) = (Rc::new(Source::event_before(nth)), Arc::new(Count::default()));
        let polled = poll(&source, &count);
        if source.event_in.get().is_some() {
            assert_eq!(polled, Poll::Pending, "nothing has happened yet");
            source.event();
        }
        let woken = count.0.load(Ordering::SeqCst) > 0;
        assert!(
            polled.is_ready() || woken,
            "the event before operation {nth} is lost: the task sleeps for ever"
        );
        assert_eq!(poll(&source, &count), Poll::Ready(()));
    }
}

/// A poll that finds nothing leaves the newest waker. (The source does that; it must be asked each time.)
#[test]
fn the_newest_waker_is_woken() {
    let source = Rc::new(Source::default());
    let counts = [(); 3].map(|()| Arc::new(Count::default()));
    for count in &counts {
        assert_eq!(poll(&source, count), Poll::Pending);
    }
    source.event();
    assert_eq!(counts.map(|count| count.0.load(Ordering::SeqCst)), [0, 0, 1]);
}
