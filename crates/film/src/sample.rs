//! What containers hold: tracks, and their frames and packets one after the other.

use std::time::Duration;

use crate::{Bytes, Problem, mp4, webm};

/// What a track is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Vp8,
    Vp9,
    H264,
    Opus,
    Aac,
}

impl Codec {
    pub fn is_sound(self) -> bool {
        matches!(self, Codec::Opus | Codec::Aac)
    }
}

/// A track that can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    pub codec: Codec,
    /// What a decoder must know before the first frame.
    pub private: Vec<u8>,
    /// By how many degrees pictures are to be turned clockwise.
    pub rotation: u16,
}

/// A frame, or a packet of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it is to be seen or heard. Frames come in the order in which they are decoded.
    pub time: Duration,
    pub bytes: Vec<u8>,
}

/// The samples of one track.
#[derive(Debug)]
pub enum Samples {
    Mp4(mp4::Samples),
    Webm(Box<webm::Samples>),
}

impl Samples {
    /// The next one; none: there is none any more.
    pub fn next(&mut self, bytes: &dyn Bytes) -> Result<Option<Sample>, Problem> {
        match self {
            Samples::Mp4(samples) => samples.next(bytes),
            Samples::Webm(samples) => samples.next(bytes),
        }
    }

    /// Goes to the last sample before this time with which a decoder can start.
    pub fn seek(&mut self, bytes: &dyn Bytes, to: Duration) -> Result<(), Problem> {
        match self {
            Samples::Mp4(samples) => samples.seek(to),
            Samples::Webm(samples) => samples.seek(bytes, to)?,
        }
        Ok(())
    }
}
