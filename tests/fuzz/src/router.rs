//! The router, against a model that tries every pattern.
//!
//! An input is a text, and each line of it is a route or a request:
//!
//! ```text
//!   g/users/{id}      a route: its method's letter (g h p u d a o t), and its pattern
//!   m                 one more layer of middleware
//!   G/users/%37       a request: the letter is large
//!   O*                OPTIONS of the whole server
//! ```
//!
//! So a byte more or less in one line leaves the other lines as they are, and whatever a fuzzer makes of a pattern is
//! given to the router: also what it must refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use glassbox::http::{Handler, Limits, Method, Next, Request, Response, Router};
use glassbox::runtime::panics::panic_message;

use super::mutate::silently;
use super::router_model::{Model, Reply, names_of};
use super::stage::{Answer, read_answers, talk};

/// More lines say nothing new, and are slow.
const MOST_LINES: usize = 24;

/// What a line asks for.
enum Line {
    Route(Method, String),
    Layer,
    Request(Method, String),
}

/// The target.
pub fn run(bytes: &[u8]) {
    let (mut model, mut server) = (Model::default(), Router::new());
    let (mut requests, mut expected) = (String::new(), Vec::new());
    for line in bytes.split(|byte| *byte == b'\n').take(MOST_LINES).filter_map(parse) {
        match line {
            Line::Route(method, pattern) => server = add(server, &mut model, method, &pattern),
            Line::Layer if model.layers == 3 => {}
            Line::Layer => {
                model.layers += 1;
                server = server.with(layer);
            }
            Line::Request(method, path) => {
                requests.extend([method.as_str(), " ", &path, " HTTP/1.1\r\nHost: a\r\n\r\n"]);
                expected.push((method, path));
            }
        }
    }
    let written = talk(server, Limits::default(), &[requests.as_bytes()]);
    let answers = read_answers(&written, |nth| expected[nth].0 == Method::Head).expect("answers");
    assert_eq!(answers.len(), expected.len(), "{model:?}\n{requests}");
    for (answer, (method, path)) in answers.iter().zip(&expected) {
        let reply = model.reply(*method, path);
        check(answer, *method, &reply, model.layers);
    }
}

/// What this line says. Everything but an empty one says something.
fn parse(line: &[u8]) -> Option<Line> {
    let (letter, text) = line.split_first()?;
    let text = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
    let method = match letter.to_ascii_lowercase() {
        b'm' => return Some(Line::Layer),
        b'h' => Method::Head,
        b'p' => Method::Post,
        b'u' => Method::Put,
        b'd' => Method::Delete,
        b'a' => Method::Patch,
        b'o' => Method::Options,
        b't' => Method::Trace,
        _ => Method::Get,
    };
    if !letter.is_ascii_uppercase() {
        return Some(Line::Route(method, text));
    }
    let is_whole_server = method == Method::Options && text == "*";
    Some(Line::Request(method, if is_whole_server { text } else { target(&text) }))
}

/// The text as a target that the server accepts: with a slash, and encoded where it must be.
fn target(text: &str) -> String {
    let bytes = text.strip_prefix('/').unwrap_or(text).as_bytes();
    let mut target = "/".to_owned();
    for (place, byte) in bytes.iter().enumerate() {
        let is_escape = *byte == b'%'
            && bytes.get(place + 1..place + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if is_escape || byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte) {
            target.push(char::from(*byte));
        } else {
            target.extend(["%".to_owned(), format!("{byte:02X}")]);
        }
    }
    target
}

/// Adds a route that the model allows; of one that it refuses, the router must say one of the model's reasons.
fn add(server: Router, model: &mut Model, method: Method, pattern: &str) -> Router {
    let reasons = model.objections(method, pattern);
    if reasons.is_empty() {
        let (index, names) = (model.routes.len(), names_of(pattern));
        model.routes.push((method, pattern.to_owned()));
        return route(server, method, pattern, async move |request: Request| answer(index, &names, &request));
    }
    // The router is gone with the panic. What it was is made again from the model.
    let refused = silently(|| {
        catch_unwind(AssertUnwindSafe(|| drop(route(server, method, pattern, async |_| "refused"))))
    });
    let payload = refused.expect_err(&format!("{pattern:?} was not refused: {reasons:?}"));
    let message = panic_message(&payload).to_owned();
    assert!(
        reasons.iter().any(|reason| message.contains(reason)),
        "{pattern:?} was refused because {message:?}, not because {reasons:?}"
    );
    again(model)
}

/// Adds a route in the way that a program would.
fn route(server: Router, method: Method, pattern: &str, handler: impl Handler) -> Router {
    match method {
        Method::Get => server.get(pattern, handler),
        Method::Post => server.post(pattern, handler),
        _ => server.route(method, pattern, handler),
    }
}

/// A router as the model says.
fn again(model: &Model) -> Router {
    let mut server = Router::new();
    for (index, (method, pattern)) in model.routes.iter().enumerate() {
        let names = names_of(pattern);
        server =
            route(server, *method, pattern, async move |request: Request| answer(index, &names, &request));
    }
    for _ in 0..model.layers {
        server = server.with(layer);
    }
    server
}

/// What each handler says: which it is, and what its parameters are.
fn answer(index: usize, names: &[String], request: &Request) -> String {
    let values: Vec<String> = names.iter().map(|name| format!("{name}={:?}", request.param(name))).collect();
    format!("{index} {}", values.join(" "))
}

/// Leaves its mark on whatever comes back.
async fn layer(request: Request, next: Next) -> Response {
    next.run(request).await.with_header("x-layer", "1")
}

fn check(answer: &Answer, method: Method, reply: &Reply, layers: usize) {
    assert_eq!(answer.status, reply.status, "{reply:?} to {method}, not {answer:?}");
    assert_eq!(answer.values("x-layer").len(), layers, "layers around {answer:?}");
    let allow: Vec<String> =
        answer.values("allow").iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    assert_eq!(allow, reply.allow.iter().cloned().collect::<Vec<_>>(), "Allow, after {method}");
    match &reply.body {
        _ if method == Method::Head => assert!(answer.body.is_empty(), "a body to HEAD"),
        Some(body) => assert_eq!(String::from_utf8_lossy(&answer.body), *body),
        None => {}
    }
}
