//! Routes, handlers, and what they may answer.

mod common;

use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use common::conversation::{Conversation, expect_one, statuses};
use glassbox::http::{Handler, Limits, Method, Request, Response, Router, Status};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").expect("a head").1
}

fn router() -> Router {
    Router::new()
        .get("/users/me", async |_| "me")
        .get("/users/{id}", async |request: Request| format!("user {}", request.param("id")))
        .get("/users/{id}/posts/{post}", async |request: Request| {
            format!("post {} of {}", request.param("post"), request.param("id"))
        })
        .get("/files/{*path}", async |request: Request| format!("file {}", request.param("path")))
        .get("/find", async |request: Request| format!("{:?}", request.query_value("q")))
        .post("/form", async |mut request: Request| {
            let pairs = request.form().await?;
            Ok::<_, glassbox::http::BodyError>(format!("{pairs:?}"))
        })
}

/// A fixed segment goes before a parameter, a parameter before "everything below"; values are decoded after the split.
#[test]
fn patterns() {
    let conversation = Conversation::new(router(), Limits::default());
    for (path, expected) in [
        ("/users/me", "me"),
        ("/users/7", "user 7"),
        ("/%75sers/7", "user 7"),
        ("/users/a%2Fb%20c", "user a/b c"),
        ("/users/me/posts/2", "post 2 of me"),
        ("/files/a/b.txt", "file a/b.txt"),
        ("/files/", "file "),
        ("/find?q=a+b%26c&q=d", "Some(\"a b&c\")"),
        ("/find?p=1", "None"),
    ] {
        let text = conversation.say(get(path));
        assert_eq!((statuses(&text), body(&text)), (vec![200], expected), "{path}");
    }
    for (path, status) in
        [("/users", 404), ("/users/", 404), ("/users/7/", 404), ("//users/7", 404), ("/users/%ff", 400)]
    {
        assert_eq!(statuses(&conversation.say(get(path))), [status], "{path}");
    }
    let text = conversation.say("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\na=1&b=%20+c");
    assert_eq!(body(&text), "[(\"a\", \"1\"), (\"b\", \"  c\")]");
    conversation.end();
}

