//! What stands before the chunks.

use aws_lc_rs::hmac;

use crate::key::{FileKey, Keys};
use crate::{Key, KeyId, Problem};

/// What every sealed file begins with, before its version.
pub const MAGIC: [u8; 7] = *b"\x8bKNLSL\0";

const VERSION: u8 = 1;

/// Bytes of a head.
pub const BYTES: usize = 64;

/// Those that are checked by what follows them.
const CHECKED: usize = 48;

/// Written in place of how much there is.
const UNFINISHED: u64 = u64::MAX;

pub struct Head {
    pub key: KeyId,
    pub salt: [u8; 16],
    /// How many bytes are sealed in all; none: the file is not finished.
    pub bytes: Option<u64>,
}

impl Head {
    pub fn new(key: &Key, salt: [u8; 16]) -> Self {
        Head { key: key.id(), salt, bytes: None }
    }

    pub fn write(&self, key: &FileKey) -> [u8; BYTES] {
        let mut head = [0; BYTES];
        let fields = [&MAGIC[..], &[VERSION], &self.key.0, &self.salt, &self.bytes.unwrap_or(UNFINISHED).to_be_bytes(), &[0; 8]];
        let tag = hmac::sign(&key.head, &fields.concat());
        let whole = fields.into_iter().chain([tag.as_ref()]).flatten();
        head.iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
        head
    }

    /// Reads one, and gives the key of the file with it.
    pub fn read(head: &[u8], keys: &Keys) -> Result<(Head, FileKey), Problem> {
        if !crate::is_sealed(head) {
            return Err(Problem::NotSealed);
        }
        match head.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(&version) => return Err(Problem::Version(version)),
            None => return Err(Problem::Head),
        }
        let (checked, tag) = head.get(..BYTES).ok_or(Problem::Head)?.split_at(CHECKED);
        let (id, salt) = (KeyId(field(checked, 8)?), field(checked, 16)?);
        let bytes = u64::from_be_bytes(field(checked, 32)?);
        let key = keys.find(id).ok_or(Problem::OtherKey(id))?.of_file(&salt);
        let whole = hmac::sign(&key.head, checked);
        if whole.as_ref().get(..tag.len()) != Some(tag) {
            return Err(Problem::Head);
        }
        Ok((Head { key: id, salt, bytes: Some(bytes).filter(|bytes| *bytes != UNFINISHED) }, key))
    }
}

/// Of which key a file is that begins so.
pub fn key_of(head: &[u8]) -> Option<KeyId> {
    let known = crate::is_sealed(head) && head.get(MAGIC.len()) == Some(&VERSION);
    field(head, 8).ok().map(KeyId).filter(|_| known)
}

fn field<const N: usize>(head: &[u8], at: usize) -> Result<[u8; N], Problem> {
    head.get(at..at + N).and_then(|field| field.try_into().ok()).ok_or(Problem::Head)
}
