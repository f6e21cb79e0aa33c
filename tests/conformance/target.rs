//! The request target: its four forms, its characters, its length (RFC 9112 3.2, 3986 2 and 3).

use super::case::{
    After, Case, HIDDEN, answers, dos, get, line, must, ok, refused, rejected, replies, reply, served,
    should, smuggling,
};

pub fn cases() -> Vec<Case> {
    [
        origin_form(),
        characters(),
        percent(),
        dots(),
        absolute_form(),
        asterisk_form(),
        authority_form(),
        length(),
    ]
    .concat()
}

fn origin_form() -> Vec<Case> {
    let mut all = Vec::new();
    for target in ["/healthz?x=1", "/healthz?", "/healthz?a?b/c", "/healthz?%41=%42", "/healthz?a=1&b=2;c"] {
        all.push(
            must("9112 3.2.1", format!("the query is not part of the path: {target}"))
                .send(get(target))
                .gives(served()),
        );
    }
    for target in ["healthz", "?x", "h:80", "*", "h/healthz", "www.example.com", "\\healthz", "./healthz"] {
        let case = must("9112 3.2", format!("GET of a target in no form of GET: {target}"));
        all.push(case.send(get(target)).gives(rejected(&[400])));
    }
    for target in
        ["/nowhere", "/HEALTHZ", "/hello", "/hello/a/b", "/healthzz", "/health", "/debug/trace", "/zoo/panic"]
    {
        all.push(
            must("9110 15.5.5", format!("not found: {target}"))
                .send(get(target))
                .gives(reply(&[404]).then(After::Kept)),
        );
    }
    all.extend([
        must("3986 3.3", "an empty segment first is a path, not a host")
            .send(get("//healthz"))
            .gives(answers(&[404, 400, 301, 308])),
        must("3986 3.3", "a slash at the end").send(get("/healthz/")).gives(answers(&[404, 301, 308])),
        must("3986 3.3", "an empty path parameter")
            .send(get("/hello/"))
            .gives(answers(&[200, 400, 404, 301, 308])),
        should("9112 3.2.1", "a fragment").send(get("/healthz#top")).gives(rejected(&[400])),
        should("9112 3.2.1", "a fragment after the query")
            .send(get("/healthz?a#top"))
            .gives(rejected(&[400])),
        should("9112 3.2.1", "only a fragment").send(get("#")).gives(rejected(&[400])),
    ]);
    all
}

fn characters() -> Vec<Case> {
    let mut all = Vec::new();
    let target = |path: &[u8], byte: u8| line([b"GET ", path, &[byte], b"b HTTP/1.1"].concat());
    for byte in b"\"<>\\^`{|}" {
        let name = format!("the character {} in the path", byte.escape_ascii());
        all.push(should("3986 2", name).send(target(b"/hello/a", *byte)).gives(rejected(&[400])));
    }
    for byte in [0x00, 0x01, 0x08, 0x0e, 0x1f, 0x7f_u8] {
        let name = format!("the octet {byte:#04x} in the path");
        all.push(must("3986 2", name).send(target(b"/hello/a", byte)).gives(rejected(&[400])));
        let name = format!("the octet {byte:#04x} in the query");
        all.push(must("3986 2", name).send(target(b"/healthz?a", byte)).gives(rejected(&[400])));
    }
    for byte in [0x80, 0xc3, 0xff_u8] {
        let name = format!("the octet {byte:#04x} in the path");
        all.push(should("3986 2", name).send(target(b"/hello/a", byte)).gives(rejected(&[400])));
    }
    let plain = "-._~!$&'()*+,;=:@";
    all.push(
        must("3986 3.3", "every character that a path may hold")
            .send(get(&format!("/hello/{plain}")))
            .gives(ok().contains(plain).then(After::Kept)),
    );
    all
}

