//! HTTP/1.1 on top of the runtime: RFC 9110 (semantics) and RFC 9112 (messages), strict and bounded.
//!
//! The modules stand in reading order. Those up to `service` know bytes, and no client's socket; `flow` and `wire` move
//! bytes between the two; the rest is the life of a connection and of the server.

pub mod pool;
pub mod buffer;
pub mod limits;
pub mod status;
pub mod error;
pub mod method;
pub mod uri;
mod token;
mod search;
pub mod scan;
pub mod fields;
mod plain;
pub mod head;
mod half;
pub mod chunked;
pub mod body;
pub mod request;
pub mod response;
pub mod date;
pub mod encode;
pub mod handler;
pub mod middleware;
pub mod router;
pub mod layers;
pub mod sse;
pub mod files;
pub mod stats;
pub mod service;
mod incoming;
mod wait;
mod patience;
mod flow;
mod peer;
mod wire;
mod wire_body;
mod guest;
mod exchange;
mod connection;
pub mod server;

pub use body::{Body, BodyError, BodySource, Chunk};
pub use error::RequestError;
pub use handler::Handler;
pub use limits::Limits;
pub use method::Method;
pub use middleware::{Middleware, Next};
pub use request::Request;
pub use response::{IntoResponse, Response};
pub use router::Router;
pub use server::{Server, Stopped, serve, serve_connection};
pub use status::Status;
