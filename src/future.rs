//! Small futures that need no operating system: `yield_now`, `join`, `race`.
//!
//! The problem: `async fn` hides the `poll`. Each future here is written by hand, with a `poll` short enough to read
//! in one go, and shows one thing that every combinator in every library does.
//!
//! ```text
//!   yield_now   Pending once, with a wake already made: "poll me again, but after the others"
//!   join(a, b)  poll both in each poll; ready when both are
//!   race(a, b)  poll both in each poll; ready when one is; the other is dropped, and drop is cancel
//! ```
//!
//! 1. A future inside a future shares its task's waker. So a wake does not say *which* half is ready: both are
//!    polled again, one of them in vain. That is what "spurious poll" means, and why it must be harmless.
//! 2. A half that is done is not polled again.
//! 3. `join` and `race` are `async fn`s around a struct: the `async fn` pins both futures in its own frame, and the
//!    struct holds pinned references. That is how they need neither `unsafe` nor a box.
//! 4. `race` asks the first one first. Bias is not fairness: if both are always ready, the first always wins.
//!
//! The `futures` crate has the same three (`futures-util/src/future/`), with pinning by macro.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// Lets the other ready tasks run, then goes on.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[must_use = "futures do nothing unless polled"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        // Every `Pending` has arranged a wake. Here it is made at once: the task goes to the end of the queue.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Waits for both, polling them in turns in one task.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (a, b) = (pin!(a), pin!(b));
    Join { a: Half::Running(a), b: Half::Running(b) }.await
}

struct Join<'f, A: Future, B: Future> {
    a: Half<'f, A>,
    b: Half<'f, B>,
}

enum Half<'f, F: Future> {
    Running(Pin<&'f mut F>),
    /// Ready, and waiting for the other half.
    Done(F::Output),
    Taken,
}

impl<F: Future> Half<'_, F> {
    /// Polls this half unless it is done. True when it is done.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if let Half::Running(future) = self
            && let Poll::Ready(value) = future.as_mut().poll(cx)
        {
            *self = Half::Done(value);
        }
        !matches!(self, Half::Running(_))
    }

    fn take(&mut self) -> F::Output {
        match std::mem::replace(self, Half::Taken) {
            Half::Done(value) => value,
            Half::Running(_) | Half::Taken => panic!("a Join was polled after it was ready"),
        }
    }
}

impl<A: Future, B: Future> Future for Join<'_, A, B> {
    type Output = (A::Output, B::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // `&`, not `&&`: both halves are polled, even if the first is not done.
        if self.a.poll(cx) & self.b.poll(cx) {
            return Poll::Ready((self.a.take(), self.b.take()));
        }
        Poll::Pending
    }
}

impl<A: Future, B: Future> Unpin for Join<'_, A, B> {}

/// Which of two was first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Either<A, B> {
    /// The first argument.
    First(A),
    /// The second argument.
    Second(B),
}

/// Waits for the first of two; the other is dropped. What the loser has done so far is lost, unless it lives
/// outside of the loser: a `read` that was not ready has taken no bytes, but a "read a line" with its own buffer has.
pub async fn race<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let (a, b) = (pin!(a), pin!(b));
    Race { a, b }.await
}

struct Race<'f, A, B> {
    a: Pin<&'f mut A>,
    b: Pin<&'f mut B>,
}

impl<A: Future, B: Future> Future for Race<'_, A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(value));
        }
        self.b.as_mut().poll(cx).map(Either::Second)
    }
}
