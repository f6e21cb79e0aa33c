//! Behind a load balancer: the configuration in CONCEPTS.md, as it stands there, with two servers of which one stops.
//!
//! Needs nginx. Without it the test says so and passes; `.ci/run` installs it where it can.

mod common;

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use common::server::{Client, PATIENCE, Server};

const CONCEPTS: &str = include_str!("../CONCEPTS.md");

/// A running nginx, ended by its id, and its files removed, when this is dropped.
struct Nginx {
    child: Child,
    folder: PathBuf,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The configuration out of the text, with ports of our own, and the frame that nginx wants around it.
fn configuration(folder: &Path, front: u16, servers: &[Server; 2]) -> String {
    let fence = CONCEPTS.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next());
    let inner = fence
        .expect("CONCEPTS.md has it")
        .replace("127.0.0.1:8081", &servers[0].address.to_string())
        .replace("127.0.0.1:8082", &servers[1].address.to_string())
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{front}"));
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{\n\
         access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{inner}}}\n"
    )
}

fn start(front: u16, servers: &[Server; 2]) -> Option<Nginx> {
    let folder = std::env::temp_dir().join(format!("glassbox-balancer-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of our own");
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration(&folder, front, servers)).expect("it can be written");
    let mut command = Command::new("nginx");
    command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(&file);
    let child = command.stdin(Stdio::null()).spawn().ok()?;
    Some(Nginx { child, folder })
}

/// Asks through the balancer, on a connection of its own.
fn ask(front: u16) -> u16 {
    let mut client = Client::connect(([127, 0, 0, 1], front).into());
    client.send(b"GET /hello/you HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.answer().status
}

/// Two servers behind nginx, one is stopped while clients ask: every request is answered.
#[test]
fn a_server_behind_a_balancer_stops_and_nobody_notices() {
    let servers = [Server::start(&[]), Server::start(&[])];
    let front = free_port();
    let Some(_nginx) = start(front, &servers) else {
        println!("skipped: nginx is not installed");
        return;
    };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", front)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nginx does not listen");
        std::thread::yield_now();
    }
    for _ in 0..50 {
        assert_eq!(ask(front), 200);
    }
    let answered = |server: &Server| server.metric("glassbox_connections_accepted_total");
    assert!(servers.iter().all(|server| answered(server) > 1), "both get their share");
    let [first, _second] = servers;
    first.signal("TERM");
    for _ in 0..200 {
        assert_eq!(ask(front), 200);
    }
    assert_eq!(first.wait().0.code(), Some(0));
    for _ in 0..50 {
        assert_eq!(ask(front), 200);
    }
}