fn percent() -> Vec<Case> {
    let mut all = Vec::new();
    for (target, decoded) in [
        ("/hello/%41", "A"),
        ("/hello/a%20b", "a b"),
        ("/hello/%c3%a9", "\u{e9}"),
        ("/hello/%C3%A9", "\u{e9}"),
        ("/hello/100%25", "100%"),
        ("/hello/%2541", "%41"),
        ("/hello/a+b", "a+b"),
        ("/hello/%3Cb%3E", "<b>"),
    ] {
        let case = must("3986 2.1", format!("a path parameter is decoded once: {target}"));
        all.push(case.send(get(target)).gives(ok().contains(decoded).then(After::Kept)));
    }
    all.push(
        should("3986 2.2", "an encoded slash is data, not a separator")
            .send(get("/hello/a%2Fb"))
            .gives(ok().contains("a/b").then(After::Kept)),
    );
    all.push(
        must("3986 6.2.2.2", "an encoded letter in a fixed segment")
            .send(get("/health%7A"))
            .gives(answers(&[200, 404])),
    );
    for target in [
        "/hello/%",
        "/hello/%4",
        "/hello/%zz",
        "/hello/%4g",
        "/hello/%-1",
        "/hello/%+1",
        "/hello/%%41",
        "/hello/% 41",
    ] {
        all.push(
            should("3986 2.1", format!("a broken escape: {target}")).send(get(target)).gives(answers(&[400])),
        );
    }
    for target in ["/hello/%00", "/hello/%ff", "/hello/%c3", "/hello/%ed%a0%80"] {
        let case = must("3986 2.1", format!("an escape that is no text is no server error: {target}"));
        all.push(case.send(get(target)).gives(answers(&[200, 400, 404])));
    }
    all.push(
        smuggling("9110 5.5", "an escaped line end does not split the response")
            .send(get("/hello/a%0d%0aX-Injected:%201%0d%0a%0d%0ab"))
            .gives(reply(&[200, 400, 404]).lacks("x-injected").then(After::Either)),
    );
    all
}

fn dots() -> Vec<Case> {
    let targets = [
        "/hello/../healthz",
        "/./healthz",
        "/healthz/.",
        "/../healthz",
        "/hello/%2e%2e/healthz",
        "/..%2fhealthz",
        "/..",
        "/.",
        "/hello/..",
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/hello/..%2f..%2fetc%2fpasswd",
        "/..;/healthz",
    ];
    let answered =
        |target| must("3986 6.2.2.3", format!("dot segments never lead out: {target}")).send(get(target));
    targets.into_iter().map(|target| answered(target).gives(answers(&[200, 301, 308, 400, 404]))).collect()
}

