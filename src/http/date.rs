//! The `Date` header (RFC 9110, 5.6.7): formatted once a second, not once an answer.
//!
//! The clock that decides whether a second has passed is the runtime's turn time, which is free. So an answer pays
//! for one comparison, and a frozen clock gives a frozen date.

use std::cell::{Cell, Ref, RefCell};
use std::time::{Duration, Instant, SystemTime};

use super::response::TEXT;

const OK: &str = "HTTP/1.1 200 OK";
const DATE: &str = "\r\ndate: ";
const TYPE: &str = "\r\ncontent-type: ";

/// How long an IMF-fixdate is.
const DATE_LENGTH: usize = 29;

/// Where the `Date` header ends.
const DATE_END: usize = OK.len() + DATE.len() + DATE_LENGTH;

/// The lines that most answers begin with, so that one copy writes them. The one in the middle is for all others, too.
///
/// ```text
/// HTTP/1.1 200 OK
/// date: Sun, 06 Nov 1994 08:49:37 GMT
/// content-type: text/plain; charset=utf-8
/// ```
pub struct FirstLines([u8; DATE_END + TYPE.len() + TEXT.len()]);

impl FirstLines {
    fn new(time: SystemTime) -> FirstLines {
        let text = format!("{OK}{DATE}{}{TYPE}{TEXT}", http_date(time));
        FirstLines(text.as_bytes().try_into().expect("cannot have another length"))
    }

    /// All three. No line end behind them.
    pub fn of_text(&self) -> &[u8] {
        &self.0
    }

    /// The `Date` header alone, with a line end in front of it and none behind.
    pub fn date(&self) -> &[u8] {
        &self.0[OK.len()..DATE_END]
    }
}

/// The current date as text, at most a second old.
pub struct DateCache {
    lines: RefCell<FirstLines>,
    /// When the next second begins. The wall clock may jump; asking it again each second follows the jump.
    fresh_until: Cell<Instant>,
}

impl DateCache {
    /// The date at `now`, the runtime's turn time.
    pub fn new(now: Instant) -> DateCache {
        let (lines, fresh_until) = read_wall_clock(now);
        DateCache { lines: RefCell::new(lines), fresh_until: Cell::new(fresh_until) }
    }

    /// The lines with the date in them. `now`: the runtime's turn time.
    ///
    /// # Panics
    /// When somebody keeps the lines for so long that others are due.
    pub fn first_lines(&self, now: Instant) -> Ref<'_, FirstLines> {
        if now >= self.fresh_until.get() {
            self.refresh(now);
        }
        self.lines.borrow()
    }

    #[cold] // Once a second. Outside of `first_lines`, which stays short enough to be inlined.
    fn refresh(&self, now: Instant) {
        let (lines, fresh_until) = read_wall_clock(now);
        self.fresh_until.set(fresh_until);
        self.lines.replace(lines);
    }
}

/// The lines of this second, and when the next one begins.
fn read_wall_clock(now: Instant) -> (FirstLines, Instant) {
    let wall = SystemTime::now();
    let into_second = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let rest = Duration::from_nanos(u64::from(1_000_000_000 - into_second));
    (FirstLines::new(wall), now + rest)
}

/// The last second that an IMF-fixdate can tell: its year has four digits.
const LAST_SECOND: u64 = 253_402_300_799;

/// A time as an IMF-fixdate. Before 1970 and behind 9999: the nearest that there is.
#[allow(clippy::cast_possible_truncation, reason = "a weekday is below 7")]
pub(super) fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970 began on a Thursday.
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds =
        time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST_SECOND);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        DAYS[(days % 7) as usize],
        MONTHS[month - 1],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Year, month (1 to 12) and day of the month of a day counted from 1970-01-01. Counts in eras of 400 years, which
/// all have 146,097 days, and in years that begin in March, so that the leap day comes last. The method is Howard
/// Hinnant's (`civil_from_days` in his "chrono-Compatible Low-Level Date Algorithms").
#[allow(clippy::cast_possible_truncation, reason = "a month is below 13")]
fn civil_date(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468; // From 0000-03-01 on.
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The RFC's own example, the leap days of a century that has none and of one that has one, and the ends.
    #[test]
    fn dates() {
        let date = |seconds| http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(date(951_868_800), "Wed, 01 Mar 2000 00:00:00 GMT");
        assert_eq!(date(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 GMT");
        assert_eq!(date(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(date(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 GMT");
        assert_eq!(date(LAST_SECOND), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(date(LAST_SECOND + 1), date(LAST_SECOND));
    }

    /// Every day from 1970 to 2400 follows the day before it.
    #[test]
    fn days_are_counted_without_a_gap() {
        let length = |year: u64, month: usize| match month {
            2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (1970, 1, 1);
        let days = if cfg!(miri) { 1_000 } else { 157_000 };
        for day in 0..days {
            assert_eq!(civil_date(day), expected);
            let (year, month, of_month) = expected;
            expected = match (month, of_month == length(year, month)) {
                (_, false) => (year, month, of_month + 1),
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
            };
        }
    }
}
