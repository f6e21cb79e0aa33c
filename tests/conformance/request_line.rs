//! The request line: method, spaces, version, and what may stand before it (RFC 9112 2.2, 2.3, 3; 9110 9.1).

use super::case::{
    After, Case, answers, dos, get, line, must, ok, refused, rejected, replies, reply, served, should,
    silent, smuggling,
};

pub fn cases() -> Vec<Case> {
    [methods(), before_the_line(), spaces(), missing_parts(), versions(), not_http()].concat()
}

fn methods() -> Vec<Case> {
    let mut all = vec![
        must("9110 9.1", "a method in lower case is another method").send(line("get /healthz HTTP/1.1")),
        must("9110 9.1", "a method with one capital is another method").send(line("Get /healthz HTTP/1.1")),
        must("9110 9.1", "a method that only starts like GET").send(line("GETS /healthz HTTP/1.1")),
        must("9110 9.1", "a method that only ends like GET").send(line("XGET /healthz HTTP/1.1")),
        must("9110 9.1", "every character of a token may be in a method")
            .send(line("!#$%&'*+-.^_`|~09az /healthz HTTP/1.1")),
    ];
    all = all.into_iter().map(|case| case.gives(answers(&[501, 405, 400]))).collect();
    for method in ["BREW", "get", "PROPFIND", "M-SEARCH"] {
        let case = should("9110 9.1", format!("an unknown method is 501: {method}"));
        all.push(case.send(line(format!("{method} /healthz HTTP/1.1"))).gives(answers(&[501])));
    }
    all.push(
        should("9110 9.1", "an unknown method is 501 on an unknown path, too")
            .send(line("BREW /nowhere HTTP/1.1"))
            .gives(answers(&[501])),
    );
    for length in [100, 9_000] {
        all.push(
            dos("9112 3", format!("a method of {length} letters"))
                .send(line(format!("{} / HTTP/1.1", "M".repeat(length))))
                .gives(answers(&[501, 400, 431, 414])),
        );
    }
    all.push(
        dos("9112 3", "a method that never ends")
            .send("M".repeat(100_000))
            .gives(refused(&[501, 400, 431, 414]))
            .or(silent()),
    );
    for byte in b"@(),/:;<=>?[\\]{}\"" {
        let method = [b"G", [*byte].as_slice(), b"T"].concat();
        let name = format!("a method with {}", byte.escape_ascii());
        let case = should("9110 5.6.2", name).send(line([&method[..], b" /healthz HTTP/1.1"].concat()));
        all.push(case.gives(rejected(&[400])).or(rejected(&[501])));
    }
    for byte in [0x00, 0x01, 0x0b, 0x1b, 0x7f, 0x80, 0xff_u8] {
        let name = format!("a method with the octet {byte:#04x}");
        let case = must("9110 5.6.2", name).send([b"G", [byte].as_slice(), &get("/healthz")].concat());
        all.push(case.gives(rejected(&[400, 501])));
    }
    all
}

fn before_the_line() -> Vec<Case> {
    let after = |before: &str| format!("{before}GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    vec![
        should("9112 2.2", "one empty line first").send(after("\r\n")).gives(served()),
        should("9112 2.2", "two empty lines first").send(after("\r\n\r\n")).gives(served()),
        must("9112 2.2", "an empty line of a bare LF first")
            .send(after("\n"))
            .gives(served())
            .or(rejected(&[400])),
        must("9112 2.2", "a bare CR first").send(after("\r")).gives(served()).or(rejected(&[400])),
        must("9112 2.2", "a line of one space first")
            .send(after(" \r\n"))
            .gives(rejected(&[400]))
            .or(served()),
        must("9112 2.2", "a NUL first").send(after("\0")).gives(rejected(&[400, 501])),
        must("9112 2.2", "a byte order mark first").send(after("\u{feff}")).gives(rejected(&[400, 501])),
        dos("9112 2.2", "1,000 empty lines first")
            .send(after(&"\r\n".repeat(1_000)))
            .gives(served())
            .or(refused(&[400, 414, 431]))
            .or(silent()),
        dos("9112 2.2", "50,000 empty lines and nothing else")
            .send("\r\n".repeat(50_000))
            .finish()
            .gives(refused(&[400, 408, 414, 431]))
            .or(silent()),
        must("9112 2.2", "an empty line and nothing else")
            .send("\r\n")
            .finish()
            .gives(silent())
            .or(refused(&[400, 408])),
        must("9112 8", "nothing at all").finish().gives(silent()).or(refused(&[400, 408])),
        should("9112 2.2", "an empty line after the body of a POST, then a GET")
            .send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\n")
            .send(get("/hello/next"))
            .gives(replies([ok().body("hello"), ok().contains("next")], After::Kept)),
    ]
}

