//! Real sockets over loopback: a connection, and every byte, is for whoever asks next.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::rc::Rc;

use glassbox::Runtime;
use glassbox::net::{TcpListener, TcpStream};
use socket2::{Domain, Socket, Type};

use super::knife::{cut, nothing_is_left, now, runtime};
use crate::common::sockets::{finish, park, wait_readable};

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn listen(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(&runtime.handle(), any()).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A connection: one end in the runtime, the other in the test's hands.
fn connection(runtime: &Runtime) -> (Rc<TcpStream>, StdStream) {
    let (listener, address) = listen(runtime);
    let far = StdStream::connect(address).expect("cannot connect");
    let near = runtime.block_on(async move { listener.accept().await.expect("cannot accept").0 });
    (Rc::new(near), far)
}

/// Waits for the operating system until somebody was woken.
fn hear(runtime: &Runtime, mut is_told: impl FnMut() -> bool) {
    while !is_told() {
        park(runtime);
    }
}

/// A connection that was not accepted waits for the next `accept`.
pub fn accept(polls: usize) -> bool {
    let runtime = runtime();
    let (listener, address) = listen(&runtime);
    let mut far = None;
    let output = cut(polls, listener.accept(), |nth| {
        if nth == 2 {
            far = Some(StdStream::connect(address).expect("cannot connect"));
            hear(&runtime, || runtime.sources().iter().all(|source| !source.read_waiting));
        }
    });
    let complete = output.is_some();
    let far = far.unwrap_or_else(|| StdStream::connect(address).expect("cannot connect"));
    let accepted = output.unwrap_or_else(|| {
        let task = runtime.handle().spawn(async move { listener.accept().await });
        finish(&runtime, task)
    });
    let (stream, peer) = accepted.expect("the connection waits");
    assert_eq!(peer, far.local_addr().expect("an address"), "it is the one that came");
    drop(stream);
    nothing_is_left(&runtime);
    complete
}

/// A connection that is given up is closed: the other side sees the end of it.
pub fn connect(polls: usize) -> bool {
    let runtime = runtime();
    let listener = std::net::TcpListener::bind(any()).expect("cannot listen");
    let address = listener.local_addr().expect("an address");
    let handle = runtime.handle();
    let output = cut(polls, TcpStream::connect(&handle, address), |_| park(&runtime));
    let complete = output.is_some();
    drop(output.map(|stream| stream.expect("connects")));
    if polls > 0 {
        let (mut far, _) = listener.accept().expect("it has come");
        assert!(matches!(far.read(&mut [0]), Ok(0) | Err(_)), "it is closed");
    }
    nothing_is_left(&runtime);
    complete
}

/// The same, while the listener's queue is full and the handshake waits: cut after up to three polls.
pub fn connect_in_vain(polls: usize) -> bool {
    let runtime = runtime();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&any().into()).expect("cannot bind");
    listener.listen(0).expect("cannot listen"); // Room for one.
    let address = listener.local_addr().expect("an address").as_socket().expect("an IP address");
    let _first = StdStream::connect(address).expect("cannot connect");
    let handle = runtime.handle();
    let output = cut(polls, TcpStream::connect(&handle, address), |_| {});
    assert!(output.is_none(), "nobody accepts");
    nothing_is_left(&runtime);
    polls == 3
}

/// Bytes that were not read are there for the next read.
pub fn read(polls: usize) -> bool {
    let runtime = runtime();
    let (near, mut far) = connection(&runtime);
    let mut buffer = [0; 8];
    let reader = near.clone();
    let output = cut(polls, near.read(&mut buffer), |nth| {
        if nth == 2 {
            far.write_all(b"abc").expect("sends");
            hear(&runtime, || runtime.sources().iter().all(|source| !source.read_waiting));
        }
    });
    let complete = output.is_some();
    let mut got = buffer[..output.map_or(0, |read| read.expect("reads"))].to_vec();
    far.write_all(b"defg").expect("sends");
    let rest = runtime.handle().spawn(async move {
        let mut all = Vec::new();
        let mut buffer = [0; 3];
        while !all.ends_with(b"g") {
            let read = reader.read(&mut buffer).await.expect("reads");
            all.extend_from_slice(&buffer[..read]);
        }
        all
    });
    got.extend(finish(&runtime, rest));
    assert_eq!(got, if polls < 2 { &b"defg"[..] } else { b"abcdefg" }, "each byte once, in order");
    drop(near);
    nothing_is_left(&runtime);
    complete
}

/// Takes what there is, without waiting for more.
fn drain(far: &mut StdStream) -> usize {
    far.set_nonblocking(true).expect("a socket can be non-blocking");
    let (mut buffer, mut count) = (vec![0; 1 << 16], 0);
    loop {
        match far.read(&mut buffer) {
            Ok(0) => return count,
            Ok(read) => count += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

/// All bytes up to the end of the stream.
fn drain_to_the_end(far: &mut StdStream) -> usize {
    far.set_nonblocking(false).expect("a socket can block");
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).expect("reads");
    rest.len()
}

/// Writes into a kernel that is full: what `write` has reported arrives, and no byte more.
pub fn write(polls: usize) -> bool {
    let runtime = runtime();
    let (near, mut far) = connection(&runtime);
    let bytes = vec![7; 1 << 16];
    let mut sent = 0;
    while let Some(written) = now(near.write(&bytes)) {
        sent += written.expect("writes");
    }
    let mut received = 0;
    let output = cut(polls, near.write(b"!"), |nth| {
        if nth == 2 {
            wait_readable(&far);
            received += drain(&mut far);
            hear(&runtime, || {
                runtime.sources().iter().all(|source| !source.write_waiting) || {
                    received += drain(&mut far);
                    false
                }
            });
        }
    });
    let complete = output.is_some();
    sent += output.map_or(0, |written| written.expect("writes"));
    drop(near);
    received += drain_to_the_end(&mut far);
    assert_eq!(received, sent, "what was reported is what arrives");
    nothing_is_left(&runtime);
    complete
}

/// Not cancel-safe, and says so: but what arrives is the beginning of what was to be sent.
pub fn write_all(polls: usize) -> bool {
    const ALL: usize = 12 << 20;
    let runtime = runtime();
    let (near, mut far) = connection(&runtime);
    let bytes: Vec<u8> = (0..ALL).map(|place| place.to_le_bytes()[place % 3]).collect();
    let mut received = Vec::new();
    let output = cut(polls, near.write_all(&bytes), |_| {
        while runtime.sources().iter().any(|source| source.write_waiting) {
            let mut piece = vec![0; 1 << 20];
            let read = far.read(&mut piece).expect("reads");
            received.extend_from_slice(&piece[..read]);
            runtime.run_until_stalled();
        }
    });
    drop(near);
    far.read_to_end(&mut received).expect("reads");
    assert!(bytes.starts_with(&received), "a beginning");
    assert!(output.is_none() || received.len() == ALL);
    nothing_is_left(&runtime);
    output.is_some()
}
