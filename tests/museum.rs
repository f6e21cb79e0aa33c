//! Tests for the bug museum (`cargo run --example museum`): for bugs that the other tests notice too late to show how.
//!
//! Each test here ends soon and prints its timeline, even with its bug in the code; or it prints while it runs, so that
//! one sees where it hangs.

mod common;

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, Read as _, Write};
use std::net::TcpStream as StdStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::sockets::{finish, pair, park};
use common::{Bench, Gate, expect, frozen_runtime, print_timeline};
use glassbox::future::{race, yield_now};
use glassbox::inspect::{Fanout, Printer};
use glassbox::net::{TcpListener, TcpStream};
use glassbox::runtime::reactor::Registration;
use glassbox::runtime::trace::Direction::Read;
use glassbox::{Event, Observer, Recorder, Runtime};

fn peek(runtime: &Runtime) {
    runtime.park(Some(Duration::ZERO)).expect("cannot peek");
}

/// A listener, and its address.
fn listen(runtime: &Runtime) -> (TcpListener, std::net::SocketAddr) {
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = TcpListener::bind(&runtime.handle(), any).expect("cannot listen on loopback");
    let address = listener.local_addr().expect("cannot ask for the address");
    (listener, address)
}

/// A connection: one end in the runtime, the other in the test's hands.
fn connection(runtime: &Runtime) -> (TcpStream, StdStream) {
    let (listener, address) = listen(runtime);
    let far = StdStream::connect(address).expect("cannot connect");
    let near = finish(runtime, runtime.handle().spawn(async move { listener.accept().await }));
    (near.expect("cannot accept").0, far)
}

/// Reads from a socket that it owns a share of, so that it can be moved from task to task.
#[derive(Clone)]
struct ReadOnce(Rc<Registration<mio::net::TcpStream>>);

impl Future for ReadOnce {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let read = self.0.poll_io(Read, cx, |socket| socket.read(&mut [0; 64]));
        read.map(|count| count.expect("cannot read"))
    }
}

/// Exhibit 2. A future waits in one task, then in another. The bytes must wake the second.
#[test]
fn the_newest_waker_is_woken() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = pair();
    near.set_nonblocking(true).expect("cannot make a socket non-blocking");
    let near = mio::net::TcpStream::from_std(near);
    let read = ReadOnce(Rc::new(runtime.handle().register(near)));
    let mut first = read.clone();
    runtime.handle().spawn(std::future::poll_fn(move |cx| Pin::new(&mut first).poll(cx))).detach();
    runtime.turn();
    runtime.handle().spawn(read).detach();
    runtime.turn();
    peek(&runtime);
    log.take();

    far.write_all(b"news").expect("cannot write");
    park(&runtime);
    runtime.turn();
    expect(
        &log,
        [
            "sleep in epoll, at most 20s",
            "up again, 1 event",
            "source 1 readable",
            "task 2 woken: queued", // it asked last
            "task 2 polled (2)",
            "task 2 completed",
        ],
    );
}

/// Exhibit 5. Three wakes, one poll.
#[test]
fn three_wakes_are_one_poll() {
    let (bench, gate) = (Bench::new(), Gate::default());
    bench.spawn(gate.clone());
    bench.step();
    let waker = gate.waker();
    bench.log.take();
    gate.open();
    waker.wake_by_ref();
    waker.wake_by_ref();
    bench.run();
    bench.expect([
        "task 1 woken: queued",
        "task 1 woken: already queued",
        "task 1 woken: already queued",
        "task 1 polled (2)",
        "task 1 completed",
    ]);
}

/// Exhibit 7. A waker outlives its task, and the slot has a new owner.
#[test]
fn a_late_wake_reaches_no_stranger() {
    let (bench, first, second) = (Bench::new(), Gate::default(), Gate::default());
    bench.spawn(first.clone());
    bench.step();
    let late = first.waker();
    first.open();
    bench.run();
    bench.spawn(second);
    bench.run();
    bench.log.take();
    late.wake();
    bench.run();
    bench.expect(["task 1 woken: queued", "task 1 was queued but has ended"]);
}

