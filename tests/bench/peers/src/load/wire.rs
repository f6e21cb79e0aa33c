//! The bytes of a request, and the length of its answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::plan::Plan;

/// How every good answer begins.
pub const GOOD: &[u8] = b"HTTP/1.1 200";

/// The longest wait for one answer. Under valgrind or strace a server is slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request as bytes.
#[must_use]
pub fn request(plan: &Plan) -> Vec<u8> {
    let (address, path) = (plan.address, &plan.path);
    let close = if plan.work.is_fresh() { "connection: close\r\n" } else { "" };
    if plan.body == 0 {
        return format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{close}\r\n").into_bytes();
    }
    let length = plan.body;
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\n{close}content-length: {length}\r\n\r\n");
    let mut bytes = head.into_bytes();
    bytes.resize(bytes.len() + length, b'y');
    bytes
}

/// A connection, ready for a request.
///
/// # Errors
///
/// Nobody listens.
pub fn connect(plan: &Plan) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(plan.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Connections that are opened before the first of them is asked. Far below any server's backlog; enough that the two
/// sides need not wait for each other at every connection.
const CROWD: usize = 100;

/// Opens all connections of a plan, each with a first request and its answer, so that none is left in the backlog.
/// Gives the length of an answer too: all are as long.
///
/// # Errors
///
/// A connection fails, or an answer is not 200, or not as long as the others.
pub fn open_all(plan: &Plan) -> io::Result<(Vec<TcpStream>, usize)> {
    let request = request(plan);
    let (mut streams, mut length) = (Vec::with_capacity(plan.connections), None);
    while streams.len() < plan.connections {
        let crowd = CROWD.min(plan.connections - streams.len());
        let mut crowd = (0..crowd).map(|_| connect(plan)).collect::<io::Result<Vec<_>>>()?;
        // A long request first would fill the socket while nobody reads the answer: those are asked one by one.
        let together = plan.body == 0;
        for stream in crowd.iter_mut().filter(|_| together) {
            stream.write_all(&request)?;
        }
        for stream in &mut crowd {
            let answer = ask(stream, if together { &[] } else { &request })?;
            if answer.status != 200 || *length.get_or_insert(answer.length()) != answer.length() {
                return Err(io::Error::other(format!("status {}, {} bytes", answer.status, answer.length())));
            }
        }
        streams.append(&mut crowd);
    }
    Ok((streams, length.unwrap_or_default()))
}

/// An answer: status, the length of the head, the body.
pub struct Answer {
    pub status: u16,
    pub head: usize,
    pub body: Vec<u8>,
}

impl Answer {
    /// Head and body.
    #[must_use]
    pub fn length(&self) -> usize {
        self.head + self.body.len()
    }
}

/// Sends a request and reads its answer, the slow and careful way.
///
/// # Errors
///
/// The connection ended too early, or the answer is none, or it has no content-length.
pub fn ask(stream: &mut TcpStream, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request)?;
    let (mut data, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        if let Some((status, head, length)) = parse(&data)?
            && data.len() >= head + length
        {
            if data.len() > head + length {
                return Err(io::Error::new(ErrorKind::InvalidData, "more than an answer"));
            }
            return Ok(Answer { status, head, body: data.split_off(head) });
        }
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        data.extend_from_slice(&piece[..read]);
    }
}

/// Status, length of the head, length of the body; nothing if the head is not whole yet.
fn parse(data: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let bad = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(data).map_err(|error| bad(&error.to_string()))?;
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let length = length.ok_or_else(|| bad("an answer without a content-length"))?;
    Ok(Some((response.code.unwrap_or_default(), head, length)))
}
