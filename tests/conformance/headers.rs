//! Header lines: names, values, folding, line ends, and how many (RFC 9112 2.2, 5; 9110 5; 6585 5).
//!
//! `POST /echo` keeps the content type. So the reply shows how the server read a value: what was trimmed, what was
//! replaced.

use super::case::{
    After, Case, HIDDEN, Outcome, dos, get_with, must, ok, post, refused, rejected, served, should, silent,
    smuggling,
};

pub fn cases() -> Vec<Case> {
    [accepted(), names(), values(), folding(), line_ends(), limits()].concat()
}

/// An echo whose answer shows the value of its content type.
fn typed(value: impl AsRef<[u8]>) -> Vec<u8> {
    post([b"Content-Length: 2\r\nContent-Type:", value.as_ref()].concat(), "hi")
}

fn shown(value: &str) -> Outcome {
    ok().with("content-type", value).body("hi").then(After::Kept)
}

fn accepted() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("no value", "X-A:"),
        ("a value of one space", "X-A: "),
        ("no space after the colon", "X-A:1"),
        ("a tab after the colon", "X-A:\t1"),
        ("much whitespace around the value", "X-A: \t  1 \t "),
        ("a name of one letter", "X: 1"),
        ("a name of digits", "12: 1"),
        ("every character of a token in a name", "!#$%&'*+-.^_`|~09azAZ: 1"),
        ("colons in a value", "X-A: a:b::c"),
        ("quotes and commas in a value", "X-A: \"a, b\", (c), \\"),
        ("a value with an open quote", "X-A: \"a"),
        ("the same unknown name twice", "X-A: 1\r\nX-A: 2"),
        ("a tab inside a value", "X-A: a\tb"),
        ("a name in lower case", "x-a: 1"),
        ("a value of 7,000 octets", &format!("X-A: {}", "a".repeat(7_000))),
        ("a name of 200 letters", &format!("{}: 1", "n".repeat(200))),
        ("a method override is not obeyed", "X-HTTP-Method-Override: DELETE"),
        (
            "unknown hop-by-hop headers",
            "Connection: X-A\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x",
        ),
        (
            "an offer to upgrade to h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ",
        ),
        ("an offer to upgrade to websocket", "Connection: Upgrade\r\nUpgrade: websocket"),
    ] {
        all.push(must("9110 5.5", name).send(get_with(lines)).gives(served()));
    }
    all.push(
        must("9110 5.5", "octets above 0x7f in a value").send(get_with(b"X-A: caf\xe9 \xff")).gives(served()),
    );
    for (name, lines) in [
        ("names in any case: content-length", "content-length: 5"),
        ("names in any case: CONTENT-LENGTH", "CONTENT-LENGTH: 5"),
        ("names in any case: cOnTeNt-LeNgTh", "cOnTeNt-LeNgTh: 5"),
    ] {
        all.push(
            must("9110 5.1", name).send(post(lines, "hello")).gives(ok().body("hello").then(After::Kept)),
        );
    }
    for (name, value) in [
        ("no whitespace", "text/x-a"),
        ("a space before", " text/x-a"),
        ("spaces and tabs around", "\t  text/x-a \t "),
    ] {
        all.push(
            must("9112 5.1", format!("the value is trimmed: {name}"))
                .send(typed(value))
                .gives(shown("text/x-a")),
        );
    }
    all
}

