//! MP4 (ISO/IEC 14496-12), with H.264 (ISO/IEC 14496-15) and Opus (Encapsulation of Opus in ISO Base Media File Format, 0.6.8).
//!
//! What a player must know stands at the beginning of the file, so that it plays while it still comes: there is a place for it, which is
//! filled at the end. Until then the file is none.

mod boxes;
mod table;
mod writer;

pub use self::writer::Writer;
