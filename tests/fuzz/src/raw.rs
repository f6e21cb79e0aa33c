//! A request's bytes looked at naively: lines, words, headers. The list of disagreements judges by this, so that the
//! reason given for a refusal is checked by something that is not the parser which refused.

use std::net::Ipv6Addr;

/// A head cut at its line feeds, however wrong it is.
pub struct Raw<'a> {
    /// All bytes from the request on.
    pub bytes: &'a [u8],
    /// The lines of the head without their line ends, the request line first.
    pub lines: Vec<&'a [u8]>,
    /// Empty lines in front of it.
    pub empty_lines: usize,
    /// Some line of the head, or in front of it, ends in a line feed alone.
    pub has_bare_line_feed: bool,
    /// The head's length, empty lines in front of it included.
    pub length: usize,
}

impl<'a> Raw<'a> {
    /// Looks at the request at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Raw<'a> {
        let mut raw =
            Raw { bytes, lines: Vec::new(), empty_lines: 0, has_bare_line_feed: false, length: bytes.len() };
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            raw.has_bare_line_feed |= !line.ends_with(b"\r");
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match (line.is_empty(), raw.lines.is_empty()) {
                (true, true) => raw.empty_lines += 1,
                (true, false) => {
                    raw.length = bytes.len() - rest.len();
                    return raw;
                }
                (false, _) => raw.lines.push(line),
            }
        }
        raw
    }

    /// The words of the request line.
    pub fn words(&self) -> Vec<&'a [u8]> {
        let line = self.lines.first().copied().unwrap_or_default();
        line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect()
    }

    /// The request's method.
    pub fn method(&self) -> &'a [u8] {
        self.words().first().copied().unwrap_or_default()
    }

    /// The request's target.
    pub fn target(&self) -> &'a [u8] {
        self.words().get(1).copied().unwrap_or_default()
    }

    /// What stands between `://` and the path of an absolute target.
    pub fn authority(&self) -> Option<&'a [u8]> {
        let target = self.target();
        let start = target.windows(3).position(|window| window == b"://")? + 3;
        let end = target[start..].iter().position(|byte| b"/?".contains(byte));
        Some(&target[start..end.map_or(target.len(), |end| start + end)])
    }

    /// The last word of the request line.
    pub fn version(&self) -> &'a [u8] {
        self.words().last().copied().unwrap_or_default()
    }

    /// The values of all headers with this name, without the white space around them.
    pub fn values(&self, name: &str) -> Vec<&'a [u8]> {
        let headers = self.lines.iter().skip(1).filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let own = &line[..colon];
            own.eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        });
        headers.collect()
    }

    /// The members of the comma-separated lists in all headers with this name, in lower case.
    pub fn members(&self, name: &str) -> Vec<Vec<u8>> {
        let values = self.values(name);
        let members = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
        let members = members.map(|member| member.trim_ascii().to_ascii_lowercase());
        members.filter(|member| !member.is_empty()).collect()
    }

    /// Whether the head says that a body of chunks follows.
    pub fn is_chunked(&self) -> bool {
        !self.values("transfer-encoding").is_empty()
    }
}

/// Whether RFC 3986 knows this byte inside of a path or query.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

/// Whether each percent sign is followed by two hex digits.
fn percent_is_sound(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

/// `host` or `host:port`, by a reading of RFC 3986 that shares no code with the library's.
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !text[colon..].contains(&b']') => (&text[..colon], &text[colon + 1..]),
        _ => (text, &text[text.len()..]),
    };
    let port = std::str::from_utf8(port).unwrap_or("x");
    let significant = port.trim_start_matches('0');
    let port_is_sound = port.bytes().all(|byte| byte.is_ascii_digit())
        && (significant.is_empty() || significant.parse::<u16>().is_ok());
    let inner = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    let host_is_sound = if let Some(address) = inner {
        std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
    } else {
        let is_name = |byte: &u8| is_uri_byte(*byte) && !b"/?@:".contains(byte);
        !host.is_empty() && host.iter().all(is_name) && percent_is_sound(host)
    };
    host_is_sound && port_is_sound
}

/// Whether this is a target that RFC 9112, section 3.2 allows for a method other than CONNECT.
pub fn is_target(method: &[u8], target: &[u8]) -> bool {
    if target == b"*" {
        return method == b"OPTIONS";
    }
    if !target.iter().all(|byte| is_uri_byte(*byte) || b"[]".contains(byte)) || !percent_is_sound(target) {
        return false;
    }
    let path = if target.starts_with(b"/") {
        target
    } else {
        let lower = target.to_ascii_lowercase();
        let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| lower.starts_with(scheme));
        let Some(scheme) = scheme else { return false };
        let rest = &target[scheme.len()..];
        let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
        if !is_authority(&rest[..end]) {
            return false;
        }
        &rest[end..]
    };
    !path.iter().any(|byte| b"[]".contains(byte))
}
