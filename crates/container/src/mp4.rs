//! MP4 (ISO/IEC 14496-12), with H.264 (ISO/IEC 14496-15) and Opus (Encapsulation of Opus in ISO Base Media File Format, 0.6.8).
//!
//! There are two writers. [`Writer`] has a place at the beginning of the file for what a player must know, which is filled at the end: so a
//! finished file plays while it still comes, and until then it is none. [`Growing`] writes files that play wherever they end, of which
//! [`Repair`] finishes one that was cut off; what a player must know stands at their end.

mod boxes;
mod growing;
mod movie;
mod repair;
mod table;
mod writer;

pub use self::growing::Growing;
pub use self::repair::Repair;
pub use self::writer::Writer;

/// Bytes with which a file begins that grows.
pub const MAGIC_BYTES: usize = 36;

/// These: what kind of file it is (section 4.3).
const MAGIC: [u8; MAGIC_BYTES] = *b"\0\0\0\x24ftypisom\0\0\x02\0isomiso2iso5avc1mp41";

/// Whether these are the first bytes of a file that [`Growing`] wrote.
#[must_use]
pub fn is_begun(first: &[u8]) -> bool {
    first.starts_with(&MAGIC)
}
