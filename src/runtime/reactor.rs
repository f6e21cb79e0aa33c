//! The reactor: asks the operating system which sockets are worth a try, and wakes the tasks that wait for them.
//!
//! The problem: a read that has nothing to read must not hold the thread. So the socket is non-blocking, the read
//! says `WouldBlock`, and the task sleeps until the operating system reports a change.
//!
//! ```text
//!   task                     Registration::poll_io                   Reactor
//!   read(buf).await  ----->  ready? no: store waker, Pending   ---->  slab: ScheduledIo { read, write }
//!                            ready? yes: try the system call            ^ ready = true, take the waker
//!                              Ok:         Ready                        |
//!                              WouldBlock: ready = false, store    mio::Poll::poll (epoll_wait)
//! ```
//!
//! 1. Edge-triggered: the system reports a *change*, once. Whoever was told "readable" and stops reading before
//!    `WouldBlock` (or a short read, which means the same) is not told again. `ready` remembers what was told.
//! 2. Both directions start as ready: the first try is made at once. Often it succeeds, and then the operating system
//!    is not asked at all. A socket is registered when somebody must wait for it for the first time, once per
//!    direction for its life: no system call per wait.
//! 3. Readiness is a hint. An event may be a false alarm, or be meant for a socket whose slab key has a new owner by
//!    now (a descriptor that was duplicated lives on in epoll after ours is closed). A hint costs one vain try,
//!    nothing else.
//! 4. The end of a stream is remembered apart (`closed`): its edge may come together with the last bytes. After
//!    a short read of those bytes no second edge would come, and the end would never be seen.
//! 5. No waker is called while anything here is borrowed: `Reactor::wait` collects them, the runtime calls them.
//!
//! tokio: `tokio/src/runtime/io/scheduled_io.rs`. There, events and tries run on different threads, so that a `tick`
//! must tell an old hint from a new one. On one thread nothing happens between the try and the clearing.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Token};
use slab::Slab;

use super::counter::Counter;
use super::source::{ScheduledIo, Side, SourceSnapshot};
use super::trace::{Direction, Event, SourceId, Tracer};

/// The token of the waker that other threads interrupt the sleep with: no slab key is that large.
const UNPARK: Token = Token(usize::MAX);

/// How many events one trip brings home at the most. More are fetched by the next trip; nothing is lost. What an event touches
/// should still be in the second-level cache when its task is polled, behind all those before it. (Measured with 8,000 busy
/// connections: with 1,024 a request costs 1.07 times the CPU time. 64 and 128 are like this; with few connections all are.)
const EVENTS_PER_TRIP: usize = 256;

/// The operating system's selector and a table of who waits for what.
pub struct Reactor {
    poll: RefCell<mio::Poll>,
    /// Filled by `wait`, kept to be reused.
    events: RefCell<Events>,
    sources: RefCell<Slab<Rc<ScheduledIo>>>,
    /// The number of the latest source.
    last_id: Cell<u64>,
    /// How many are registered, for other threads to read.
    count: Arc<Counter>,
    tracer: Tracer,
}

impl Reactor {
    /// Opens a selector.
    ///
    /// # Errors
    /// When the operating system has no descriptors left.
    pub fn new(tracer: Tracer) -> io::Result<Reactor> {
        Ok(Reactor {
            poll: RefCell::new(mio::Poll::new()?),
            events: RefCell::new(Events::with_capacity(EVENTS_PER_TRIP)),
            sources: RefCell::default(),
            last_id: Cell::new(0),
            count: Arc::default(),
            tracer,
        })
    }

    /// Something that any thread can use to end the sleep in `wait`.
    ///
    /// # Errors
    /// When the operating system has no descriptors left.
    pub fn unparker(&self) -> io::Result<mio::Waker> {
        mio::Waker::new(self.poll.borrow().registry(), UNPARK)
    }

    /// One trip to the operating system, of at most `timeout` (`None`: until something happens). Marks what became
    /// ready, moves the wakers of those who waited for it into `woken`, and returns the number of events.
    ///
    /// # Errors
    /// Those of `epoll_wait`, but not `Interrupted`: a signal ends the trip early, with no events.
    pub fn wait(&self, timeout: Option<Duration>, woken: &mut Vec<Waker>) -> io::Result<usize> {
        let count = self.ask(timeout)?;
        self.tracer.emit(|| Event::Unparked { events: count });
        self.note_all(woken);
        Ok(count)
    }

    /// Hears of everything that has happened by now, as `wait` does, but in as many trips as that takes; their number is
    /// returned. One that brings nothing home is not worth an event.
    ///
    /// # Errors
    /// As [`Reactor::wait`].
    pub fn hear_all(&self, woken: &mut Vec<Waker>) -> io::Result<u64> {
        // Each source is told of once, unless more happens to it meanwhile; that can be heard next time.
        let enough = self.len() as u64 / EVENTS_PER_TRIP as u64 + 1;
        for trip in 1..=enough {
            let count = self.ask(Some(Duration::ZERO))?;
            if count > 0 {
                self.tracer.emit(|| Event::Parked { timeout: Some(Duration::ZERO) });
                self.tracer.emit(|| Event::Unparked { events: count });
                self.note_all(woken);
            }
            if count < EVENTS_PER_TRIP {
                return Ok(trip);
            }
        }
        Ok(enough)
    }