/// Exhibit 17. What was to be timed out comes in time.
#[test]
fn a_timeout_in_time_leaves_no_timer() {
    let (runtime, log) = frozen_runtime();
    let (handle, gate) = (runtime.handle(), Gate::default());
    let waited = gate.clone();
    let task = async move { handle.timeout(Duration::from_secs(10), waited).await.expect("in time") };
    runtime.handle().spawn(task).detach();
    runtime.turn();
    log.take();
    gate.open();
    runtime.turn();
    runtime.advance(Duration::from_secs(10));
    expect(&log, ["task 1 woken: queued", "task 1 polled (2)", "timer 1 cancelled", "task 1 completed"]);
}

/// Exhibit 24. One task panics, the other has done nothing wrong.
#[test]
fn a_panic_ends_one_task() {
    let (runtime, _) = printing_runtime();
    runtime.handle().spawn(async { panic!("task 1 does not know what to do") }).detach();
    runtime.handle().spawn(async {}).detach();
    runtime.turn();
    assert_eq!(runtime.tasks(), []);
}

/// Exhibit 12. Eight bytes are one edge. Whoever reads four of them and waits for the next edge waits for ever.
#[test]
fn an_edge_is_read_to_its_end() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let task = runtime.handle().spawn(async move {
        let mut buffer = [0; 4];
        for _ in 0..2 {
            near.read(&mut buffer).await.expect("cannot read");
        }
    });
    runtime.turn(); // it waits
    log.take();
    far.write_all(b"one edge").expect("cannot write");
    park(&runtime);
    runtime.turn();
    peek(&runtime);
    let story = log.story();
    print_timeline(&story);
    assert!(task.is_finished(), "four bytes are there, and nobody will be told of them");
}

/// Exhibit 13. Three strangers are one event.
#[test]
fn an_event_is_accepted_to_its_end() {
    let (runtime, log) = frozen_runtime();
    let (listener, address) = listen(&runtime);
    let task = runtime.handle().spawn(async move {
        for _ in 0..3 {
            drop(listener.accept().await.expect("cannot accept"));
        }
    });
    runtime.turn(); // it waits
    log.take();
    let strangers = [(); 3].map(|()| StdStream::connect(address).expect("cannot connect"));
    park(&runtime);
    runtime.turn();
    print_timeline(&log.story());
    assert!(task.is_finished(), "whoever came with the others waits for the next stranger");
    drop(strangers);
}

/// Exhibit 15. A task that is always ready, and a socket that has news.
#[test]
fn a_busy_task_leaves_room_for_a_socket() {
    let (runtime, log) = frozen_runtime();
    let (near, mut far) = connection(&runtime);
    let reader = runtime.handle().spawn(async move {
        near.read(&mut [0; 64]).await.expect("cannot read");
    });
    runtime.turn(); // it waits
    // It would spin for ever. So that this test ends with the bug, too, it gives up after a thousand rounds.
    runtime.handle().spawn(after_rounds(1000)).detach();
    log.take();
    far.write_all(b"hello").expect("cannot write");
    for _ in 0..3 {
        runtime.turn();
        peek(&runtime);
    }
    let story = log.story();
    print_timeline(&story[..story.len().min(16)]);
    println!("... and {} lines more", story.len().saturating_sub(16));
    assert!(reader.is_finished());
    assert!(story.len() < 40, "the busy task ran {} lines long before anybody looked at epoll", story.len());
}

async fn after_rounds(rounds: usize) {
    for _ in 0..rounds {
        yield_now().await;
    }
}

/// Exhibit 16. Twenty sleeps are twenty trips to the operating system.
#[test]
fn a_sleep_is_one_trip() {
    let log = Recorder::new();
    let runtime = Runtime::builder().observer(log.clone()).build().expect("cannot build a runtime");
    let handle = runtime.handle();
    for _ in 0..20 {
        runtime.block_on(handle.sleep(Duration::from_micros(900)));
    }
    let story = log.story();
    // "armed for 899.7µs" is another number each time.
    let lines: Vec<_> =
        story.iter().take(12).map(|line| line.split(" for ").next().unwrap_or(line).to_owned()).collect();
    print_timeline(&lines);
    let trips = handle.stats().parks;
    assert!(trips <= 40, "20 sleeps, and far more than 40 trips to epoll");
}

