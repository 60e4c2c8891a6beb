//! Secrets that must be read back are sealed with AES-256-GCM under the key file, so that a copy of the keyring alone opens nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::random::Random;
use crate::config::Secret;

/// Length of the key file in bytes.
pub const KEY_BYTES: usize = 32;

/// The key of `secret.key`, ready for use.
pub struct Sealer(LessSafeKey);

/// A sealed text that does not open: another key file, another row, or damage.
#[derive(Debug, PartialEq, Eq)]
pub struct DoesNotOpen;

impl Sealer {
    /// Takes the 32 bytes of the key file.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the array has the key's length");
        Self(LessSafeKey::new(key))
    }

    /// Seals `secret` for the row named `row`: base64 of nonce, cipher text and tag. The row is bound in, so that no two rows can be swapped.
    /// Nonces are random; 2^32 of them would be safe (NIST SP 800-38D section 8.3) and a keyring makes dozens.
    pub fn seal(&self, row: &str, secret: &Secret, random: Random<'_>) -> String {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce);
        let mut text = secret.reveal().as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated(row), &mut text)
            .expect("a secret is far shorter than the cipher's limit");
        STANDARD_NO_PAD.encode([&nonce[..], &text].concat())
    }

    /// Opens what [`Sealer::seal`] made for the same row.
    ///
    /// # Errors
    /// [`DoesNotOpen`] for anything else; it does not say which of its reasons, since none can be told apart.
    pub fn open(&self, row: &str, sealed: &str) -> Result<Secret, DoesNotOpen> {
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| DoesNotOpen)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| DoesNotOpen)?;
        let mut text = text.to_vec();
        let plain = self.0.open_in_place(nonce, associated(row), &mut text).map_err(|_| DoesNotOpen)?;
        let plain = std::str::from_utf8(plain).map_err(|_| DoesNotOpen)?;
        Ok(Secret::new(plain))
    }
}

fn associated(row: &str) -> Aad<String> {
    Aad::from(format!("kennel keyring 1: {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::random::from_system;

    fn sealed() -> (Sealer, String) {
        let sealer = Sealer::new(&[7; KEY_BYTES]);
        let text = sealer.seal("a", &Secret::new("hunter2"), &from_system);
        (sealer, text)
    }

    #[test]
    fn opens_for_its_own_row_only() {
        let (sealer, text) = sealed();
        assert_eq!(sealer.open("a", &text), Ok(Secret::new("hunter2")));
        assert_eq!(sealer.open("b", &text), Err(DoesNotOpen));
    }

    #[test]
    fn another_key_or_any_changed_character_does_not_open() {
        let (sealer, text) = sealed();
        assert_eq!(Sealer::new(&[8; KEY_BYTES]).open("a", &text), Err(DoesNotOpen));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("still ASCII");
            assert_eq!(sealer.open("a", &changed), Err(DoesNotOpen), "at {at}");
        }
        for short in ["", "AAAA", "%"] {
            assert_eq!(sealer.open("a", short), Err(DoesNotOpen));
        }
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let (sealer, text) = sealed();
        assert_ne!(sealer.seal("a", &Secret::new("hunter2"), &from_system), text);
        assert!(!text.contains("hunter2"));
    }
}
