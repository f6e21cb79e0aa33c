//! The router: from method and path to a handler.
//!
//! ```text
//!   /hello/{name}        root -- "hello" -- {name}: GET, HEAD
//!   /files/{*path}            \- "files" -- {*path}: everything below
//! ```
//!
//! 1. A tree of path segments: finding a route costs the length of the path, however many routes there are.
//! 2. A fixed segment goes before a parameter, a parameter before "everything below". So `/users/me` and
//!    `/users/{id}` live side by side.
//! 3. A known path with another method is 405 and says which methods there are; an unknown path is 404.
//! 4. A mistake in a pattern is a panic when the program starts, never an answer.
//!
//! A pattern is a slash and segments with slashes between them. A segment is a text, a parameter `{name}` (the whole
//! segment, never empty), or, at the end, `{*name}` for everything that follows (which may be empty). A name has
//! letters, digits and underscores, and stands once in a pattern. Texts are written as they read, not percent-encoded:
//! `/a b` meets `/a%20b`. A slash at the end counts: `/a/` is not `/a`.

use std::borrow::Cow;
use std::rc::Rc;
use std::task::Context;

use super::handler::{Answering, Endpoint, Handler, endpoint};
use super::head::Param;
use super::method::Method;
use super::middleware::{Layer, Layers, Middleware, Next, layer};
use super::request::Request;
use super::response::{IntoResponse, Response};
use super::status::Status;
use super::uri::percent_decode;

/// Routes, and the middleware that all of them pass through.
#[derive(Default)]
pub struct Router {
    root: Node,
    /// Outermost first.
    layers: Vec<Rc<dyn Layer>>,
    /// Every method of every route, for `OPTIONS *`.
    methods: Vec<Method>,
}

/// One place in the tree.
#[derive(Default)]
struct Node {
    fixed: Vec<(Box<str>, Node)>,
    param: Option<Box<Node>>,
    rest: Option<Box<Route>>,
    route: Option<Box<Route>>,
}

/// A pattern and its handlers.
struct Route {
    pattern: Box<str>,
    names: Rc<[Box<str>]>,
    handlers: Vec<(Method, Box<dyn Endpoint>)>,
}

impl Route {
    fn handler(&self, method: Method) -> Option<&dyn Endpoint> {
        let find =
            |wanted| self.handlers.iter().find(|(own, _)| *own == wanted).map(|(_, handler)| &**handler);
        // HEAD works wherever GET does; the connection leaves the body out.
        find(method).or_else(|| if method == Method::Head { find(Method::Get) } else { None })
    }
}

impl Router {
    /// No routes.
    pub fn new() -> Router {
        Router::default()
    }

    /// Adds a handler for GET, and with it for HEAD.
    #[must_use]
    pub fn get(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Get, pattern, handler)
    }

    /// Adds a handler for POST.
    #[must_use]
    pub fn post(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Post, pattern, handler)
    }

    /// Adds a handler for any method.
    ///
    /// # Panics
    /// When the pattern is malformed, or has a handler for this method already; the message says which.
    #[must_use]
    pub fn route(mut self, method: Method, pattern: &str, handler: impl Handler) -> Router {
        let (segments, names) = parse_pattern(pattern);
        let place = self.root.place(&segments);
        let fresh = Route { pattern: pattern.into(), names: names.clone().into(), handlers: Vec::new() };
        let route = place.get_or_insert_with(|| Box::new(fresh));
        assert!(
            *route.names == *names,
            "the routes {} and {pattern} name one parameter differently",
            route.pattern
        );
        let doubled = route.handlers.iter().any(|(own, _)| *own == method);
        assert!(!doubled, "the route {method} {pattern} is there twice");
        route.handlers.push((method, endpoint(handler)));
        self.note_method(method);
        self
    }

    /// Wraps all routes, and what is answered without one, in a middleware. The first one added is the outermost.
    #[must_use]
    pub fn with(mut self, middleware: impl Middleware) -> Router {
        self.layers.push(layer(middleware));
        self
    }

    /// Finds the handler and starts it, all middleware around it.
    pub(super) fn call(self: &Rc<Self>, request: Request, cx: &mut Context<'_>) -> Answering {
        if self.layers.is_empty() {
            self.innermost(request, cx)
        } else {
            Next::all(self.clone()).start(request, cx)
        }
    }

    fn note_method(&mut self, method: Method) {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
    }
}

