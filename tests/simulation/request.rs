//! The requests that simulated clients send: their bytes, and what must come back.
//!
//! Every request has a number of its own, and every answer's body depends on it. So an answer that is lost, doubled or
//! out of order is seen at once.

use super::rng::Rng;

/// How a body is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payload {
    pub length: usize,
    /// In chunks of this size; `None`: with a Content-Length.
    pub chunks: Option<usize>,
    /// The client says that it waits for `100 Continue`. (It does not: it sends when the script says so.)
    pub expects: bool,
}

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Hello,
    /// HEAD of the same.
    Head,
    /// HTTP/1.0, without keep-alive.
    Old,
    /// With `Connection: close`.
    Close,
    /// A path that does not exist.
    Missing,
    /// Not HTTP.
    Bad,
    Panic,
    /// An answer after so many milliseconds.
    Sleep(usize),
    /// An answer when another thread has raised a flag.
    Raised,
    /// An answer from a task of its own, after so many milliseconds.
    Work(usize),
    /// An answer after so many polls.
    Yield(usize),
    /// The body comes back while it is read.
    Echo(Payload),
    /// The body is collected, and compared by the handler.
    Collect(Payload),
    /// The body is not looked at.
    Ignore(Payload),
    /// So many bytes in one piece.
    Big(usize),
    /// So many bytes in pieces, chunked.
    Stream(usize),
    /// So many server-sent events, made by a task of their own.
    Events(usize),
    /// Another task reads the body while so many bytes are the answer.
    Split(Payload, usize),
}

/// One request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub number: usize,
    pub what: What,
}

/// What must come back.
#[derive(Clone, Debug)]
pub struct Expected {
    pub status: u16,
    /// `None`: a text that is not worth comparing.
    pub body: Option<Vec<u8>>,
    /// The answer announces the end of the connection.
    pub closes: bool,
    pub to_head: bool,
}

impl Kind {
    /// Some request; the ordinary ones more often.
    pub fn any(rng: &mut Rng, number: usize) -> Kind {
        let small = rng.pick(&[0, 1, 2, 17, 300, 5000]);
        let large = rng.pick(&[1, 1000, 4096, 4097, 16_384, 40_000, 100_000]);
        let length = if rng.one_in(6) { large } else { small };
        let chunks = if rng.one_in(2) { None } else { Some(rng.pick(&[1, 7, 100, 5000])) };
        let payload = Payload { length, chunks, expects: rng.one_in(8) };
        let what = match rng.below(32) {
            0..7 => What::Hello,
            7..9 => What::Head,
            9 => What::Missing,
            10 => What::Sleep(rng.pick(&[0, 1, 500, 3000, 3000, 20_000])),
            11 => rng.pick(&[What::Sleep(3000), What::Work(0), What::Work(3000), What::Work(6000)]),
            12 => What::Raised,
            13..15 => What::Yield(rng.pick(&[1, 2, 50])),
            15..18 => What::Echo(payload),
            18..20 => What::Collect(payload),
            20..22 => What::Ignore(Payload { expects: false, ..payload }),
            22..24 => What::Big(large),
            24..26 => What::Stream(large),
            26 => What::Events(rng.pick(&[1, 2, 20])),
            27..30 => What::Split(Payload { expects: false, ..payload }, large),
            30 => rng.pick(&[What::Old, What::Close, What::Hello, What::Hello]),
            _ => rng.pick(&[What::Bad, What::Panic, What::Hello, What::Hello]),
        };
        Kind { number, what }
    }

    /// A request with a body of this length.
    pub fn with_a_body(rng: &mut Rng, length: usize) -> What {
        let chunks = rng.pick(&[None, Some(100), Some(5000)]);
        let payload = Payload { length, chunks, expects: false };
        rng.pick(&[
            What::Echo(payload),
            What::Collect(payload),
            What::Ignore(payload),
            What::Split(payload, 4096),
        ])
    }

    /// A request whose answer is longer than a write.
    pub fn with_a_long_answer(rng: &mut Rng, size: usize) -> What {
        let size = size.max(4096);
        rng.pick(&[What::Big(size), What::Big(size), What::Stream(size), What::Events(20)])
    }

