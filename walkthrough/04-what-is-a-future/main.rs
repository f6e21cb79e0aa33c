//! Chapter 4: a future is a value that somebody polls. The same line reader twice: written by hand as an enum, and as
//! an `async fn`. Both are polled by hand, and both leave the same trace.
//!
//! `cargo run --example ch04` shows the two; `-- again`, `-- eager` and `-- forgetful` show three ways to get it wrong.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Where the bytes come from. In place of a socket, a script: what each read will find, written down beforehand.
/// `None` is the answer "nothing yet", which a real non-blocking socket gives as `WouldBlock`.
#[derive(Clone)]
struct Input(Rc<Scripted>);

struct Scripted {
    script: RefCell<VecDeque<Option<&'static str>>>,
    /// The trace: what happened, a line each.
    trace: RefCell<Vec<String>>,
}

impl Input {
    fn new(script: &[Option<&'static str>]) -> Input {
        Input(Rc::new(Scripted {
            script: RefCell::new(script.iter().copied().collect()),
            trace: RefCell::default(),
        }))
    }

    /// One try. It never waits: there is something, or there is not.
    fn try_read(&self) -> Poll<&'static str> {
        let answer = self.0.script.borrow_mut().pop_front().flatten();
        self.note(match answer {
            Some(piece) => format!("    read {piece:?}"),
            None => "    read nothing yet".into(),
        });
        answer.map_or(Poll::Pending, Poll::Ready)
    }

    fn note(&self, line: impl Into<String>) {
        self.0.trace.borrow_mut().push(line.into());
    }

    fn trace(&self) -> Vec<String> {
        self.0.trace.take()
    }
}

// By hand. --------------------------------------------------------------------------------------------------------

/// Reads up to the end of a line. Each variant is a place where the function can stand still, with the variables
/// that are alive there.
enum ReadLine {
    /// Made, and never polled: it holds its argument and has done nothing.
    Start { input: Input },
    /// At the `await`: something may have been read, and the end of the line has not.
    Reading { input: Input, line: String },
    /// It has returned its value. There is nothing left to do, and nothing to do it with.
    Done,
}

/// What a caller calls. It runs none of the work: it makes the value that is able to.
fn read_line_by_hand(input: Input) -> ReadLine {
    ReadLine::Start { input }
}

impl Future for ReadLine {
    type Output = String;

    /// Goes on from where the last poll stopped, as far as it can without waiting.
    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match &mut *self {
                ReadLine::Start { input } => {
                    let input = input.clone();
                    *self = ReadLine::Reading { input, line: String::new() };
                }
                ReadLine::Reading { input, line } => {
                    match input.try_read() {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(piece) => line.push_str(piece),
                    }
                    if line.ends_with('\n') {
                        let line = std::mem::take(line);
                        *self = ReadLine::Done;
                        return Poll::Ready(line);
                    }
                }
                ReadLine::Done => panic!("ReadLine polled after it was ready"),
            }
        }
    }
}

// The same, written by the compiler. ------------------------------------------------------------------------------

/// The leaf that the `async fn` awaits: one try per poll.
struct ReadSome<'a>(&'a Input);

impl Future for ReadSome<'_> {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<&'static str> {
        self.0.try_read()
    }
}

/// The compiler makes an enum of this: one variant before the first line runs, one per `await`, one for the end.
async fn read_line(input: Input) -> String {
    let mut line = String::new();
    while !line.ends_with('\n') {
        line.push_str(ReadSome(&input).await);
    }
    line
}

// Two mistakes. ---------------------------------------------------------------------------------------------------

/// Work in the constructor: the first read happens before anybody has polled.
fn read_line_eagerly(input: Input) -> ReadLine {
    let line = match input.try_read() {
        Poll::Ready(piece) => piece.to_owned(),
        Poll::Pending => String::new(),
    };
    ReadLine::Reading { input, line }
}

/// Keeps its progress in a variable of `poll`, and so does not keep it: each poll begins a new line.
struct Forgetful(Input);

impl Future for Forgetful {
    type Output = String;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<String> {
        let mut line = String::new();
        while !line.ends_with('\n') {
            match self.0.try_read() {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => line.push_str(piece),
            }
        }
        Poll::Ready(line)
    }
}

// Polling by hand. ------------------------------------------------------------------------------------------------

/// Polls until the value is there, and writes down each poll. `Waker::noop()` is a waker that does nothing: nobody
/// needs to be woken here, because this loop asks again at once. That is chapter 5's mistake, made on purpose.
fn drive(input: &Input, mut future: Pin<&mut impl Future<Output = String>>) -> String {
    let mut cx = Context::from_waker(Waker::noop());
    let mut polls = 0;
    loop {
        polls += 1;
        input.note(format!("poll {polls}"));
        match future.as_mut().poll(&mut cx) {
            Poll::Pending => input.note("    Pending"),
            Poll::Ready(line) => {
                input.note(format!("    Ready({line:?})"));
                return line;
            }
        }
    }
}

/// "hello" and a line end, in three pieces, with two moments when nothing is there.
const SCRIPT: [Option<&str>; 5] = [Some("he"), None, Some("l"), None, Some("lo\n")];

/// Makes a future, polls it to the end, and returns the trace.
fn trace_of<F: Future<Output = String>>(make: impl FnOnce(Input) -> F) -> Vec<String> {
    let input = Input::new(&SCRIPT);
    let mut future = pin!(make(input.clone()));
    input.note("made");
    drive(&input, future.as_mut());
    input.trace()
}

fn show(title: &str, trace: &[String]) {
    println!("{title}\n  {}\n", trace.join("\n  "));
}

fn compare() {
    let by_hand = trace_of(read_line_by_hand);
    let by_compiler = trace_of(read_line);
    show("by hand", &by_hand);
    println!("the async fn leaves the same trace: {}", by_hand == by_compiler);
}

/// Polls each of the two once more after its end.
fn again() {
    std::panic::set_hook(Box::new(|_| {})); // the message is printed below, without the advice on backtraces
    let input = Input::new(&SCRIPT);
    println!("by hand, polled after Ready");
    let mut future = pin!(read_line_by_hand(input.clone()));
    drive(&input, future.as_mut());
    once_more(future);
    let input = Input::new(&SCRIPT);
    println!("async fn, polled after Ready");
    let mut future = pin!(read_line(input.clone()));
    drive(&input, future.as_mut());
    once_more(future);
}

fn once_more(future: Pin<&mut impl Future<Output = String>>) {
    let poll = || drop(future.poll(&mut Context::from_waker(Waker::noop())));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll));
    let payload = caught.expect_err("a poll after Ready must not go unnoticed here");
    println!("    it panics: {}", payload.downcast_ref::<&str>().expect("a message without arguments"));
}

/// Makes a future, changes its mind, and makes another one.
fn eager() {
    for (title, lazy) in
        [("lazy: made, dropped, made again", true), ("eager: made, dropped, made again", false)]
    {
        let input = Input::new(&SCRIPT);
        let make = if lazy { read_line_by_hand } else { read_line_eagerly };
        drop(make(input.clone()));
        input.note("dropped");
        let mut future = pin!(make(input.clone()));
        drive(&input, future.as_mut());
        show(title, &input.trace());
    }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => compare(),
        Some("again") => again(),
        Some("eager") => eager(),
        Some("forgetful") => show("forgetful", &trace_of(Forgetful)),
        Some(other) => eprintln!("no such demonstration: {other} (try again, eager or forgetful)"),
    }
}

#[cfg(test)]
#[path = "test.rs"]
mod test;
