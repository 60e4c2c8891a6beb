//! The built pages, from the program itself or, in tests, from memory.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use rust_embed::RustEmbed;

use crate::keyring::random::spell_hex;

/// One file of the built pages.
#[derive(Clone, Debug)]
pub struct File {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// The first 32 hexadecimal digits of its SHA-256.
    pub tag: String,
}

/// Where the built pages come from.
pub trait Files: Send + Sync {
    /// The file at a path without a leading slash.
    fn get(&self, path: &str) -> Option<File>;
    /// All paths.
    fn paths(&self) -> Vec<String>;
}

/// `web/dist` as it was when the program was built; empty when it was built without.
pub struct Embedded;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

impl Files for Embedded {
    fn get(&self, path: &str) -> Option<File> {
        let file = Dist::get(path)?;
        let tag = spell_hex(&file.metadata.sha256_hash()[..16]);
        Some(File { bytes: file.data, tag })
    }

    fn paths(&self) -> Vec<String> {
        Dist::iter().map(Cow::into_owned).collect()
    }
}

/// Files in memory.
impl Files for HashMap<String, Vec<u8>> {
    fn get(&self, path: &str) -> Option<File> {
        let bytes = HashMap::get(self, path)?.clone();
        let tag = spell_hex(&digest(&SHA256, &bytes).as_ref()[..16]);
        Some(File { bytes: bytes.into(), tag })
    }

    fn paths(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}
