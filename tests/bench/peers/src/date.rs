//! The clock of a `Date` header, for the peers without a framework: formatted once a second, as everybody does.

use std::time::{Duration, SystemTime};

/// The text for now. Call `tick` once in each turn of the loop.
pub struct Date {
    text: String,
    /// When the text is wrong.
    until: SystemTime,
}

impl Date {
    /// The text of the present second.
    #[must_use]
    pub fn new() -> Date {
        let mut date = Date { text: String::new(), until: SystemTime::UNIX_EPOCH };
        date.tick();
        date
    }

    /// Makes a new text if the second is over.
    pub fn tick(&mut self) {
        let now = SystemTime::now();
        if now >= self.until {
            self.text = httpdate::fmt_http_date(now);
            let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.until = SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs() + 1);
        }
    }

    /// The text, 29 bytes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Default for Date {
    fn default() -> Date {
        Date::new()
    }
}
