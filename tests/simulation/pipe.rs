//! A connection that can do to the server whatever a network can: short reads, short writes, a full buffer, a reset,
//! half a close, events that are late, double or for nothing.
//!
//! What the server wrote is kept whole (`written`). How much of it the client has *taken* decides only how much room
//! there is for more.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::log::{Entry, Log};
use super::pace::Move;
use super::rng::Rng;
use super::sabotage::{Place, Saboteur};
use super::script::Tell;
use super::server_end::ServerEnd;
use super::stranger::Stranger;
use super::tally::Kind;

/// Both ends; clones are the same pipe.
#[derive(Clone)]
pub struct Pipe(pub(super) Rc<State>);

pub(super) struct State {
    pub(super) client: usize,
    pub(super) log: Arc<Log>,
    pub(super) now: Rc<Cell<Duration>>,
    pub(super) dice: RefCell<Rng>,
    pub(super) saboteur: Rc<Saboteur>,
    pub(super) inbox: RefCell<VecDeque<u8>>,
    /// The client's last byte is in the inbox, or was.
    pub(super) ended: Cell<bool>,
    pub(super) reset: Cell<bool>,
    /// Every byte that the server wrote.
    pub(super) written: RefCell<Vec<u8>>,
    /// How many of them the client has not taken, and how many may wait.
    pub(super) waiting: Cell<usize>,
    pub(super) room: Cell<usize>,
    /// How many bytes the server has read, and when: the count after each read.
    pub(super) consumed: Cell<usize>,
    pub(super) reads: RefCell<Vec<(usize, Duration)>>,
    pub(super) accepted: Cell<Option<Duration>>,
    /// When the server first had to wait for the byte behind so many.
    pub(super) waits: RefCell<Vec<(usize, Duration)>>,
    /// Each write.
    pub(super) writes: RefCell<Vec<Written>>,
    pub(super) shutdown: Cell<Option<Duration>>,
    /// How things stood when the server ended the connection, one way or the other.
    pub(super) ending: Cell<Option<Ending>>,
    pub(super) shutdown_asked: Cell<bool>,
    pub(super) dropped: Cell<Option<Duration>>,
    pub(super) reader: Side,
    pub(super) writer: Side,
}

/// A write of the server, and what it had read by then.
#[derive(Clone, Copy)]
pub struct Written {
    /// All bytes written so far, these included.
    pub end: usize,
    pub at: Duration,
    pub consumed: usize,
    /// The client had ended before.
    pub ended: bool,
}

/// The moment in which the server said that it sends no more, or let go.
#[derive(Clone, Copy)]
pub struct Ending {
    pub at: Duration,
    pub consumed: usize,
    /// Sent and not read.
    pub unread: usize,
    pub last_read: Duration,
    /// The client had ended before.
    pub ended: bool,
    pub write_blocked: Option<Duration>,
}

/// Who waits in one direction.
#[derive(Default)]
pub(super) struct Side {
    pub(super) waker: RefCell<Option<Waker>>,
    /// When the server was told "not now", if nothing has moved since.
    pub(super) blocked: Cell<Option<Duration>>,
    /// What has moved in this direction.
    pub(super) moves: RefCell<Vec<Move>>,
    /// An event is late.
    pub(super) owed: Cell<bool>,
    /// Somebody waits who would have heard of it by now if it were not.
    unheard: Cell<bool>,
    /// A waker that another thread has, for a late event.
    pub(super) held: RefCell<Option<Waker>>,
}

impl Side {
    fn block(&self, now: Duration, cx: &Context<'_>) {
        if self.blocked.get().is_none() {
            self.blocked.set(Some(now));
        }
        let replaced = self.waker.replace(Some(cx.waker().clone()));
        drop(replaced);
    }

    /// Bytes have moved: `end` in all by now, the latest `count` at once.
    pub(super) fn note_move(&self, now: Duration, count: usize, end: usize, whole: bool) {
        let waited = self.blocked.take().map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.moves.borrow_mut().push(Move { end, count, waited, whole });
    }
}

