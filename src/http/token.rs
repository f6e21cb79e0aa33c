//! What may stand in a header: in its name, a token, and in its value, a text.
//!
//! The problem: a byte that one program takes for the end of a header, and another one for a part of it, lets a client write
//! a header that one of them sees and the other does not. So no such byte is let in or out.

/// Which bytes may stand in a token (RFC 9110, 5.6.2). A table: each byte of each header's name is looked up.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let token = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut at = 0;
    while at < token.len() {
        table[token[at] as usize] = true;
        at += 1;
    }
    table
};

/// What may stand in a header's name.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// What may stand in its value: visible bytes, those above 127, space and tab.
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table says what the grammar says: visible ASCII, but for its delimiters.
    #[test]
    fn tokens() {
        for byte in 0..=255_u8 {
            let is_delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(is_token(byte), byte.is_ascii_graphic() && !is_delimiter, "{byte:#x}");
        }
    }
}
