//! Real sockets over loopback, and a way to run a test that has lost a wake-up into an error and not into a hang.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use glassbox::{JoinHandle, Runtime};
use mio::event::Event;
use mio::{Interest, Token};
use socket2::SockRef;

/// Long enough that whatever can happen on one machine has happened. It bounds how long a test hangs that has lost
/// a wake-up; a test that passes never waits for it.
pub const STUCK: Duration = Duration::from_secs(20);

/// Runs until the task is done and returns its value. Panics when nothing happens any more.
#[track_caller]
pub fn finish<T>(runtime: &Runtime, mut task: JoinHandle<T>) -> T {
    loop {
        runtime.turn();
        if let Some(result) = task.take() {
            return result.expect("the task must complete");
        }
        park(runtime);
    }
}

/// One trip to the operating system that must bring something home.
#[track_caller]
pub fn park(runtime: &Runtime) {
    let before = Instant::now();
    runtime.park(Some(STUCK)).expect("cannot park");
    let stuck = runtime.ready().is_empty() && before.elapsed() >= STUCK;
    assert!(!stuck, "nothing happens any more: {:?}, {:?}", runtime.tasks(), runtime.sources());
}

/// The two ends of a connection over loopback. Both block, and belong to no runtime.
pub fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("cannot listen on loopback");
    let near = TcpStream::connect(listener.local_addr().expect("cannot ask for the address"));
    let (far, _) = listener.accept().expect("cannot accept");
    (near.expect("cannot connect over loopback"), far)
}

/// The same, but the near end's kernel takes only a few kilobytes: it is soon full.
pub fn narrow_pair() -> (TcpStream, TcpStream) {
    let (near, far) = pair();
    SockRef::from(&near).set_send_buffer_size(1).expect("cannot set SO_SNDBUF"); // the least that there is
    (near, far)
}

/// Waits until the bytes that were sent to this socket are there. It asks through a selector of its own, so that
/// the runtime under test hears nothing of it.
pub fn wait_readable(socket: &TcpStream) {
    wait_for(socket, Event::is_readable);
}

/// Waits until the end of the stream has arrived at this socket.
pub fn wait_end(socket: &TcpStream) {
    wait_for(socket, Event::is_read_closed);
}

fn wait_for(socket: &TcpStream, is_it: fn(&Event) -> bool) {
    let twin = socket.try_clone().expect("cannot duplicate a socket");
    let mut twin = mio::net::TcpStream::from_std(twin);
    let mut selector = mio::Poll::new().expect("cannot open a selector");
    let mut events = mio::Events::with_capacity(8);
    selector.registry().register(&mut twin, Token(0), Interest::READABLE).expect("cannot register");
    loop {
        selector.poll(&mut events, Some(STUCK)).expect("cannot wait");
        assert!(!events.is_empty(), "what was sent has not arrived");
        if events.iter().any(is_it) {
            return;
        }
    }
}
