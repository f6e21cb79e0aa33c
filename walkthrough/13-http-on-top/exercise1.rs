//! Exercise 1 of chapter 13: where does the body end?
//!
//! Given are a request's headers, names in lower case, in the order in which they came. Say how the end of the body is found,
//! or refuse. If two programs on the way can read the length differently, one of them takes the rest of the body for the next
//! request. So the rule is not "be tolerant": exactly one reading, or a refusal.
//!
//! - Neither header: no body.
//! - `content-length`: once, digits and nothing else. `+5`, `5, 5`, an empty value, and a number beyond 64 bits are refused.
//! - `transfer-encoding: chunked` (in any case, white space around it): chunks. Twice, or with another coding: refused.
//! - Both headers: refused, whatever they say.

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
    // The mistake to repair: it takes the first header that it finds, and what `parse` makes of it.
    for (name, value) in headers {
        match *name {
            "content-length" => return value.trim().parse().map(Framing::Length).map_err(|_| Refused),
            "transfer-encoding" if value.contains("chunked") => return Ok(Framing::Chunked),
            _ => {}
        }
    }
    Ok(Framing::None)
}

#[cfg(test)]
#[path = "exercise1_test.rs"]
mod test;
