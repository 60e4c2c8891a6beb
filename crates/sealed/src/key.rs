//! Keys: those that a server has, and those that are made of them for one file each.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;

/// A key of a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    secret: [u8; Key::BYTES],
    id: KeyId,
}

/// Which key it is. Tells nothing of the key itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

/// The keys that a server has: of the first the files are that are made, of any of them those that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub Vec<Key>);

/// What is made of a key for one file.
pub(crate) struct FileKey {
    /// Of its chunks.
    pub chunks: LessSafeKey,
    /// Of its head.
    pub head: hmac::Key,
}

impl Key {
    /// Bytes of a key.
    pub const BYTES: usize = 32;

    /// The key of these random bytes.
    #[must_use]
    pub fn new(secret: [u8; Key::BYTES]) -> Self {
        let id = KeyId(expand(&secret, &[], "kennel sealed key"));
        Key { secret, id }
    }

    /// Which it is.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn of_file(&self, salt: &[u8]) -> FileKey {
        let both: [u8; 64] = expand(&self.secret, salt, "kennel sealed file 1");
        let (chunks, head) = both.split_at(32);
        let chunks = UnboundKey::new(&AES_256_GCM, chunks).expect("half of it has the cipher's length");
        FileKey { chunks: LessSafeKey::new(chunks), head: hmac::Key::new(hmac::HMAC_SHA256, head) }
    }
}

impl Keys {
    /// Whether the key of this name is among them.
    #[must_use]
    pub fn has(&self, id: KeyId) -> bool {
        self.find(id).is_some()
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// So many bytes that HKDF makes of this (RFC 5869).
fn expand<const N: usize>(secret: &[u8], salt: &[u8], info: &str) -> [u8; N] {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut made = [0; N];
    let of = Salt::new(HKDF_SHA256, salt).extract(secret);
    let filled = of.expand(&[info.as_bytes()], Length(N)).and_then(|output| output.fill(&mut made));
    filled.expect("it is far below 255 times the hash's length");
    made
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
