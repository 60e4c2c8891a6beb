//! What an engine and the mixer of a room say to each other. The mixer runs on a thread of its own: it takes far longer for a picture
//! than a packet may wait.

mod films;
mod pace;
mod room;
mod sight;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use ::room::{Canvas, ParticipantId, RoomId, Scene, TrackId};

use crate::limit::{MIX_MAIN_LEAST_MILLIBITS, MIX_MAIN_MILLIBITS, MIX_PIECE_BYTES, MIX_SMALL_MILLIBITS};
use crate::tap;

pub use self::films::{Projector, Reel};
pub(crate) use self::pace::Pace;
pub use self::room::{Counts, RoomMix};

/// The encodings of one mixed picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rendition {
    /// For viewers whose line does not take the other.
    Small,
    /// As the scene has it.
    Main,
    /// The same for files that have H.264. Nobody receives it.
    File,
}

impl Rendition {
    /// As a layer of a track, where the smallest comes first. That for files comes behind them all and is none.
    #[must_use]
    pub fn layer(self) -> u8 {
        match self {
            Rendition::Small => 0,
            Rendition::Main => 1,
            Rendition::File => 2,
        }
    }

    /// Width and height, in pixels.
    #[must_use]
    pub fn size(self, canvas: Canvas) -> (u16, u16) {
        match self {
            Rendition::Small => (canvas.width / 4 * 2, canvas.height / 4 * 2),
            Rendition::Main | Rendition::File => (canvas.width, canvas.height),
        }
    }

    /// Bits per second, at least and at most.
    #[must_use]
    pub fn bitrates(self, canvas: Canvas) -> RangeInclusive<u64> {
        let (width, height) = self.size(canvas);
        let of = |millibits| u64::from(width) * u64::from(height) * u64::from(canvas.fps) * millibits / 1_000;
        match self {
            Rendition::Small => of(MIX_SMALL_MILLIBITS)..=of(MIX_SMALL_MILLIBITS),
            Rendition::Main => of(MIX_MAIN_LEAST_MILLIBITS)..=of(MIX_MAIN_MILLIBITS),
            Rendition::File => of(MIX_MAIN_MILLIBITS)..=of(MIX_MAIN_MILLIBITS),
        }
    }
}

/// What an engine tells the mixer of a room.
#[derive(Clone, Debug)]
pub enum ToMixer {
    /// How it looks and sounds from now on; none: nobody receives it any more.
    Scene(RoomId, Option<Arc<Scene>>),
    /// A packet of a track in the scene.
    Packet(RoomId, TrackId, tap::Packet),
    /// Somebody cannot go on without a key frame.
    Keyframe(RoomId, Rendition),
    /// What those who receive the mix can do with.
    Wanted(RoomId, Wanted),
}

/// What those who receive a mix can do with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Bits per second of the main rendition; none: nobody receives it.
    pub main: Option<u64>,
    /// Whether somebody receives the small one.
    pub small: bool,
    /// Whether the one for files is recorded.
    pub file: bool,
    /// Of those whose sound gets lost on the way, how many of a hundred packets.
    pub losses: Vec<(ParticipantId, u8)>,
}

impl Wanted {
    /// What is assumed until somebody says otherwise.
    #[must_use]
    pub fn usual(canvas: Canvas) -> Self {
        Wanted { main: Some(*Rendition::Main.bitrates(canvas).end()), ..Wanted::default() }
    }

    /// How many of a hundred packets of sound get lost on the way to somebody.
    #[must_use]
    pub fn loss_of(&self, who: ParticipantId) -> u8 {
        self.losses.iter().find(|(of, _)| *of == who).map_or(0, |(_, percent)| *percent)
    }
}

/// What the mixer of a room makes, and what it wants.
#[derive(Clone, Debug)]
pub enum FromMixer {
    /// 20 ms of sound: a packet of Opus for each who receives the mix.
    Sound {
        /// Of which room.
        room: RoomId,
        /// The moment that it is of.
        shown: Instant,
        /// For whom.
        packets: Vec<(ParticipantId, Arc<[u8]>)>,
    },
    /// A picture, encoded as VP8, or as H.264 for files.
    Picture {
        /// Of which room.
        room: RoomId,
        /// In which rendition.
        rendition: Rendition,
        /// Grows by one from each picture of that rendition to the next, which cannot be decoded without it: unless it is a key frame.
        number: u64,
        /// The moment that it is of.
        shown: Instant,
        /// The whole frame (RFC 6386); of H.264 with start codes before its units (ITU-T H.264, annex B).
        frame: Vec<u8>,
    },
    /// Somebody began or ceased to talk.
    Talking(RoomId, ParticipantId, bool),
    /// A track cannot be decoded further without a key frame.
    Keyframe(RoomId, TrackId),
}

/// One packet of our own making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The payload.
    pub payload: Arc<[u8]>,
    /// The last of its frame. False for sound.
    pub last: bool,
}

/// A frame as packets: each begins with the frame's number (RFC 7741, section 4.2).
pub fn pieces(frame: &[u8], picture: u16) -> impl Iterator<Item = Piece> {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    let count = frame.len().div_ceil(MIX_PIECE_BYTES);
    (1..).zip(frame.chunks(MIX_PIECE_BYTES)).map(move |(n, bytes)| {
        let head = [if n == 1 { 0x90 } else { 0x80 }, 0x80, high, low];
        Piece { payload: head.iter().chain(bytes).copied().collect(), last: n == count }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Codec, Descriptor};

    #[test]
    fn a_frame_is_cut_into_packets_that_name_it() {
        let frame = [&[0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0][..], &[7; 2 * MIX_PIECE_BYTES]].concat();
        let cut: Vec<Piece> = pieces(&frame, 0x1234).collect();
        assert_eq!(cut.iter().map(|piece| piece.last).collect::<Vec<_>>(), [false, false, true]);
        let read: Vec<Descriptor> = cut.iter().map(|piece| Descriptor::parse(Codec::Vp8, &piece.payload)).collect();
        assert_eq!(
            read.iter().map(|one| (one.starts_frame, one.keyframe)).collect::<Vec<_>>(),
            [(true, true), (false, false), (false, false)]
        );
        assert!(read.iter().all(|one| one.vp8.and_then(|vp8| vp8.picture).is_some_and(|picture| picture.id == 0x1234)));
        let whole: Vec<u8> = cut.iter().flat_map(|piece| &piece.payload[4..]).copied().collect();
        assert_eq!(whole, frame);
        assert_eq!(pieces(&[], 1).count(), 0);
    }
}