    /// One trip: fills `events`, and counts them.
    fn ask(&self, timeout: Option<Duration>) -> io::Result<usize> {
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
            result => result?,
        }
        Ok(events.iter().count())
    }

    fn note_all(&self, woken: &mut Vec<Waker>) {
        let sources = self.sources.borrow();
        for event in &*self.events.borrow() {
            if let Some(io) = sources.get(event.token().0) {
                self.note(event, io, woken);
            }
        }
    }

    /// Takes a source into care. The operating system hears of it when somebody must wait.
    pub fn register<S: Source>(self: &Rc<Self>, source: S) -> Registration<S> {
        self.last_id.set(self.last_id.get() + 1);
        let id = SourceId(self.last_id.get());
        self.tracer.emit(|| Event::SourceOpened { source: id });
        let io = Rc::new(ScheduledIo { id, read: Side::new(), write: Side::new() });
        Registration { source: RefCell::new(source), io, told: Cell::new(None), reactor: self.clone() }
    }

    /// How many sources are registered with the operating system.
    pub fn len(&self) -> usize {
        self.sources.borrow().len()
    }

    /// Whether no source is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sources are registered, as a number that other threads may read.
    pub fn count(&self) -> &Arc<Counter> {
        &self.count
    }

    /// All registered sources.
    pub fn snapshot(&self) -> Vec<SourceSnapshot> {
        self.sources.borrow().iter().map(|(_, io)| io.snapshot()).collect()
    }

    /// Tells of everybody who waits: the source, the direction, and what the waiting waker points at.
    pub(super) fn each_waiter(&self, mut tell: impl FnMut(SourceId, Direction, *const ())) {
        for (_, io) in self.sources.borrow().iter() {
            for direction in [Direction::Read, Direction::Write] {
                if let Some(key) = io.side(direction).waiter.key() {
                    tell(io.id, direction, key);
                }
            }
        }
    }

    /// Takes in one event. An error is worth a try in both directions: the try returns it.
    fn note(&self, event: &mio::event::Event, io: &ScheduledIo, woken: &mut Vec<Waker>) {
        if event.is_read_closed() {
            io.read.closed.set(true);
        }
        if event.is_write_closed() || event.is_error() {
            io.write.closed.set(true);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.mark_ready(io, Direction::Read, woken);
        }
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            self.mark_ready(io, Direction::Write, woken);
        }
    }

    #[inline(always)] // See `Registration::poll_io`.
    fn mark_ready(&self, io: &ScheduledIo, direction: Direction, woken: &mut Vec<Waker>) {
        let side = io.side(direction);
        let waiter = side.waiter.take();
        // Once both directions are registered, every event speaks of both. Only a change, or one who waits, is worth telling.
        if !side.ready.replace(true) || waiter.is_some() {
            self.tracer.emit(|| Event::Ready { source: io.id, direction });
        }
        if let Some(waiter) = waiter {
            woken.push(waiter);
        }
    }
}

/// A source in the reactor's care. Dropping it takes it out and closes it.
pub struct Registration<S: Source> {
    source: RefCell<S>,
    io: Rc<ScheduledIo>,
    /// The slab key and the directions, once the operating system knows the source.
    told: Cell<Option<(usize, Interest)>>,
    reactor: Rc<Reactor>,
}

