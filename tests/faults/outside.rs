//! What happens to the process from outside: nobody reads its log, the disk is full, it is stopped for a while.

use std::fs::OpenOptions;
use std::io::pipe;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::super::common::bystander::undisturbed;
use super::super::common::server::{Client, Server};
use super::super::{alone, binary, get, healthy, let_pass, server};

/// A pipe that nobody reads from.
fn closed_pipe() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full is there on Linux").into()
}

fn talkative() -> Command {
    let mut command = binary();
    command.args(["-v", "--trace"]);
    command
}

/// Each request is logged, each event is printed, and none of it can be written. The server serves on, and ends well.
#[test]
fn nobody_reads_the_log() {
    let _alone = alone();
    for (name, log) in
        [("the log's disk is full", full_disk as fn() -> Stdio), ("the log's pipe is closed", closed_pipe)]
    {
        let start = || Server::start_with_log(talkative(), log());
        undisturbed(name, start, |server| {
            let mut client = server.connect();
            for nth in 0..500 {
                assert!(healthy(&mut client));
                get(&mut client, &format!("/missing/{nth}"));
                assert_eq!(client.answer().status, 404);
            }
            let mut refused = server.connect();
            refused.send(b"NONSENSE\r\n\r\n");
            assert_eq!(refused.answer().status, 400);
        });
        let server = start();
        assert!(healthy(&mut server.connect()));
        server.signal("TERM");
        assert_eq!(server.wait().0.code(), Some(0), "{name}");
    }
}

/// Nobody reads what it says at its start either.
#[test]
fn nobody_reads_its_greeting() {
    let _alone = alone();
    for (out, log) in [(closed_pipe(), closed_pipe()), (full_disk(), full_disk())] {
        // A port that was free a moment ago: the server cannot tell us its own.
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
        command.args(["--listen", &free.to_string(), "-v"]).stdout(out).stderr(log);
        let mut child = command.spawn().expect("the server starts");
        let mut client = connect_when_ready(free);
        assert!(healthy(&mut client));
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

fn connect_when_ready(address: SocketAddr) -> Client {
    while TcpStream::connect(address).is_err() {}
    Client::connect(address)
}

/// An error at the start is told by the exit code, also when nobody reads the message.
#[test]
fn nobody_reads_its_error() {
    for (flags, code) in [(["--listen", "192.0.2.1:80"], 1), (["--nonsense", ""], 2)] {
        for log in [closed_pipe(), full_disk()] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_glassbox"));
            let status = command.args(flags).stdout(Stdio::null()).stderr(log).status().expect("it runs");
            assert_eq!(status.code(), Some(code), "{flags:?}");
        }
    }
}

/// The process is stopped for three seconds, as by a debugger or a laptop's lid. To it the clock jumps. What has come
/// meanwhile is answered, limits that have passed meanwhile have passed, and it goes on.
#[test]
fn the_clock_jumps() {
    let _alone = alone();
    let elsewhere = server(&[]); // Somebody else's clock, which goes on.
    let flags = ["--idle-timeout", "2", "--head-timeout", "2", "--body-timeout", "2"];
    undisturbed(
        "after a jump of the clock",
        || server(&flags),
        |server| {
            let mut crowd: Vec<Client> = (0..50).map(|_| server.connect()).collect();
            let mut idle = server.connect();
            let mut half = server.connect();
            let mut sleeper = server.connect();
            assert!(crowd.iter_mut().chain([&mut idle, &mut half]).all(healthy));
            half.send(b"GET / HT");
            get(&mut sleeper, "/sleep/2500");
            let _ = server.get("/healthz"); // Whatever was sent before this is in the server's hands.
            server.signal("STOP");
            for client in &mut crowd {
                get(client, "/hello/you");
            }
            let_pass(&elsewhere, 3000);
            server.signal("CONT");
            for client in &mut crowd {
                assert_eq!(
                    client.answer().status,
                    200,
                    "what has come is answered, however late the clock says it is"
                );
            }
            assert_eq!(sleeper.answer().status, 200);
            assert_eq!(idle.rest(), b"", "idle for too long, by the clock");
            assert_eq!(half.answer().status, 408);
        },
    );
}
