//! Floors 5 to 12: what every hand-written future owes to whoever polls it, asked of each of them alike.
//!
//! You learn the contract between a future and its waker. `prove` is the contract; each test below it is one entry of
//! a table: how to make the future, and how to make it ready. A new future needs one more entry.
//! Step through it with `cargo test --test waker_contract -- --nocapture`: each entry prints what it has proved.

mod common;

use std::cell::RefCell;
use std::future::pending;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use common::poll_once;
use common::sockets::STUCK;
use common::wakers::{CountingWaker, poll_with};
use glassbox::Runtime;
use glassbox::future::{join, race, yield_now};
use glassbox::net::{TcpListener, TcpStream};
use glassbox::runtime::executor::TaskState;
use glassbox::sync::{Flag, Notify, Semaphore, channel};
use socket2::{Domain, Socket, Type};

const SECOND: Duration = Duration::from_secs(1);

/// A future to be tried, and a way to make it ready.
struct Case {
    future: Pin<Box<dyn Future<Output = ()>>>,
    /// Does what the future waits for. May be called again if that was not enough. It also keeps the other side (the
    /// socket, the semaphore) alive, so that whatever the future leaves there can be found.
    make_ready: Box<dyn FnMut()>,
    /// Looks into tables that the runtime does not know of.
    look: Rc<dyn Fn()>,
}

impl Case {
    fn new<F: Future + 'static>(future: F, make_ready: impl FnMut() + 'static) -> Case {
        let future = Box::pin(async move { drop(future.await) });
        Case { future, make_ready: Box::new(make_ready), look: Rc::new(|| {}) }
    }

    /// What foreign code may do besides looking at the runtime.
    fn and_look<T>(mut self, look: impl Fn() -> T + 'static) -> Case {
        self.look = Rc::new(move || drop(look()));
        self
    }
}

/// The contract. `patience`: how many polls find the future pending while nobody makes it ready.
fn prove(name: &str, patience: u32, make: impl Fn(&Rc<Runtime>) -> Case) {
    let runtime =
        || Rc::new(Runtime::builder().frozen_clock().blocking_threads(1).build().expect("cannot build"));
    let worlds: Vec<_> = (0..patience + 3).map(|_| runtime()).collect();
    newest_waker_is_enough(&worlds[0], patience, make(&worlds[0]));
    wakes_during_a_poll_are_kept(&worlds[1], patience, make(&worlds[1]));
    foreign_code_may_look_around(&worlds[2], patience, make(&worlds[2]));
    for polls in 1..=patience {
        let world = &worlds[usize::try_from(polls).expect("a small number") + 2];
        drop_leaves_nothing(world, polls, make(world));
    }
    println!(
        "{name}: after {patience} polls with {patience} wakers the last one is enough; spurious polls, wakes during a \
         poll and after the end do no harm; foreign code runs under no borrow; dropped after each of {patience} polls \
         it leaves no timer, no waiter, no waker"
    );
}

/// Each poll brings a new waker. The one before is let go of; the last one alone is called.
fn newest_waker_is_enough(runtime: &Rc<Runtime>, patience: u32, mut case: Case) {
    let mut wakers: Vec<Arc<CountingWaker>> = Vec::new();
    for _ in 0..patience {
        let newest = CountingWaker::new();
        assert!(poll_with(&newest, &mut case.future).is_pending(), "not ready, so a poll says Pending");
        for old in &wakers {
            assert!(!old.is_held(), "the waker of an earlier poll was kept");
        }
        wakers.push(newest);
    }
    let newest = wakers.pop().expect("at least one poll");
    pump(runtime, &mut case, || newest.wakes() > 0);
    let last = CountingWaker::new();
    assert!(poll_with(&last, &mut case.future).is_ready(), "woken, so it is ready");
    assert!(wakers.iter().all(|old| old.wakes() == 0), "an old waker was called");

    // A waker may be called after the end: somebody had a copy. The future hears nothing of it.
    wakers.extend([newest, last]);
    for waker in &wakers {
        waker.wake_by_ref();
    }
    assert_nothing_left(runtime, &wakers);
    drop(case.future);
    assert_nothing_left(runtime, &wakers);
}

/// Wakes its task in the middle of the first polls, as a signal that comes at that moment would.
struct WokenMeanwhile {
    inner: Pin<Box<dyn Future<Output = ()>>>,
    wakes_left: u32,
}

impl Future for WokenMeanwhile {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.wakes_left > 0 {
            self.wakes_left -= 1;
            cx.waker().wake_by_ref();
        }
        self.inner.as_mut().poll(cx)
    }
}