impl Layers for Router {
    fn layer(&self, depth: usize) -> Option<Rc<dyn Layer>> {
        self.layers.get(depth).cloned()
    }

    /// Finds the handler and starts it.
    #[inline(always)] // See `Registration::poll_io`.
    fn innermost(&self, mut request: Request, cx: &mut Context<'_>) -> Answering {
        let method = request.method();
        let (path, params) = request.path_and_params();
        if path == b"*" {
            return Answering::Ready(options(&self.methods));
        }
        let Some(route) = self.root.find(path, 1, params) else {
            return Answering::Ready(Status::NOT_FOUND.into_response());
        };
        let Some(handler) = route.handler(method) else {
            return Answering::Ready(without_handler(method, route));
        };
        // Most routes have no parameters.
        if !params.is_empty() && !decode_all(path, params) {
            return Answering::Ready(Response::error(Status::BAD_REQUEST, "the path is not UTF-8"));
        }
        request.set_names(&route.names);
        handler.start(request, cx)
    }
}

impl Node {
    /// Where the route of these segments belongs, making the way there.
    fn place(&mut self, segments: &[Segment<'_>]) -> &mut Option<Box<Route>> {
        match segments.split_first() {
            None => &mut self.route,
            Some((Segment::Rest, _)) => &mut self.rest,
            Some((Segment::Param, tail)) => self.param.get_or_insert_default().place(tail),
            Some((Segment::Fixed(text), tail)) => {
                let known = self.fixed.iter().position(|(own, _)| **own == **text);
                let index = known.unwrap_or_else(|| {
                    self.fixed.push(((*text).into(), Node::default()));
                    self.fixed.len() - 1
                });
                self.fixed[index].1.place(tail)
            }
        }
    }

    /// Walks down `path` from its byte `start` on, which stands behind a slash. On success `params` says where in the path
    /// the parameters are, still encoded.
    fn find(&self, path: &[u8], start: usize, params: &mut Vec<Param>) -> Option<&Route> {
        let slash = path[start..].iter().position(|byte| *byte == b'/').map(|length| start + length);
        let segment = start..slash.unwrap_or(path.len());
        let decoded = percent_decode(&path[segment.clone()]);
        let fixed = self.fixed.iter().find(|(own, _)| is_same(own.as_bytes(), &decoded));
        if let Some(route) = fixed.and_then(|(_, node)| node.descend(path, slash, params)) {
            return Some(route);
        }
        if let Some(param) = self.param.as_ref().filter(|_| !segment.is_empty()) {
            params.push(Param::Plain(segment));
            if let Some(route) = param.descend(path, slash, params) {
                return Some(route);
            }
            params.pop();
        }
        let rest = self.rest.as_deref()?;
        params.push(Param::Plain(start..path.len()));
        Some(rest)
    }

    /// Goes on behind the slash, if there is one; else the way ends here.
    fn descend(&self, path: &[u8], slash: Option<usize>, params: &mut Vec<Param>) -> Option<&Route> {
        match slash {
            Some(slash) => self.find(path, slash + 1, params),
            None => self.route.as_deref(),
        }
    }
}

enum Segment<'a> {
    Fixed(&'a str),
    Param,
    Rest,
}

/// Cuts a pattern into segments and names.
fn parse_pattern(pattern: &str) -> (Vec<Segment<'_>>, Vec<Box<str>>) {
    let path = pattern.strip_prefix('/');
    let path = path.unwrap_or_else(|| panic!("the route {pattern:?} must start with a slash"));
    let (mut segments, mut names) = (Vec::new(), Vec::<Box<str>>::new());
    for text in path.split('/') {
        if let (Some(Segment::Rest), Some(name)) = (segments.last(), names.last()) {
            panic!("in the route {pattern:?}, {{*{name}}} must be the last segment");
        }
        let (segment, name) = parse_segment(pattern, text);
        if let Some(name) = name {
            assert!(
                !names.iter().any(|own| **own == *name),
                "the route {pattern:?} has two parameters called {name}"
            );
            names.push(name.into());
        }
        segments.push(segment);
    }
    (segments, names)
}

/// What one segment is, and its parameter's name if it has one. `pattern`: for the message.
fn parse_segment<'a>(pattern: &str, text: &'a str) -> (Segment<'a>, Option<&'a str>) {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        assert_literal(pattern, text);
        return (Segment::Fixed(text), None);
    };
    let (segment, name) = match inner.strip_prefix('*') {
        Some(name) => (Segment::Rest, name),
        None => (Segment::Param, inner),
    };
    assert!(!name.is_empty(), "the route {pattern:?} has a parameter without a name");
    assert!(
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "the route {pattern:?} has a parameter called {name:?} (hint: letters, digits and _, one parameter a segment)"
    );
    (segment, Some(name))
}

