//! Matroska (RFC 9559), and WebM where the codecs are ones that WebM has.
//!
//! A file grows at its end and can be played at any time. What is known only at the end has its place at the beginning: whoever ends
//! the file, the [`Writer`] or the [`Repair`] of one that was cut off, writes it there.

mod cues;
mod ebml;
mod id;
mod index;
mod reader;
mod repair;
mod writer;

pub use self::cues::{Cue, cues_at, cues_bytes};
pub use self::reader::{Event, Reader};
pub use self::repair::Repair;
pub use self::writer::Writer;
