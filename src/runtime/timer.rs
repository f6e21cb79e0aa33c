//! Time: a clock, a table of deadlines, and `Sleep`, the future that waits for one.
//!
//! The problem: thousands of connections each have a deadline, and none may cost a thread or a system call.
//! A timer is not a thread. It is a waker in a table, sorted by when it is due.
//!
//! ```text
//!   Sleep::poll             Timers (BTreeMap)                   Runtime::park
//!   due:         Ready
//!   not due yet: insert --> (12:00:03, timer 7) -> waker  --->  how long may I sleep? until the first key
//!                           (12:00:09, timer 2) -> waker  --->  after the sleep: wake all keys that are due
//! ```
//!
//! 1. A timer is never early. The deadline is rounded up to what the operating system can wait (mio rounds a
//!    timeout up to whole milliseconds), and `Sleep` compares again, with `turn_time`, when it is polled.
//! 2. `Sleep` puts the newest waker into its row, and takes the row out when it is dropped: a cancelled timer leaves nothing.
//! 3. `reset` is lazy. A connection moves its deadline with every request, thousands of times before one is due.
//!    Moving it *later* only writes a field. The old row fires at its old time, the task finds that the deadline
//!    has moved, and arms a new row. So a busy connection pays for the table once per timeout, not per request.
//! 4. Monotonic time (`Instant`), never the wall clock: that one jumps.
//! 5. The clock is read once per trip to the operating system and remembered as `turn_time`. Checks against it are
//!    free, and can only be late, never early: it is never ahead of the real time. `reset_after` and `begin` count from it,
//!    too: the deadline that they set is early by as long as this turn has lasted, which no timeout of seconds minds.
//!
//! Left out: a timer wheel, with which arming costs O(1) (`tokio/src/runtime/time/wheel/mod.rs`). A map costs
//! O(log n), and is exact to the nanosecond where a wheel is exact to its tick. (Measured by `cargo bench -- timer`: to
//! arm and to drop a boxed timer takes 0.2 times as long as with tokio among 1,000, and 1.1 to 1.3 times among 1,000,000.)

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::counter::Counter;
use super::trace::{Event, TimerId, Tracer};
use super::waker_cell::{WakerId, wake};

/// Where the time comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// The operating system's monotonic clock.
    Real,
    /// Stands still until a test moves it with `advance`.
    Frozen,
}

/// All armed timers of one runtime, and its clock.
pub struct Timers {
    armed: RefCell<BTreeMap<Key, Waker>>,
    clock: Clock,
    /// The time at the latest trip to the operating system; the frozen clock's only hand.
    turn_time: Cell<Instant>,
    /// The id of the latest timer.
    last_id: Cell<u64>,
    /// How many are armed, for other threads to read.
    count: Arc<Counter>,
    tracer: Tracer,
}

/// Sorted by time first, then by age: of two timers with the same deadline the older fires first.
type Key = (Instant, TimerId);

impl Timers {
    /// No timers.
    pub fn new(clock: Clock, tracer: Tracer) -> Timers {
        let turn_time = Cell::new(Instant::now());
        Timers {
            armed: RefCell::default(),
            clock,
            turn_time,
            last_id: Cell::new(0),
            count: Arc::default(),
            tracer,
        }
    }

    /// The time now. Reads the operating system's clock, unless the clock is frozen.
    pub fn now(&self) -> Instant {
        match self.clock {
            Clock::Real => Instant::now(),
            Clock::Frozen => self.turn_time.get(),
        }
    }

    /// The time when the runtime last came back from the operating system: never ahead of `now`, and free.
    pub fn turn_time(&self) -> Instant {
        self.turn_time.get()
    }

    /// Reads the clock into `turn_time`.
    pub fn refresh(&self) {
        self.turn_time.set(self.now());
    }

    /// Moves the frozen clock.
    ///
    /// # Panics
    /// When the clock is real: nobody moves that one.
    pub fn advance(&self, by: Duration) {
        assert!(
            self.clock == Clock::Frozen,
            "only a frozen clock can be advanced; build with `frozen_clock()`"
        );
        self.turn_time.set(self.turn_time.get() + by);
    }

