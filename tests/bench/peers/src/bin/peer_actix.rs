//! actix-web with one worker.
//!
//! Its accept thread is a second one: it hands connections to the worker. Both are counted and share one core.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use peers::peer::{OCTETS, Options, TEXT, octets};

/// An idle connection must outlive the rows that hold many of them.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    let greeting = options.greeting;
    let app = move || {
        App::new()
            .app_data(web::PayloadConfig::new(1 << 20))
            .route(
                "/",
                web::get().to(move || async move { typed(TEXT, Bytes::from_static(greeting.as_bytes())) }),
            )
            .route("/bytes/{n}", web::get().to(bytes))
            .route("/echo", web::post().to(async |body: Bytes| typed(OCTETS, body)))
    };
    let server = HttpServer::new(app).workers(1).keep_alive(KEEP_ALIVE).tcp_nodelay(true);
    server.listen(listener)?.run().await
}

async fn bytes(n: web::Path<String>) -> HttpResponse {
    match octets(&n) {
        Some(bytes) => typed(OCTETS, Bytes::from_static(bytes)),
        None => HttpResponse::NotFound().finish(),
    }
}

fn typed(kind: &'static str, body: Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).body(body)
}
