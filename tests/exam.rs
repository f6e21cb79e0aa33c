//! The program of the final exam (chapter 16): a small server of four tasks whose every event is printed.
//!
//! `cargo run --example museum -- exam` runs it as it is, `-- exam 3` with one of five bugs in the library.
//!
//! ```text
//!   task 2  echoes what comes over a socket, and gives up after ten seconds of silence
//!   task 3  sleeps for a second, then signals
//!   task 4  waits for task 3's end
//!   task 5  does something else for two seconds, then waits for the signal
//! ```

mod common;

use std::io::{self, Read as _, Write};
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::sockets::{finish, park};
use glassbox::inspect::{Fanout, Printer, report};
use glassbox::net::{TcpListener, TcpStream};
use glassbox::sync::Notify;
use glassbox::{Event, Handle, Observer, Recorder, Runtime};

const SECOND: Duration = Duration::from_secs(1);

/// A connection: one end in the runtime, the other in the test's hands. Events up to here are nobody's business.
fn connection(runtime: &Runtime) -> (TcpStream, StdStream) {
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = TcpListener::bind(&runtime.handle(), any).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("cannot ask for the address");
    let far = StdStream::connect(address).expect("cannot connect");
    far.set_nonblocking(true).expect("cannot make a socket non-blocking");
    let near = finish(runtime, runtime.handle().spawn(async move { listener.accept().await }));
    (near.expect("cannot accept").0, far)
}

async fn echo(handle: Handle, stream: TcpStream) {
    let mut buffer = [0; 64];
    while let Ok(Ok(count @ 1..)) = handle.timeout(10 * SECOND, stream.read(&mut buffer)).await {
        stream.write_all(&buffer[..count]).await.expect("cannot write");
    }
}

/// Starts the four tasks.
fn start(runtime: &Runtime, stream: TcpStream) {
    let (handle, signal) = (runtime.handle(), Rc::new(Notify::new()));
    handle.spawn(echo(handle.clone(), stream)).detach();
    let (clock, theirs) = (handle.clone(), signal.clone());
    let sleeper = handle.spawn(async move {
        clock.sleep(SECOND).await;
        clock.mark("signal", 1, "sent");
        theirs.notify_one();
    });
    handle.spawn(async move { sleeper.await.expect("cannot panic") }).detach();
    let clock = handle.clone();
    let late = async move {
        clock.sleep(2 * SECOND).await;
        signal.notified().await;
        clock.mark("signal", 1, "received");
    };
    handle.spawn(late).detach();
}

/// Turns and peeks until nobody is ready, but not for ever: at most ten times.
fn settle(runtime: &Runtime) {
    for _ in 0..10 {
        runtime.turn();
        runtime.park(Some(Duration::ZERO)).expect("cannot peek");
        if runtime.ready().is_empty() {
            return;
        }
    }
    println!("    ... somebody is still ready after ten turns ...");
}

/// Sends a word and gives the server time to answer.
fn say(runtime: &Runtime, far: &mut StdStream, word: &str) -> String {
    println!("--- the client sends {word:?}");
    far.write_all(word.as_bytes()).expect("cannot write");
    park(runtime);
    settle(runtime);
    let mut buffer = [0; 64];
    let count = far.read(&mut buffer).unwrap_or(0);
    let answer = String::from_utf8_lossy(&buffer[..count]).into_owned();
    println!("--- the client received {answer:?}");
    answer
}

#[test]
fn exam() {
    let log = Recorder::new();
    let switch = Arc::new(Switch { on: AtomicBool::new(false), printer: Printer::new(Printed, "") });
    let observer = Fanout::of(vec![log.clone(), switch.clone()]).expect("two observers");
    let runtime =
        Runtime::builder().frozen_clock().observer(observer).build().expect("cannot build a runtime");
    let (stream, mut far) = connection(&runtime);
    log.take();
    switch.on.store(true, Ordering::SeqCst);

    println!("--- four tasks start");
    start(&runtime, stream);
    settle(&runtime);
    let answers = ["one", "two"].map(|word| say(&runtime, &mut far, word));
    for second in 1..=3 {
        println!("--- {second} s");
        runtime.advance(SECOND);
        settle(&runtime);
    }
    let late = runtime.tasks().len();
    println!("--- the client closes");
    drop(far);
    park(&runtime);
    settle(&runtime);
    println!("--- who is left: {}", report::report(&runtime.handle(), &log.records()));
    assert_eq!(answers, ["one", "two"], "the echo");
    assert_eq!(late, 1, "tasks after three seconds: the echo alone should be left");
    assert_eq!((runtime.tasks().len(), runtime.timers().len()), (0, 0), "tasks and timers that are left");
    let events = log.records().len();
    assert!(events < 100, "{events} events for so little");
}

/// Prints from the moment on when it is switched on.
struct Switch {
    on: AtomicBool,
    printer: Arc<Printer<Printed>>,
}

impl Observer for Switch {
    fn observe(&self, event: Event) {
        if self.on.load(Ordering::SeqCst) {
            self.printer.observe(event);
        }
    }
}

/// Standard output, by way of `print!`: shown at once with `--nocapture`, kept back without it.
struct Printed;

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        print!("{}", String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
