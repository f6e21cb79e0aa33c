//! Where the body ends: Content-Length, Transfer-Encoding, both, neither (RFC 9112 6; 9110 8.6).
//!
//! The body of a request that must be refused holds a whole request. A server that takes the wrong length, or none,
//! answers it, and is caught.

use super::case::{
    After, After::Closed, Case, HELLO_CHUNKED, HIDDEN, answers, cut, get, must, ok, post, refused, replies,
    reply, served, served_with, should, silent, smuggling,
};

pub fn cases() -> Vec<Case> {
    [
        lengths(),
        broken_lengths(),
        two_lengths(),
        too_short(),
        codings(),
        broken_codings(),
        both(),
        old_codings(),
    ]
    .concat()
}

fn lengths() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("a length", "Content-Length: 5"),
        ("a length without a space", "Content-Length:5"),
        ("a length with whitespace around", "Content-Length: \t5 \t"),
        ("a length with leading zeros", "Content-Length: 0005"),
    ] {
        all.push(must("9110 8.6", name).send(post(lines, "hello")).gives(served_with("hello")));
    }
    all.extend([
        must("9110 8.6", "a length of 0").send(post("Content-Length: 0", "")).gives(served_with("")),
        must("9110 8.6", "a length of 00").send(post("Content-Length: 00", "")).gives(served_with("")),
        must("9110 8.6", "a length with 30 leading zeros")
            .send(post("Content-Length: 0000000000000000000000000000005", "hello"))
            .gives(served_with("hello"))
            .or(refused(&[400])),
        must("9112 6.3", "POST without a length has no body")
            .send(post("X-A: 1", ""))
            .gives(served_with(""))
            .or(answers(&[411])),
        must("9112 6.3", "what follows a body is the next request")
            .send(post("Content-Length: 5", "hello"))
            .send(get("/hello/next"))
            .gives(replies([ok().body("hello"), ok().contains("next")], After::Kept)),
        must("9112 6.3", "what follows a POST without a body is the next request")
            .send(post("X-A: 1", ""))
            .send(get("/hello/next"))
            .gives(replies([ok().body(""), ok().contains("next")], After::Kept))
            .or(replies([reply(&[411]), ok().contains("next")], After::Kept))
            .or(refused(&[411])),
        must("9112 6", "a body of all 256 octets")
            .send(post("Content-Length: 256", (0..=255_u8).collect::<Vec<_>>()))
            .gives(served_with((0..=255_u8).collect::<Vec<_>>())),
        must("9112 6", "a body of 1,000,000 octets")
            .send(post("Content-Length: 1000000", "x".repeat(1_000_000)))
            .gives(served_with("x".repeat(1_000_000))),
        must("9112 6", "a body in two pieces")
            .send(post("Content-Length: 10", "hello"))
            .send("world")
            .gives(served_with("helloworld")),
    ]);
    all
}

fn broken_lengths() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, value) in [
        ("a plus", "+5"),
        ("a minus", "-5"),
        ("minus zero", "-0"),
        ("plus zero", "+0"),
        ("nothing", ""),
        ("a space", " "),
        ("a list of two", "5,6"),
        ("a list of two and a space", "5, 6"),
        ("two numbers", "5 5"),
        ("a comma before", ",5"),
        ("a comma after", "5,"),
        ("a comma", ","),
        ("a semicolon after", "5;"),
        ("hexadecimal", "0x5"),
        ("a hexadecimal letter", "a"),
        ("octal", "0o5"),
        ("binary", "0b101"),
        ("a fraction", "5.0"),
        ("an exponent", "5e0"),
        ("an underscore", "1_0"),
        ("a word", "five"),
        ("quotation marks", "\"5\""),
        ("a full-width digit", "\u{ff15}"),
        ("an Arabic digit", "\u{665}"),
        ("a vertical tab", "\x0b5"),
        ("a form feed", "5\x0c"),
        ("a NUL after", "5\0"),
        ("a no-break space", "\u{a0}5"),
        ("2^64", "18446744073709551616"),
        ("2^64 + 5, which wraps to 5", "18446744073709551621"),
        ("2^128 + 5", "340282366920938463463374607431768211461"),
        ("thirty digits", "999999999999999999999999999999"),
    ] {
        let case = smuggling("9112 6.3", format!("a length with {name}"));
        all.push(case.send(post(format!("Content-Length: {value}"), HIDDEN)).gives(refused(&[400, 413])));
    }
    all.push(
        smuggling("9112 6.3", "a broken length on GET")
            .send(format!("GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: +42\r\n\r\n{HIDDEN}"))
            .gives(refused(&[400])),
    );
    all
}

