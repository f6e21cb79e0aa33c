//! What `read_head` must do. Included by the exercise and by its solution.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use super::*;

/// A stream whose pieces are given. An empty piece is a signal that interrupts the read.
struct Pieces(VecDeque<Vec<u8>>);

fn pieces(pieces: &[&str]) -> Pieces {
    Pieces(pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect())
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
        if piece.is_empty() {
            return Err(ErrorKind::Interrupted.into());
        }
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        let rest = piece.split_off(count);
        if !rest.is_empty() {
            self.0.push_front(rest);
        }
        Ok(count)
    }
}

const HEAD: &str = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

#[test]
fn a_head_in_two_pieces() {
    for cut in 1..HEAD.len() {
        let (first, second) = HEAD.split_at(cut);
        let head = read_head(&mut pieces(&[first, second])).expect("a head");
        assert_eq!(head, HEAD.as_bytes(), "cut at byte {cut}");
    }
}

#[test]
fn a_long_head() {
    let long = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "c".repeat(1500));
    assert_eq!(read_head(&mut pieces(&[&long])).expect("a head"), long.as_bytes());
}

#[test]
fn what_stands_behind_the_head_stays_in_the_stream() {
    let mut stream = pieces(&["GET / HTTP/1.1\r\n\r\nGET /next"]);
    assert_eq!(read_head(&mut stream).expect("a head"), b"GET / HTTP/1.1\r\n\r\n");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "GET /next");
}

#[test]
fn a_signal_is_not_an_error() {
    let head = read_head(&mut pieces(&["GET / HT", "", "TP/1.1\r\n\r\n"])).expect("a head");
    assert_eq!(head, b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn the_end_in_the_middle_is_an_error() {
    let error = read_head(&mut pieces(&["GET / HT"])).expect_err("half a head");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}