fn names() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("a space before the colon", "X-A : 1"),
        ("a tab before the colon", "X-A\t: 1"),
        ("a space before the colon of Host", "Host : h"),
        ("a space before the colon of Content-Length", "Content-Length : 0"),
    ] {
        all.push(must("9112 5.1", name).send(get_with(lines)).gives(rejected(&[400])));
    }
    for (name, lines) in [
        ("an empty name", ": 1"),
        ("a name of one space", " : 1\r\nX-A: 1"),
        ("no colon", "X-A"),
        ("no colon, two words", "X-A 1"),
        ("a space inside the name", "X A: 1"),
        ("a name in quotes", "\"X-A\": 1"),
    ] {
        all.push(should("9112 5", name).send(get_with(lines)).gives(rejected(&[400])));
    }
    for byte in b"(),/;<=>?@[\\]{}\"" {
        let name = format!("a name with {}", byte.escape_ascii());
        let lines = [b"X", [*byte].as_slice(), b"A: 1"].concat();
        all.push(should("9110 5.6.2", name).send(get_with(lines)).gives(rejected(&[400])));
    }
    for byte in [0x00, 0x01, 0x0b, 0x0c, 0x1f, 0x7f, 0x80, 0xff_u8] {
        let name = format!("a name with the octet {byte:#04x}");
        let lines = [b"X-", [byte].as_slice(), b"A: 1"].concat();
        all.push(must("9110 5.6.2", name).send(get_with(lines)).gives(rejected(&[400])));
    }
    all
}

fn values() -> Vec<Case> {
    let mut all = Vec::new();
    for (what, byte) in [("NUL", 0), ("a bare CR", b'\r')] {
        let value = [b" text/x-a", [byte].as_slice(), b"b"].concat();
        let case = must("9110 5.5", format!("{what} in a value is refused, or replaced by a space"));
        all.push(case.send(typed(&value)).gives(rejected(&[400])).or(shown("text/x-a b")));
        let case = should("9110 5.5", format!("{what} in a value is refused"));
        all.push(case.send(typed(&value)).gives(rejected(&[400])));
        let lines = [b"X-A: ", [byte].as_slice()].concat();
        let case = should("9110 5.5", format!("{what} at the end of a value is refused"));
        all.push(case.send(get_with(lines)).gives(rejected(&[400])));
    }
    for byte in (0x01..=0x08).chain([0x0b, 0x0c]).chain(0x0e..=0x1f).chain([0x7f_u8]) {
        let lines = [b"X-A: a", [byte].as_slice(), b"b"].concat();
        let case = should("9110 5.5", format!("the octet {byte:#04x} in a value is refused"));
        all.push(case.send(get_with(lines)).gives(rejected(&[400])));
    }
    all.push(
        smuggling("9110 5.5", "a bare CR does not end a header line")
            .send(get_with(format!("X-A: a\rContent-Length: {}", HIDDEN.len())))
            .gives(rejected(&[400]))
            .or(served()),
    );
    all.push(
        smuggling("9110 5.5", "a content type cannot add a header to the answer")
            .send(typed(b" text/x-a\rX-Injected: 1"))
            .gives(rejected(&[400]))
            .or(ok().lacks("x-injected").then(After::Kept)),
    );
    all
}

/// A folded line is refused, or the fold reads as spaces (RFC 9112 5.2).
fn folding() -> Vec<Case> {
    let folded = || must("9112 5.2", "a folded value is refused, or read with spaces");
    let mut all = vec![
        folded().send(typed("text/x-a;\r\n b=c")).gives(rejected(&[400])).or(shown("text/x-a; b=c")),
        should("9112 5.2", "a folded value is refused")
            .send(typed("text/x-a;\r\n b=c"))
            .gives(rejected(&[400])),
        must("9112 3.2", "a folded Host is not a host")
            .send("GET /healthz HTTP/1.1\r\nHost: h\r\n x\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 2.2", "a line with a space before the first header is refused, or dropped")
            .send("GET /healthz HTTP/1.1\r\n X-A: 1\r\nHost: h\r\n\r\n")
            .gives(rejected(&[400]))
            .or(served()),
        smuggling("9112 2.2", "a Host after a space, before the first header, is not a header")
            .send("GET /healthz HTTP/1.1\r\n Host: h\r\n\r\n")
            .gives(rejected(&[400])),
    ];
    for (name, lines) in [
        ("a fold with a tab", "X-A: 1\r\n\t2"),
        ("a fold after an empty value", "X-A:\r\n 1"),
        ("a fold of spaces alone", "X-A: 1\r\n   "),
        ("a fold after Host", "Accept: a\r\n b\r\n c"),
        ("a fold that looks like a header", "X-A: 1\r\n Content-Length: 5"),
    ] {
        all.push(must("9112 5.2", name).send(get_with(lines)).gives(rejected(&[400])).or(served()));
    }
    all
}

