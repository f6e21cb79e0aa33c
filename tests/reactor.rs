//! Floor 8, the reactor: which sockets are worth a try, and who waits for them.
//!
//! You learn what "readiness is a hint" means, and why edges need a memory. The sockets are real, over loopback.
//! Step through it with `cargo test --test reactor -- --nocapture`: each test prints its timeline.

mod common;

use std::cell::Cell;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::{Duration, Instant};

use common::sockets::{self, STUCK, finish, pair, park};
use common::wakers::{BrokenWaker, CountingWaker, poll_with};
use common::{expect, frozen_runtime, print_timeline};
use glassbox::future::yield_now;
use glassbox::runtime::reactor::Registration;
use glassbox::runtime::source::SourceSnapshot;
use glassbox::runtime::trace::Direction::{self, Read, Write};
use glassbox::{Event, Observer, Recorder, Runtime};
use mio::event::Source;
use mio::net as mio_net;

type Socket = Rc<Registration<mio_net::TcpStream>>;

/// Moves a socket into the runtime's care.
fn register(runtime: &Runtime, socket: TcpStream) -> Socket {
    socket.set_nonblocking(true).expect("cannot make a socket non-blocking");
    Rc::new(runtime.handle().register(mio_net::TcpStream::from_std(socket)))
}

/// The read future of `net.rs`, with a choice: whether it tells the reactor about a short read.
struct ReadSome<'a> {
    io: &'a Socket,
    tells_short: bool,
}

/// Room for 64 bytes; the tests send fewer, so that each read is short.
fn read_some(io: &Socket) -> ReadSome<'_> {
    ReadSome { io, tells_short: true }
}

impl Future for ReadSome<'_> {
    type Output = io::Result<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut buffer = vec![0; 64];
        let count = ready!(self.io.poll_io(Read, cx, |socket| socket.read(&mut buffer)))?;
        self.io.emit(|| Event::Io { source: self.io.id(), direction: Read, count });
        if self.tells_short && 0 < count && count < buffer.len() {
            self.io.drained(Read);
        }
        buffer.truncate(count);
        Poll::Ready(Ok(buffer))
    }
}

/// Writes and writes. Room that comes after `enough` was said ends it.
struct Fill<'a> {
    io: &'a Socket,
    enough: Rc<Cell<bool>>,
}

impl Future for Fill<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let written = self.io.poll_io(Write, cx, |socket| socket.write(&[7; 4096]));
            ready!(written).expect("cannot write");
            if self.enough.get() {
                return Poll::Ready(());
            }
        }
    }
}

fn peek(runtime: &Runtime) {
    runtime.park(Some(Duration::ZERO)).expect("cannot peek");
}

/// The first try is made at once. If it succeeds, the operating system is never told that the socket exists.
#[test]
fn a_socket_is_registered_when_somebody_must_wait() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    far.write_all(b"hello").expect("cannot write");
    sockets::wait_readable(&near);
    let socket = register(&runtime, near);
    let task = runtime.handle().spawn(async move {
        read_some(&socket).await.expect("cannot read");
        yield_now().await; // a place to stop and look
        read_some(&socket).await
    });
    runtime.turn();
    assert_eq!(runtime.sources(), [], "it has read, and nobody had to be asked");
    runtime.turn();
    assert_eq!(runtime.sources().len(), 1, "now it waits");
    expect(
        &log,
        [
            "source 1 opened",
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "source 1 read 5",
            "task 1 woken: queued",
            "task 1 pending",
            "task 1 polled (2)",
            "source 1 registered",
            "task 1 pending",
        ],
    );
    far.write_all(b"you").expect("cannot write");
    assert_eq!(finish(&runtime, task).expect("cannot read"), b"you");
}

/// Reads twice a socket that has five bytes, and returns the lines that tell of its tries.
fn read_twice(tells_short: bool) -> Vec<String> {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    far.write_all(b"hello").expect("cannot write");
    sockets::wait_readable(&near);
    let socket = register(&runtime, near);
    let task = async move {
        ReadSome { io: &socket, tells_short }.await.expect("cannot read");
        ReadSome { io: &socket, tells_short }.await.expect("cannot read");
    };
    runtime.handle().spawn(task).detach();
    runtime.turn();
    log.story().into_iter().filter(|line| line.contains(" read ")).collect()
}

/// A read that did not fill its buffer has emptied the kernel's. To say so saves the system call that would only
/// say "not now": one for each request that a server answers.
#[test]
fn a_short_read_saves_the_vain_try() {
    assert_eq!(read_twice(false), ["source 1 read 5", "source 1 read would block"]);
    assert_eq!(read_twice(true), ["source 1 read 5"]);
}