/// Reads lines. What was read beyond a line, or before its end, is kept in `rest`.
struct Lines {
    stream: TcpStream,
    rest: RefCell<Vec<u8>>,
}

impl Lines {
    async fn next(&self) -> String {
        loop {
            let line = cut_line(&mut self.rest.borrow_mut());
            if let Some(line) = line {
                return line;
            }
            let mut buffer = [0; 64];
            let count = self.stream.read(&mut buffer).await.expect("cannot read");
            self.rest.borrow_mut().extend_from_slice(&buffer[..count]);
        }
    }
}

fn cut_line(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    String::from_utf8(bytes.drain(..=end).collect()).ok()
}

/// Exhibit 23. A line comes in two halves, and between them a race is lost.
#[test]
fn a_lost_race_loses_no_byte() {
    let (runtime, _) = frozen_runtime();
    let (stream, mut far) = connection(&runtime);
    let (handle, lines) = (runtime.handle(), Lines { stream, rest: RefCell::default() });
    let task = runtime.handle().spawn(async move {
        drop(race(lines.next(), handle.sleep(Duration::from_secs(1))).await);
        lines.next().await
    });
    runtime.turn();
    far.write_all(b"GET /").expect("cannot write");
    park(&runtime);
    runtime.turn();
    runtime.advance(Duration::from_secs(1)); // the sleep wins; `next` is dropped in the middle of a line
    far.write_all(b"index\n").expect("cannot write");
    let line = finish(&runtime, task);
    println!("sent:     \"GET /index\\n\"\nreceived: {line:?}");
    assert_eq!(line, "GET /index\n");
}

/// Tells a thread when the runtime lies down.
struct Lookout(Mutex<mpsc::Sender<()>>);

impl Observer for Lookout {
    fn observe(&self, event: Event) {
        if matches!(event, Event::Parked { timeout: None }) {
            let _ = self.0.lock().expect("cannot be poisoned").send(());
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

/// A runtime that prints what happens while it happens, and tells when it lies down.
fn printing_runtime() -> (Runtime, mpsc::Receiver<()>) {
    let (asleep, told) = mpsc::channel();
    let lookout: Arc<dyn Observer> = Arc::new(Lookout(Mutex::new(asleep)));
    let observer = Fanout::of(vec![Printer::new(Printed, ""), lookout]).expect("two observers");
    (Runtime::builder().observer(observer).build().expect("cannot build a runtime"), told)
}

/// Where a task leaves its waker for a thread.
type Place = Arc<Mutex<(bool, Option<Waker>)>>;

struct WaitFor(Place);

impl Future for WaitFor {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut place = self.0.lock().expect("cannot be poisoned");
        if place.0 {
            return Poll::Ready(());
        }
        place.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Exhibit 10. A thread wakes a task while the runtime sleeps.
#[test]
fn a_foreign_wake_ends_the_sleep() {
    let (runtime, told) = printing_runtime();
    let place = Place::default();
    let theirs = place.clone();
    let stranger = thread::spawn(move || {
        told.recv().expect("cannot lose the runtime");
        let waker = {
            let mut place = theirs.lock().expect("cannot be poisoned");
            place.0 = true;
            place.1.take().expect("the task was polled before")
        };
        waker.wake();
    });
    runtime.block_on(WaitFor(place));
    stranger.join().expect("cannot panic");
}

/// Exhibit 25. A job that takes until another task has run three times.
#[test]
fn blocking_work_holds_nobody_up() {
    let (runtime, _) = printing_runtime();
    let handle = runtime.handle();
    runtime.block_on(async move {
        let (ran, told) = mpsc::channel();
        let other = handle.spawn(async move {
            for _ in 0..3 {
                ran.send(()).expect("cannot lose the job");
                yield_now().await;
            }
        });
        let job = handle.spawn_blocking(move || {
            for _ in 0..3 {
                told.recv().expect("cannot lose the task");
            }
        });
        job.await.expect("cannot panic");
        other.await.expect("cannot panic");
    });
}