/// A fixed segment is compared with what the client's segment says when it is decoded. So a pattern is written decoded,
/// and one that could never be met is a mistake.
fn assert_literal(pattern: &str, text: &str) {
    assert!(!text.contains(['{', '}']), "the route {pattern:?} has a brace inside of a segment");
    assert!(
        *percent_decode(text.as_bytes()) == *text.as_bytes(),
        "the route {pattern:?} is percent-encoded (hint: write it as it reads; both spellings are met then)"
    );
    assert!(
        !text.contains(['?', '#']),
        "the route {pattern:?} has a query or a fragment (hint: ask the request for its query_value)"
    );
}

/// Whether two segments are equal. The empty one, which is all of the path `/`, is not left to `==`: that asks memcmp to
/// compare nothing at the address of an empty box, which is none. glibc's memcmp for AVX-512 looks there all the same, with
/// a mask that hides everything, and the processor takes its time to find out that no page is hurt. (Measured with `perf`,
/// sixteen requests pipelined: 10 % of the CPU time.)
fn is_same(own: &[u8], segment: &[u8]) -> bool {
    own.len() == segment.len() && (own.is_empty() || own == segment)
}

/// Decodes those parameters that are percent-encoded; most are not. `false`: one is not UTF-8.
fn decode_all(path: &[u8], params: &mut [Param]) -> bool {
    params.iter_mut().all(|param| {
        if let Param::Plain(range) = param
            && let Cow::Owned(bytes) = percent_decode(&path[range.clone()])
        {
            let Ok(text) = String::from_utf8(bytes) else { return false };
            *param = Param::Decoded(text);
        }
        true
    })
}

/// The path is known, the method is not among its handlers.
#[cold] // See `HalfHead::read`.
fn without_handler(method: Method, route: &Route) -> Response {
    let methods: Vec<Method> = route.handlers.iter().map(|(method, _)| *method).collect();
    if method == Method::Options {
        return options(&methods);
    }
    let hint = format!("the methods here are {}", allow(&methods));
    Response::error(Status::METHOD_NOT_ALLOWED, &hint).with_header("allow", allow(&methods))
}

#[cold] // See `HalfHead::read`.
fn options(methods: &[Method]) -> Response {
    Response::new(Status::NO_CONTENT).with_header("allow", allow(methods))
}

fn allow(methods: &[Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    if !names.contains(&"OPTIONS") {
        names.push("OPTIONS");
    }
    names.join(", ")
}
