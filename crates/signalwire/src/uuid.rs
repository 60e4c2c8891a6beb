//! This vendor's spelling of ids: UUIDs (RFC 9562, section 4) of the 128 bits.

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in small letters.
#[must_use]
pub fn spell(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

/// The bits that this spells, in letters of either size.
#[must_use]
pub fn parse(text: &str) -> Option<u128> {
    let dashed = text.len() == 36 && text.bytes().enumerate().all(|(at, byte)| fits(at, byte));
    dashed.then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok()).flatten()
}

fn fits(at: usize, byte: u8) -> bool {
    if [8, 13, 18, 23].contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spelled_is_read_again() {
        let bits = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        assert_eq!(spell(bits), "01234567-89ab-cdef-0011-223344556677");
        assert_eq!(parse(&spell(bits)), Some(bits));
        assert_eq!(parse("01234567-89AB-CDEF-0011-223344556677"), Some(bits));
    }

    #[test]
    fn anything_else_is_none() {
        let bad = ["", "all", "0", "0123456789abcdef0011223344556677", "01234567-89ab-cdef-0011-22334455667", "é"];
        let odd = ["01234567+89ab-cdef-0011-223344556677", "+1234567-89ab-cdef-0011-223344556677"];
        for text in bad.into_iter().chain(odd) {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
