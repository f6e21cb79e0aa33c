//! Floor 11, TCP: `Accept`, `Read` and `Write` over loopback.
//!
//! You learn that TCP is a stream of bytes with two ends that close apart, that a dropped wait loses no byte, and what
//! a thousand idle connections cost: nothing.
//! Step through it with `cargo test --test net -- --nocapture`: it prints timelines and numbers.

mod common;

use std::cell::Cell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use common::sockets::{finish, park};
use common::{expect, frozen_runtime, poll_once};
use glassbox::Runtime;
use glassbox::future::{Either, join, race, yield_now};
use glassbox::net::{TcpListener, TcpStream};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, SockRef, Socket, Type};

/// A listener on loopback, and its address.
fn listen(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = TcpListener::bind(&runtime.handle(), any).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("cannot ask for the address");
    (listener, address)
}

/// A connection: one end in the runtime, the other in the test's hands.
fn connection(runtime: &Runtime) -> (Rc<TcpStream>, StdStream) {
    let (listener, address) = listen(runtime);
    let far = StdStream::connect(address).expect("cannot connect");
    let near = finish(runtime, runtime.handle().spawn(async move { listener.accept().await }));
    (Rc::new(near.expect("cannot accept").0), far)
}

/// Reads until the end.
async fn read_all(stream: &TcpStream) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 16_384]);
    loop {
        match stream.read(&mut buffer).await.expect("cannot read") {
            0 => return all,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Bytes in which each position can be told from its neighbours.
fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// Both sides of a conversation live on one thread: while one waits, the other runs.
#[test]
fn two_tasks_talk_on_one_thread() {
    let (runtime, _) = frozen_runtime();
    let (listener, address) = listen(&runtime);
    let server = runtime.handle().spawn(async move {
        let (stream, _) = listener.accept().await.expect("cannot accept");
        let request = read_all(&stream).await;
        stream.write_all(&request).await.expect("cannot write");
    });
    let handle = runtime.handle();
    let client = runtime.handle().spawn(async move {
        let stream = TcpStream::connect(&handle, address).await.expect("cannot connect");
        stream.write_all(b"is anybody there?").await.expect("cannot write");
        stream.shutdown().expect("cannot shut down");
        read_all(&stream).await
    });
    assert_eq!(finish(&runtime, client), b"is anybody there?");
    finish(&runtime, server);
}

/// The kernel takes what it has room for, then nothing. A write may be short, and the writer waits for the reader;
/// all bytes arrive, in their order.
#[test]
fn a_fast_writer_waits_for_a_slow_reader() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let bytes = pattern(32 << 20);
    let mut sent = 0;
    while let std::task::Poll::Ready(written) = poll_once(&mut near.write(&bytes[sent..])) {
        sent += written.expect("cannot write");
    }
    assert!(0 < sent && sent < bytes.len(), "the kernel is full before 32 MiB");

    let (rest, writer) = (bytes[sent..].to_vec(), near.clone());
    drop(near);
    let writing = runtime.handle().spawn(async move { writer.write_all(&rest).await });
    runtime.turn();
    assert!(runtime.sources()[0].write_waiting);
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).map(|_| all)
    });
    finish(&runtime, writing).expect("cannot write");
    let received = reading.join().expect("cannot panic").expect("cannot read");
    assert!(received == bytes, "all bytes, in their order");
}

/// Each end closes its own direction. After "I have said all" one can still listen.
#[test]
fn half_of_a_connection_can_be_closed() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    far.write_all(b"question").expect("cannot write");
    far.shutdown(Shutdown::Write).expect("cannot shut down");
    let server = runtime.handle().spawn(async move {
        let question = read_all(&near).await;
        near.write_all(b"answer").await.expect("the other half is open");
        question
    });
    assert_eq!(finish(&runtime, server), b"question");
    let mut answer = String::new();
    far.read_to_string(&mut answer).expect("cannot read");
    assert_eq!(answer, "answer");
}

/// Nobody listens: `connect` says so, and leaves nothing behind.
#[test]
fn a_refused_connection_is_an_error() {
    let (runtime, _) = frozen_runtime();
    // Bound and not listening: the port is surely ours, and surely closed.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("cannot make a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("cannot bind");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
    let handle = runtime.handle();
    let connect = runtime.handle().spawn(async move { TcpStream::connect(&handle, address).await.map(drop) });
    let refused = finish(&runtime, connect).expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(runtime.sources(), []);
}

