//! `/debug/`: the runtime's events and tasks, over HTTP. Only with `--debug-routes`, `--trace` or `--step`: they tell
//! a stranger what others ask for.

use std::rc::Rc;
use std::sync::Arc;

use glassbox::http::{Request, Response, Router, Status};
use glassbox::inspect::{journey, report};
use glassbox::{Handle, Recorder};

use super::watch::Watch;

/// What the routes need.
pub struct Inside {
    pub handle: Handle,
    /// This worker's ring.
    pub ring: Arc<Recorder>,
    /// Everybody's.
    pub watch: Arc<Watch>,
}

/// Adds the routes.
pub fn routes(router: Router, inside: Inside) -> Router {
    let Inside { handle, ring, watch } = inside;
    let ring = Rc::new(ring);
    let tasks = ring.clone();
    router
        .get("/debug/trace", async move |request| trace(&ring, &request))
        .get("/debug/trace.json", async move |_| {
            Response::text(watch.chrome_trace()).with_header("content-type", "application/json")
        })
        .get("/debug/tasks", async move |_| report::report(&handle, &tasks.records()))
}

/// All events that are still in the ring, or those of one request.
fn trace(ring: &Recorder, request: &Request) -> Response {
    let Some(number) = request.query_value("request") else {
        let lost = match ring.dropped() {
            0 => String::new(),
            dropped => format!("... {dropped} earlier events were dropped ...\n"),
        };
        return Response::text(lost + &ring.timeline());
    };
    let Ok(number) = number.parse() else {
        return Response::error(Status::BAD_REQUEST, "give the number of a request, such as ?request=1");
    };
    let records = ring.records();
    if let Some(journey) = journey::journey(&records, number) {
        return Response::text(journey::text(&journey));
    }
    let held = journey::requests(&records);
    let held = held.map_or("none".to_owned(), |(first, last)| format!("{first} to {last}"));
    Response::error(Status::NOT_FOUND, &format!("request {number} is not in the ring; it holds {held}"))
}