impl Pipe {
    pub fn new(
        (client, seed): (usize, u64),
        room: usize,
        (log, now): (Arc<Log>, Rc<Cell<Duration>>),
        saboteur: Rc<Saboteur>,
    ) -> Pipe {
        Pipe(Rc::new(State {
            client,
            log,
            dice: RefCell::new(Rng::new(seed ^ ((client as u64 + 1) << 32))),
            saboteur,
            inbox: RefCell::default(),
            ended: Cell::new(false),
            reset: Cell::new(false),
            written: RefCell::default(),
            waiting: Cell::new(0),
            room: Cell::new(room),
            consumed: Cell::new(0),
            reads: RefCell::default(),
            accepted: Cell::new(None),
            waits: RefCell::default(),
            writes: RefCell::default(),
            shutdown: Cell::new(None),
            ending: Cell::new(None),
            shutdown_asked: Cell::new(false),
            dropped: Cell::new(None),
            reader: Side::default(),
            writer: Side::default(),
            now,
        }))
    }

    /// The server's end.
    pub fn server_end(&self) -> ServerEnd {
        ServerEnd::new(self.clone())
    }

    // What the client does. -------------------------------------------------------------------------------------

    pub fn send(&self, bytes: &[u8], tell: Tell, stranger: &Stranger) {
        let bytes = self.0.saboteur.spoil(Place::Request, bytes);
        self.0.inbox.borrow_mut().extend(bytes.iter());
        self.0.note("sent", bytes_len(&self.0.inbox));
        self.tell(&self.0.reader, tell, stranger);
    }

    pub fn take(&self, count: usize, tell: Tell, stranger: &Stranger) {
        let waiting = self.0.waiting.get();
        self.0.waiting.set(waiting.saturating_sub(count));
        if count > 0 && waiting > 0 {
            self.tell(&self.0.writer, tell, stranger);
        }
    }

    /// From now on the client takes everything at once.
    pub fn take_everything(&self, stranger: &Stranger) {
        self.0.room.set(usize::MAX);
        self.take(usize::MAX, Tell::Now, stranger);
    }

    pub fn end(&self, tell: Tell, stranger: &Stranger) {
        self.0.ended.set(true);
        self.tell(&self.0.reader, tell, stranger);
    }

    pub fn reset(&self, tell: Tell, stranger: &Stranger) {
        self.0.reset.set(true);
        self.false_alarm(tell, stranger);
    }

    pub fn false_alarm(&self, tell: Tell, stranger: &Stranger) {
        let is_heard = [&self.0.reader, &self.0.writer].iter().any(|side| side.waker.borrow().is_some());
        if is_heard && !self.is_reset() {
            self.0.log.count(("event", "for nothing"));
        }
        self.tell(&self.0.reader, tell, stranger);
        self.tell(&self.0.writer, tell, stranger);
    }

    /// Late events arrive.
    pub fn deliver(&self, stranger: &Stranger) {
        for side in [&self.0.reader, &self.0.writer] {
            let held = side.held.take();
            if let Some(waker) = held {
                side.unheard.set(false);
                self.0.log.count(("event", "late, from another thread"));
                stranger.call(move || waker.wake());
            }
            if side.owed.take() {
                if side.waker.borrow().is_some() {
                    self.0.log.count(("event", "late"));
                }
                self.tell(side, Tell::Now, stranger);
            }
        }
    }

    fn tell(&self, side: &Side, tell: Tell, stranger: &Stranger) {
        if matches!(tell, Tell::Late | Tell::LateForeign) {
            side.owed.set(true);
            let is_awaited = side.waker.borrow().is_some() || side.held.borrow().is_some();
            side.unheard.set(is_awaited);
            if tell == Tell::LateForeign && side.held.borrow().is_none() {
                let waker = side.waker.take();
                side.held.replace(waker);
            }
            return;
        }
        let Some(waker) = side.waker.take() else { return };
        side.unheard.set(false);
        if self.0.saboteur.swallows_wake() {
            return;
        }
        match tell {
            Tell::Foreign => stranger.call(move || waker.wake()),
            Tell::Twice => {
                self.0.log.count(("event", "twice"));
                waker.wake_by_ref();
                waker.wake();
            }
            _ => waker.wake(),
        }
    }

    /// This has happened here.
    pub fn count(&self, kind: Kind) {
        self.0.log.count(kind);
    }

    // What can be seen from outside. ----------------------------------------------------------------------------

    /// Somebody waits for an event that is late.
    pub fn is_unheard(&self) -> bool {
        self.0.reader.unheard.get() || self.0.writer.unheard.get()
    }

    /// The server takes the connection.
    pub fn accept(&self) {
        self.0.accepted.set(Some(self.0.now.get()));
        self.0.note("accepted", 1);
    }

    pub fn accepted_at(&self) -> Option<Duration> {
        self.0.accepted.get()
    }