/// A server may split the line at any whitespace, so both outcomes are right in most rows (RFC 9112 3).
fn spaces() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, request_line) in [
        ("two spaces after the method", "GET  /healthz HTTP/1.1"),
        ("two spaces after the target", "GET /healthz  HTTP/1.1"),
        ("a tab after the method", "GET\t/healthz HTTP/1.1"),
        ("a tab after the target", "GET /healthz\tHTTP/1.1"),
        ("a vertical tab between", "GET /healthz\x0bHTTP/1.1"),
        ("a form feed between", "GET\x0c/healthz HTTP/1.1"),
        ("a bare CR between", "GET /healthz\rHTTP/1.1"),
        ("a space at the start", " GET /healthz HTTP/1.1"),
        ("a tab at the start", "\tGET /healthz HTTP/1.1"),
        ("a space at the end", "GET /healthz HTTP/1.1 "),
        ("a tab at the end", "GET /healthz HTTP/1.1\t"),
        ("a bare CR at the end", "GET /healthz HTTP/1.1\r"),
    ] {
        let either =
            must("9112 3", format!("{name} is refused, or read as a space")).send(line(request_line));
        all.push(either.gives(served()).or(rejected(&[400, 501, 505])));
        let strict = should("9112 3", format!("{name} is refused")).send(line(request_line));
        all.push(strict.gives(rejected(&[400])));
    }
    for (name, request_line) in [
        ("a space in the target", "GET /hello/a b HTTP/1.1"),
        ("a space in the query", "GET /healthz?a b HTTP/1.1"),
        ("a tab in the target", "GET /hello/a\tb HTTP/1.1"),
        ("a space in the version", "GET /healthz HTTP /1.1"),
        ("a fourth word", "GET /healthz HTTP/1.1 now"),
        ("a second version", "GET /healthz HTTP/1.1 HTTP/1.1"),
    ] {
        all.push(should("9112 3", name).send(line(request_line)).gives(rejected(&[400, 505])));
    }
    all.push(
        smuggling("9112 3", "a target with a space does not hide a second request line")
            .send("GET /healthz HTTP/1.1\rGET /hello/smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            .gives(rejected(&[400, 505])),
    );
    all
}

fn missing_parts() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, request_line) in [
        ("no version", "GET /healthz"),
        ("no version, and a space", "GET /healthz "),
        ("no target", "GET HTTP/1.1"),
        ("no target, and two spaces", "GET  HTTP/1.1"),
        ("no method", "/healthz HTTP/1.1"),
        ("no method, and a space", " /healthz HTTP/1.1"),
        ("only a method", "GET"),
        ("only a method and a space", "GET "),
        ("only a version", "HTTP/1.1"),
        ("only spaces", "   "),
    ] {
        all.push(must("9112 3", name).send(line(request_line)).gives(rejected(&[400, 501, 505])));
    }
    all.push(
        must("9112 3", "a request of HTTP/0.9")
            .send("GET /healthz\r\n")
            .finish()
            .gives(refused(&[400, 505]))
            .or(silent()),
    );
    all.push(
        must("9112 8", "half a request line")
            .send("GET /hea")
            .finish()
            .gives(silent())
            .or(refused(&[400, 408])),
    );
    all.push(
        must("9112 8", "a head without its last line")
            .send("GET /healthz HTTP/1.1\r\nHost: h\r\n")
            .finish()
            .gives(silent())
            .or(refused(&[400, 408])),
    );
    all
}

fn versions() -> Vec<Case> {
    let mut all = vec![
        must("9112 2.3", "HTTP/1.1").send(get("/healthz")).gives(served()),
        must("9112 2.3", "HTTP/1.0").send(line("GET /healthz HTTP/1.0")).gives(ok().then(After::Closed)),
        should("9110 2.5", "HTTP/1.2 is read as 1.1").send(line("GET /healthz HTTP/1.2")).gives(served()),
        should("9110 2.5", "HTTP/1.9 is read as 1.1").send(line("GET /healthz HTTP/1.9")).gives(served()),
        must("9110 2.5", "HTTP/1.2 without Host")
            .send("GET /healthz HTTP/1.2\r\n\r\n")
            .gives(rejected(&[400, 505])),
    ];
    for version in ["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/2.1"] {
        let request = line(format!("GET /healthz {version}"));
        all.push(
            must("9110 15.6.6", format!("{version} is not served"))
                .send(&request)
                .gives(rejected(&[505, 400])),
        );
        all.push(should("9110 15.6.6", format!("{version} is 505")).send(request).gives(rejected(&[505])));
    }
    for version in [
        "http/1.1",
        "Http/1.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/11",
        "HTTP/1.10",
        "HTTP/01.1",
        "HTTP/1.x",
        "HTTP/a.b",
        "HTTP/-1.1",
        "HTTP/+1.1",
        "HTTP/1,1",
        "HTTPS/1.1",
        "HTP/1.1",
        "HTTP//1.1",
        "XHTTP/1.1",
        "HTTP/1.1.1",
        "HTTP/1.1x",
        "HTTP/1.1\0",
        "HTTP/1.\u{661}",
        "HTTP",
        "HTTP/",
        "HTTP/0.9",
        "HTTP/0.0",
        "HTTP\\1.1",
        "ICY/1.1",
        "1.1",
    ] {
        let name = format!("the version {}", version.escape_debug());
        all.push(
            must("9112 2.3", name).send(line(format!("GET /healthz {version}"))).gives(rejected(&[400, 505])),
        );
    }
    all
}

/// Other protocols that find this port by mistake.
fn not_http() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, bytes) in [
        ("the hello of TLS", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\r\n\r\n".as_slice()),
        ("the banner of SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("the header of a proxy", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 80\r\n\r\n"),
        ("octets of 0xff", &[0xff; 64]),
        ("octets of 0x00", &[0; 64]),
        ("a response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let case = must("9112 2.2", name).send(bytes).finish();
        all.push(case.gives(refused(&[400, 501, 505])).or(silent()));
    }
    all.push(
        must("9113 3.4", "the preface of HTTP/2")
            .send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .gives(reply(&[505, 400, 501]).then(After::Closed)),
    );
    all
}