/// The other side breaks off with a reset. Whoever reads gets an error, whoever writes too; nobody panics.
#[test]
fn a_reset_is_an_error() {
    let (runtime, _) = frozen_runtime();
    let (near, far) = connection(&runtime);
    let reader = runtime.handle().spawn(async move {
        let read = near.read(&mut [0; 8]).await.map_err(|error| error.kind());
        let write = near.write(b"hello?").await.map_err(|error| error.kind());
        (read, write)
    });
    runtime.turn(); // it waits
    // "Linger for no time": close sends a reset in place of an orderly end.
    SockRef::from(&far).set_linger(Some(Duration::ZERO)).expect("cannot set SO_LINGER");
    drop(far);
    let (read, write) = finish(&runtime, reader);
    assert_eq!(read, Err(ErrorKind::ConnectionReset));
    assert_eq!(write, Err(ErrorKind::BrokenPipe));
}

/// A read that loses a race has taken no byte, even if the bytes were there and had woken it.
#[test]
fn a_read_that_loses_a_race_loses_no_byte() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let lost = Rc::new(Cell::new(0));
    let races = lost.clone();
    let task = runtime.handle().spawn(async move {
        let (mut all, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            // First polled, first asked: when both are ready, `yield_now` wins and the read is dropped.
            match race(yield_now(), near.read(&mut buffer)).await {
                Either::First(()) => races.set(races.get() + 1),
                Either::Second(read) => match read.expect("cannot read") {
                    0 => return all,
                    count => all.extend_from_slice(&buffer[..count]),
                },
            }
        }
    });
    for part in pattern(100).chunks(10) {
        far.write_all(part).expect("cannot write");
        runtime.turn();
        runtime.park(Some(Duration::ZERO)).expect("cannot peek");
    }
    drop(far);
    assert_eq!(finish(&runtime, task), pattern(100));
    assert!(lost.get() > 0, "a race was lost");
}

/// A write that loses a race has sent nothing: what was counted is what arrives.
#[test]
fn a_write_that_loses_a_race_sends_nothing() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let task = runtime.handle().spawn(async move {
        let bytes = pattern(1 << 20);
        let (mut sent, mut lost) = (0_usize, 0);
        while lost < 3 {
            match race(near.write(&bytes[sent % 251..]), yield_now()).await {
                Either::First(written) => sent += written.expect("cannot write"),
                Either::Second(()) => lost += 1, // the kernel was full
            }
        }
        sent
    });
    let sent = finish(&runtime, task);
    let mut received = Vec::new();
    far.read_to_end(&mut received).expect("cannot read");
    assert_eq!(received.len(), sent);
    assert!(received == pattern(sent), "in their order");
}

/// An accept that loses a race has taken no connection: the next one gets it.
#[test]
fn an_accept_that_loses_a_race_loses_no_connection() {
    let (runtime, _) = frozen_runtime();
    let (listener, address) = listen(&runtime);
    let task = runtime.handle().spawn(async move {
        // Pending at first, with a wake made; at the second poll both are ready, and `yield_now` is asked first.
        let lost = race(yield_now(), listener.accept()).await;
        assert!(matches!(lost, Either::First(())));
        listener.accept().await.map(|(_, peer)| peer)
    });
    runtime.turn();
    let stranger = StdStream::connect(address).expect("cannot connect");
    park(&runtime);
    let peer = finish(&runtime, task).expect("cannot accept");
    assert_eq!(peer, stranger.local_addr().expect("cannot ask for the address"));
}

/// One task waits for both directions of one stream: reads and writes take `&self`.
#[test]
fn one_task_reads_and_writes_at_once() {
    let (runtime, _) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let task = runtime.handle().spawn(async move {
        let bytes = pattern(16 << 20);
        let writing = async {
            near.write_all(&bytes).await.expect("cannot write");
            near.shutdown().expect("cannot shut down");
        };
        join(read_all(&near), writing).await.0.len()
    });
    let echo = std::thread::spawn(move || {
        let mut twin = far.try_clone().expect("cannot duplicate a socket");
        std::io::copy(&mut far, &mut twin).expect("cannot echo");
        twin.shutdown(Shutdown::Write).expect("cannot shut down");
    });
    assert_eq!(finish(&runtime, task), 16 << 20);
    echo.join().expect("cannot panic");
}