    pub fn is_reset(&self) -> bool {
        self.0.reset.get()
    }

    pub fn is_ended(&self) -> bool {
        self.0.ended.get()
    }

    /// Bytes that the server has not read.
    pub fn unread(&self) -> usize {
        self.0.inbox.borrow().len()
    }

    pub fn consumed(&self) -> usize {
        self.0.consumed.get()
    }

    /// When the server read the byte at this place.
    pub fn read_time(&self, place: usize) -> Option<Duration> {
        self.0.reads.borrow().iter().find(|(count, _)| *count > place).map(|(_, time)| *time)
    }

    /// When the server first had to wait for more than this byte.
    pub fn wait_behind(&self, place: usize) -> Option<Duration> {
        self.0.waits.borrow().iter().find(|(count, _)| *count > place).map(|(_, time)| *time)
    }

    /// When the server began to wait, having read exactly so much.
    pub fn waited_since(&self, consumed: usize) -> Option<Duration> {
        self.0.waits.borrow().iter().find(|(count, _)| *count == consumed).map(|(_, time)| *time)
    }

    pub fn last_read(&self) -> Duration {
        self.0.reads.borrow().last().map_or(Duration::ZERO, |(_, time)| *time)
    }

    /// The write that the byte at this place left with.
    pub fn write_of(&self, place: usize) -> Option<Written> {
        self.0.writes.borrow().iter().find(|write| write.end > place).copied()
    }

    /// Since when the server waits for bytes, and for room.
    pub fn read_blocked(&self) -> Option<Duration> {
        self.0.reader.blocked.get()
    }

    pub fn write_blocked(&self) -> Option<Duration> {
        self.0.writer.blocked.get()
    }

    pub fn has_room(&self) -> bool {
        self.0.waiting.get() < self.0.room.get()
    }

    /// When the server said that it sends no more.
    pub fn shutdown_at(&self) -> Option<Duration> {
        self.0.shutdown.get()
    }

    /// When the server let go of its end.
    pub fn dropped_at(&self) -> Option<Duration> {
        self.0.dropped.get()
    }

    /// Calls `look` with what the server has read, and with what it has written, transfer by transfer.
    pub fn look_at_reads<T>(&self, look: impl FnOnce(&[Move]) -> T) -> T {
        look(&self.0.reader.moves.borrow())
    }

    pub fn look_at_writes<T>(&self, look: impl FnOnce(&[Move]) -> T) -> T {
        look(&self.0.writer.moves.borrow())
    }

    /// How things stood when the server ended the connection.
    pub fn ending(&self) -> Option<Ending> {
        self.0.ending.get()
    }

    pub(super) fn note_ending(&self) {
        let ending = Ending {
            at: self.0.now.get(),
            consumed: self.consumed(),
            unread: self.unread(),
            last_read: self.last_read(),
            ended: self.is_ended(),
            write_blocked: self.write_blocked(),
        };
        self.0.ending.set(Some(self.ending().unwrap_or(ending)));
    }

    /// How much the server has written so far.
    pub fn written(&self) -> usize {
        self.0.written.borrow().len()
    }

    /// Calls `look` with what the server wrote behind `from`.
    pub fn look<T>(&self, from: usize, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.0.written.borrow()[from..])
    }
}

fn bytes_len(inbox: &RefCell<VecDeque<u8>>) -> usize {
    inbox.borrow().len()
}

impl State {
    /// The server has to wait for bytes.
    pub(super) fn block_reader(&self, cx: &Context<'_>) {
        self.waits.borrow_mut().push((self.consumed.get(), self.now.get()));
        self.reader.block(self.now.get(), cx);
        self.log.note_waiter(2 * self.client, cx.waker());
    }

    /// The server has to wait for room.
    pub(super) fn block_writer(&self, cx: &Context<'_>) {
        self.writer.block(self.now.get(), cx);
        self.log.note_waiter(2 * self.client + 1, cx.waker());
    }

    pub(super) fn note(&self, what: &'static str, count: usize) {
        self.log.push(Entry::Pipe { client: self.client, what, count });
    }

    /// At most `most`, sometimes less: at least 1.
    pub(super) fn short(&self, most: usize, what: &'static str) -> usize {
        let mut dice = self.dice.borrow_mut();
        let count = if dice.one_in(3) { dice.between(1, 40).min(most) } else { most };
        if count < most {
            self.log.count((what, "short"));
        }
        count
    }
}
