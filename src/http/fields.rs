//! The headers that the connection itself must understand: whom a request is for, how long its body is, and what
//! happens afterwards.
//!
//! The problem: if a client can write a length that two programs read differently, it can hide a second request in the
//! body of the first (request smuggling). So there is exactly one reading of the body's length, or a refusal
//! (RFC 9112, 6.1 and 6.3).

use super::error::RequestError;

/// How the end of a request's body is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks, until one of size 0.
    Chunked,
}

/// What was learned from the headers that concern the connection.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a question with its own answer")]
pub(super) struct Fields<'a> {
    pub(super) host: Option<&'a [u8]>,
    /// It is one that was found to be good before, or empty.
    pub(super) host_is_known: bool,
    content_length: Option<u64>,
    /// Transfer codings seen in all lines together, how many of them are `chunked`, and whether that is the last.
    codings: usize,
    chunked: usize,
    chunked_is_last: bool,
    has_transfer_encoding: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
    pub(super) unknown_expectation: bool,
}

impl<'a> Fields<'a> {
    /// Takes in one header.
    pub(super) fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), RequestError> {
        // The length decides first: most headers are none of these, and cost one comparison.
        match name.len() {
            4 if is_name(name, b"host") => self.host(value)?,
            6 if is_name(name, b"expect") => self.expect(value),
            10 if is_name(name, b"connection") => self.connection(value),
            14 if is_name(name, b"content-length") => self.content_length(value)?,
            17 if is_name(name, b"transfer-encoding") => self.transfer_encoding(value),
            _ => {}
        }
        Ok(())
    }

    /// Takes in a Host header whose value was found to be good before.
    pub(super) fn note_known_host(&mut self, value: &'a [u8]) -> Result<(), RequestError> {
        self.host_is_known = true;
        self.host(value)
    }

    fn host(&mut self, value: &'a [u8]) -> Result<(), RequestError> {
        if self.host.replace(value).is_some() { Err(RequestError::Host) } else { Ok(()) }
    }

    fn expect(&mut self, value: &[u8]) {
        if value.eq_ignore_ascii_case(b"100-continue") {
            self.expects_continue = true;
        } else {
            self.unknown_expectation = true;
        }
    }

    fn connection(&mut self, value: &[u8]) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// One line of digits. A second one is refused even if it says the same: somebody before us may have
    /// believed the other.
    fn content_length(&mut self, value: &[u8]) -> Result<(), RequestError> {
        let length = parse_digits(value)?;
        if self.content_length.replace(length).is_some() { Err(RequestError::Framing) } else { Ok(()) }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        self.has_transfer_encoding = true;
        for coding in list(value) {
            self.codings += 1;
            self.chunked_is_last = coding.eq_ignore_ascii_case(b"chunked");
            self.chunked += usize::from(self.chunked_is_last);
        }
    }

    /// RFC 9112, 6.1 and 6.3.
    pub(super) fn framing(&self, minor_version: u8) -> Result<Framing, RequestError> {
        if !self.has_transfer_encoding {
            return Ok(match self.content_length {
                None | Some(0) => Framing::None,
                Some(length) => Framing::Length(length),
            });
        }
        // HTTP/1.0 does not know Transfer-Encoding: somebody between the client and us may have ignored it.
        if self.content_length.is_some() || minor_version == 0 || self.chunked != 1 || !self.chunked_is_last {
            return Err(RequestError::Framing);
        }
        if self.codings > 1 { Err(RequestError::TransferCoding) } else { Ok(Framing::Chunked) }
    }
}

/// Whether a header has this name, in any case. `own` is in small letters. Setting one bit makes a capital small, and no other
/// byte becomes a letter. Of a name with a `-`, which CR becomes, the parser must have looked at each byte. (By callgrind,
/// saves 22 of 2,060 instructions for a request.)
pub(super) fn is_name<const N: usize>(name: &[u8], own: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(name).is_ok_and(|name| name.map(|byte| byte | 0x20) == *own)
}

/// The members of a comma-separated list, without the white space around them.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// Digits and nothing else. `str::parse` would take `+5`.
fn parse_digits(value: &[u8]) -> Result<u64, RequestError> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(RequestError::Framing);
    }
    let digits = value.iter().map(|byte| u64::from(byte - b'0'));
    let number =
        digits.into_iter().try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(digit));
    // More than 64 bits is a number all right, and larger than any limit.
    number.ok_or(RequestError::BodyTooLarge)
}