    /// How long until the first timer is due. `None`: there is none, or the clock is frozen, so that waiting
    /// would bring it no nearer.
    pub fn next_due(&self) -> Option<Duration> {
        if self.clock == Clock::Frozen {
            return None;
        }
        let (deadline, _) = *self.armed.borrow().first_key_value()?.0;
        Some(deadline.saturating_duration_since(self.now()))
    }

    /// Whether somebody's time has come.
    pub fn is_due(&self) -> bool {
        self.armed.borrow().first_key_value().is_some_and(|((at, _), _)| *at <= self.turn_time.get())
    }

    /// Wakes everybody whose time has come, earliest first. Returns how many.
    pub fn fire(&self) -> usize {
        let mut fired = 0;
        while let Some((id, waker)) = self.pop_due() {
            self.tracer.emit(|| Event::TimerFired { timer: id });
            wake(waker);
            fired += 1;
        }
        fired
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.armed.borrow().len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are armed, as a number that other threads may read.
    pub fn count(&self) -> &Arc<Counter> {
        &self.count
    }

    /// The armed timers and how long until each is due, earliest first.
    pub fn snapshot(&self) -> Vec<(TimerId, Duration)> {
        let now = self.now();
        self.armed.borrow().keys().map(|(at, id)| (*id, at.saturating_duration_since(now))).collect()
    }

    /// Tells of everybody who waits: the timer, how long until it is due, and what the waiting waker points at.
    pub(super) fn each_waiter(&self, mut tell: impl FnMut(TimerId, Duration, *const ())) {
        let now = self.now();
        for ((at, id), waker) in self.armed.borrow().iter() {
            tell(*id, at.saturating_duration_since(now), waker.data());
        }
    }

    /// A future that is ready at `deadline`.
    pub fn sleep_until(self: &Rc<Self>, deadline: Instant) -> Sleep {
        Sleep { timers: self.clone(), deadline, armed: None }
    }

    /// A future that is ready after `duration`. A duration too long for the clock waits for about 30 years.
    pub fn sleep(self: &Rc<Self>, duration: Duration) -> Sleep {
        self.sleep_until(far_after(self.now(), duration))
    }

    fn pop_due(&self) -> Option<(TimerId, Waker)> {
        let mut armed = self.armed.borrow_mut();
        let first = armed.first_entry()?;
        if first.key().0 > self.turn_time.get() {
            return None;
        }
        let ((_, id), waker) = first.remove_entry();
        self.count.subtract(1);
        Some((id, waker))
    }

    fn arm(&self, deadline: Instant, waker: Waker) -> Armed {
        self.last_id.set(self.last_id.get() + 1);
        let key = (deadline, TimerId(self.last_id.get()));
        let armed = Armed { key, waker: WakerId::of(&waker) };
        self.armed.borrow_mut().insert(key, waker);
        self.count.add(1);
        let after = || deadline.saturating_duration_since(self.now());
        self.tracer.emit(|| Event::TimerArmed { timer: key.1, after: after() });
        armed
    }

    /// Exchanges the waker in a row.
    fn exchange_waker(&self, armed: &mut Armed, waker: &Waker) {
        // Cloned before the table is borrowed; the old one is dropped afterwards. Both can run foreign code.
        let mut other = waker.clone();
        armed.waker = WakerId::of(&other);
        if let Some(kept) = self.armed.borrow_mut().get_mut(&armed.key) {
            mem::swap(kept, &mut other);
        }
    }

    /// Takes a row out of the table, if it has not fired.
    fn disarm(&self, key: Key) -> Option<Waker> {
        let waker = self.armed.borrow_mut().remove(&key)?;
        self.count.subtract(1);
        self.tracer.emit(|| Event::TimerCancelled { timer: key.1 });
        Some(waker)
    }
}

/// What a `Sleep` knows of its row in the table: enough to leave the table alone in nearly every poll.
struct Armed {
    key: Key,
    /// Whose waker lies there.
    waker: WakerId,
}

/// `start + duration`, or some 30 years ahead if no `Instant` is that far away.
fn far_after(start: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    start.checked_add(duration).unwrap_or_else(|| start + FAR)
}

/// A future that is ready when its deadline has come. Dropping it cancels it.
///
/// ```
/// use std::time::Duration;
/// let runtime = glassbox::Runtime::new()?;
/// let handle = runtime.handle();
/// runtime.block_on(async move { handle.sleep(Duration::from_millis(5)).await });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    timers: Rc<Timers>,
    deadline: Instant,
    /// The row in the table. After a `reset` it may be due earlier than `deadline`, never later.
    armed: Option<Armed>,
}