/// In a real task: a wake that comes during the poll leads to one more poll, in vain, and the real one still arrives.
fn wakes_during_a_poll_are_kept(runtime: &Rc<Runtime>, patience: u32, mut case: Case) {
    let wakes_left = patience - 1;
    let future = std::mem::replace(&mut case.future, Box::pin(pending()));
    let mut task = runtime.handle().spawn(WokenMeanwhile { inner: future, wakes_left });
    (0..patience).for_each(|_| assert_eq!(runtime.turn(), 1));
    let state =
        runtime.tasks().into_iter().find(|snapshot| snapshot.id == task.id()).expect("it is not done");
    assert_eq!(state.polls, u64::from(patience), "one poll for each wake");
    assert!(patience == 1 || state.state == TaskState::Waiting);
    pump(runtime, &mut case, || task.is_finished());
    assert!(matches!(task.take(), Some(Ok(()))));
    assert_nothing_left(runtime, &[]);
}

thread_local! {
    /// What `Nosy` looks at: a waker must be `Send`, the runtime is not.
    static VIEW: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A waker whose `wake` and `drop` look into the runtime's tables. If they run under a borrow, that panics.
struct Nosy(Arc<CountingWaker>);

impl Nosy {
    fn look() {
        let view = VIEW.with_borrow(Clone::clone);
        if let Some(look) = view {
            look();
        }
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        Nosy::look();
        self.0.wake_by_ref();
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        Nosy::look();
    }
}

/// Waking, replacing and dropping a waker runs code that is not ours. It must find every table open.
fn foreign_code_may_look_around(runtime: &Rc<Runtime>, patience: u32, mut case: Case) {
    let (look, inside) = (case.look.clone(), runtime.clone());
    VIEW.set(Some(Rc::new(move || {
        look();
        drop((inside.timers(), inside.sources(), inside.tasks(), inside.ready()));
    })));
    let count = CountingWaker::new();
    for _ in 0..patience {
        // The future gets the only copy there is, so that letting go of it drops it, in the middle of the next poll.
        let waker = Waker::from(Arc::new(Nosy(count.clone())));
        assert!(case.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    pump(runtime, &mut case, || count.wakes() > 0);
    assert!(poll_with(&count, &mut case.future).is_ready());
    drop(case.future);
    VIEW.set(None);
    assert_nothing_left(runtime, &[count]);
}

/// Drop is cancel, wherever the future stands: the wait is over, and what comes later finds nobody.
fn drop_leaves_nothing(runtime: &Rc<Runtime>, polls: u32, mut case: Case) {
    let waker = CountingWaker::new();
    for _ in 0..polls {
        assert!(poll_with(&waker, &mut case.future).is_pending());
    }
    drop(case.future);
    let so_far = waker.wakes(); // a future that wakes itself did so before
    assert_nothing_left(runtime, std::slice::from_ref(&waker));
    (case.make_ready)();
    runtime.park(Some(Duration::ZERO)).expect("cannot peek");
    assert_eq!(waker.wakes(), so_far, "it was dropped: nobody is to be woken");
}

/// Makes the case ready and lets the runtime work until `done`.
#[track_caller]
fn pump(runtime: &Runtime, case: &mut Case, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < STUCK, "made ready, and nobody was woken");
        (case.make_ready)();
        runtime.turn();
        runtime
            .park(Some(if done() { Duration::ZERO } else { Duration::from_millis(10) }))
            .expect("cannot park");
        runtime.turn();
    }
}

/// No timer, no waiter at a socket, and nobody but the test holds a waker.
#[track_caller]
fn assert_nothing_left(runtime: &Runtime, wakers: &[Arc<CountingWaker>]) {
    assert_eq!(runtime.timers(), [], "a timer is still armed");
    let waiting = runtime.sources().into_iter().find(|io| io.read_waiting || io.write_waiting);
    assert_eq!(waiting, None, "the reactor still holds a waker");
    let held: Vec<_> = wakers.iter().map(Arc::strong_count).collect();
    assert!(held.iter().all(|count| *count == 1), "somebody still holds a waker: {held:?}");
}

// The table. ------------------------------------------------------------------------------------------------------

/// A listener on loopback, and its address.
fn listen(runtime: &Runtime) -> (Rc<TcpListener>, SocketAddr) {
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = TcpListener::bind(&runtime.handle(), any).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("cannot ask for the address");
    (Rc::new(listener), address)
}

/// A connection: one end in the runtime, the other in the test's hands, not blocking.
fn connection(runtime: &Rc<Runtime>) -> (Rc<TcpStream>, StdStream) {
    let (listener, address) = listen(runtime);
    let far = StdStream::connect(address).expect("cannot connect");
    far.set_nonblocking(true).expect("cannot make a socket non-blocking");
    let near = runtime.block_on(async move { listener.accept().await.expect("cannot accept").0 });
    (Rc::new(near), far)
}

/// `Accept` leaves its waker with the reactor, at the listener's readable side.
#[test]
fn accept() {
    prove("Accept", 3, |runtime| {
        let (listener, address) = listen(runtime);
        let accepting = listener.clone();
        let mut strangers = Vec::new();
        let accept = async move { accepting.accept().await.expect("cannot accept") };
        Case::new(accept, move || {
            let _alive = &listener;
            strangers.push(StdStream::connect(address).expect("cannot connect"));
        })
    });
}

/// `Read` leaves its waker at the socket's readable side.
#[test]
fn read() {
    prove("Read", 3, |runtime| {
        let (near, mut far) = connection(runtime);
        let reading = near.clone();
        let read = async move { reading.read(&mut [0; 8]).await.expect("cannot read") };
        Case::new(read, move || {
            let _alive = &near;
            std::io::Write::write_all(&mut far, b"!").expect("cannot write");
        })
    });
}

/// Whether the kernel took some bytes after a moment's rest.
fn wrote_more(runtime: &Runtime, near: &TcpStream, bytes: &[u8]) -> bool {
    runtime.park(Some(Duration::from_millis(20))).expect("cannot park");
    poll_once(&mut near.write(bytes)).is_ready()
}

/// `Write` waits only when the kernel is full. Room appears when the other side reads.
#[test]
fn write() {
    prove("Write", 3, |runtime| {
        let (near, mut far) = connection(runtime);
        let writing = near.clone();
        let (bytes, mut drain) = (vec![7; 1 << 20], vec![0; 1 << 20]);
        // Full is full when nothing moves any more: bytes on their way to the other side leave room behind.
        while poll_once(&mut near.write(&bytes)).is_ready() || wrote_more(runtime, &near, &bytes) {}
        let write = async move { writing.write(b"!").await.expect("cannot write") };
        Case::new(write, move || {
            let _alive = &near;
            while matches!(far.read(&mut drain), Ok(1..)) {}
        })
    });
}

/// A connection that cannot be made yet: the listener's queue is full, so the kernel drops the handshake and repeats
/// it a second later. Then it succeeds, if somebody has accepted meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn connect() {
    prove("Connect", 3, |runtime| {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("cannot make a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        listener.bind(&any.into()).expect("cannot bind");
        listener.listen(0).expect("cannot listen"); // room for one
        listener.set_nonblocking(true).expect("cannot make a socket non-blocking");
        let listener = std::net::TcpListener::from(listener);
        let address = listener.local_addr().expect("cannot ask for the address");
        let first = StdStream::connect(address).expect("cannot connect");
        let handle = runtime.handle();
        let connect = async move { TcpStream::connect(&handle, address).await.expect("cannot connect") };
        Case::new(connect, move || {
            let _alive = &first;
            drop(listener.accept());
        })
    });
}

/// `Sleep` leaves its waker in the table of timers.
#[test]
fn sleep() {
    prove("Sleep", 3, |runtime| {
        let clock = runtime.clone();
        Case::new(runtime.handle().sleep(SECOND), move || clock.advance(SECOND))
    });
}

/// `timeout` waits for two things with one waker: here the time is over first.
#[test]
fn timeout_elapsed() {
    prove("timeout, too late", 3, |runtime| {
        let (handle, clock) = (runtime.handle(), runtime.clone());
        let timeout =
            async move { handle.timeout(SECOND, pending::<()>()).await.expect_err("nothing is ready") };
        Case::new(timeout, move || clock.advance(SECOND))
    });
}

/// `timeout` again: the value comes first, and the timer goes.
#[test]
fn timeout_in_time() {
    prove("timeout, in time", 3, |runtime| {
        let handle = runtime.handle();
        let notify = Rc::new(Notify::new());
        let waiting = notify.clone();
        let timeout = async move { handle.timeout(SECOND, waiting.notified()).await.expect("it is in time") };
        Case::new(timeout, move || notify.notify_one())
    });
}

/// `JoinHandle` leaves its waker with the task that it waits for.
#[test]
fn join_handle() {
    prove("JoinHandle", 3, |runtime| {
        let gate = common::Gate::default();
        let (task, others) = (runtime.handle().spawn(gate.clone()), runtime.clone());
        others.turn(); // the task stands at the gate
        Case::new(async move { task.await.expect("it completes") }, move || {
            gate.open();
            others.turn();
        })
    });
}

/// `Blocking` leaves its waker behind a lock, where a thread of the pool finds it.
#[test]
fn blocking() {
    prove("Blocking", 3, |runtime| {
        let (go, wait) = mpsc::channel();
        let work = runtime.handle().spawn_blocking(move || wait.recv().expect("cannot lose the test"));
        let handle = runtime.handle();
        Case::new(async move { work.await.expect("it completes") }, move || {
            // The pool has one thread. When it has done a second job, it has let go of all that belongs to the first.
            let (tell, done) = mpsc::channel();
            let first = go.send(());
            let second = handle.spawn_blocking(move || tell.send(()));
            drop((first, done.recv().expect("cannot lose the pool"), second));
        })
    });
}

/// `YieldNow` wakes itself during its first poll. The second one finds it ready, so there is one pending poll.
#[test]
fn yields() {
    prove("YieldNow", 1, |_| Case::new(yield_now(), || {}));
}

/// `Notified` stands in the line of its `Notify`.
#[test]
fn notified_by_one() {
    prove("Notified, by notify_one", 3, |_| {
        let notify = Rc::new(Notify::new());
        let waiting = notify.clone();
        let seen = notify.clone();
        Case::new(async move { waiting.notified().await }, move || notify.notify_one())
            .and_look(move || seen.waiting())
    });
}

/// `Notified` again: `notify_all` sends the whole line home.
#[test]
fn notified_by_all() {
    prove("Notified, by notify_all", 3, |_| {
        let notify = Rc::new(Notify::new());
        let waiting = notify.clone();
        let seen = notify.clone();
        Case::new(async move { waiting.notified().await }, move || notify.notify_all())
            .and_look(move || seen.waiting())
    });
}

/// `Acquire` stands in the line of its `Semaphore`.
#[test]
fn acquire() {
    prove("Acquire", 3, |_| {
        let semaphore = Semaphore::new(1);
        let mut held = semaphore.try_acquire();
        assert!(held.is_some());
        let seen = semaphore.clone();
        Case::new(semaphore.acquire(), move || drop(held.take())).and_look(move || seen.waiting())
    });
}

/// `Send` waits for a place in a channel that is full.
#[test]
fn send() {
    prove("Send", 3, |_| {
        let (sender, mut receiver) = channel(1);
        assert!(poll_once(&mut sender.send('a')).is_ready());
        Case::new(async move { sender.send('b').await.expect("the receiver is there") }, move || {
            assert!(poll_once(&mut receiver.recv()).is_ready());
        })
    });
}

/// `Send` again: the receiver goes away, and the value comes back.
#[test]
fn send_to_nobody() {
    prove("Send, to nobody", 3, |_| {
        let (sender, receiver) = channel(1);
        assert!(poll_once(&mut sender.send('a')).is_ready());
        let mut receiver = Some(receiver);
        let send = async move { sender.send('b').await.expect_err("the receiver is gone") };
        Case::new(send, move || drop(receiver.take()))
    });
}

/// `Recv` waits for a value.
#[test]
fn recv() {
    prove("Recv", 3, |_| {
        let (sender, mut receiver) = channel(9);
        Case::new(async move { receiver.recv().await.expect("the sender is there") }, move || {
            assert!(poll_once(&mut sender.send('a')).is_ready());
        })
    });
}

/// `Recv` again: the last sender goes away.
#[test]
fn recv_from_nobody() {
    prove("Recv, from nobody", 3, |_| {
        let (sender, mut receiver) = channel::<char>(1);
        let mut sender = Some(sender);
        Case::new(async move { assert_eq!(receiver.recv().await, None) }, move || drop(sender.take()))
    });
}

/// `Raised` leaves its waker behind the flag's lock.
#[test]
fn raised() {
    prove("Raised", 3, |_| {
        let flag = Flag::new();
        let seen = flag.clone();
        Case::new(flag.raised(), move || flag.raise()).and_look(move || seen.is_raised())
    });
}

/// `join` hands its task's waker to both halves.
#[test]
fn joins() {
    prove("join", 3, |_| {
        let (a, b) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let (left, right) = (a.clone(), b.clone());
        let both = async move { join(left.notified(), right.notified()).await };
        Case::new(both, move || [&a, &b].map(|notify| notify.notify_one()).into_iter().collect())
    });
}

/// `race` hands it to both, and the one that loses gives it back.
#[test]
fn races() {
    prove("race", 3, |_| {
        let (a, b) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let (left, right) = (a.clone(), b.clone());
        let either = async move { race(left.notified(), right.notified()).await };
        Case::new(either, move || {
            let _alive = &a;
            b.notify_one();
        })
    });
}
