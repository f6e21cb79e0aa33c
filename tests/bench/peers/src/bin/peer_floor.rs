//! The floor: epoll, `recv`, `send` of an answer that never changes. No HTTP, no parser; what is left is the kernel.
//!
//! Requests are counted by their blank lines, so that pipelined ones get an answer each. It serves bodiless requests
//! alone, and answers all of them with the greeting.

use std::os::fd::OwnedFd;

use memchr::memmem::Finder;
use peers::date::Date;
use peers::peer::{Options, TEXT};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};
use slab::Slab;

/// The listener's name; connection `key` is called `key + 1`.
const LISTENER: u64 = 0;
/// More answers in one write than any row asks for at once.
const BATCH: usize = 64;

fn main() -> std::io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    socket2::SockRef::from(&listener).set_tcp_nodelay(true)?;
    Floor::new(listener, options.greeting)?.run()?;
    Ok(())
}

struct Floor {
    epoll: OwnedFd,
    listener: std::net::TcpListener,
    connections: Slab<OwnedFd>,
    /// Many copies of the answer: a batch is the beginning of it.
    answers: Vec<u8>,
    /// The length of one answer.
    length: usize,
    blank_line: Finder<'static>,
    close: Finder<'static>,
}

impl Floor {
    fn new(listener: std::net::TcpListener, greeting: &str) -> Result<Floor, Errno> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN | EventFlags::ET)?;
        // The date of the start: an answer that never changes.
        let (date, length) = (Date::new(), greeting.len());
        let answer = format!(
            "HTTP/1.1 200 OK\r\ndate: {}\r\ncontent-type: {TEXT}\r\ncontent-length: {length}\r\n\r\n{greeting}",
            date.text()
        );
        Ok(Floor {
            epoll,
            listener,
            connections: Slab::new(),
            answers: answer.repeat(BATCH).into(),
            length: answer.len(),
            blank_line: Finder::new(b"\r\n\r\n"),
            close: Finder::new(b"connection: close"),
        })
    }

    fn run(mut self) -> Result<(), Errno> {
        let (mut events, mut buffer) = (Vec::with_capacity(1024), vec![0; 64 * 1024]);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept(&mut buffer)?,
                    name => self.serve(name, &mut buffer),
                }
            }
        }
    }

    fn accept(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        while let Ok(stream) = accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            if !self.answer(&stream, buffer) {
                continue;
            }
            let entry = self.connections.vacant_entry();
            let name = EventData::new_u64(entry.key() as u64 + 1);
            epoll::add(&self.epoll, &stream, name, EventFlags::IN | EventFlags::ET)?;
            entry.insert(stream);
        }
        Ok(())
    }

    fn serve(&mut self, name: u64, buffer: &mut [u8]) {
        let Some(key) = usize::try_from(name).ok().and_then(|name| name.checked_sub(1)) else { return };
        let keep = self.connections.get(key).is_none_or(|stream| self.answer(stream, buffer));
        if !keep {
            self.connections.remove(key);
        }
    }

    /// Answers what is there. Says whether the connection goes on.
    fn answer(&self, stream: &OwnedFd, buffer: &mut [u8]) -> bool {
        let read = match recv(stream, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => return false,
            Ok((read, _)) => read,
            Err(error) => return error == Errno::AGAIN,
        };
        let data = &buffer[..read];
        let requests = self.blank_line.find_iter(data).count().min(BATCH);
        let sent = send(stream, &self.answers[..requests * self.length], SendFlags::NOSIGNAL);
        sent.is_ok() && self.close.find(data).is_none()
    }
}