fn absolute_form() -> Vec<Case> {
    let mut all = Vec::new();
    for target in [
        "http://h/healthz",
        "http://other/healthz",
        "http://h:80/healthz",
        "HTTP://h/healthz",
        "http://h/healthz?x=1",
        "http://[::1]/healthz",
        "http://[::1]:80/healthz",
        "http://127.0.0.1:1/healthz",
        "http://h",
        "http://h?x=1",
        "http://h/",
    ] {
        all.push(
            must("9112 3.2.2", format!("the absolute form is served: {target}"))
                .send(get(target))
                .gives(served()),
        );
    }
    for target in [
        "http:///healthz",
        "http://",
        "http:/healthz",
        "http:healthz",
        "http://h:port/healthz",
        "http://h:80:80/healthz",
        "://h/healthz",
        "http//h/healthz",
        "http://[::1/healthz",
        "http://::1/healthz",
        "http://:80/healthz",
        "http://h%zz/healthz",
    ] {
        let case = must("9110 4.2.1", format!("a broken absolute form: {target}"));
        all.push(case.send(get(target)).gives(rejected(&[400])));
    }
    for target in ["http://user@h/healthz", "http://user:pw@h/healthz", "http://@h/healthz"] {
        all.push(
            should("9110 4.2.4", format!("user information: {target}"))
                .send(get(target))
                .gives(rejected(&[400])),
        );
    }
    all.extend([
        must("9110 7.4", "another scheme, https")
            .send(get("https://h/healthz"))
            .gives(answers(&[200, 400, 404, 421])),
        should("9110 7.4", "another scheme, ftp")
            .send(get("ftp://h/healthz"))
            .gives(answers(&[400, 404, 421, 501])),
        should("9112 3.2.2", "a fragment").send(get("http://h/healthz#top")).gives(rejected(&[400])),
        must("9112 3.2.2", "POST in absolute form")
            .send("POST http://h/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
            .gives(ok().body("hi").then(After::Kept)),
        must("9112 3.2.2", "HTTP/1.0 in absolute form, without Host")
            .send("GET http://h/healthz HTTP/1.0\r\n\r\n")
            .gives(ok().then(After::Closed)),
        must("9112 3.2", "HTTP/1.1 in absolute form, without Host")
            .send("GET http://h/healthz HTTP/1.1\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 3.2", "HTTP/1.1 in absolute form, with a broken Host")
            .send("GET http://h/healthz HTTP/1.1\r\nHost: a b\r\n\r\n")
            .gives(rejected(&[400])),
        must("9112 3.2", "HTTP/1.1 in absolute form, with two Hosts")
            .send("GET http://h/healthz HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n")
            .gives(rejected(&[400])),
    ]);
    all
}

fn asterisk_form() -> Vec<Case> {
    let mut all = vec![
        must("9110 9.3.7", "OPTIONS *")
            .send(line("OPTIONS * HTTP/1.1"))
            .gives(reply(&[200, 204]).then(After::Kept)),
    ];
    all.push(
        should("9110 9.3.7", "OPTIONS * says which methods there are")
            .send(line("OPTIONS * HTTP/1.1"))
            .gives(reply(&[200, 204]).has("allow").then(After::Kept)),
    );
    all.push(
        must("9110 9.3.7", "OPTIONS of a host alone")
            .send(line("OPTIONS http://h HTTP/1.1"))
            .gives(answers(&[200, 204, 404, 405])),
    );
    for request in [
        "POST * HTTP/1.1",
        "PUT * HTTP/1.1",
        "OPTIONS ** HTTP/1.1",
        "OPTIONS *x HTTP/1.1",
        "OPTIONS *?x HTTP/1.1",
    ] {
        all.push(
            must("9112 3.2.4", format!("the asterisk is for OPTIONS alone: {request}"))
                .send(line(request))
                .gives(rejected(&[400])),
        );
    }
    all.push(
        must("9112 3.2.4", "HEAD *")
            .send(line("HEAD * HTTP/1.1"))
            .gives(reply(&[400]).without_body().then(After::ShouldClose)),
    );
    all
}

fn authority_form() -> Vec<Case> {
    let mut all = Vec::new();
    for target in ["h:80", "h", "/healthz", "http://h/", "h:80/healthz", "user@h:80", "[::1]:443", "*", ":80"]
    {
        let request = line(format!("CONNECT {target} HTTP/1.1"));
        all.push(
            must("9110 9.3.6", format!("no tunnel: CONNECT {target}"))
                .send(request)
                .gives(answers(&[400, 404, 405, 501])),
        );
    }
    all.push(
        smuggling("9110 9.3.6", "what follows a refused CONNECT is a request, or nothing")
            .send(line("CONNECT h:80 HTTP/1.1"))
            .send(get("/hello/next"))
            .gives(answers(&[400, 404, 405, 501]))
            .or(replies([reply(&[400, 404, 405, 501]), ok().contains("next")], After::Kept)),
    );
    all.push(
        smuggling("9110 9.3.6", "the body of a refused CONNECT is not a request")
            .send(format!(
                "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nContent-Length: {}\r\n\r\n{HIDDEN}",
                HIDDEN.len()
            ))
            .gives(answers(&[400, 404, 405, 501])),
    );
    all
}

fn length() -> Vec<Case> {
    let path = |length: usize| get(&format!("/healthz?{}", "a".repeat(length - "/healthz?".len())));
    let mut all = vec![
        should("9112 3", "a target of 7,900 octets is served").send(path(7_900)).gives(served()),
        must("9112 3", "a target of 8,192 octets").send(path(8_192)).gives(served()).or(rejected(&[414])),
    ];
    for length in [8_300, 9_000, 20_000, 31_000, 40_000, 200_000] {
        all.push(
            must("9112 3", format!("a target of {length} octets is 414"))
                .send(path(length))
                .gives(refused(&[414])),
        );
    }
    all.extend([
        must("9112 3", "a path of one long segment is 414")
            .send(get(&format!("/{}", "a".repeat(9_000))))
            .gives(refused(&[414])),
        must("9112 3", "an absolute form that is too long is 414")
            .send(get(&format!("http://h/{}", "a".repeat(9_000))))
            .gives(refused(&[414])),
        must("9112 3", "a long target of many segments is 414")
            .send(get(&"/a".repeat(4_500)))
            .gives(refused(&[414])),
        dos("9112 3", "a target that never ends")
            .send(format!("GET /{}", "a".repeat(300_000)))
            .gives(refused(&[414, 400, 431])),
        dos("9112 3", "a target that is too long, of POST with a body")
            .send(format!(
                "POST /{} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{HIDDEN}",
                "a".repeat(9_000),
                HIDDEN.len()
            ))
            .gives(refused(&[414])),
        should("9112 9.6", "a target that is too long ends without a reset")
            .send(path(30_000))
            .gives(reply(&[414]).then(After::ClosedCleanly)),
    ]);
    all
}
