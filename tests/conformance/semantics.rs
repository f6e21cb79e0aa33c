//! What happens around a message: methods, HEAD, Expect, persistence, versions, pipelines, and the form of answers.

use super::case::{
    After, Case, Flavour, HIDDEN, Rule, answers, dos, get, get_with, line, must, ok, post, refused, replies,
    reply, served, should, smuggling,
};

pub fn cases() -> Vec<Case> {
    [methods(), head(), expect(), persistence(), old_versions(), pipelines(), unread_bodies(), limits()]
        .concat()
}

fn methods() -> Vec<Case> {
    let mut all = vec![
        must("9110 15.5.6", "405 says which methods there are")
            .send(line("DELETE /healthz HTTP/1.1"))
            .gives(reply(&[405]).lists("allow", "GET").lists("allow", "HEAD").then(After::Kept)),
        must("9110 15.5.6", "405 on a route for POST")
            .send(get("/echo"))
            .gives(reply(&[405]).lists("allow", "POST").then(After::Kept)),
        must("9110 15.5.5", "404").send(get("/no/such/path")).gives(answers(&[404])),
        must("9110 9.3.7", "OPTIONS *")
            .send(line("OPTIONS * HTTP/1.1"))
            .gives(reply(&[200, 204]).has("allow").then(After::Kept)),
        must("9110 9.3.7", "OPTIONS of a path")
            .send(line("OPTIONS /healthz HTTP/1.1"))
            .gives(reply(&[200, 204]).lists("allow", "GET").then(After::Kept)),
        must("9110 9.3.8", "TRACE is not answered with the request")
            .send(line("TRACE /healthz HTTP/1.1"))
            .gives(answers(&[405, 501])),
        must("9110 9.3.6", "CONNECT opens no tunnel")
            .send(line("CONNECT example.com:80 HTTP/1.1"))
            .gives(answers(&[400, 405, 501])),
    ];
    for method in ["BREW", "get", "Get", "GETT", "PROPFIND"] {
        all.push(
            should("9110 9.1", format!("the method {method}"))
                .send(line(format!("{method} /healthz HTTP/1.1")))
                .gives(answers(&[501, 405])),
        );
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        all.push(
            must("9110 9.1", format!("{method} where only GET is"))
                .send(line(format!("{method} /healthz HTTP/1.1")))
                .gives(reply(&[405]).has("allow").then(After::Either)),
        );
    }
    all
}

fn head() -> Vec<Case> {
    let same = |path: &str, rule: Rule| {
        must("9110 9.3.2", format!("HEAD {path} has the headers of GET and no body"))
            .send(get(path))
            .send(line(format!("HEAD {path} HTTP/1.1")))
            .send(get("/hello/next"))
            .gives(replies(
                [
                    reply(&[200, 404, 400]),
                    reply(&[200, 404, 400]).without_body().rule(rule),
                    ok().contains("next"),
                ],
                After::Kept,
            ))
    };
    let paths = [
        "/",
        "/hello/x",
        "/bytes/100",
        "/bytes/0",
        "/chunked/100",
        "/sleep/1",
        "/healthz",
        "/readyz",
        "/nowhere",
        "/bytes/x",
    ];
    let mut all: Vec<Case> = paths.into_iter().map(|path| same(path, Rule::SameAs(0))).collect();
    all.push(same("/metrics", Rule::SameNamesAs(0)));
    all
}

