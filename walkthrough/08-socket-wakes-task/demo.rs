//! The clients of chapter 8. They and the server take turns on one thread, so that the timeline is the same each time.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as Client};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use glassbox::net::TcpListener;
use glassbox::runtime::sentence::Timeline;
use glassbox::{Recorder, Runtime};

use super::accept_all;

/// A runtime on record.
struct Stage {
    runtime: Runtime,
    log: Arc<Recorder>,
}

impl Stage {
    fn new() -> io::Result<Stage> {
        let log = Recorder::new();
        Ok(Stage { runtime: Runtime::builder().observer(log.clone()).build()?, log })
    }

    /// Says what a client did, lets the server sleep until it hears of that and do what it can, and prints what it did.
    fn after(&self, what: &str) -> io::Result<()> {
        println!("{what}");
        self.runtime.park(None)?;
        self.turn();
        Ok(())
    }

    /// Polls until nobody is ready, and prints what happened.
    fn turn(&self) {
        while self.runtime.turn() > 0 {}
        let mut timeline = Timeline::default();
        for event in self.log.take() {
            let indent = if timeline.note(&event) { "    " } else { "" };
            println!("    {indent}{event}");
        }
    }
}

/// A client that says lines, and one that sends a request in two packets.
pub fn two_clients() -> io::Result<()> {
    let stage = Stage::new()?;
    let listener = TcpListener::bind(&stage.runtime.handle(), ([127, 0, 0, 1], 0).into())?;
    let address = listener.local_addr()?;
    let handle = stage.runtime.handle();
    stage.runtime.handle().spawn(accept_all(handle, listener)).detach();
    println!("the server starts");
    stage.turn();

    let mut first = Client::connect(address)?;
    stage.after("client 1 connects")?;
    first.write_all(b"hel")?;
    stage.after("client 1 sends half a line")?;
    first.write_all(b"lo\n")?;
    stage.after("client 1 sends the other half")?;
    let mut line = [0; 6];
    first.read_exact(&mut line)?;
    println!("client 1 reads {:?}", String::from_utf8_lossy(&line));

    let mut second = connect_with(address, b"GET / HTTP/1.1\r\n")?;
    stage.after("client 2 connects and sends half a request")?;
    second.write_all(b"host: here\r\n\r\n")?;
    stage.after("client 2 sends the other half")?;
    let mut answer = String::new();
    second.read_to_string(&mut answer)?;
    println!("client 2 reads {:?}", answer.lines().next().unwrap_or_default());

    drop(first);
    stage.after("client 1 leaves")
}

/// A client whose first bytes are there before the server looks.
fn connect_with(address: SocketAddr, bytes: &[u8]) -> io::Result<Client> {
    let mut client = Client::connect(address)?;
    client.write_all(bytes)?;
    Ok(client)
}

type Reading = Pin<Box<dyn Future<Output = io::Result<usize>>>>;

/// A read that waits in task 1, and then goes on in task 2. Only the newest waker leads to whoever holds it now.
pub fn a_future_that_moves() -> io::Result<()> {
    let stage = Stage::new()?;
    let handle = stage.runtime.handle();
    let listener = TcpListener::bind(&handle, ([127, 0, 0, 1], 0).into())?;
    let mut client = Client::connect(listener.local_addr()?)?;
    let (stream, _) = stage.runtime.block_on(async move { listener.accept().await })?;
    stage.log.take();
    let reading: Reading = Box::pin(async move { stream.read(&mut [0; 64]).await });
    let place = Rc::new(RefCell::new(Some(reading)));

    let begins = place.clone();
    handle
        .spawn(std::future::poll_fn(move |cx| {
            let mut reading = begins.take().expect("it is in its place");
            assert!(reading.as_mut().poll(cx).is_pending());
            begins.replace(Some(reading)); // for whoever comes next
            std::task::Poll::Ready(())
        }))
        .detach();
    println!("a task begins to read, and gives the future away");
    stage.turn();

    let reading = place.take().expect("it is in its place");
    handle.spawn(reading).detach();
    println!("another task goes on with it");
    stage.turn();
    client.write_all(b"hello")?;
    stage.after("the client sends")
}