/// The last bytes and the end come as one edge. The read of those bytes is short and says "empty", and no second
/// edge will ever come. What saves the reader is that the end was remembered apart.
#[test]
fn the_end_is_seen_though_it_came_with_the_last_bytes() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    let twin = near.try_clone().expect("cannot duplicate a socket");
    let socket = register(&runtime, near);
    let task = runtime.handle().spawn(async move {
        let bytes = read_some(&socket).await.expect("cannot read");
        let end = read_some(&socket).await.expect("cannot read");
        (bytes, end)
    });
    runtime.turn(); // it waits
    log.take();

    far.write_all(b"bye").expect("cannot write");
    drop(far);
    sockets::wait_end(&twin);
    park(&runtime);
    assert_eq!(finish(&runtime, task), (b"bye".to_vec(), vec![]));
    expect(
        &log,
        [
            "sleep in epoll, at most 20s",
            "up again, 1 event", // one edge for both
            "source 1 readable",
            "task 1 woken: queued",
            "task 1 polled (2)",
            "source 1 read 3",
            "source 1 read 0", // tried in spite of the short read
            "source 1 closed",
            "task 1 completed",
        ],
    );
}

/// The system is asked about the direction that somebody waits for, and not about the other: nearly every socket can
/// be written to all the time, and to hear so would end each sleep for nothing.
#[test]
fn a_reader_is_not_told_that_it_could_write() {
    let (runtime, log) = frozen_runtime();
    let (near, far) = pair();
    let socket = register(&runtime, near);
    runtime.handle().spawn(async move { read_some(&socket).await.is_ok() }).detach();
    runtime.turn();
    log.take();
    peek(&runtime);
    expect(&log, ["peek at epoll", "up again, 0 events"]);
    drop(far);
}

/// One socket, two directions, two waiters. News for the reader leave the writer waiting.
#[test]
fn both_directions_wait_at_once() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = sockets::narrow_pair();
    let socket = register(&runtime, near);
    let (reading, filling) = (socket.clone(), socket.clone());
    let enough = Rc::new(Cell::new(false));
    let told = enough.clone();
    let reader = runtime.handle().spawn(async move { read_some(&reading).await });
    let filler = runtime.handle().spawn(async move {
        let fill = Fill { io: &filling, enough: told };
        fill.await;
    });
    runtime.turn();
    let waiting = SourceSnapshot { id: socket.id(), read_waiting: true, write_waiting: true };
    assert_eq!(runtime.sources(), [waiting]);

    far.write_all(b"one byte more").expect("cannot write");
    finish(&runtime, reader).expect("cannot read");
    assert_eq!(runtime.sources(), [SourceSnapshot { read_waiting: false, ..waiting }]);

    enough.set(true);
    far.set_nonblocking(true).expect("cannot make a socket non-blocking");
    log.take();
    let (mut drain, start) = (vec![0; 65_536], Instant::now());
    while !filler.is_finished() {
        assert!(start.elapsed() < STUCK, "the writer was not woken");
        let _nothing_there = far.read(&mut drain);
        peek(&runtime);
        runtime.turn();
    }
    assert!(log.story().contains(&"source 1 writable".to_owned()));
}

/// Somebody else takes the bytes between the event and the try. The hint was true and is no longer. It costs one
/// vain try; the task waits on.
#[test]
fn a_false_hint_costs_one_vain_try() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    let mut thief = near.try_clone().expect("cannot duplicate a socket");
    let socket = register(&runtime, near);
    let task = runtime.handle().spawn(async move { read_some(&socket).await });
    runtime.turn();
    peek(&runtime);
    log.take();

    far.write_all(b"loot").expect("cannot write");
    sockets::wait_readable(&thief);
    park(&runtime);
    assert_eq!(thief.read(&mut [0; 64]).expect("cannot read"), 4);
    runtime.turn();
    expect(
        &log,
        [
            "sleep in epoll, at most 20s",
            "up again, 1 event",
            "source 1 readable", // true at that moment
            "task 1 woken: queued",
            "task 1 polled (2)",
            "source 1 read would block", // too late
            "task 1 pending",
        ],
    );
    far.write_all(b"more").expect("cannot write");
    assert_eq!(finish(&runtime, task).expect("cannot read"), b"more");
}