impl<S: Source> Registration<S> {
    /// Tries `operation` if the direction may be ready, and again after each vain try's event, until it returns
    /// something other than `WouldBlock`. `Pending` means that the waker is stored and the reactor will call it.
    ///
    /// At most one task waits per direction: the latest caller. Whoever succeeds tells it with `emit(|| Event::Io ..)`: to the
    /// lints a try without an event has found nothing.
    ///
    /// Inlined, as is most of what stands between a task's poll and its system calls: the kernel pushes our code out of the
    /// caches, and each function that is returned to must be fetched again. (Measured by sampling, for a keep-alive request:
    /// 420 ns of our own code in place of 515, of 5,000 in all.)
    #[inline(always)]
    pub fn poll_io<T>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let side = self.io.side(direction);
        while side.ready.get() {
            let result = operation(&mut self.source.borrow_mut());
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.emit(|| Event::WouldBlock { source: self.io.id, direction });
                    // Not ready, whatever `closed` said: the system call knows better.
                    side.ready.set(false);
                }
                result => return Poll::Ready(result),
            }
        }
        self.keep_waker(direction, cx)
    }

    /// Whether a try may succeed. `Pending` is certain: nobody has heard anything since the latest vain try, or short read, and
    /// the waker is stored.
    #[inline(always)] // See `Registration::poll_io`.
    pub fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.io.side(direction).ready.get() {
            return Poll::Ready(Ok(()));
        }
        self.keep_waker(direction, cx)
    }

    /// Stores the waker where the reactor will find it.
    #[inline(always)] // See `Registration::poll_io`.
    fn keep_waker<T>(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let side = self.io.side(direction);
        // Before the waker is stored: if this fails, nobody will take it out again. No event is lost between the two:
        // events are taken in by `Reactor::wait`, on this thread.
        if let Err(error) = self.tell_os(direction) {
            drop(side.waiter.take());
            return Poll::Ready(Err(error));
        }
        side.waiter.store(cx.waker());
        side.waits.set(side.waits.get().wrapping_add(1));
        Poll::Pending
    }

    /// Says that the latest try moved fewer bytes than it had room for. The kernel's buffer is then empty (read)
    /// or full (write), and the next try would only say `WouldBlock`: this saves that call. Not after the end of
    /// the stream was announced, see point 4 above.
    pub fn drained(&self, direction: Direction) {
        let side = self.io.side(direction);
        side.ready.set(side.closed.get());
    }

    /// The number of the latest wait in this direction: what a future that has returned `Pending` keeps for `forget`.
    pub fn wait_number(&self, direction: Direction) -> u32 {
        self.io.side(direction).waits.get()
    }

    /// Forgets the waker of a future that stopped waiting, unless somebody else has waited since.
    pub fn forget(&self, direction: Direction, wait_number: u32) {
        let side = self.io.side(direction);
        if side.waits.get() == wait_number {
            drop(side.waiter.take());
        }
    }

    /// This source's id in events.
    pub fn id(&self) -> SourceId {
        self.io.id
    }

    /// Calls `look` with the source.
    pub fn with<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.source.borrow())
    }

    /// Tells the observer something about this source.
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        self.reactor.tracer.emit(event);
    }

    /// Makes sure that the operating system reports changes of this direction. Registration reports what is ready
    /// already, so nothing that came between the vain try and this call is missed.
    ///
    /// Only the direction that somebody waits for: nearly every socket can be written to all the time, and a
    /// registration for that would end the next sleep at once, for nothing.
    #[inline(always)] // See `Registration::poll_io`.
    fn tell_os(&self, direction: Direction) -> io::Result<()> {
        let wanted = match direction {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        };
        match self.told.get() {
            Some((_, interest)) if interest | wanted == interest => Ok(()),
            Some((key, interest)) => self.widen(key, interest | wanted),
            None => self.register(wanted),
        }
    }

    #[cold] // Once in a socket's life.
    fn register(&self, interest: Interest) -> io::Result<()> {
        let key = self.reactor.sources.borrow_mut().insert(self.io.clone());
        let poll = self.reactor.poll.borrow();
        let told = self.source.borrow_mut().register(poll.registry(), Token(key), interest);
        match told {
            Ok(()) => {
                self.told.set(Some((key, interest)));
                self.reactor.count.add(1);
                self.emit(|| Event::SourceRegistered { source: self.io.id });
            }
            Err(_) => drop(self.reactor.sources.borrow_mut().remove(key)),
        }
        told
    }

    #[cold] // At most once.
    fn widen(&self, key: usize, interest: Interest) -> io::Result<()> {
        let poll = self.reactor.poll.borrow();
        self.source.borrow_mut().reregister(poll.registry(), Token(key), interest)?;
        self.told.set(Some((key, interest)));
        Ok(())
    }
}

/// One future's wait for one direction of a source. However the future ends, its waker does not stay behind.
pub struct Waiting<'a, S: Source> {
    io: &'a Registration<S>,
    direction: Direction,
    /// The number of the wait, while the reactor holds our waker.
    number: Option<u32>,
}

impl<'a, S: Source> Waiting<'a, S> {
    /// Not waiting yet.
    pub fn new(io: &'a Registration<S>, direction: Direction) -> Waiting<'a, S> {
        Waiting { io, direction, number: None }
    }

    /// Passes on what a `poll_io` came to, and notes whether the reactor now holds our waker.
    pub fn note<T>(&mut self, polled: Poll<T>) -> Poll<T> {
        self.number = polled.is_pending().then(|| self.io.wait_number(self.direction));
        polled
    }
}

impl<S: Source> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.io.forget(self.direction, number);
        }
    }
}

impl<S: Source> Drop for Registration<S> {
    /// Closing the descriptor, which happens when `source` is dropped right after, removes it from epoll: no system
    /// call for that. (Not if the descriptor was duplicated: then events may go on, under a key that somebody else
    /// has by then. They are false hints, see point 3.)
    fn drop(&mut self) {
        if let Some((key, _)) = self.told.get() {
            self.reactor.sources.borrow_mut().remove(key);
            self.reactor.count.subtract(1);
        }
        drop(self.io.read.waiter.take());
        drop(self.io.write.waiter.take());
        self.emit(|| Event::SourceClosed { source: self.io.id });
    }
}
