//! Files that hold encoded sound and pictures. Bytes in, bytes out: no clock, no files, no codecs. What is in a frame is looked at only
//! as far as a container has to say it: sizes, parameter sets, how long a packet sounds.
//!
//! There are two containers, [`matroska`], which WebM is a part of, and [`mp4`]. Both take the same [`Track`] and [`Block`] and give the
//! same [`Output`], and both have a writer of files that grow, of which [`Repair`] finishes what was cut off.

mod bits;
mod ends;
pub mod h264;
pub mod limit;
pub mod matroska;
pub mod mp4;
pub mod opus;
pub mod picture;
mod repair;

use std::time::Duration;

pub use self::repair::{Repair, Repaired};

/// What a track is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// VP9 Bitstream & Decoding Process Specification 0.6.
    Vp9,
    /// ITU-T H.264, its units after their lengths (ISO/IEC 14496-15, section 5.3).
    H264,
}

/// What a track shows or sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Sound.
    Sound {
        /// 1 or 2.
        channels: u8,
    },
    /// Pictures.
    Picture {
        /// Pixels across, of the largest.
        width: u16,
        /// Pixels down, of the largest.
        height: u16,
        /// By how many degrees the first is to be turned clockwise.
        rotation: u16,
    },
}

/// One track of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// What it is encoded with.
    pub codec: Codec,
    /// What it shows or sounds like.
    pub shape: Shape,
    /// What a decoder must know before the first frame; empty where it must know nothing.
    pub private: Vec<u8>,
}

/// A frame, or a packet of sound, in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Of which track: its place among the tracks, from 0.
    pub track: usize,
    /// Since the beginning of the file.
    pub time: Duration,
    /// A decoder can start here. Always so for sound.
    pub keyframe: bool,
    /// By how many degrees the picture is to be turned clockwise from here on; none: as before.
    pub rotation: Option<u16>,
    /// What is decoded.
    pub bytes: Vec<u8>,
}

/// What is to be done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these at its end.
    Append(Vec<u8>),
    /// Write these in the place of as many others.
    Patch {
        /// How many bytes stand before them.
        at: u64,
        /// What is to stand there.
        bytes: Vec<u8>,
    },
}

impl Codec {
    /// Sound: every packet can be decoded by itself.
    #[must_use]
    pub fn is_sound(self) -> bool {
        self == Codec::Opus
    }
}

impl Track {
    /// Sound encoded with Opus, of so many channels.
    #[must_use]
    pub fn opus(channels: u8) -> Self {
        Track { codec: Codec::Opus, shape: Shape::Sound { channels }, private: opus::head(channels) }
    }

    /// Pictures that begin with this key frame; none: it does not say enough to begin with it.
    #[must_use]
    pub fn picture(codec: Codec, keyframe: &[u8], rotation: u16) -> Option<Self> {
        let picture::Size { width, height } = picture::size(codec, keyframe)?;
        let private = if codec == Codec::H264 { h264::private(h264::units(keyframe))? } else { Vec::new() };
        Some(Track { codec, shape: Shape::Picture { width, height, rotation }, private })
    }
}
