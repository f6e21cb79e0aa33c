//! The chunked coding, octet by octet (RFC 9112 7.1). A broken chunk hides a request that must never be answered.

use super::case::{
    After, Case, HIDDEN, answers, chunks, cut, dos, get, must, ok, refused, replies, served_with, silent,
    smuggling,
};

pub fn cases() -> Vec<Case> {
    [good(), bad_sizes(), bad_ends(), extensions(), trailers(), limits()].concat()
}

fn good() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, raw, body) in [
        ("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"),
        ("no chunk at all", "0\r\n\r\n", ""),
        ("an upper-case size", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a lower-case size", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("leading zeros in a size", "0005\r\nhello\r\n0\r\n\r\n", "hello"),
        ("a last chunk of many zeros", "5\r\nhello\r\n000\r\n\r\n", "hello"),
        ("data that looks like framing", "7\r\n0\r\n\r\nab\r\n0\r\n\r\n", "0\r\n\r\nab"),
    ] {
        all.push(must("9112 7.1", name).send(chunks(raw)).gives(served_with(body)));
    }
    all.push(
        must("9112 7.1", "the next request begins behind the last chunk")
            .send(chunks("1\r\nx\r\n0\r\n\r\n"))
            .send(get("/hello/next"))
            .gives(replies([ok().body("x"), ok().contains("next")], After::Kept)),
    );
    all.push(
        must("9112 7.1", "ten thousand chunks of one octet")
            .send(chunks("1\r\nx\r\n".repeat(10_000) + "0\r\n\r\n"))
            .gives(served_with("x".repeat(10_000))),
    );
    all
}

fn bad_sizes() -> Vec<Case> {
    let sizes = [
        "0x5",
        "0X5",
        "+5",
        "-5",
        " 5",
        "\t5",
        "5 ",
        "5\t",
        "",
        " ",
        "g",
        "5g",
        "5_0",
        "5,",
        "5.0",
        "\u{b}5",
        "\"5\"",
        "11111111111111115",
        "fffffffffffffffff",
        "10000000000000005",
        "5\0",
    ];
    let case = |size: &str| {
        smuggling("9112 7.1", format!("the size {size:?}"))
            .send(chunks(format!("{size}\r\nhello\r\n0\r\n\r\n{HIDDEN}")))
            .gives(refused(&[400, 413]))
            .or(silent())
    };
    sizes.into_iter().map(case).collect()
}

fn bad_ends() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, raw) in [
        ("a bare LF behind the size", "5\nhello\r\n0\r\n\r\n"),
        ("a bare CR behind the size", "5\rhello\r\n0\r\n\r\n"),
        ("a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"),
        ("a bare CR behind the data", "5\r\nhello\r0\r\n\r\n"),
        ("nothing behind the data", "5\r\nhello0\r\n\r\n"),
        ("other octets behind the data", "5\r\nhelloXX0\r\n\r\n"),
        ("more data than the size", "5\r\nhello!\r\n0\r\n\r\n"),
        ("less data than the size", "5\r\nhell\r\n0\r\n\r\n"),
        ("a bare LF behind the last chunk", "5\r\nhello\r\n0\n\r\n"),
        ("a bare LF at the end", "5\r\nhello\r\n0\r\n\n"),
        ("octets behind the last chunk", "5\r\nhello\r\n0\r\nXX\r\n\r\n"),
        ("a CR in the middle of a size", "1\r5\r\nhello\r\n0\r\n\r\n"),
    ] {
        all.push(
            smuggling("9112 7.1", name)
                .send(chunks(format!("{raw}{HIDDEN}")))
                .gives(refused(&[400]))
                .or(cut("hello"))
                .or(silent()),
        );
    }
    for (name, raw) in [
        ("the client ends inside a size", "5"),
        ("the client ends inside the data", "5\r\nhel"),
        ("the client ends before the last chunk", "5\r\nhello\r\n"),
        ("the client ends inside the trailers", "5\r\nhello\r\n0\r\n"),
    ] {
        all.push(
            must("9112 8", name)
                .send(chunks(raw))
                .finish()
                .gives(refused(&[400]))
                .or(cut("hello"))
                .or(silent()),
        );
    }
    all
}

fn extensions() -> Vec<Case> {
    let mut all = Vec::new();
    for extension in [
        ";a",
        ";a=b",
        ";a=\"b\"",
        ";a=\"b;c=\\\"d\\\"\"",
        ";a;b=c",
        " ;a",
        "; a",
        ";a =b",
        ";a= b",
        "\t;\ta\t=\tb",
    ] {
        all.push(
            must("9112 7.1.1", format!("the extension {extension:?}"))
                .send(chunks(format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n")))
                .gives(served_with("hello")),
        );
    }
    for extension in [
        ";a\nb",
        ";a\rb",
        ";a=\"b\r\n",
        ";a=\"b\nc\"",
        ";\0",
        ";=b",
        ";",
        ";a=",
        ";a=\"b",
        ";a\u{7f}",
        ";a=\"\u{1}\"",
    ] {
        all.push(
            smuggling("9112 7.1.1", format!("the broken extension {extension:?}"))
                .send(chunks(format!("5{extension}\r\nhello\r\n0\r\n\r\n{HIDDEN}")))
                .gives(refused(&[400]))
                .or(silent()),
        );
    }
    all
}

fn trailers() -> Vec<Case> {
    let mut all = vec![
        must("9112 7.1.2", "trailers")
            .send(chunks("5\r\nhello\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n"))
            .gives(served_with("hello")),
        must("9110 6.5.1", "a trailer does not change the framing")
            .send(chunks("5\r\nhello\r\n0\r\nContent-Length: 100\r\nTransfer-Encoding: gzip\r\n\r\n"))
            .send(get("/hello/next"))
            .gives(replies([ok().body("hello"), ok().contains("next")], After::Kept))
            .or(refused(&[400])),
    ];
    for (name, trailer) in [
        ("a trailer without a colon", "X-A"),
        ("a trailer with a space before the colon", "X-A : 1"),
        ("a folded trailer", "X-A: 1\r\n 2"),
        ("a trailer with a bare LF", "X-A: 1\nX-B: 2"),
        ("a trailer with a bare CR", "X-A: 1\rX-B: 2"),
        ("a trailer with NUL", "X-A: \0"),
        ("a trailer with an empty name", ": 1"),
    ] {
        all.push(
            smuggling("9112 5", name)
                .send(chunks(format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n{HIDDEN}")))
                .gives(refused(&[400]))
                .or(cut("hello"))
                .or(silent()),
        );
    }
    all
}

fn limits() -> Vec<Case> {
    vec![
        dos("9112 7.1.1", "an extension of 100,000 octets")
            .send(chunks(format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(100_000))))
            .gives(refused(&[400, 413, 431]))
            .or(silent()),
        dos("9112 7.1.1", "a thousand chunks of one octet with 200 octets of extension each")
            .send(chunks(format!("1;{}\r\nx\r\n", "a".repeat(200)).repeat(1000) + "0\r\n\r\n"))
            .gives(refused(&[400, 413, 431]))
            .or(cut("x".repeat(1000)))
            .or(silent()),
        dos("9112 7.1.2", "trailers of 100,000 octets")
            .send(chunks(format!("5\r\nhello\r\n0\r\n{}\r\n", "X-A: 1234567890\r\n".repeat(6000))))
            .gives(refused(&[400, 413, 431]))
            .or(cut("hello"))
            .or(silent()),
        dos("9112 7.1", "a size of a thousand zeros")
            .send(chunks(format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(1000))))
            .gives(refused(&[400, 413]))
            .or(answers(&[200])),
    ]
}
