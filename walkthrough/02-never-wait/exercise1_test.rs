//! What `try_read` must say. Included by the exercise and by its solution.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// A stream whose next answers are given.
struct Script(Vec<io::Result<usize>>);

impl Read for Script {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.remove(0)
    }
}

#[test]
fn not_now_is_not_an_error() {
    // A real socket to which nobody has sent anything.
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let far = TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
    let (mut near, _) = listener.accept().expect("accepts");
    near.set_nonblocking(true).expect("non-blocking");
    assert_eq!(try_read(&mut near, &mut [0; 8]), Answer::NotNow);
    drop(far);
}

#[test]
fn the_end_is_not_zero_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let mut far = TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
    let (mut near, _) = listener.accept().expect("accepts");
    far.write_all(b"bye").expect("sends");
    drop(far);
    assert_eq!(try_read(&mut near, &mut [0; 8]), Answer::Bytes(3));
    assert_eq!(try_read(&mut near, &mut [0; 8]), Answer::End);
}

#[test]
fn a_signal_means_try_again() {
    let mut stream = Script(vec![Err(ErrorKind::Interrupted.into()), Ok(5)]);
    assert_eq!(try_read(&mut stream, &mut [0; 8]), Answer::Bytes(5));
}

#[test]
fn a_reset_is_the_end_of_the_connection() {
    let mut stream = Script(vec![Err(ErrorKind::ConnectionReset.into())]);
    assert_eq!(try_read(&mut stream, &mut [0; 8]), Answer::Broken);
}