/// A bare LF may end a line, or be refused (RFC 9112 2.2). A bare CR may not.
fn line_ends() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, request) in [
        ("every line ends in LF", "GET /healthz HTTP/1.1\nHost: h\n\n"),
        ("the request line ends in LF", "GET /healthz HTTP/1.1\nHost: h\r\n\r\n"),
        ("a header ends in LF", "GET /healthz HTTP/1.1\r\nHost: h\nX-A: 1\r\n\r\n"),
        ("the empty line is LF", "GET /healthz HTTP/1.1\r\nHost: h\r\n\n"),
        ("CR CR LF ends a header", "GET /healthz HTTP/1.1\r\nHost: h\r\nX-A: 1\r\r\n\r\n"),
    ] {
        let case = must("9112 2.2", format!("{name}: refused, or read as a line"));
        all.push(case.send(request).gives(served()).or(rejected(&[400])));
        all.push(should("9112 2.2", format!("{name}: refused")).send(request).gives(rejected(&[400])));
    }
    all.extend([
        must("9112 2.2", "every line ends in CR")
            .send("GET /healthz HTTP/1.1\rHost: h\r\r")
            .finish()
            .gives(refused(&[400, 408, 505]))
            .or(silent()),
        smuggling("9112 2.2", "LF CR LF: the head ends there, or the request is refused")
            .send(post("Content-Length: 5\n", "hello"))
            .gives(rejected(&[400]))
            .or(ok().body("hello").then(After::Kept)),
        smuggling("9112 2.2", "a length behind a bare LF is read, or the request is refused")
            .send(post("X-A: a\nContent-Length: 5", "hello"))
            .gives(rejected(&[400]))
            .or(ok().body("hello").then(After::Kept)),
        smuggling("9112 2.2", "a NUL does not hide a header line")
            .send(post(b"X-A: a\0\r\nContent-Length: 5", "hello"))
            .gives(rejected(&[400]))
            .or(ok().body("hello").then(After::Kept)),
    ]);
    all
}

fn limits() -> Vec<Case> {
    let many = |count: usize| {
        let lines: Vec<String> = (0..count).map(|number| format!("X-{number}: {number}")).collect();
        get_with(lines.join("\r\n"))
    };
    let long = |length: usize| get_with(format!("X-A: {}", "a".repeat(length)));
    let mut all = vec![
        must("6585 5", "100 headers are served").send(many(99)).gives(served()),
        dos("6585 5", "a head of 31,000 octets, in 7 headers, is served")
            .send(get_with(vec![format!("X-A: {}", "a".repeat(4_400)); 7].join("\r\n")))
            .gives(served()),
    ];
    for (name, request) in [
        ("102 headers", many(101)),
        ("500 headers", many(500)),
        ("20,000 headers", many(20_000)),
        ("a value of 33,000 octets", long(33_000)),
        ("a value of 1,000,000 octets", long(1_000_000)),
        (
            "40 headers of 1,000 octets",
            get_with(vec![format!("X-A: {}", "a".repeat(1_000)); 40].join("\r\n")),
        ),
        (
            "a Host of 33,000 octets",
            format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "h".repeat(33_000)).into_bytes(),
        ),
    ] {
        all.push(dos("6585 5", format!("{name}: 431")).send(request).gives(refused(&[431])));
    }
    for (name, lines) in [
        ("a name of 33,000 octets", format!("{}: 1", "n".repeat(33_000))),
        ("a name that never ends", "n".repeat(200_000)),
        ("33,000 spaces before a value", format!("X-A:{}1", " ".repeat(33_000))),
        ("33,000 octets of folds", format!("X-A: 1{}", "\r\n 1".repeat(9_000))),
    ] {
        all.push(dos("6585 5", name).send(get_with(lines)).gives(refused(&[431, 400])));
    }
    all.push(
        dos("6585 5", "a head that is too long, and a request behind it")
            .send(long(40_000))
            .send(HIDDEN)
            .gives(refused(&[431])),
    );
    all
}
