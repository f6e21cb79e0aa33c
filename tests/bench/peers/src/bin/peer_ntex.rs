//! ntex with one worker, on its own epoll runtime (neon with polling).

use ntex::SharedCfg;
use ntex::http::HttpServiceConfig;
use ntex::http::header::{CONTENT_TYPE, HeaderValue};
use ntex::time::Seconds;
use ntex::util::Bytes;
use ntex::web::{self, App, HttpResponse, HttpServer};
use peers::peer::{OCTETS, Options, TEXT, octets};

/// An idle connection must outlive the rows that hold many of them.
const KEEP_ALIVE: Seconds = Seconds(75);

#[ntex::main]
async fn main() -> std::io::Result<()> {
    let options = Options::or_exit();
    let listener = options.listener()?;
    let greeting = options.greeting;
    let app = async move || {
        App::new()
            .state(web::types::PayloadConfig::new(1 << 20))
            .route("/", web::get().to(async move || typed(TEXT, Bytes::from_static(greeting.as_bytes()))))
            .route("/bytes/{n}", web::get().to(bytes))
            .route("/echo", web::post().to(async |body: Bytes| typed(OCTETS, body)))
    };
    let settings = SharedCfg::new("peer").add(HttpServiceConfig::new().set_keepalive(KEEP_ALIVE));
    HttpServer::new(app).workers(1).config(settings).listen(listener)?.run().await
}

async fn bytes(n: web::types::Path<String>) -> HttpResponse {
    match octets(&n) {
        Some(bytes) => typed(OCTETS, Bytes::from_static(bytes)),
        None => HttpResponse::NotFound().finish(),
    }
}

fn typed(kind: &'static str, body: Bytes) -> HttpResponse {
    HttpResponse::Ok().header(CONTENT_TYPE, HeaderValue::from_static(kind)).body(body)
}