/// The system names a socket by its slab key, and keys are reused. A duplicate keeps the old socket alive after we
/// have let go of it; its events arrive under a key that is somebody else's by now. That one is woken in vain.
#[test]
fn an_event_for_the_former_owner_of_a_key_is_harmless() {
    let (runtime, log) = frozen_runtime();
    let (old_near, mut old_far) = pair();
    let duplicate = old_near.try_clone().expect("cannot duplicate a socket");
    let old = register(&runtime, old_near);
    let waiting = runtime.handle().spawn(async move { read_some(&old).await });
    runtime.turn();
    waiting.abort(); // source 1 closes, and its key is free

    let (near, mut far) = pair();
    let socket = register(&runtime, near);
    let task = runtime.handle().spawn(async move { read_some(&socket).await });
    runtime.turn(); // source 2 takes the key
    peek(&runtime);
    log.take();

    old_far.write_all(b"for the dead").expect("cannot write");
    sockets::wait_readable(&duplicate);
    park(&runtime);
    runtime.turn();
    expect(
        &log,
        [
            "sleep in epoll, at most 20s",
            "up again, 1 event",
            "source 2 readable", // it is not: the event was meant for source 1
            "task 2 woken: queued",
            "task 2 polled (2)",
            "source 2 read would block",
            "task 2 pending",
        ],
    );
    far.write_all(b"for the living").expect("cannot write");
    assert_eq!(finish(&runtime, task).expect("cannot read"), b"for the living");
}

/// Takes one connection.
struct AcceptOne<'a>(&'a Registration<mio_net::TcpListener>);

impl Future for AcceptOne<'_> {
    type Output = mio_net::TcpStream;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let accepted = self.0.poll_io(Read, cx, |listener| listener.accept());
        accepted.map(|accepted| accepted.expect("cannot accept").0)
    }
}

/// Many strangers at once are one event, or a few. Who accepts one connection per event leaves the others waiting.
#[test]
fn a_burst_of_connections_has_fewer_events_than_connections() {
    const STRANGERS: usize = 20;
    let (runtime, log) = frozen_runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("cannot listen on loopback");
    listener.set_nonblocking(true).expect("cannot make a socket non-blocking");
    let address = listener.local_addr().expect("cannot ask for the address");
    let listener = runtime.handle().register(mio_net::TcpListener::from_std(listener));
    let task = runtime.handle().spawn(async move {
        for _ in 0..STRANGERS {
            drop(AcceptOne(&listener).await);
        }
    });
    runtime.turn(); // it waits
    log.take();

    let strangers: Vec<_> =
        (0..STRANGERS).map(|_| TcpStream::connect(address).expect("cannot connect")).collect();
    finish(&runtime, task);
    drop(strangers);
    let story = log.story();
    print_timeline(&story);
    let events = story.iter().filter(|line| *line == "source 1 readable").count();
    assert!(0 < events && events < STRANGERS, "{events} events");
}

/// Drop closes the descriptor, takes the entry out of the table, and lets go of whoever waited.
#[test]
fn dropping_a_registration_closes_the_socket() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    let socket = register(&runtime, near);
    let task = runtime.handle().spawn(async move { read_some(&socket).await });
    runtime.turn();
    log.take();

    task.abort();
    assert_eq!(runtime.sources(), []);
    assert_eq!(far.read(&mut [0; 8]).expect("cannot read"), 0, "the other side sees the end");
    expect(&log, ["task 1 aborted", "source 1 closed"]);
}

/// Tells a thread when the runtime lies down, so that the thread can wake it up.
struct Lookout {
    log: Arc<Recorder>,
    asleep: mpsc::Sender<()>,
}

impl Observer for Lookout {
    fn observe(&self, event: Event) {
        self.log.observe(event);
        if matches!(event, Event::Parked { timeout: None }) {
            self.asleep.send(()).expect("cannot lose the thread that listens");
        }
    }
}

/// Waits until a thread has come by, and gives it the waker to call.
struct Handover {
    place: Arc<Mutex<Option<Waker>>>,
    came: Arc<AtomicBool>,
}

impl Future for Handover {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.place.lock().expect("cannot be poisoned") = Some(cx.waker().clone());
        // Stored first, looked at second. The other way round, a wake between the two would be lost.
        if self.came.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The runtime sleeps in the operating system without a limit. A wake from another thread must end that sleep: it
/// pushes an id, sees the `parked` flag, and interrupts.
#[test]
fn a_foreign_wake_interrupts_the_sleep() {
    let (asleep, told) = mpsc::channel();
    let log = Recorder::new();
    let lookout = Lookout { log: log.clone(), asleep };
    let runtime = Runtime::builder().observer(Arc::new(lookout)).build().expect("cannot build a runtime");
    let (place, came) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let handover = Handover { place: Arc::clone(&place), came: came.clone() };
    let stranger = thread::spawn(move || {
        told.recv().expect("cannot lose the runtime");
        came.store(true, Ordering::SeqCst);
        let waker = place.lock().expect("cannot be poisoned").take().expect("the task was polled before");
        waker.wake();
    });
    runtime.block_on(handover);
    stranger.join().expect("cannot panic");
    expect(
        &log,
        [
            "task 1 spawned",
            "task 1 woken: queued",
            "task 1 polled (1)",
            "task 1 pending",
            "sleep in epoll",
            "task 1 woken by another thread: queued", // while this one sleeps
            "up again, 1 event",                      // the one event is the interruption itself
            "task 1 polled (2)",
            "task 1 completed",
        ],
    );
}

/// A signal ends the system call early with EINTR. That is not an error: no event has come, and the loop goes on.
#[cfg(unix)]
#[test]
fn a_signal_is_not_an_error() {
    use nix::sys::pthread::{pthread_kill, pthread_self};
    use nix::sys::signal::Signal::SIGUSR2;

    let (runtime, log) = frozen_runtime();
    let noted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGUSR2, noted.clone()).expect("cannot handle SIGUSR2");
    let done = Arc::new(AtomicBool::new(false));
    let (sleeper, over) = (pthread_self(), done.clone());
    // Sent again and again: the first one may come before the sleep has begun.
    let sender = thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            pthread_kill(sleeper, SIGUSR2).expect("cannot send a signal");
            thread::yield_now();
        }
    });
    let parked = runtime.park(None);
    done.store(true, Ordering::SeqCst);
    sender.join().expect("cannot panic");
    parked.expect("EINTR must not come out as an error");
    assert!(noted.load(Ordering::SeqCst));
    expect(&log, ["sleep in epoll", "up again, 0 events"]);
}

