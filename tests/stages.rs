//! One suite for every server that the walkthrough builds, from 40 lines that block to the real one.
//!
//! You learn what each stage adds. A stage lists its promises; each is a client, or a crowd of them, that knows nothing
//! of what is inside. What a stage does not promise is not asked of it: that is what the next chapter is for.
//!
//! `cargo test --test stages ch03 -- --nocapture` plays those of chapter 3 and prints what the clients saw.

mod common;
#[path = "walkthrough/built.rs"]
mod built;

use std::net::TcpStream;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use built::Built;
use common::server::{Client, PATIENCE, Server};

/// How long a client listens to be sure that there is no answer.
const SILENCE: Duration = Duration::from_millis(300);

/// How long a silent server is watched.
const WATCHED: Duration = Duration::from_millis(500);

/// Ticks of the processor's clock, a hundred a second. In `WATCHED` a loop that spins uses up to 50, one that sleeps none.
const FEW_TICKS: u64 = 5;

/// Only a loop that spins uses so many while nobody says anything, sooner or later.
const MANY_TICKS: u64 = 20;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

static EXAMPLES: LazyLock<Built> = LazyLock::new(|| {
    let mut built = Built::default();
    built.build(&["build", "--examples"]);
    built
});

/// Starts a chapter's program.
fn example(name: &str, flags: &[&str]) -> Server {
    let file = EXAMPLES.file("example", name, false).expect("the chapter's program is built");
    let mut command = Command::new(file);
    command.args(["--listen", "127.0.0.1:0"]).args(flags);
    Server::start_command(command)
}

/// A stage: how it is started, and what it promises.
macro_rules! stage {
    ($name:ident, $start:expr, [$($promise:ident),* $(,)?]) => {
        mod $name {
            $(
                #[test]
                fn $promise() {
                    println!("--- {}: {}", stringify!($name), stringify!($promise));
                    super::$promise(&$start);
                }
            )*
        }
    };
}

stage!(
    ch01,
    super::example("ch01", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        lets_one_slow_client_block_everybody,
    ]
);

stage!(
    ch01_threads,
    super::example("ch01", &["--threads"]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
    ]
);

stage!(
    ch02,
    super::example("ch02", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
        spins_while_idle,
    ]
);

stage!(
    ch03,
    super::example("ch03", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
    ]
);

stage!(
    ch08,
    super::example("ch08", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
    ]
);

stage!(
    ch13,
    super::example("ch13", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
        keeps_a_connection,
        answers_pipelined_requests_in_order,
    ]
);