fn two_lengths() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("that differ", "Content-Length: 5\r\nContent-Length: 6"),
        ("that differ, the longer first", "Content-Length: 6\r\nContent-Length: 5"),
        ("that differ, the first 0", "Content-Length: 0\r\nContent-Length: 5"),
        ("that differ, the second 0", "Content-Length: 5\r\nContent-Length: 0"),
        ("that differ, in other cases", "Content-Length: 5\r\ncontent-length: 6"),
        ("that differ, far apart", "Content-Length: 5\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 6"),
        ("the first broken", "Content-Length: +5\r\nContent-Length: 5"),
        ("the second broken", "Content-Length: 5\r\nContent-Length: +5"),
        ("the first empty", "Content-Length:\r\nContent-Length: 5"),
        ("one a list", "Content-Length: 5\r\nContent-Length: 5, 6"),
        ("the third differs", "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 6"),
    ] {
        all.push(
            smuggling("9112 6.3", format!("two lengths, {name}"))
                .send(post(lines, HIDDEN))
                .gives(refused(&[400])),
        );
    }
    for (name, lines) in [
        ("in two lines", "Content-Length: 5\r\nContent-Length: 5"),
        ("in a list", "Content-Length: 5, 5"),
        ("in a list without a space", "Content-Length: 5,5"),
        ("in a long list", "Content-Length: 5, 5, 5, 5, 5"),
    ] {
        let case = smuggling("9112 6.3", format!("two equal lengths {name}: refused, or read as one"));
        all.push(case.send(post(lines, "hello")).gives(refused(&[400])).or(served_with("hello")));
    }
    all
}

/// The client goes away before the body is complete (RFC 9112 8).
fn too_short() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines, body) in [
        ("a body that is too short", "Content-Length: 10", "hello"),
        ("no body at all", "Content-Length: 10", ""),
        ("a body that lacks one octet", "Content-Length: 6", "hello"),
        ("a length of 2^63", "Content-Length: 9223372036854775808", "hello"),
        ("a length of 2^64 - 1", "Content-Length: 18446744073709551615", "hello"),
    ] {
        let case = must("9112 8", name).send(post(lines, body)).finish();
        all.push(case.gives(refused(&[400, 408, 413])).or(cut("hello")).or(silent()));
    }
    all
}

fn codings() -> Vec<Case> {
    let mut all = Vec::new();
    for value in ["chunked", "Chunked", "CHUNKED", "cHuNkEd", "  chunked", "chunked  ", "\tchunked\t"] {
        let case = must("9112 7", format!("the coding {value:?}"));
        all.push(
            case.send(post(format!("Transfer-Encoding: {value}"), HELLO_CHUNKED)).gives(served_with("hello")),
        );
    }
    for value in [", chunked", "chunked,", ",chunked,", ", ,chunked"] {
        let case = smuggling("9110 5.6.1", format!("empty members of the list: {value:?}"));
        let sent = case.send(post(format!("Transfer-Encoding: {value}"), HELLO_CHUNKED));
        all.push(sent.gives(served_with("hello")).or(refused(&[400, 501])));
    }
    for name in [
        "Transfer_Encoding",
        "Transfer-Encodin",
        "Transfer-Encodingx",
        "X-Transfer-Encoding",
        "TransferEncoding",
    ] {
        let lines = format!("Content-Length: 5\r\n{name}: chunked");
        let case = smuggling("9112 6.3", format!("{name} is another header"));
        all.push(case.send(post(lines, "hello")).gives(served_with("hello")));
    }
    all
}