/// Raises the soft limit on open files as far as allowed and returns how many connections fit, two files each.
fn connections_that_fit(wanted: usize) -> usize {
    const OTHERS: u64 = 200; // what the other tests and the harness have open
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("cannot ask for the limit");
    let needed = OTHERS + 2 * u64::try_from(wanted).expect("a small number");
    let limit = needed.min(hard);
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("cannot ask for the limit");
    if soft < limit {
        setrlimit(Resource::RLIMIT_NOFILE, limit, hard).expect("cannot raise the soft limit");
    }
    if needed <= hard {
        return wanted;
    }
    let fit = usize::try_from(limit.saturating_sub(OTHERS) / 2).expect("fewer than wanted");
    println!("only {fit} connections in place of {wanted}: the hard limit on open files is {hard}");
    fit
}

/// Accepts for ever; each connection gets a task that waits for bytes.
async fn serve(listener: TcpListener, open: Rc<Cell<usize>>) {
    loop {
        let (stream, _) = listener.accept().await.expect("cannot accept");
        open.set(open.get() + 1);
        let connection = async move { while stream.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {} };
        listener.handle().spawn(connection).detach();
    }
}

/// A connection on which nothing happens costs nothing: no poll, no wake, no return from the operating system.
#[test]
fn a_thousand_idle_connections_cost_nothing() {
    let (runtime, log) = frozen_runtime();
    let count = connections_that_fit(1000);
    let (listener, address) = listen(&runtime);
    let open = Rc::new(Cell::new(0));
    runtime.handle().spawn(serve(listener, open.clone())).detach();
    runtime.turn();
    let mut clients = Vec::new();
    while open.get() < count {
        clients.push(StdStream::connect(address).expect("cannot connect"));
        while open.get() < clients.len() {
            park(&runtime);
            runtime.turn();
        }
    }
    runtime.run_until_stalled();
    log.take();
    let before = runtime.handle().stats();

    runtime.park(Some(Duration::from_millis(20))).expect("cannot park");
    let after = runtime.handle().stats();
    assert_eq!((after.polls, after.wakes), (before.polls, before.wakes));
    assert_eq!((after.parks - before.parks, after.sleeps - before.sleeps), (1, 1));
    assert_eq!(runtime.tasks().len(), count + 1, "a task for each, and the one that accepts");
    assert_eq!(runtime.sources().len(), count + 1);
    expect(&log, ["sleep in epoll, at most 20ms", "up again, 0 events"]);

    // And they are alive: a byte to one of them is one event, one poll, of one task.
    clients[count / 2].write_all(b"!").expect("cannot write");
    park(&runtime);
    assert_eq!(runtime.turn(), 1);
    let busy = runtime.handle().stats();
    assert_eq!((busy.polls - after.polls, busy.wakes - after.wakes), (1, 1));
    println!("{count} idle connections: {} polls while idle, 1 poll for 1 byte", after.polls - before.polls);
}

/// `Accept`, `Read` and `Write` are structs that one can hold, poll and drop by hand. A dropped one waits no more.
#[test]
fn a_dropped_wait_takes_its_waker_along() {
    let (runtime, _) = frozen_runtime();
    let (near, far) = connection(&runtime);
    let mut buffer = [0; 8];
    let mut read = near.read(&mut buffer);
    assert!(poll_once(&mut Pin::new(&mut read)).is_pending());
    assert!(runtime.sources()[0].read_waiting);
    drop(read);
    assert!(!runtime.sources()[0].read_waiting);
    drop(far);
}

/// Two futures wait for one direction; the later one displaces the older. When the older one is dropped it must leave
/// the newer one's waker alone, or a listener with two accept loops goes deaf when one of them ends.
#[test]
fn dropping_a_displaced_wait_leaves_the_newer_one() {
    let (runtime, _) = frozen_runtime();
    let listener = TcpListener::bind(&runtime.handle(), ([127, 0, 0, 1], 0).into()).unwrap();
    let mut older = listener.accept();
    let mut newer = listener.accept();
    assert!(poll_once(&mut older).is_pending());
    assert!(poll_once(&mut newer).is_pending());
    drop(older);
    assert!(runtime.sources()[0].read_waiting);
    drop(newer);
    assert!(!runtime.sources()[0].read_waiting);
}