/// A known path with another method is 405 and says which there are; OPTIONS says the same without being an error.
#[test]
fn methods() {
    let conversation = Conversation::new(router(), Limits::default());
    let text = conversation.say("DELETE /users/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_one(&text, 405, false);
    assert!(text.contains("\r\nallow: GET, HEAD, OPTIONS\r\n"), "{text}");
    let text = conversation.say("OPTIONS /form HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_one(&text, 204, false);
    assert!(text.contains("\r\nallow: POST, OPTIONS\r\n"), "{text}");
    let text = conversation.say("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(text.contains("\r\nallow: GET, POST, HEAD, OPTIONS\r\n"), "{text}");
    conversation.end();
}

/// A mistake in a pattern is a panic when the program starts, and the message names the route.
#[test]
fn bad_routes_panic_at_the_start() {
    let message = |build: fn() -> Router| {
        let payload = panic::catch_unwind(AssertUnwindSafe(build)).err().expect("a panic");
        let text = payload.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| payload.downcast_ref::<&str>().expect("a text").to_string())
    };
    for (build, expected) in [
        (
            (|| Router::new().get("users", async |_| "x")) as fn() -> Router,
            "the route \"users\" must start with a slash",
        ),
        (|| Router::new().get("", async |_| "x"), "the route \"\" must start with a slash"),
        (|| Router::new().get("{a}", async |_| "x"), "the route \"{a}\" must start with a slash"),
        (|| Router::new().get("/{a", async |_| "x"), "the route \"/{a\" has a brace inside of a segment"),
        (|| Router::new().get("/{*}", async |_| "x"), "the route \"/{*}\" has a parameter without a name"),
        (
            || Router::new().get("/{a}/{*a}", async |_| "x"),
            "the route \"/{a}/{*a}\" has two parameters called a",
        ),
        (
            || Router::new().get("/{*a}", async |_| "x").post("/{*b}", async |_| "y"),
            "the routes /{*a} and /{*b} name one parameter differently",
        ),
        (|| Router::new().get("/a{b}", async |_| "x"), "the route \"/a{b}\" has a brace inside of a segment"),
        (|| Router::new().get("/{}", async |_| "x"), "the route \"/{}\" has a parameter without a name"),
        (
            || Router::new().get("/{a}/{a}", async |_| "x"),
            "the route \"/{a}/{a}\" has two parameters called a",
        ),
        (
            || Router::new().get("/{*a}/b", async |_| "x"),
            "in the route \"/{*a}/b\", {*a} must be the last segment",
        ),
        (
            || Router::new().get("/a", async |_| "x").get("/a", async |_| "y"),
            "the route GET /a is there twice",
        ),
        (
            || Router::new().get("/{a}", async |_| "x").post("/{b}", async |_| "y"),
            "the routes /{a} and /{b} name one parameter differently",
        ),
    ] {
        assert_eq!(message(build), expected);
    }
}

/// What a handler may return, and what becomes of it.
#[test]
fn answers() {
    let shared = Rc::new("shared".to_owned());
    let router = Router::new()
        .get("/unit", async |_| ())
        .get("/bytes", async |_| vec![b'a', b'b'])
        .get("/status", async |_| Status::GONE)
        .get("/pair", async |_| (Status::CREATED, "made"))
        .get("/none", async |_| None::<&str>)
        .get("/error", async |_| Err::<&str, _>((Status::CONFLICT, "no")))
        .get("/json", async |_| Response::json("{}"))
        .get("/rc", async move |_| {
            // Not `Send`, and held across an await: fine on one thread.
            let kept = shared.clone();
            glassbox::future::yield_now().await;
            (*kept).clone()
        })
        .route(Method::Put, "/put", async |_| "put");
    let conversation = Conversation::new(router, Limits::default());
    for (path, status, text) in [
        ("/unit", 204, ""),
        ("/bytes", 200, "ab"),
        ("/status", 410, "410 Gone\n"),
        ("/pair", 201, "made"),
        ("/none", 404, "404 Not Found\n"),
        ("/error", 409, "no"),
        ("/json", 200, "{}"),
        ("/rc", 200, "shared"),
    ] {
        let answer = conversation.say(get(path));
        assert_eq!((statuses(&answer), body(&answer)), (vec![status], text), "{path}");
    }
    conversation.end();
}

/// A handler that says which of several routes it is, and each parameter that it was given.
fn tell(route: &'static str, names: &'static [&'static str]) -> impl Handler {
    async move |request: Request| {
        let mut text = route.to_owned();
        for name in names {
            write!(text, " {name}={:?}", request.param(name)).expect("a String takes everything");
        }
        text
    }
}

#[track_caller]
fn expect_all(router: Router, expected: &[(&str, u16, &str)]) {
    let conversation = Conversation::new(router, Limits::default());
    for (path, status, text) in expected {
        let answer = conversation.say(get(path));
        assert_eq!((statuses(&answer), body(&answer)), (vec![*status], *text), "{path}");
    }
    conversation.end();
}

/// A way that begins well and ends nowhere is walked back: fixed segments are tried first, then parameters, then
/// "everything below", on each level anew. What a dead end has read does not turn up among the values.
#[test]
fn dead_ends_are_walked_back() {
    let router = Router::new()
        .get("/{*all}", tell("all", &["all"]))
        .get("/{y}/b/e", tell("y", &["y"]))
        .get("/a/{x}/d", tell("x", &["x"]))
        .get("/a/{x}/{z}/{*below}", tell("below", &["x", "z", "below"]))
        .get("/a/b/c", tell("fixed", &[]));
    expect_all(
        router,
        &[
            ("/a/b/c", 200, "fixed"),
            ("/a/b/d", 200, "x x=\"b\""),
            ("/a/b/e", 200, "y y=\"a\""),
            ("/a/b/f", 200, "all all=\"a/b/f\""),
            ("/a/b/c/", 200, "below x=\"b\" z=\"c\" below=\"\""),
            ("/a/b/c/d/e", 200, "below x=\"b\" z=\"c\" below=\"d/e\""),
            ("/", 200, "all all=\"\""),
        ],
    );
}

/// A value is decoded once, after the path was cut: an encoded slash is a letter of the value, an encoded percent sign
/// stays one, and a plus is a plus. What is not UTF-8 after that is 400.
#[test]
fn values_are_decoded_once() {
    let router = Router::new()
        .get("/p/{value}", tell("p", &["value"]))
        .get("/p/{value}/x", tell("x", &["value"]))
        .get("/r/{*value}", tell("r", &["value"]));
    let bad = "400 Bad Request: the path is not UTF-8\n";
    expect_all(
        router,
        &[
            ("/p/a%2Fx", 200, "p value=\"a/x\""),
            ("/p/a%2fb/x", 200, "x value=\"a/b\""),
            ("/p/%252F", 200, "p value=\"%2F\""),
            ("/p/a+b", 200, "p value=\"a+b\""),
            ("/p/%C3%A9%00", 200, "p value=\"\u{e9}\\0\""),
            ("/p/%2e%2e", 200, "p value=\"..\""),
            ("/r/a%2Fb/c%20d", 200, "r value=\"a/b/c d\""),
            ("/p/%FF", 400, bad),
            ("/p/%C3", 400, bad),
            ("/r/a/%80", 400, bad),
            ("/%FF", 404, "404 Not Found\n"),
        ],
    );
}

/// An empty segment is a segment: nothing is added, left out or cleaned up. A parameter is never empty.
#[test]
fn slashes_count() {
    let router = Router::new()
        .get("/", tell("root", &[]))
        .get("/a", tell("a", &[]))
        .get("/b/", tell("b/", &[]))
        .get("/c//d", tell("c//d", &[]))
        .get("/p/{value}/end", tell("p", &["value"]))
        .get("/r/{*value}", tell("r", &["value"]));
    let lost = "404 Not Found\n";
    expect_all(
        router,
        &[
            ("/", 200, "root"),
            ("http://a", 200, "root"),
            ("http://a?q", 200, "root"),
            ("//", 404, lost),
            ("/a", 200, "a"),
            ("/a/", 404, lost),
            ("//a", 404, lost),
            ("/b/", 200, "b/"),
            ("/b", 404, lost),
            ("/b//", 404, lost),
            ("/c//d", 200, "c//d"),
            ("/c/d", 404, lost),
            ("/p//end", 404, lost),
            ("/p/x/end", 200, "p value=\"x\""),
            ("/r", 404, lost),
            ("/r/", 200, "r value=\"\""),
            ("/r//x/", 200, "r value=\"/x/\""),
            ("/A", 404, lost),
        ],
    );
}

/// HEAD is answered like GET, up to the body: that is left out, its length is not, and the next answer on the
/// connection begins right behind the head. A handler for HEAD itself goes first.
#[test]
fn head_is_get_without_the_body() {
    let router = Router::new()
        .get("/get", async |_| "four")
        .get("/both", async |_| "get")
        .route(Method::Head, "/both", async |_| Response::text("head").with_header("x-own", "1"))
        .post("/post", async |_| "x");
    let conversation = Conversation::new(router, Limits::default());
    let full = conversation.say(get("/get"));
    let head = conversation.say("HEAD /get HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(head, full.strip_suffix("four").expect("the body"));
    let own = conversation.say("HEAD /both HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(own.contains("\r\nx-own: 1\r\n") && own.ends_with("\r\n\r\n"), "{own}");
    for (path, status) in [("/post", 405), ("/nowhere", 404)] {
        let text = conversation.say(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        expect_one(&text, status, false);
        assert!(text.ends_with("\r\n\r\n") && !text.contains("content-length: 0"), "{text}");
    }
    conversation.end();
}

/// What looks like a pattern but could never be met, or would be met by something else than it says: a panic, too, and
/// not a route that lies there in silence.
#[test]
fn misleading_routes_panic_at_the_start() {
    let name = "(hint: letters, digits and _, one parameter a segment)";
    for (pattern, expected) in [
        ("/{{a}}", format!("has a parameter called \"{{a}}\" {name}")),
        ("/{year}-{month}", format!("has a parameter called \"year}}-{{month\" {name}")),
        ("/{**a}", format!("has a parameter called \"*a\" {name}")),
        ("/{a b}", format!("has a parameter called \"a b\" {name}")),
        ("/{a-b}", format!("has a parameter called \"a-b\" {name}")),
        ("/a}b", "has a brace inside of a segment".to_owned()),
        ("/a%20b", "is percent-encoded (hint: write it as it reads; both spellings are met then)".to_owned()),
        ("/a?b=c", "has a query or a fragment (hint: ask the request for its query_value)".to_owned()),
        ("/a#b", "has a query or a fragment (hint: ask the request for its query_value)".to_owned()),
        ("/{*a}/", "in the route \"/{*a}/\", {*a} must be the last segment".to_owned()),
    ] {
        let build = || Router::new().get(pattern, async |_| "x");
        let payload = panic::catch_unwind(build).err().unwrap_or_else(|| panic!("{pattern} was accepted"));
        let text = payload.downcast_ref::<String>().expect("a text");
        assert!(text.ends_with(&expected), "{pattern}: {text}");
    }
    // What is unusual, but means what it says.
    for (pattern, path) in
        [("/a b", "/a%20b"), ("/100%", "/100%25"), ("/\u{e9}", "/%C3%A9"), ("/a//b", "/a//b")]
    {
        let router = Router::new().get(pattern, async |_| "met");
        expect_all(router, &[(path, 200, "met")]);
    }
}

/// Each method is named once, also OPTIONS and HEAD when they have handlers of their own.
#[test]
fn allow_names_each_method_once() {
    let router = Router::new()
        .get("/", async |_| "x")
        .route(Method::Head, "/", async |_| "x")
        .route(Method::Options, "/", async |_| (Status::OK, "own"))
        .route(Method::Options, "/other", async |_| (Status::OK, "own"));
    let conversation = Conversation::new(router, Limits::default());
    for (line, expected) in
        [("POST /", "GET, HEAD, OPTIONS"), ("GET /other", "OPTIONS"), ("OPTIONS *", "GET, HEAD, OPTIONS")]
    {
        let text = conversation.say(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(text.contains(&format!("\r\nallow: {expected}\r\n")), "{line}: {text}");
    }
    conversation.end();
}

/// A wrong method on a known path is 405, not 404, and names the right ones in the header and in words. A handler for
/// OPTIONS goes before the answer that is made up. A path without a route has no methods at all.
#[test]
fn wrong_methods_and_options() {
    let router = Router::new()
        .route(Method::Put, "/put", async |_| "x")
        .route(Method::Delete, "/put", async |_| "x")
        .route(Method::Options, "/own", async |_| (Status::OK, "own"));
    let conversation = Conversation::new(router, Limits::default());
    let ask = |line: &str| conversation.say(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let text = ask("GET /put");
    assert!(text.contains("\r\nallow: PUT, DELETE, OPTIONS\r\n"), "{text}");
    assert_eq!(body(&text), "405 Method Not Allowed: the methods here are PUT, DELETE, OPTIONS\n");
    assert_eq!(body(&ask("OPTIONS /own")), "own");
    expect_one(&ask("OPTIONS /nowhere"), 404, false);
    expect_one(&ask("GET /nowhere"), 404, false);
    conversation.end();

    let empty = Conversation::new(Router::new(), Limits::default());
    let text = empty.say("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 204 ") && text.contains("\r\nallow: OPTIONS\r\n"), "{text}");
    empty.end();
}

/// A parameter that the route does not have is a mistake of the program: 500, and the connection ends. The server goes
/// on.
#[test]
fn a_misspelt_parameter_is_500() {
    let conversation =
        Conversation::new(Router::new().get("/{name}", tell("x", &["nmae"])), Limits::default());
    expect_one(&conversation.say(get("/a")), 500, true);
    conversation.end();
}

/// A function that keeps an `Rc` across an await: its future is not `Send`, and need not be.
async fn keeps_an_rc(request: Request) -> String {
    let kept = Rc::new(request.param("name").to_owned());
    let other = kept.clone();
    glassbox::future::yield_now().await;
    format!("{kept} {}", Rc::strong_count(&other))
}

/// Functions and closures are handlers alike. A closure may own what it counts with; its calls share it.
#[test]
fn functions_and_closures_are_handlers() {
    let calls = Rc::new(std::cell::Cell::new(0));
    let count = async move |_| {
        calls.set(calls.get() + 1);
        glassbox::future::yield_now().await;
        calls.get().to_string()
    };
    let router = Router::new().get("/rc/{name}", keeps_an_rc).get("/count", count);
    expect_all(router, &[("/rc/a", 200, "a 2"), ("/count", 200, "1"), ("/count", 200, "2")]);
}
