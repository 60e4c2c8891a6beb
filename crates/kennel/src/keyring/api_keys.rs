//! API keys for apps, besides the first one: each app can have its own, so that one can be revoked without the others.

use super::random::{self, Random};
use crate::config::Secret;

/// Keys besides the first one. One more is refused.
pub const MAX_API_KEYS: usize = 1_000;

/// The longest label, in characters.
pub const LABEL_MAX: usize = 64;

/// An API key: signs access tokens, and opens REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// `SK` and 32 hexadecimal digits.
    pub sid: String,
    /// 32 characters of 62, 190 bits.
    pub secret: Secret,
    /// What it is called in the list.
    pub label: String,
    /// When it was made, ms since 1970 UTC.
    pub created: u64,
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// What is wrong with the label, in a sentence.
    pub fn make(label: &str, now: u64, random: Random<'_>) -> Result<Self, &'static str> {
        if label.is_empty() || label.chars().count() > LABEL_MAX || !room::is_speakable(label) {
            return Err("A label has 1 to 64 characters, none of them control characters.");
        }
        let (sid, secret) = (format!("SK{}", random::hex(32, random)), Secret::new(random::letters(32, random)));
        Ok(Self { sid, secret, label: label.to_owned(), created: now })
    }
}
