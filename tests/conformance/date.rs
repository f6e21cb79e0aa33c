//! Reads the one date format that a server may send: IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 5.6.7).
//!
//! Strict on purpose: fixed width, two digits, GMT, and a weekday that belongs to the date.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1 January 1970 was a Thursday
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970, or what is wrong with the text.
pub fn imf_fixdate(text: &str) -> Result<u64, String> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [weekday, day, month, year, clock, "GMT"] = parts[..] else {
        return Err(format!("{text:?} does not have the shape of an IMF-fixdate"));
    };
    let [hour, minute, second] = clock.split(':').collect::<Vec<_>>()[..] else {
        return Err(format!("{clock:?} is not a time of day"));
    };
    let month = MONTHS.iter().position(|name| *name == month).ok_or(format!("{month:?} is not a month"))?;
    let days = days_since_1970(digits(year, 4, 9999)?, month as u64 + 1, digits(day, 2, 31)?);
    let name = DAYS[usize::try_from(days % 7).expect("cannot exceed 6")];
    if weekday != format!("{name},") {
        return Err(format!("{text:?} was a {name}"));
    }
    let seconds = digits(hour, 2, 23)? * 3600 + digits(minute, 2, 59)? * 60 + digits(second, 2, 60)?;
    Ok(days * 86_400 + seconds)
}

fn digits(text: &str, width: usize, most: u64) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a number of {width} digits up to {most}");
    if text.len() != width || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    text.parse().ok().filter(|number| *number <= most).ok_or_else(wrong)
}

/// Counts from 1 March, so that the leap day is the last one of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[test]
fn the_example_of_the_rfc_is_read() {
    assert_eq!(imf_fixdate("Sun, 06 Nov 1994 08:49:37 GMT"), Ok(784_111_777));
}

#[test]
fn other_dates_are_refused() {
    for wrong in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert!(imf_fixdate(wrong).is_err(), "{wrong}");
    }
}
