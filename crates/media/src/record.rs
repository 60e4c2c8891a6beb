//! Recordings: what is received is written down as it came, into one file each.
//!
//! To the engine a recording of a track is a subscriber that is not a client, and one of the mix a viewer that is not a client. What they
//! receive goes to a thread of its own, because a disk may take longer than a packet may wait.

mod clock;
mod disk;
mod files;
mod gaps;
mod mixed;
mod recorder;
mod take;
mod track;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use room::{Kind, ParticipantId, RecordingId, RoomId, TrackId};
use sealed::Sealing;

use crate::limit::{RECORD_SPACE_BEGIN_BYTES, RECORD_SPACE_LEAST_BYTES};
use crate::tap::Packet;

pub use self::clock::Epoch;
pub(crate) use self::clock::PeerClock;
pub use self::files::{COPY, DAMAGED, look, repair};
pub use self::recorder::{Effect, Recorder};
pub use self::take::Form;
pub(crate) use self::writer::{Port, Setup, start};

/// Where recordings are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder; made when the first recording begins.
    pub folder: PathBuf,
    /// How much space there must be.
    pub floors: Floors,
    /// Whether and how they are encrypted.
    pub sealing: Sealing,
    /// What files of mixes are.
    pub mix: MixFile,
}

/// What the file of a mix is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MixFile {
    /// VP8 and Opus: the pictures as viewers get them.
    #[default]
    WebM,
    /// H.264 and Opus: the pictures are encoded once more.
    Mp4,
}

/// Bytes that must be free where recordings are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floors {
    /// For another one to begin.
    pub begin: u64,
    /// For one to go on.
    pub least: u64,
}

impl Default for Floors {
    fn default() -> Self {
        Floors { begin: RECORD_SPACE_BEGIN_BYTES, least: RECORD_SPACE_LEAST_BYTES }
    }
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A track.
    Track {
        /// Who publishes it: all that is theirs has one clock.
        who: ParticipantId,
        /// Which.
        track: TrackId,
        /// Sound or pictures.
        kind: Kind,
    },
    /// The mix of the room.
    Mix(MixFile),
}

/// What an engine tells the recorder.
#[derive(Clone, Debug)]
pub enum ToRecorder {
    /// A recording is wanted.
    Begin {
        /// In which room.
        room: RoomId,
        /// Into which recording.
        recording: RecordingId,
        /// Of what.
        subject: Subject,
    },
    /// A packet of a recorded track.
    Packet(RecordingId, Packet),
    /// 20 ms of the sound of a mix, encoded with Opus.
    Sound {
        /// Into which recording.
        recording: RecordingId,
        /// The moment that it is of.
        shown: Instant,
        /// A packet.
        packet: Arc<[u8]>,
    },
    /// A picture of a mix, encoded as its file has it.
    Picture {
        /// Into which recording.
        recording: RecordingId,
        /// One more than that of the picture before, or one between them is missing.
        number: u64,
        /// The moment that it is of.
        shown: Instant,
        /// The whole frame; of H.264 with start codes before its units.
        frame: Arc<[u8]>,
    },
    /// Nothing is written for now, or it goes on; only of a mix.
    Pause(RecordingId, bool),
    /// A recording is wanted no longer.
    End(RecordingId),
    /// The engine is gone: whatever it recorded ends.
    Lost,
}

/// What the recorder wants of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromRecorder {
    /// A key frame of this track; none: of the mix, as its files have it.
    Keyframe(RoomId, Option<TrackId>),
}

impl ToRecorder {
    /// Whether it may be lost when there is too much.
    pub(crate) fn is_media(&self) -> bool {
        matches!(self, ToRecorder::Packet(..) | ToRecorder::Sound { .. } | ToRecorder::Picture { .. })
    }
}

/// A duration in whole microseconds.
fn us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A number of microseconds as a duration; what is before zero is zero.
fn duration(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}
