//! Panics in code that is not ours: they are logged, and end there.
//!
//! The problem: futures, their drops and their wakers may be foreign, and any of them may panic where we call it, in the
//! middle of a loop over others who are to be served as well. One more panic while the first unwinds would end the process.
//!
//! A payload is foreign, too: its drop may panic.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// What a panic carries: usually a `String` or a `&'static str`.
pub type Payload = Box<dyn Any + Send>;

/// Calls code that is not ours. If it panics, the panic is logged and ends here. `what`: for the log.
#[inline]
pub(crate) fn quietly(what: &str, call: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(call)) {
        log_panic(what, payload);
    }
}

#[cold]
fn log_panic(what: &str, payload: Payload) {
    log::error!("{what} panicked: {}", panic_message(&payload));
    // A payload can panic in its own drop, and with a payload that does so again. The second is leaked: that is
    // the end of the chain.
    panic::catch_unwind(AssertUnwindSafe(|| drop(payload))).unwrap_or_else(mem::forget);
}

/// The words of a panic, if it has any.
pub fn panic_message(payload: &Payload) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return text;
    }
    payload.downcast_ref::<String>().map_or("(no message)", String::as_str)
}
