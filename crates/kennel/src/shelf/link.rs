//! Addresses of files that need no credentials and end: whoever was given one plays the file with anything.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Secret;

/// Where files are given out; the recording's id follows.
pub const PATH: &str = "/kennel/media/";

/// Seconds that an address is good unless said otherwise.
pub const TTL_DEFAULT_S: u32 = 900;

/// Seconds that an address may be good. Longer is refused.
pub const TTL_MAX_S: u32 = 86_400;

/// Makes addresses and knows them again.
pub struct Signer(Key);

/// Why an address opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// We did not make it.
    Forged,
    /// It was good.
    Ended,
}

impl Signer {
    /// With a key of its own, made of a secret of the keyring.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        let base = Key::new(HMAC_SHA256, secret.reveal().as_bytes());
        Signer(Key::new(HMAC_SHA256, sign(&base, b"addresses of recordings").as_ref()))
    }

    /// The path and query that lead to this recording until then, in seconds since 1970 UTC.
    #[must_use]
    pub fn address(&self, recording: u128, ends_s: u64) -> String {
        let signature = URL_SAFE_NO_PAD.encode(sign(&self.0, &words(recording, ends_s)));
        format!("{PATH}{recording:032x}?ends={ends_s}&signature={signature}")
    }

    /// Whether such an address is good now, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn check(&self, recording: u128, ends_s: u64, signature: &str, now_s: u64) -> Result<(), Wrong> {
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Wrong::Forged)?;
        verify(&self.0, &words(recording, ends_s), &signature).map_err(|_| Wrong::Forged)?;
        if now_s < ends_s { Ok(()) } else { Err(Wrong::Ended) }
    }
}

fn words(recording: u128, ends_s: u64) -> Vec<u8> {
    format!("{recording:032x} {ends_s}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_its_recording_until_its_end() {
        let signer = Signer::of(&Secret::new("secret"));
        let address = signer.address(7, 1_000);
        let (start, signature) = address.split_once("&signature=").expect("a signature");
        assert_eq!(start, "/kennel/media/00000000000000000000000000000007?ends=1000");
        assert_eq!(signer.check(7, 1_000, signature, 999), Ok(()));
        assert_eq!(signer.check(7, 1_000, signature, 1_000), Err(Wrong::Ended));
        for (recording, ends_s, signature) in [(8, 1_000, signature), (7, 1_001, signature), (7, 1_000, ""), (7, 1_000, "é&=")] {
            assert_eq!(signer.check(recording, ends_s, signature, 1), Err(Wrong::Forged));
        }
        assert_eq!(Signer::of(&Secret::new("other")).check(7, 1_000, signature, 1), Err(Wrong::Forged));
    }
}
