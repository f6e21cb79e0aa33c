//! A black-box suite for HTTP/1.1 on raw sockets: RFC 9110 and RFC 9112 as cases, each with every outcome that they allow.
//!
//! `cargo test --test http_conformance -- --nocapture` prints the table. A case tagged SHOULD may fail; all others
//! must pass. `CONFORMANCE_TARGET=host:port` holds another server with the same routes to the same cases.

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/check.rs"]
mod check;
#[path = "conformance/chunked.rs"]
mod chunked;
#[path = "conformance/client.rs"]
mod client;
#[path = "conformance/date.rs"]
mod date;
#[path = "conformance/framing.rs"]
mod framing;
#[path = "conformance/headers.rs"]
mod headers;
#[path = "conformance/host.rs"]
mod host;
#[path = "conformance/request_line.rs"]
mod request_line;
#[path = "conformance/runner.rs"]
mod runner;
#[path = "conformance/semantics.rs"]
mod semantics;
#[path = "conformance/server.rs"]
mod server;
#[path = "conformance/target.rs"]
mod target;
#[path = "conformance/wire.rs"]
mod wire;

use std::net::SocketAddr;

use case::{Case, Flavour};
use server::Server;

/// All cases, each with the name of its group.
fn all_cases() -> Vec<Case> {
    let groups: [(&'static str, Vec<Case>); 7] = [
        ("request line", request_line::cases()),
        ("target", target::cases()),
        ("headers", headers::cases()),
        ("host", host::cases()),
        ("framing", framing::cases()),
        ("chunked", chunked::cases()),
        ("semantics", semantics::cases()),
    ];
    let named =
        |(group, cases): (&'static str, Vec<Case>)| cases.into_iter().map(move |case| Case { group, ..case });
    groups.into_iter().flat_map(named).collect()
}

/// One server process per flavour.
struct Servers {
    default: Server,
    small_body: Server,
    impatient: Server,
}

impl Servers {
    fn start() -> Servers {
        let impatient =
            ["--head-timeout", "1", "--body-timeout", "1", "--idle-timeout", "1", "--write-timeout", "1"];
        Servers {
            default: Server::elsewhere().unwrap_or_else(|| Server::start(&[])),
            small_body: Server::start(&["--max-body", "16"]),
            impatient: Server::start(&impatient),
        }
    }

    fn address(&self, flavour: Flavour) -> SocketAddr {
        match flavour {
            Flavour::Default => self.default.address,
            Flavour::SmallBody => self.small_body.address,
            Flavour::Impatient => self.impatient.address,
        }
    }
}

fn hold_to(title: &str, cases: &[Case], bytewise: bool) {
    let mut servers = Servers::start();
    let verdicts = runner::run_all(cases, bytewise, |flavour| servers.address(flavour));
    let (report, passes) = runner::report(title, cases, &verdicts);
    println!("{report}");
    assert_eq!(servers.default.ended(), None, "the server died");
    assert!(passes, "cases failed; the table above says which");
}

/// Every case, each piece in one write.
#[test]
fn the_rfcs_hold() {
    let cases = all_cases();
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    hold_to("whole pieces", &cases, false);
}

/// Every case again, one octet per write: TCP may cut a message anywhere, and the answers must not change.
#[test]
fn the_rfcs_hold_for_trickled_bytes() {
    let small = |case: &Case| case.bytes().len() <= 2000;
    let cases: Vec<Case> = all_cases().into_iter().filter(small).collect();
    hold_to("single octets", &cases, true);
}
