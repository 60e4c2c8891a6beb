//! Files that are encrypted while they are written, can be read from anywhere, and lose nothing but what was written last when their
//! writer ends suddenly. Keys, nonces and the places that files lie in are arguments.
//!
//! A file is a head and chunks, numbers are big-endian:
//!
//! | bytes | of the head |
//! |---|---|
//! | 8 | `8b` `KNLSL` `00`, and the version, `01` |
//! | 8 | which key: what HKDF makes of the key and `kennel sealed key` |
//! | 16 | a random salt |
//! | 8 | how many bytes are sealed in all; all ones: the file is not finished |
//! | 8 | zeros |
//! | 16 | the first bytes of the HMAC-SHA256 of all that, under the second half of what follows |
//!
//! HKDF (RFC 5869, with SHA-256) of the key, this salt and `kennel sealed file 1` makes 64 bytes: the key of this file's chunks, and that
//! of its head.
//!
//! | bytes | of a chunk |
//! |---|---|
//! | 4 | its number |
//! | 4 | how often it was written, this time among them |
//! | 4 | how many bytes are in it |
//! | 12 | a random nonce |
//! | | the bytes, with AES-256-GCM (NIST SP 800-38D); the first three fields are the additional data |
//! | 16 | the tag |
//!
//! All but the last are full ([`CHUNK`]), so each is where its number says. In a file that is not finished the last one is at its place or
//! at the next, by turns, so that one of the two is whole whatever happens while the other is written; a full one that is changed is
//! written there first, too, and then at its place.
//!
//! Nobody without the key reads a byte or changes one unnoticed, moves a chunk or takes one from another file. Who can write the file can
//! put back an older state of a chunk, and of an unfinished file take away what is at its end.

mod chunk;
mod head;
mod key;
mod place;
mod reader;
mod survey;
mod writer;

use std::fmt;
use std::io;

pub use key::{Key, KeyId, Keys};
pub use place::{Paper, Place};
pub use reader::Reader;
pub use writer::Writer;

/// Bytes that are sealed in a full chunk.
pub const CHUNK: usize = 64 * 1024;

/// Bytes of a file before its first chunk.
pub const HEAD: usize = head::BYTES;

/// Fills a buffer with random bytes, never the same again.
pub type Random = fn(&mut [u8]);

/// What files are sealed and opened with.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// What can be read.
    pub keys: Keys,
    /// Whether files that are made are sealed, with the first of these keys.
    pub is_on: bool,
    /// Where salts and nonces come from.
    pub random: Random,
}

impl Sealing {
    /// Of a place where nothing is sealed.
    #[must_use]
    pub fn none() -> Self {
        // Without keys there is nothing that needs it. Zeros in place of random bytes would give away what two chunks have in common.
        Sealing { keys: Keys::default(), is_on: false, random: |_| panic!("where nothing is sealed nothing is random") }
    }

    /// The key of files that are made; none: they are not sealed.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.keys.0.first().filter(|_| self.is_on)
    }
}

/// Why a file cannot be read.
#[derive(Debug)]
pub enum Problem {
    /// It is no sealed file.
    NotSealed,
    /// It is of a version that is not known here.
    Version(u8),
    /// It is sealed with a key that is not among those that were given.
    OtherKey(KeyId),
    /// Its head is damaged, or is not there to its end.
    Head,
    /// The chunk of this number is damaged or is not there. So much is sealed in those before it: number times [`CHUNK`].
    Chunk(u32),
    /// It cannot be read.
    Io(io::Error),
}

/// Bytes of a beginning that tell whether it is a sealed file's, and of which key.
pub const BEGINNING: usize = 16;

/// Of which key a file is that begins so; none: it is no sealed file, or of a version that is not known here.
#[must_use]
pub fn key_of(beginning: &[u8]) -> Option<KeyId> {
    head::key_of(beginning)
}

/// How large a finished file is in which so many bytes are sealed.
#[must_use]
pub fn size_of(bytes: u64) -> u64 {
    chunk::size_of(bytes)
}

/// Whether a file that begins so is a sealed one, whatever its version.
#[must_use]
pub fn is_sealed(beginning: &[u8]) -> bool {
    beginning.get(..head::MAGIC.len()).is_some_and(|bytes| bytes == head::MAGIC)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NotSealed => write!(f, "it is not encrypted"),
            Problem::Version(version) => write!(f, "it is encrypted in a way that is not known here (version {version})"),
            Problem::OtherKey(id) => write!(f, "it is encrypted with the key {id}, which is not here"),
            Problem::Head => write!(f, "it is encrypted, and its head is damaged"),
            Problem::Chunk(number) => write!(f, "it is encrypted, and its chunk {number} is damaged"),
            Problem::Io(problem) => write!(f, "{problem}"),
        }
    }
}

impl std::error::Error for Problem {}

impl From<io::Error> for Problem {
    fn from(problem: io::Error) -> Self {
        Problem::Io(problem)
    }
}

impl From<Problem> for io::Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Io(problem) => problem,
            problem => io::Error::new(io::ErrorKind::InvalidData, problem),
        }
    }
}
