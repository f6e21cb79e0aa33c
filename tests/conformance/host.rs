//! The Host header: exactly one in HTTP/1.1, and a valid one (RFC 9112 3.2, 9110 7.2, 3986 3.2).

use super::case::{After, Case, answers, must, ok, rejected, served, should};

pub fn cases() -> Vec<Case> {
    [count(), valid(), invalid()].concat()
}

fn with_hosts(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{lines}\r\n")
}

fn count() -> Vec<Case> {
    let mut all = vec![
        must("9112 3.2", "no Host in HTTP/1.0")
            .send("GET /healthz HTTP/1.0\r\n\r\n")
            .gives(ok().then(After::Closed)),
        must("9112 3.2", "two Hosts in HTTP/1.0")
            .send("GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 3.2", "a broken Host in HTTP/1.0")
            .send("GET /healthz HTTP/1.0\r\nHost: a b\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 3.2", "no Host, on an unknown path")
            .send("GET /nowhere HTTP/1.1\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 3.2", "no Host, OPTIONS *").send("OPTIONS * HTTP/1.1\r\n\r\n").gives(rejected(&[400])),
        must("9112 3.2", "Host is the last of many headers")
            .send(with_hosts("A: 1\r\nB: 2\r\nC: 3\r\nHost: h\r\n"))
            .gives(served()),
    ];
    for (name, lines) in [
        ("no Host", ""),
        ("no Host, but another header", "X-A: 1\r\n"),
        ("no Host, but one that looks like it", "X-Host: h\r\n"),
        ("two Hosts", "Host: a\r\nHost: b\r\n"),
        ("two equal Hosts", "Host: h\r\nHost: h\r\n"),
        ("two Hosts, in other cases", "Host: h\r\nhOST: h\r\n"),
        ("two Hosts, far apart", "Host: h\r\nX-A: 1\r\nX-B: 2\r\nHost: h\r\n"),
        ("two Hosts, the first empty", "Host:\r\nHost: h\r\n"),
        ("two Hosts, the second empty", "Host: h\r\nHost:\r\n"),
    ] {
        all.push(must("9112 3.2", name).send(with_hosts(lines)).gives(rejected(&[400])));
    }
    all
}

fn valid() -> Vec<Case> {
    let mut all = Vec::new();
    for host in [
        "example.com",
        "EXAMPLE.com",
        "example.com.",
        "h:80",
        "h:8080",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:80",
        "[2001:db8::ff00:42:8329]",
        "[::ffff:192.0.2.1]:80",
        "a-b",
        "xn--bcher-kva.example",
        "a_b",
        "h%41",
        "1.2.3",
        "~a",
    ] {
        all.push(
            must("3986 3.2.2", format!("the Host {host}"))
                .send(with_hosts(&format!("Host: {host}\r\n")))
                .gives(served()),
        );
    }
    for (name, host) in [("an empty port", "h:"), ("a port with leading zeros", "h:00080")] {
        all.push(should("3986 3.2.3", name).send(with_hosts(&format!("Host: {host}\r\n"))).gives(served()));
    }
    for (name, host) in [
        ("an empty Host", ""),
        ("a Host of spaces", "   "),
        ("a port above 65535", "h:99999"),
        ("a comma in the name", "a,b"),
        ("every sub-delimiter", "a!$&'()*+;="),
        ("an address of the future", "[v1.a:b]"),
    ] {
        let case = must("9110 4.2.1", format!("{name} is served, or refused"));
        all.push(case.send(with_hosts(&format!("Host: {host}\r\n"))).gives(answers(&[200, 400])));
    }
    all
}

fn invalid() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, host) in [
        ("a space inside", "a b"),
        ("a tab inside", "a\tb"),
        ("a list of two", "a, b"),
        ("user information", "user@h"),
        ("user and password", "user:pw@h"),
        ("an empty user", "@h"),
        ("a port of letters", "h:port"),
        ("a negative port", "h:-1"),
        ("a port with a plus", "h:+80"),
        ("a port with a letter at its end", "h:80a"),
        ("a space before the port", "h: 80"),
        ("two ports", "h:80:80"),
        ("a path", "h/healthz"),
        ("a slash at the end", "h/"),
        ("a query", "h?x"),
        ("a fragment", "h#x"),
        ("a whole URI", "http://h"),
        ("a backslash", "h\\x"),
        ("an IPv6 address without brackets", "::1"),
        ("a bracket that does not close", "[::1"),
        ("a bracket that does not open", "::1]"),
        ("letters after the bracket", "[::1]x"),
        ("a name in brackets", "[gggg]"),
        ("empty brackets", "[]"),
        ("an IPv4 address in brackets", "[127.0.0.1]"),
        ("an IPv6 address that is too long", "[1:2:3:4:5:6:7:8:9]"),
        ("an IPv6 address with a scope", "[fe80::1%eth0]"),
        ("half an escape", "h%4"),
        ("a broken escape", "h%zz"),
        ("a quotation mark", "\"h\""),
        ("angle brackets", "<h>"),
        ("braces", "{h}"),
        ("a caret", "h^"),
        ("a bar", "h|"),
        ("a backtick", "h`"),
        ("letters that are not ASCII", "h\u{e9}"),
        ("NUL", "h\0"),
        ("DEL", "h\x7f"),
    ] {
        all.push(
            must("9112 3.2", format!("a Host with {name}"))
                .send(with_hosts(&format!("Host: {host}\r\n")))
                .gives(rejected(&[400])),
        );
    }
    all
}
