//! Signals: Ctrl-C and friends as one more readable source.
//!
//! The problem: a signal handler runs between any two instructions, on any stack; next to nothing is allowed in it.
//! So the handler (signal-hook's) writes one byte into a socket pair, and the reading end is registered like any
//! other socket. To a task a signal is data that arrives.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};

use crate::runtime::Handle;
use crate::runtime::reactor::{Registration, Waiting};
use crate::runtime::trace::{Direction, Event};

/// Some signals, as a source of events. Dropping it stops nobody from receiving them: they are ignored from then on.
pub struct Signals {
    io: Registration<signal_hook_mio::v1_0::Signals>,
}

impl Signals {
    /// Takes over these signals for the whole process.
    ///
    /// # Errors
    /// When no descriptors are left, or a signal cannot be caught.
    pub fn new(handle: &Handle, signals: &[i32]) -> io::Result<Signals> {
        Ok(Signals { io: handle.register(signal_hook_mio::v1_0::Signals::new(signals)?) })
    }

    /// SIGUSR1: "tell me how you are".
    ///
    /// # Errors
    /// As [`Signals::new`].
    pub fn report(handle: &Handle) -> io::Result<Signals> {
        Signals::new(handle, &[SIGUSR1])
    }

    /// Waits for the next signal.
    pub fn recv(&mut self) -> Recv<'_> {
        Recv { waiting: Waiting::new(&self.io, Direction::Read), signals: self }
    }
}

/// The signals that ask a process to stop: SIGINT (Ctrl-C) and SIGTERM.
pub struct StopSignals(Signals);

impl StopSignals {
    /// Takes over SIGINT and SIGTERM for the whole process. The first one is reported by `recv`; a second one ends the
    /// process at once with `exit_code`, in the signal handler itself, so that it works even while a task blocks.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(handle: &Handle, exit_code: i32) -> io::Result<StopSignals> {
        let second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, and then raises it.
            signal_hook::flag::register_conditional_shutdown(signal, exit_code, second.clone())?;
            signal_hook::flag::register(signal, second.clone())?;
        }
        Ok(StopSignals(Signals::new(handle, &[SIGINT, SIGTERM])?))
    }

    /// Waits for the next signal.
    pub fn recv(&mut self) -> Recv<'_> {
        self.0.recv()
    }
}

/// The future of [`Signals::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a> {
    signals: &'a Signals,
    waiting: Waiting<'a, signal_hook_mio::v1_0::Signals>,
}

impl Future for Recv<'_> {
    /// The signal's name.
    type Output = io::Result<&'static str>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let received = self.signals.io.poll_io(Direction::Read, cx, |signals| {
            let number = signals.pending().next().ok_or(io::ErrorKind::WouldBlock)?;
            Ok(signal_hook::low_level::signal_name(number).unwrap_or("a signal"))
        });
        let received = ready!(self.waiting.note(received))?;
        let io = &self.signals.io;
        io.emit(|| Event::Io { source: io.id(), direction: Direction::Read, count: 1 });
        Poll::Ready(Ok(received))
    }
}
