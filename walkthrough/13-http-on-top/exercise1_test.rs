//! What `framing` must say. Included by the exercise and by its solution.

use super::*;

const LENGTH: &str = "content-length";
const CODING: &str = "transfer-encoding";

#[test]
fn one_reading_is_taken() {
    assert_eq!(framing(&[("host", "a")]), Ok(Framing::None));
    assert_eq!(framing(&[("host", "a"), (LENGTH, "5")]), Ok(Framing::Length(5)));
    assert_eq!(framing(&[(LENGTH, "18446744073709551615")]), Ok(Framing::Length(u64::MAX)));
    for value in ["chunked", "Chunked", " chunked "] {
        assert_eq!(framing(&[(CODING, value)]), Ok(Framing::Chunked), "{value:?}");
    }
}

#[test]
fn both_are_refused() {
    assert_eq!(framing(&[(LENGTH, "5"), (CODING, "chunked")]), Err(Refused));
    assert_eq!(framing(&[(CODING, "chunked"), (LENGTH, "5")]), Err(Refused));
    assert_eq!(framing(&[(CODING, "chunked"), (LENGTH, "0")]), Err(Refused));
}

#[test]
fn a_length_is_digits() {
    for value in ["+5", "-5", "", "5, 5", "5 5", "0x5", "5.0", "18446744073709551616"] {
        assert_eq!(framing(&[(LENGTH, value)]), Err(Refused), "{value:?}");
    }
}

#[test]
fn a_length_comes_once() {
    assert_eq!(framing(&[(LENGTH, "5"), (LENGTH, "6")]), Err(Refused));
    assert_eq!(
        framing(&[(LENGTH, "5"), (LENGTH, "5")]),
        Err(Refused),
        "somebody may have believed another one"
    );
}

#[test]
fn chunked_is_alone() {
    for value in ["gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "xchunked", "", "chunked;q=1"]
    {
        assert_eq!(framing(&[(CODING, value)]), Err(Refused), "{value:?}");
    }
    assert_eq!(framing(&[(CODING, "chunked"), (CODING, "chunked")]), Err(Refused));
    assert_eq!(framing(&[(CODING, "chunked"), (CODING, "gzip")]), Err(Refused));
}
