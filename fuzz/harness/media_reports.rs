//! Reports of a client, as they are once they are decrypted.

use media::reception::count;

/// Numbers that four bytes of a list can name (RFC 4585, section 6.2.1).
const NUMBERS_MAX: usize = 17;

pub fn run(data: &[u8]) {
    let said = count(data);
    assert!(said <= data.len() / 4 * NUMBERS_MAX, "{said} of {} bytes", data.len());
    // What is cut off takes nothing away from what is before it, and adds nothing.
    for end in (0..data.len()).step_by(data.len() / 16 + 1) {
        assert!(count(data.get(..end).unwrap_or_default()) <= said);
    }
}