    /// The bytes of its head, and of its body.
    pub fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let number = self.number;
        let get = |path: String| (format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(), Vec::new());
        let plain = |line: &str| (line.replace('#', &number.to_string()).into_bytes(), Vec::new());
        match self.what {
            What::Hello => get(format!("/hello/{number}")),
            What::Head => plain("HEAD /hello/# HTTP/1.1\r\nHost: a\r\n\r\n"),
            What::Old => plain("GET /hello/# HTTP/1.0\r\n\r\n"),
            What::Close => plain("GET /hello/# HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            What::Bad => plain("GET  /hello/# HTTP/1.1\r\nHost: a\r\n\r\n"),
            What::Missing => get(format!("/missing/{number}")),
            What::Panic => get("/panic".to_owned()),
            What::Sleep(ms) => get(format!("/sleep/{number}/{ms}")),
            What::Raised => get(format!("/raised/{number}")),
            What::Work(ms) => get(format!("/work/{number}/{ms}")),
            What::Yield(times) => get(format!("/yield/{number}/{times}")),
            What::Big(size) => get(format!("/big/{number}/{size}")),
            What::Stream(size) => get(format!("/stream/{number}/{size}")),
            What::Events(count) => get(format!("/events/{number}/{count}")),
            What::Echo(payload) => self.post("/echo", payload),
            What::Collect(payload) => self.post(&format!("/collect/{number}/{}", payload.length), payload),
            What::Ignore(payload) => self.post(&format!("/ignore/{number}"), payload),
            What::Split(payload, size) => {
                self.post(&format!("/split/{number}/{}/{size}", payload.length), payload)
            }
        }
    }

    fn post(&self, path: &str, payload: Payload) -> (Vec<u8>, Vec<u8>) {
        let data = pattern(self.number, payload.length);
        let (framing, body) = match payload.chunks {
            None => (format!("Content-Length: {}", data.len()), data),
            Some(size) => ("Transfer-Encoding: chunked".to_owned(), in_chunks(&data, size)),
        };
        let expect = if payload.expects { "Expect: 100-continue\r\n" } else { "" };
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{expect}{framing}\r\n\r\n");
        (head.into_bytes(), body)
    }

    /// The answer to it, if nothing goes wrong.
    pub fn expected(&self) -> Expected {
        let number = self.number;
        let mut expected = Expected { status: 200, body: None, closes: false, to_head: false };
        let body = match self.what {
            What::Hello | What::Old | What::Close => format!("hello {number}\n").into_bytes(),
            What::Head => Vec::new(),
            What::Sleep(_) => format!("slept {number}\n").into_bytes(),
            What::Raised => format!("raised {number}\n").into_bytes(),
            What::Work(_) => format!("worked {number}\n").into_bytes(),
            What::Yield(_) => format!("yielded {number}\n").into_bytes(),
            What::Echo(payload) => pattern(number, payload.length),
            What::Collect(_) => format!("collected {number}\n").into_bytes(),
            What::Ignore(_) => format!("ignored {number}\n").into_bytes(),
            What::Big(size) | What::Stream(size) | What::Split(_, size) => pattern(number, size),
            What::Events(count) => events(number, count),
            What::Missing => return Expected { status: 404, ..expected },
            What::Bad => return Expected { status: 400, closes: true, ..expected },
            What::Panic => return Expected { status: 500, closes: true, ..expected },
        };
        expected.body = Some(body);
        expected.closes = matches!(self.what, What::Old | What::Close);
        expected.to_head = self.what == What::Head;
        expected
    }

    /// An answer's body without what may be different: comments in a stream of events that was silent for long, and the
    /// fate of a task. (Whether that task was aborted is the handler's complaint.)
    pub fn content(&self, body: &[u8]) -> Vec<u8> {
        match self.what {
            What::Events(_) => String::from_utf8_lossy(body).replace(":\n\n", "").into_bytes(),
            What::Work(_) if body == format!("aborted {}\n", self.number).as_bytes() => {
                format!("worked {}\n", self.number).into_bytes()
            }
            _ => body.to_vec(),
        }
    }

    /// Whether the answer waits for nothing but the request.
    pub fn is_instant(&self) -> bool {
        !matches!(self.what, What::Sleep(_) | What::Raised | What::Work(_))
    }

    /// Whether `100 Continue` may come before the answer.
    pub fn may_continue(&self) -> bool {
        matches!(self.what, What::Echo(payload) | What::Collect(payload) if payload.expects)
    }
}

fn events(number: usize, count: usize) -> Vec<u8> {
    (0..count).flat_map(|nth| format!("data: {number}.{nth}\n\n").into_bytes()).collect()
}

/// Bytes that depend on the request and on their place: one too few, too many or elsewhere shows.
pub fn pattern(number: usize, length: usize) -> Vec<u8> {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..length).map(|place| LETTERS[(place * 7 + place / 62 + number * 13) % 62]).collect()
}

fn in_chunks(data: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in data.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
