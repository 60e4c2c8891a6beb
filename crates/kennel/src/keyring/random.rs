//! Random text, with the source of randomness as an argument.

/// Fills a buffer with random bytes. The shell passes [`from_system`], tests pass something they can repeat.
pub type Random<'a> = &'a dyn Fn(&mut [u8]);

/// The characters of keys: they survive messengers, mark-up and double clicks.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fills `buffer` from the operating system.
///
/// # Panics
/// When the system has no randomness to give, which leaves nothing sensible to do.
pub fn from_system(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("the system's source of randomness answers");
}

/// 128 bits from the operating system: an id that nobody guesses.
pub fn id() -> u128 {
    let mut bytes = [0; 16];
    from_system(&mut bytes);
    u128::from_be_bytes(bytes)
}

/// `length` characters of 62, each equally likely: 5.95 bits a character.
pub fn letters(length: usize, random: Random<'_>) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut byte = [0];
        random(&mut byte);
        // Bytes above the largest multiple of 62 would favour the first letters.
        if byte[0] < 248 {
            text.push(char::from(LETTERS[usize::from(byte[0]) % LETTERS.len()]));
        }
    }
    text
}

/// `length` random hexadecimal digits in lower case, 4 bits each. `length` is even.
pub fn hex(length: usize, random: Random<'_>) -> String {
    let mut bytes = vec![0; length / 2];
    random(&mut bytes);
    spell_hex(&bytes)
}

/// A random UUID, version 4 (RFC 9562 section 5.4).
pub fn uuid(random: Random<'_>) -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = spell_hex(&bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Bytes as hexadecimal digits in lower case.
pub fn spell_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