stage!(
    ch13_tokio,
    super::example("ch13-tokio", &[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
        keeps_a_connection,
        answers_pipelined_requests_in_order,
    ]
);

stage!(
    product,
    super::Server::start(&[]),
    [
        answers_a_get,
        takes_a_request_in_two_packets,
        takes_a_request_byte_by_byte,
        takes_a_head_of_1500_bytes,
        survives_garbage,
        survives_clients_that_leave,
        costs_nothing_while_idle,
        serves_others_while_one_is_slow,
        serves_a_hundred_at_once,
        keeps_a_connection,
        answers_pipelined_requests_in_order,
    ]
);

/// Says who does what, in the order in which it happens.
fn say(who: &str, what: &str) {
    println!("    {who:6} {what}");
}

/// Reads one answer, which must be a 200 with a body.
fn expect_hello(who: &str, client: &mut Client) {
    let answer = client.answer();
    say(who, &format!("gets {}", answer.status));
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(!answer.body.is_empty());
}

/// Listens for a while. Nothing may come.
fn expect_silence(who: &str, client: &Client) {
    client.stream.set_read_timeout(Some(SILENCE)).expect("a timeout");
    let peeked = client.stream.peek(&mut [0]);
    assert!(peeked.is_err(), "{who} was answered, or the connection was closed: {peeked:?}");
    say(who, "listens for 300ms: nothing");
    client.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
}

fn answers_a_get(server: &Server) {
    let mut client = server.connect();
    client.send(REQUEST.as_bytes());
    say("client", "sends a request");
    expect_hello("client", &mut client);
}

/// TCP is a stream: a server that takes one read for one request never answers this.
fn takes_a_request_in_two_packets(server: &Server) {
    let (half, rest) = REQUEST.split_at(10);
    let mut client = server.connect();
    client.send(half.as_bytes());
    say("client", "sends half of a request");
    expect_silence("client", &client);
    client.send(rest.as_bytes());
    say("client", "sends the other half");
    expect_hello("client", &mut client);
}

fn takes_a_request_byte_by_byte(server: &Server) {
    let mut client = server.connect();
    for byte in REQUEST.bytes() {
        client.send(&[byte]);
    }
    say("client", "sends a request byte by byte");
    expect_hello("client", &mut client);
}

/// More than one buffer of 1,024 bytes: cookies do that.
fn takes_a_head_of_1500_bytes(server: &Server) {
    let mut client = server.connect();
    let cookie = "c".repeat(1_500 - REQUEST.len());
    client.send(REQUEST.replace("\r\n\r\n", &format!("\r\nCookie: {cookie}\r\n\r\n")).as_bytes());
    say("client", "sends a head of 1,500 bytes");
    expect_hello("client", &mut client);
}

/// Whatever one client sends, the next one gets its answer.
fn survives_garbage(server: &Server) {
    let long = vec![b'x'; 20_000];
    let nonsense: [&[u8]; 5] = [
        b"\r\n\r\n",
        b"\0\xff\xfe\x80\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nx\r\n\r\n",
        &long,
    ];
    for bytes in nonsense {
        let mut client = server.connect();
        // The server may close in the middle of it.
        let _ = std::io::Write::write_all(&mut client.stream, bytes);
        say("client", &format!("sends {} bytes of nonsense, and leaves", bytes.len()));
    }
    answers_a_get(server);
}

/// Clients leave before they have said anything, in the middle of a request, and before they have read the answer.
fn survives_clients_that_leave(server: &Server) {
    for sent in [0, 10, REQUEST.len()] {
        server.connect().send(&REQUEST.as_bytes()[..sent]);
        say("client", &format!("sends {sent} bytes, and leaves"));
    }
    answers_a_get(server);
}

/// The lesson of chapter 1, seen from outside.
fn lets_one_slow_client_block_everybody(server: &Server) {
    let (half, rest) = REQUEST.split_at(10);
    let (mut slow, mut fast) = (server.connect(), server.connect());
    slow.send(half.as_bytes());
    say("slow", "sends half of a request");
    fast.send(REQUEST.as_bytes());
    say("fast", "sends a whole request");
    expect_silence("fast", &fast);
    slow.send(rest.as_bytes());
    say("slow", "sends the other half");
    expect_hello("slow", &mut slow);
    expect_hello("fast", &mut fast);
}

fn serves_others_while_one_is_slow(server: &Server) {
    let (half, rest) = REQUEST.split_at(10);
    let (mut slow, mut fast) = (server.connect(), server.connect());
    slow.send(half.as_bytes());
    say("slow", "sends half of a request");
    fast.send(REQUEST.as_bytes());
    say("fast", "sends a whole request");
    expect_hello("fast", &mut fast);
    slow.send(rest.as_bytes());
    say("slow", "sends the other half");
    expect_hello("slow", &mut slow);
}

/// All of them connect before one of them asks, and they ask in the opposite order.
fn serves_a_hundred_at_once(server: &Server) {
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    say("all", "100 clients have connected");
    for client in clients.iter_mut().rev() {
        client.send(REQUEST.as_bytes());
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    say("all", "get 200");
}

fn keeps_a_connection(server: &Server) {
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(REQUEST.as_bytes());
        say("client", "sends a request on the same connection");
        expect_hello("client", &mut client);
    }
}

fn answers_pipelined_requests_in_order(server: &Server) {
    let mut client = server.connect();
    client.send(REQUEST.repeat(10).as_bytes());
    say("client", "sends ten requests at once");
    for _ in 0..10 {
        expect_hello("client", &mut client);
    }
}

/// Ten clients that say nothing. Whoever spins shows in the processor's clock.
fn costs_nothing_while_idle(server: &Server) {
    let clients = idle_clients(server);
    let Some(before) = ticks(server) else { return println!("skipped: no /proc here") };
    wait(&clients[0], WATCHED);
    let used = ticks(server).expect("there was a /proc") - before;
    say("server", &format!("is watched for 500ms: {}", if used <= FEW_TICKS { "asleep" } else { "busy" }));
    assert!(used <= FEW_TICKS, "{used} ticks of processor time while nobody said anything");
}

/// The lesson of chapter 2: a loop that never waits never rests.
fn spins_while_idle(server: &Server) {
    let clients = idle_clients(server);
    let Some(before) = ticks(server) else { return println!("skipped: no /proc here") };
    let begin = Instant::now();
    while ticks(server).expect("there was a /proc") < before + MANY_TICKS {
        assert!(begin.elapsed() < PATIENCE, "it sleeps");
        wait(&clients[0], WATCHED / 10);
    }
    say("server", "uses the processor, though nobody says anything");
}

/// Clients that have connected and say nothing. The server has had time to see them.
fn idle_clients(server: &Server) -> Vec<TcpStream> {
    let clients: Vec<TcpStream> = (0..10).map(|_| server.connect().stream).collect();
    say("all", "10 clients have connected, and say nothing");
    wait(&clients[0], SILENCE);
    clients
}

/// Waits for an answer that does not come.
fn wait(client: &TcpStream, time: Duration) {
    client.set_read_timeout(Some(time)).expect("a timeout");
    assert!(client.peek(&mut [0]).is_err(), "nobody has asked anything");
}

/// How much processor time a server has used, in hundredths of a second: fields 14 and 15 of `/proc/ID/stat`.
fn ticks(server: &Server) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).ok()?;
    // The second field is the program's name in brackets, which may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}
