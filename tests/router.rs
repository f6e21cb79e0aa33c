//! Routes, handlers, and what they may answer.

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use common::conversation::{Conversation, expect_one, statuses};
use glassbox::http::{Limits, Method, Request, Response, Router, Status};

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
