//! Deadlines on real sockets: what has come in time is in time, however late it is looked at.
//!
//! The runtime reads its clock when it comes back from the operating system. Between the last look at the sockets and
//! the clock any time can have passed. So before a timer fires, there is one more look.

mod common;

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use common::sockets::finish;
use glassbox::Runtime;
use glassbox::runtime::trace::Direction;

/// Bytes that came in time were too late if more than a thousand others came with them, or if the process was stopped
/// meanwhile: one trip brings home 1,024 events, and then the timers fired. All that has come is heard first.
#[test]
fn a_deadline_overtook_the_bytes_that_came_before_it() {
    const CROWD: usize = 1500;
    let limit = rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be read");
    if limit < 2 * CROWD as u64 + 100 {
        return println!("skipped: {limit} descriptors are too few");
    }
    let runtime = Runtime::new().expect("cannot build a runtime");
    let (handle, patience, start) = (runtime.handle(), Duration::from_millis(700), Instant::now());
    let mut far = Vec::new();
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| {
            let (near, other) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
            near.set_nonblocking(true).expect("a socket can be non-blocking");
            far.push(other);
            let near = handle.register(mio::net::UnixStream::from_std(near));
            let byte = poll_fn(move |cx| near.poll_io(Direction::Read, cx, |socket| socket.read(&mut [0])));
            let handle = handle.clone();
            handle.clone().spawn(async move { handle.timeout(patience, byte).await.is_ok() })
        })
        .collect();
    runtime.run_until_stalled();
    for socket in &mut far {
        socket.write_all(b"!").expect("there is room");
    }
    if start.elapsed() > patience / 2 {
        return println!("skipped: this machine is too busy to write in time");
    }
    while start.elapsed() < 2 * patience {} // Somebody blocks the thread, or stops the process.
    let in_time = tasks.into_iter().map(|task| finish(&runtime, task)).filter(|ok| *ok).count();
    assert_eq!(in_time, CROWD, "bytes that came in time");
}
