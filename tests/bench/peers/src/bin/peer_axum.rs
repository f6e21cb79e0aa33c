//! axum on tokio's current_thread: its router and extractors, its own `serve`.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use peers::peer::{OCTETS, Options, octets};

fn main() -> std::io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let greeting = options.greeting;
        let router = Router::new()
            .route("/", get(async move || greeting))
            .route("/bytes/{n}", get(bytes))
            .route("/echo", post(async |body: Body| ([(CONTENT_TYPE, OCTETS)], body)));
        axum::serve(listener, router).await
    })
}

async fn bytes(Path(n): Path<String>) -> Response {
    match octets(&n) {
        Some(bytes) => ([(CONTENT_TYPE, OCTETS)], Bytes::from_static(bytes)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
