//! The response encoder: a head into a buffer, with exactly one framing.
//!
//! Written with `push`, not with `write!`: formatting machinery would cost more than all the rest of the head.

use super::buffer::Buffer;
use super::date::DateHeader;
use super::response::Response;
use super::status::Status;

/// How the client finds the end of the answer's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseFraming {
    /// No body and no word about one: 204, 304.
    Bodiless,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
    /// The connection's end is the body's end: an HTTP/1.0 client and a length that nobody knows.
    UntilClose,
}

/// What the connection says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Persistence {
    /// HTTP/1.1 and nothing special: no header.
    KeepAlive,
    /// An HTTP/1.0 client asked to keep the connection, and we do: it must be told.
    KeepAliveSaid,
    /// This is the last answer.
    Close,
}

/// Writes status line and headers.
pub fn write_head(
    out: &mut Buffer,
    response: &Response,
    date: &DateHeader,
    framing: ResponseFraming,
    persistence: Persistence,
) {
    let status = response.status();
    if status == Status::OK {
        out.push(date.with_ok_line()); // Most answers.
    } else {
        out.push(b"HTTP/1.1 ");
        push_number(out, u64::from(status.code()));
        out.push(b" ");
        out.push(status.reason().as_bytes());
        out.push(date.without_status_line());
    }
    if let Some(content_type) = response.content_type() {
        out.push(b"\r\ncontent-type: ");
        out.push(content_type.as_bytes());
    }
    for (name, value) in response.other_headers() {
        out.push(b"\r\n");
        out.push(name.as_bytes());
        out.push(b": ");
        out.push(value.as_bytes());
    }
    match persistence {
        Persistence::KeepAlive => {}
        Persistence::KeepAliveSaid => out.push(b"\r\nconnection: keep-alive"),
        Persistence::Close => out.push(b"\r\nconnection: close"),
    }
    match framing {
        // Most answers. What is left of the head has one length then, and one `push` writes it. So this ends the head: all
        // other headers come before it.
        ResponseFraming::Length(length @ 100..1000) => return out.push(&last_lines(length)),
        ResponseFraming::Length(length) => {
            out.push(b"\r\ncontent-length: ");
            push_number(out, length);
        }
        ResponseFraming::Chunked => out.push(b"\r\ntransfer-encoding: chunked"),
        ResponseFraming::Bodiless | ResponseFraming::UntilClose => {}
    }
    out.push(b"\r\n\r\n");
}

/// The end of a head, for a length from 100 to 999.
fn last_lines(length: u64) -> [u8; 25] {
    let mut lines = *b"\r\ncontent-length: 000\r\n\r\n";
    lines[18..21]
        .copy_from_slice(&[length / 100, length / 10, length].map(|number| b'0' + (number % 10) as u8));
    lines
}

/// Writes a number in decimal.
fn push_number(out: &mut Buffer, mut number: u64) {
    let mut digits = [0_u8; 20]; // u64::MAX has 20 digits.
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push(&digits[start..]);
}

/// Writes a chunk's size line.
pub fn push_chunk_size(out: &mut Buffer, size: usize) {
    let mut digits = [0_u8; 16];
    let mut start = digits.len();
    let mut rest = size;
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdef"[rest % 16];
        rest /= 16;
        if rest == 0 {
            break;
        }
    }
    out.push(&digits[start..]);
    out.push(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::date::DateCache;
    use super::*;

    fn head(response: &Response, framing: ResponseFraming, persistence: Persistence) -> String {
        let mut out = Buffer::with_size(512);
        write_head(&mut out, response, &DateCache::new().date(Instant::now()), framing, persistence);
        String::from_utf8(out.to_vec()).expect("text")
    }

    /// Answers with a shortcut, a 200 and a length of three digits, and those without are written alike.
    #[test]
    fn heads() {
        let date = |head: &str| head.lines().nth(1).map(str::to_owned).expect("a date");
        for length in [0, 9, 10, 99, 100, 101, 110, 998, 999, 1_000, u64::MAX] {
            for (status, line) in [(Status::OK, "200 OK"), (Status::GONE, "410 Gone")] {
                let head = head(&Response::new(status), ResponseFraming::Length(length), Persistence::Close);
                let expected = format!(
                    "HTTP/1.1 {line}\r\n{}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
                    date(&head)
                );
                assert_eq!(head, expected);
                assert!(date(&head).starts_with("date: ") && head.contains(" GMT\r\n"), "{head}");
            }
        }
        let response = Response::new(Status::NO_CONTENT);
        let bodiless = head(&response, ResponseFraming::Bodiless, Persistence::KeepAlive);
        assert_eq!(bodiless, format!("HTTP/1.1 204 No Content\r\n{}\r\n\r\n", date(&bodiless)));
        let response = Response::text("x").with_header("x", "y");
        let chunked = head(&response, ResponseFraming::Chunked, Persistence::KeepAliveSaid);
        let lines = "content-type: text/plain; charset=utf-8\r\nx: y\r\nconnection: keep-alive\r\n\
                     transfer-encoding: chunked\r\n\r\n";
        assert_eq!(chunked, format!("HTTP/1.1 200 OK\r\n{}\r\n{lines}", date(&chunked)));
    }

    /// Numbers are written as `Display` writes them.
    #[test]
    fn numbers() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        let around = powers.flat_map(|power| [power - 1, power, power + 1]);
        for number in (0..2_000).chain(around).chain([u64::MAX]) {
            let mut out = Buffer::with_size(32);
            push_number(&mut out, number);
            assert_eq!(&*out, number.to_string().as_bytes());
        }
    }
}