fn expect() -> Vec<Case> {
    let asking = |rest: &str| post("Expect: 100-continue\r\nContent-Length: 5", rest);
    vec![
        must("9110 10.1.1", "100 before the body")
            .send(asking(""))
            .await_reply()
            .send("hello")
            .gives(replies([reply(&[100]), ok().body("hello")], After::Kept)),
        must("9110 10.1.1", "the value is case-insensitive")
            .send(post("Expect: 100-Continue\r\nContent-Length: 5", ""))
            .await_reply()
            .send("hello")
            .gives(replies([reply(&[100]), ok().body("hello")], After::Kept)),
        must("9110 10.1.1", "100 may be left out when the body is here")
            .send(asking("hello"))
            .gives(ok().body("hello").then(After::Kept))
            .or(replies([reply(&[100]), ok().body("hello")], After::Kept)),
        must("9110 10.1.1", "100 before a chunked body")
            .send(post("Expect: 100-continue\r\nTransfer-Encoding: chunked", ""))
            .await_reply()
            .send("5\r\nhello\r\n0\r\n\r\n")
            .gives(replies([reply(&[100]), ok().body("hello")], After::Kept)),
        must("9110 10.1.1", "no 100 for a body of no octets")
            .send(post("Expect: 100-continue\r\nContent-Length: 0", ""))
            .gives(ok().body("").then(After::Kept)),
        must("9110 10.1.1", "no 100 for an HTTP/1.0 client")
            .send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
            .gives(ok().body("hello").then(After::Closed)),
        must("9110 10.1.1", "no 100 where the answer is final without the body")
            .send("POST /nowhere HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            .gives(refused(&[404])),
        must("9110 10.1.1", "an unknown expectation")
            .send(get_with("Expect: coffee"))
            .gives(answers(&[417]))
            .or(served()),
        must("9110 10.1.1", "no 100 for a body that is too large")
            .send(post("Expect: 100-continue\r\nContent-Length: 17", ""))
            .on(Flavour::SmallBody)
            .gives(refused(&[413])),
    ]
}

fn persistence() -> Vec<Case> {
    let mut all =
        vec![must("9112 9.3", "HTTP/1.1 keeps the connection").send(get("/healthz")).gives(served())];
    for value in ["close", "Close", "CLOSE", "keep-alive, close", "close, x", "x ,close ", ",close,,"] {
        all.push(
            must("9112 9.6", format!("Connection: {value:?} closes"))
                .send(get_with(format!("Connection: {value}")))
                .send(HIDDEN)
                .gives(ok().lists("connection", "close").then(After::Closed)),
        );
    }
    for value in ["keep-alive", "x", "closed", "not-close", ""] {
        all.push(
            must("9112 9.3", format!("Connection: {value:?} keeps"))
                .send(get_with(format!("Connection: {value}")))
                .gives(served()),
        );
    }
    all.push(
        must("9110 7.6.1", "close in the second of two Connection lines")
            .send(get_with("Connection: keep-alive\r\nConnection: close"))
            .gives(ok().lists("connection", "close").then(After::Closed)),
    );
    all.push(
        must("9112 9.6", "half-close behind a request: the answer still comes")
            .send(get("/sleep/20"))
            .finish()
            .gives(ok().contains("slept").then(After::Kept)),
    );
    all.push(
        dos("9112 9.5", "an idle connection is closed without an answer")
            .on(Flavour::Impatient)
            .gives(super::case::silent()),
    );
    all
}

fn old_versions() -> Vec<Case> {
    vec![
        must("9112 9.3", "HTTP/1.0 closes")
            .send("GET /healthz HTTP/1.0\r\n\r\n")
            .gives(ok().then(After::Closed)),
        must("9112 9.3", "HTTP/1.0 keeps on demand, and says so")
            .send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .send("GET /hello/next HTTP/1.0\r\n\r\n")
            .gives(replies([ok().lists("connection", "keep-alive"), ok().contains("next")], After::Closed))
            .or(ok().then(After::Closed)),
        must("9112 6.1", "no chunks for HTTP/1.0")
            .send("GET /chunked/100 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .gives(ok().lacks("transfer-encoding").length(100).then(After::Closed)),
        must("9110 6.2", "the answer to HTTP/1.0 has our version")
            .send("GET /healthz HTTP/1.0\r\n\r\n")
            .gives(ok().then(After::Closed)),
    ]
}

fn pipelines() -> Vec<Case> {
    let names = ["a", "b", "c"].map(|name| get(&format!("/hello/{name}")));
    vec![
        must("9112 9.3.2", "three requests, in order")
            .send(names.concat())
            .gives(replies([ok().contains("a"), ok().contains("b"), ok().contains("c")], After::Kept)),
        must("9112 9.3.2", "a slow one first")
            .send([get("/sleep/50"), get("/hello/b")].concat())
            .gives(replies([ok().contains("slept"), ok().contains("b")], After::Kept)),
        must("9112 9.3.2", "bodies between")
            .send([post("Content-Length: 2", "ab"), get("/hello/b"), post("Content-Length: 1", "c")].concat())
            .gives(replies([ok().body("ab"), ok().contains("b"), ok().body("c")], After::Kept)),
        must("9112 9.3.2", "a hundred")
            .send(get("/hello/x").repeat(100))
            .gives(replies(vec![ok().contains("x"); 100], After::Kept)),
        must("9112 9.3.2", "a refused one ends it: those before are answered, those behind are not")
            .send([get("/hello/a"), b"GET / HTTP/1.1\r\n\r\n".to_vec(), get("/hello/smuggled")].concat())
            .gives(replies([ok().contains("a"), reply(&[400])], After::Closed)),
        must("9112 9.6", "what stands behind close is not answered")
            .send([get_with("Connection: close"), get("/hello/smuggled")].concat())
            .gives(ok().then(After::ClosedCleanly)),
    ]
}

fn unread_bodies() -> Vec<Case> {
    let targets = ["/nowhere", "/healthz", "/"];
    let mut all = Vec::new();
    for target in targets {
        for (name, framing, body) in [
            ("a length", format!("Content-Length: {}", HIDDEN.len()), HIDDEN.to_owned()),
            (
                "chunks",
                "Transfer-Encoding: chunked".to_owned(),
                format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len()),
            ),
        ] {
            all.push(
                smuggling(
                    "9112 9.3",
                    format!("the body of a POST to {target}, framed by {name}, is no request"),
                )
                .send(format!("POST {target} HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{body}"))
                .gives(answers(&[404, 405])),
            );
        }
    }
    all.push(
        smuggling("9112 9.3", "the body of a GET is no request")
            .send(get_with(format!("Content-Length: {}", HIDDEN.len())))
            .send(HIDDEN)
            .gives(answers(&[200, 400])),
    );
    all
}

fn limits() -> Vec<Case> {
    let long = |length: usize| get(&format!("/{}", "a".repeat(length)));
    vec![
        must("9110 15.5", "an error is one line of text")
            .send(get("/nowhere"))
            .gives(reply(&[404]).one_line().then(After::Kept)),
        must("9110 15.5", "a refusal is one line of text")
            .send("GET / HTTP/1.1\r\n\r\n")
            .gives(reply(&[400]).one_line().then(After::Closed)),
        must("9110 15.5.15", "a target of 10,000 octets").send(long(10_000)).gives(refused(&[414])),
        must("9110 15.5.15", "a target of 100,000 octets").send(long(100_000)).gives(refused(&[414])),
        must("6585 5", "a header of 40,000 octets")
            .send(get_with(format!("X-A: {}", "a".repeat(40_000))))
            .gives(refused(&[431])),
        must("6585 5", "a thousand headers")
            .send(get_with(vec!["X-A: 1"; 1000].join("\r\n")))
            .gives(refused(&[431])),
        must("9110 15.5.14", "a body that is too large, with a length")
            .send(post("Content-Length: 17", "x".repeat(17)))
            .on(Flavour::SmallBody)
            .gives(refused(&[413])),
        must("9110 15.5.14", "a body that is too large, in chunks")
            .send(post("Transfer-Encoding: chunked", "11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"))
            .on(Flavour::SmallBody)
            .gives(refused(&[413])),
        dos("9110 15.5.9", "half a head")
            .send("GET / HTTP/1.1\r\nHost:")
            .on(Flavour::Impatient)
            .gives(refused(&[408])),
        dos("9110 15.5.9", "half a body")
            .send(post("Content-Length: 5", "he"))
            .on(Flavour::Impatient)
            .gives(refused(&[408])),
    ]
}
