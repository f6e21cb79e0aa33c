//! TCP: a listener, a stream, and the three leaf futures `Accept`, `Read` and `Write`.
//!
//! The problem: at the bottom of every `await` stands a future that talks to the operating system. These are ours,
//! written out: each `poll` is one call of `Registration::poll_io` and what to make of its answer.
//!
//! ```text
//!   stream.read(buf).await
//!      Read::poll --> poll_io(Read, cx, |s| s.read(buf)) --> Ok(n)        Ready(n)
//!                                                        --> WouldBlock   waker stored, Pending
//! ```
//!
//! 1. TCP is a stream of bytes. A read returns any part of what was sent, a write takes any part of what was offered.
//! 2. A read of 0 bytes is the end: the other side has closed its half. Our half is still open.
//! 3. Cancel-safe: a dropped `Read` has taken no byte, a dropped `Write` has sent none, a dropped `Accept` has no
//!    connection. What a poll moved, it returned.
//! 4. Dropping a future takes its waker out, but not that of somebody who waited later. One task waits per
//!    direction; the latest poll wins.
//!
//! Reads and writes take `&self`, so that one task can wait for both at once with `join`.

use std::future::Future;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mio::net as mio_net;
use socket2::{Domain, Protocol, Socket, Type};

use crate::runtime::Handle;
use crate::runtime::reactor::{Registration, Waiting};
use crate::runtime::trace::{Direction, Event};

/// How many connections may wait for `accept`. The kernel takes the smaller of this and its own limit
/// (`net.core.somaxconn`, 4,096 on current Linux), so that a burst of thousands is not refused.
const BACKLOG: i32 = 4096;

/// Bytes in and out, without saying where they go: a socket, a pipe in memory, or TLS around either.
///
/// Each `poll_` function either does something, or keeps the newest waker of `cx` for its direction and returns
/// `Pending`.
pub trait Transport {
    /// Reads into `buffer`. 0 bytes: the other side sends no more.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Whether a read may find something. `Pending` is certain, and has kept the waker as `poll_read` would: nobody need find
    /// a buffer for that.
    ///
    /// # Errors
    /// When the operating system cannot be told that somebody waits.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Writes some of `parts`, first to last, and says how many bytes that were.
    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Says to the other side that no more bytes will come. Reading goes on.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Where connections come from: a socket that listens, or a script that a test plays.
pub trait Listener {
    /// What it hands out.
    type Stream: Transport + 'static;

    /// Waits for the next connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>>;

    /// The runtime that it belongs to.
    fn handle(&self) -> &Handle;
}

/// A socket that hands out connections.
pub struct TcpListener {
    io: Registration<mio_net::TcpListener>,
    handle: Handle,
}

/// How a listener is opened.
#[derive(Clone, Copy, Default, Debug)]
pub struct ListenOptions {
    /// Lets several listeners share one port; the kernel spreads the connections among them (SO_REUSEPORT).
    pub reuse_port: bool,
}

impl TcpListener {
    /// Listens on `address`. Port 0 lets the system choose; see [`TcpListener::local_addr`].
    ///
    /// # Errors
    /// Those of `socket`, `bind` and `listen`: the address is in use, not ours, or needs privileges.
    pub fn bind(handle: &Handle, address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind_with(handle, address, ListenOptions::default())
    }

    /// As [`TcpListener::bind`], with options.
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    pub fn bind_with(
        handle: &Handle,
        address: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // A restart must not wait for the old connections' TIME_WAIT to end.
        socket.set_reuse_address(true)?;
        if options.reuse_port {
            socket.set_reuse_port(true)?;
        }
        // Accepted sockets inherit this: one system call here in place of one per connection. Without it the last
        // part of an answer can wait 40 ms for an acknowledgement.
        socket.set_tcp_nodelay(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = mio_net::TcpListener::from_std(socket.into());
        Ok(TcpListener { io: handle.register(listener), handle: handle.clone() })
    }

    /// Waits for the next connection.
    pub fn accept(&self) -> Accept<'_> {
        Accept { listener: self, waiting: Waiting::new(&self.io, Direction::Read) }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// Those of `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.with(|listener| listener.local_addr())
    }

    /// The runtime that it belongs to.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        TcpListener::accept(self)
    }

    fn handle(&self) -> &Handle {
        TcpListener::handle(self)
    }
}

/// The future of [`TcpListener::accept`].
#[must_use = "futures do nothing unless polled"]
pub struct Accept<'a> {
    listener: &'a TcpListener,
    waiting: Waiting<'a, mio_net::TcpListener>,
}