fn broken_codings() -> Vec<Case> {
    let mut all = Vec::new();
    let hidden = format!("0\r\n\r\n{HIDDEN}");
    for (name, lines) in [
        ("nothing", "Transfer-Encoding:"),
        ("a comma", "Transfer-Encoding: ,"),
        ("gzip", "Transfer-Encoding: gzip"),
        ("identity", "Transfer-Encoding: identity"),
        ("chunked before another", "Transfer-Encoding: chunked, gzip"),
        ("chunked before identity", "Transfer-Encoding: chunked, identity"),
        ("chunked twice", "Transfer-Encoding: chunked, chunked"),
        ("chunked twice without a space", "Transfer-Encoding: chunked,chunked"),
        ("chunked twice, in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        ("chunked, then gzip, in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"),
        ("chunked, then nothing, in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
        ("an unknown one in front, in two lines", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked"),
        ("a letter before", "Transfer-Encoding: xchunked"),
        ("a letter after", "Transfer-Encoding: chunkedx"),
        ("a letter missing", "Transfer-Encoding: chunke"),
        ("two words", "Transfer-Encoding: chunked chunked"),
        ("a word after", "Transfer-Encoding: chunked x"),
        ("a semicolon and a word", "Transfer-Encoding: x;chunked"),
        ("quotation marks", "Transfer-Encoding: \"chunked\""),
        ("apostrophes", "Transfer-Encoding: 'chunked'"),
        ("a vertical tab before", "Transfer-Encoding: \x0bchunked"),
        ("a vertical tab after", "Transfer-Encoding: chunked\x0b"),
        ("a form feed before", "Transfer-Encoding: \x0cchunked"),
        ("a NUL after", "Transfer-Encoding: chunked\0"),
        ("a bare CR inside", "Transfer-Encoding: chu\rnked"),
        ("a no-break space before", "Transfer-Encoding: \u{a0}chunked"),
        ("a long s, which folds to none", "Transfer-Encoding: chun\u{212a}ed"),
        ("a space before the colon", "Transfer-Encoding : chunked"),
        ("a tab before the colon", "Transfer-Encoding\t: chunked"),
        ("a NUL in the name", "Transfer-Encoding\0: chunked"),
        ("a space in the name", "Transfer Encoding: chunked"),
        ("a space before the first header", " Transfer-Encoding: chunked"),
    ] {
        let case = smuggling("9112 6.3", format!("a coding with {name}")).send(post(lines, &hidden));
        all.push(case.gives(refused(&[400, 501])));
    }
    for value in ["gzip, chunked", "identity, chunked", "x, chunked", "deflate,gzip,chunked"] {
        let case = smuggling("9112 6.1", format!("a coding that is not understood, before chunked: {value}"));
        all.push(case.send(post(format!("Transfer-Encoding: {value}"), &hidden)).gives(refused(&[501, 400])));
        let case = should("9112 6.1", format!("a coding that is not understood is 501: {value}"));
        all.push(case.send(post(format!("Transfer-Encoding: {value}"), &hidden)).gives(refused(&[501])));
    }
    for value in ["chunked;q=1", "chunked; a=b", "chunked;"] {
        let case = should("9112 7.1", format!("chunked has no parameters: {value}"));
        all.push(case.send(post(format!("Transfer-Encoding: {value}"), &hidden)).gives(refused(&[400, 501])));
    }
    all
}

/// Both headers: refused, or the coding wins and the connection ends (RFC 9112 6.1).
fn both() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("the length first", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        ("the coding first", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
        ("a length of 0", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
        ("a length that fits", "Transfer-Encoding: chunked\r\nContent-Length: 15"),
        ("a header between", "Content-Length: 5\r\nX-A: 1\r\nTransfer-Encoding: chunked"),
        ("other cases", "content-length: 5\r\nTRANSFER-ENCODING: Chunked"),
    ] {
        let request = post(lines, format!("{HELLO_CHUNKED}{HIDDEN}"));
        let case = smuggling("9112 6.1", format!("a length and a coding, {name}"));
        all.push(case.send(&request).gives(refused(&[400])).or(ok().body("hello").then(Closed)));
    }
    for (name, lines) in [
        ("the length broken", "Content-Length: x\r\nTransfer-Encoding: chunked"),
        ("the coding unknown", "Content-Length: 5\r\nTransfer-Encoding: x"),
        ("the coding identity", "Content-Length: 5\r\nTransfer-Encoding: identity"),
        ("the coding empty", "Content-Length: 5\r\nTransfer-Encoding:"),
        ("the coding with a space before its colon", "Content-Length: 5\r\nTransfer-Encoding : chunked"),
        ("two lengths that differ", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 6"),
    ] {
        let case = smuggling("9112 6.3", format!("a length and a coding, {name}"));
        let sent = case.send(post(lines, format!("{HELLO_CHUNKED}{HIDDEN}")));
        let coding_wins = name == "the length broken" || name.starts_with("two lengths");
        all.push(if coding_wins {
            sent.gives(refused(&[400])).or(ok().body("hello").then(Closed))
        } else {
            sent.gives(refused(&[400, 501]))
        });
    }
    all
}

/// HTTP/1.0 has no codings: the framing is faulty, and the connection must close (RFC 9112 6.1).
fn old_codings() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, lines) in [
        ("alone", "Transfer-Encoding: chunked"),
        ("with a length", "Transfer-Encoding: chunked\r\nContent-Length: 15"),
        ("with keep-alive", "Connection: keep-alive\r\nTransfer-Encoding: chunked"),
    ] {
        let case = smuggling("9112 6.1", format!("a coding in HTTP/1.0, {name}"));
        let request = format!("POST /echo HTTP/1.0\r\nHost: h\r\n{lines}\r\n\r\n{HELLO_CHUNKED}{HIDDEN}");
        all.push(
            case.send(request)
                .gives(refused(&[400, 501, 505]))
                .or(ok().lacks("transfer-encoding").then(Closed)),
        );
    }
    all.push(
        must("9112 6.3", "GET with a length of 0")
            .send(super::case::get_with("Content-Length: 0"))
            .gives(served()),
    );
    all
}