impl Sleep {
    /// The moment it waits for.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits for another moment instead. To a later one this costs nothing now; see point 3 above.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        // A row later than the deadline would wake us too late: move it, with the waker that is in it.
        if let Some(late) = self.armed.take_if(|armed| armed.key.0 > deadline) {
            self.armed = self.timers.disarm(late.key).map(|waker| self.timers.arm(deadline, waker));
        }
    }

    /// Waits until `duration` after `turn_time`: the cheap form, for timeouts that are pushed back often. It is over
    /// up to one turn's length before `sleep(duration)` would be.
    pub fn reset_after(&mut self, duration: Duration) {
        self.reset(far_after(self.timers.turn_time(), duration));
    }

    /// Begins a wait of `duration`: `reset_after` and `poll` in one, for a wait that comes with every request. Nearly always
    /// the row of an earlier wait is still in the table, and is not too late. (Measured by callgrind: 70 of 2,775
    /// instructions for a request.)
    #[inline] // `arm_anew` is not: so little is left here.
    pub fn begin(&mut self, duration: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.timers.turn_time();
        self.deadline = far_after(now, duration);
        // A row later than `turn_time` cannot have fired: it is still there, and so is the waker in it.
        let is_armed = |armed: &Armed| {
            now < armed.key.0 && armed.key.0 <= self.deadline && armed.waker == WakerId::of(cx.waker())
        };
        if self.armed.as_ref().is_some_and(is_armed) {
            return Poll::Pending;
        }
        self.arm_anew(cx)
    }

    /// The rest of `begin`: no row is armed, or it has fired, or is too late, or has another waker.
    #[cold] // Rare. Outside of `begin`, which is inlined: that saves 18 of 2,390 instructions for a request, by callgrind.
    fn arm_anew(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reset(self.deadline); // Moves a row that is later.
        Pin::new(self).poll(cx)
    }

    /// How long until its moment, counted from `turn_time`.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(self.timers.turn_time())
    }

    /// Leaves the table. A later poll enters it again.
    pub fn disarm(&mut self) {
        if let Some(armed) = self.armed.take() {
            drop(self.timers.disarm(armed.key));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let now = this.timers.turn_time();
        if this.deadline <= now {
            this.disarm();
            return Poll::Ready(());
        }
        // A row that was due at an earlier deadline, before a reset, has fired, or is about to.
        if let Some(due) = this.armed.take_if(|armed| armed.key.0 <= now) {
            drop(this.timers.disarm(due.key));
        }
        match &mut this.armed {
            Some(armed) if armed.waker == WakerId::of(cx.waker()) => {}
            Some(armed) => this.timers.exchange_waker(armed, cx.waker()),
            None => this.armed = Some(this.timers.arm(this.deadline, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

/// The future did not finish within its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the time limit was reached")]
pub struct Elapsed;

/// Drives `future` until `sleep` is over. The future is asked first: if both are ready, its value counts.
///
/// # Errors
/// [`Elapsed`] when the time is over first.
pub async fn timeout<F: Future>(sleep: Sleep, future: F) -> Result<F::Output, Elapsed> {
    // Pinned in this frame, so that `Timeout` holds a reference and needs no `unsafe`.
    let future = pin!(future);
    Timeout { sleep, future }.await
}

struct Timeout<'f, F> {
    sleep: Sleep,
    future: Pin<&'f mut F>,
}

impl<F: Future> Future for Timeout<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