/// A future that stops waiting takes its waker out; the socket stays registered, for the next one.
#[test]
fn forget_takes_the_waker_and_leaves_the_socket() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = pair();
    let socket = register(&runtime, near);
    let waiting = |direction: Direction| {
        let polled = socket.poll_io(direction, &mut Context::from_waker(Waker::noop()), |_| {
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
        assert!(polled.is_pending());
        let io = runtime.sources()[0];
        (io.read_waiting, io.write_waiting)
    };
    assert_eq!(waiting(Read), (true, false));
    assert_eq!(waiting(Write), (true, true));
    socket.forget(Read, socket.wait_number(Read));
    assert_eq!(waiting(Write), (false, true));

    let again = socket.clone();
    let task = runtime.handle().spawn(async move { read_some(&again).await });
    far.write_all(b"hi").expect("cannot write");
    park(&runtime);
    assert_eq!(finish(&runtime, task).expect("cannot read"), b"hi");
}

/// A source that the operating system refuses: to register, or to be widened to a second direction.
struct Refused {
    registers: bool,
}

impl Source for Refused {
    fn register(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> io::Result<()> {
        if self.registers { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn reregister(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn deregister(&mut self, _: &mio::Registry) -> io::Result<()> {
        Ok(())
    }
}

/// When the system refuses, the wait is over with its error, and the reactor keeps no waker of it: neither that of this
/// poll nor of an earlier one. Nobody would ever take it out again.
#[test]
fn a_refused_wait_leaves_no_waker() {
    let (runtime, _) = frozen_runtime();
    for (registers, refused) in [(false, Read), (true, Write)] {
        let io = runtime.handle().register(Refused { registers });
        let try_it = |direction, waker: &Arc<CountingWaker>| {
            let waker = Waker::from(waker.clone());
            let vain = |_: &mut Refused| Err::<(), _>(io::ErrorKind::WouldBlock.into());
            io.poll_io(direction, &mut Context::from_waker(&waker), vain)
        };
        let (reader, waker) = (CountingWaker::new(), CountingWaker::new());
        if registers {
            assert!(try_it(Read, &reader).is_pending());
        }
        assert!(
            matches!(try_it(refused, &waker), Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::StorageFull)
        );
        assert!(!waker.is_held());
        let asked = io.poll_ready(refused, &mut Context::from_waker(&Waker::from(waker.clone())));
        assert!(matches!(asked, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::StorageFull));
        assert!(!waker.is_held());
        assert_eq!(reader.is_held(), registers, "the other direction's wait goes on");
    }
}

/// A waker may be a guest's, and may panic when it is called. Those whose news came with the same trip are woken all the
/// same, whether they stand before it or behind.
#[test]
fn a_waker_that_panics_is_the_only_one_to_suffer() {
    let (runtime, _) = frozen_runtime();
    let (broken, good) = (Arc::new(BrokenWaker), CountingWaker::new());
    let (sockets, mut others): (Vec<_>, Vec<_>) =
        (0..3).map(|_| pair()).map(|(near, far)| (register(&runtime, near), far)).unzip();
    assert!(poll_with(&good, &mut read_some(&sockets[0])).is_pending());
    assert!(poll_with(&broken, &mut read_some(&sockets[1])).is_pending());
    assert!(poll_with(&good, &mut read_some(&sockets[2])).is_pending());
    for far in &mut others {
        far.write_all(b"news").expect("cannot write");
    }
    let start = Instant::now();
    while good.wakes() < 2 {
        assert!(start.elapsed() < STUCK, "{} of 2 were woken", good.wakes());
        peek(&runtime);
    }
}