impl Future for Accept<'_> {
    type Output = io::Result<(TcpStream, SocketAddr)>;

    /// The listener stays "ready" after each success, so that the next `accept` tries at once. A burst of connections
    /// comes as one event: who accepts one per event leaves the others waiting for the next stranger.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let accepted = self.listener.io.poll_io(Direction::Read, cx, |listener| listener.accept());
        let (stream, peer) = ready!(self.waiting.note(accepted))?;
        let io = &self.listener.io;
        io.emit(|| Event::Io { source: io.id(), direction: Direction::Read, count: 1 });
        let stream = TcpStream { io: self.listener.handle.register(stream) };
        Poll::Ready(Ok((stream, peer)))
    }
}

/// One connection.
pub struct TcpStream {
    io: Registration<mio_net::TcpStream>,
}

impl TcpStream {
    /// Opens a connection.
    ///
    /// # Errors
    /// Those of `connect`: nobody listens, no route, and others.
    pub async fn connect(handle: &Handle, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream { io: handle.register(mio_net::TcpStream::connect(address)?) };
        Connect { stream: &stream, waiting: Waiting::new(&stream.io, Direction::Write) }.await?;
        Ok(stream)
    }

    /// Waits for bytes and reads them into `buffer`. 0 bytes: the end.
    pub fn read<'a>(&'a self, buffer: &'a mut [u8]) -> Read<'a> {
        Read { stream: self, buffer, waiting: Waiting::new(&self.io, Direction::Read) }
    }

    /// Waits for room and writes some of `bytes`.
    pub fn write<'a>(&'a self, bytes: &'a [u8]) -> Write<'a> {
        Write { stream: self, bytes, waiting: Waiting::new(&self.io, Direction::Write) }
    }

    /// Writes all of `bytes`. Not cancel-safe: if it is dropped, some of them may have been sent.
    ///
    /// # Errors
    /// Those of `write`, and `WriteZero` if the socket takes nothing more.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }

    /// Tells the other side that no more bytes will come.
    ///
    /// # Errors
    /// Those of `shutdown`; `NotConnected` when the other side is gone.
    pub fn shutdown(&self) -> io::Result<()> {
        self.io.with(|stream| stream.shutdown(Shutdown::Write))
    }

    /// The other side's address.
    ///
    /// # Errors
    /// Those of `getpeername`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.with(|stream| stream.peer_addr())
    }

    /// After a try that moved `count` bytes with room for `room`: tells, and notes whether more can be there.
    fn moved(&self, direction: Direction, count: usize, room: usize) {
        self.io.emit(|| Event::Io { source: self.io.id(), direction, count });
        if 0 < count && count < room {
            self.io.drained(direction);
        }
    }
}

impl Transport for TcpStream {
    #[inline(always)] // See `Registration::poll_io`.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_ready(Direction::Read, cx)
    }

    #[inline(always)] // See `Registration::poll_io`.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = ready!(self.io.poll_io(Direction::Read, cx, |stream| stream.read(buffer)))?;
        self.moved(Direction::Read, read, buffer.len());
        Poll::Ready(Ok(read))
    }

    #[inline(always)] // See `Registration::poll_io`.
    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        // `send` for one part: the kernel has less to do for it than for a vector of one.
        let written = ready!(self.io.poll_io(Direction::Write, cx, |stream| match parts {
            [one] => stream.write(one),
            many => stream.write_vectored(many),
        }))?;
        self.moved(Direction::Write, written, parts.iter().map(|part| part.len()).sum());
        Poll::Ready(Ok(written))
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown())
    }
}

/// The future of [`TcpStream::read`].
#[must_use = "futures do nothing unless polled"]
pub struct Read<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    waiting: Waiting<'a, mio_net::TcpStream>,
}

impl Future for Read<'_> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let read = this.stream.poll_read(cx, this.buffer);
        this.waiting.note(read)
    }
}

/// The future of [`TcpStream::write`].
#[must_use = "futures do nothing unless polled"]
pub struct Write<'a> {
    stream: &'a TcpStream,
    bytes: &'a [u8],
    waiting: Waiting<'a, mio_net::TcpStream>,
}

impl Future for Write<'_> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let written = self.stream.poll_write(cx, &[IoSlice::new(self.bytes)]);
        self.waiting.note(written)
    }
}

/// Waits until a connection that was begun is open or has failed: the socket becomes writable either way.
struct Connect<'a> {
    stream: &'a TcpStream,
    waiting: Waiting<'a, mio_net::TcpStream>,
}

impl Future for Connect<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let connected = self.stream.io.poll_io(Direction::Write, cx, |stream| {
            if let Some(error) = stream.take_error()? {
                return Err(error);
            }
            // `NotConnected` without an error means "still trying": wait for the next event.
            stream.peer_addr().map(drop).map_err(|error| match error.kind() {
                io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
                _ => error,
            })
        });
        self.waiting.note(connected)
    }
}
