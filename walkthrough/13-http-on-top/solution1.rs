//! Solution of exercise 1 of chapter 13: where does the body end?
//!
//! All headers are looked at before anything is decided. `src/http/fields.rs` does the same, and tells codings that it does not
//! know (501) from lengths that have two readings (400).

/// How the end of a body is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// There is more than one reading, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused;

/// How the body of a request with these headers ends.
///
/// # Errors
/// When that has more than one answer.
pub fn framing(headers: &[(&str, &str)]) -> Result<Framing, Refused> {
    let (mut length, mut chunked) = (None, false);
    for (name, value) in headers {
        match *name {
            "content-length" => {
                let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse().ok().filter(|_| is_digits).ok_or(Refused)?;
                if length.replace(number).is_some() {
                    return Err(Refused);
                }
            }
            "transfer-encoding" => {
                if !value.trim().eq_ignore_ascii_case("chunked") || chunked {
                    return Err(Refused);
                }
                chunked = true;
            }
            _ => {}
        }
    }
    match (length, chunked) {
        (None, false) => Ok(Framing::None),
        (Some(length), false) => Ok(Framing::Length(length)),
        (None, true) => Ok(Framing::Chunked),
        (Some(_), true) => Err(Refused),
    }
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
