//! What is said of recordings in commands, answers, events and orders. A recording is one file: of a track, for which it is a subscription
//! of nobody, or of the mix, of which it is a viewer that is nobody.

use std::sync::Arc;
use std::time::Duration;

use crate::{Moment, RecordingId, Snapshot, Track, TrackId};

/// A track that is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// Into which recording.
    pub recording: RecordingId,
    /// Which track.
    pub track: TrackId,
}

/// The mix that is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixTake {
    /// Into which recording.
    pub recording: RecordingId,
    /// Whether nothing is written for now. A pause leaves no gap in the time of the file.
    pub paused: bool,
}

/// What media tells of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordNews {
    /// The first media came.
    Began {
        /// In what it is written; of a mix, its pictures.
        codec: RecordedCodec,
        /// As [`Outcome::offset`].
        offset: Duration,
    },
    /// No media comes, for so long that somebody should look, or it comes again.
    Silent(bool),
    /// Nothing more is written. Told once of each recording that was asked for, also when its room is gone.
    Ended(Outcome),
}

/// In what media is written down: as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordedCodec {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// VP9 Bitstream & Decoding Process Specification.
    Vp9,
    /// ITU-T H.264.
    H264,
}

/// What became of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How long it plays.
    pub duration: Duration,
    /// Size of the file.
    pub bytes: u64,
    /// When its first sample was made, since the Unix epoch, on a clock that all recordings of the server share: what is apart by this
    /// was apart by as much. Zero if nothing came.
    pub offset: Duration,
    /// In what it is written, if anything came; of a mix, its pictures.
    pub codec: Option<RecordedCodec>,
    /// Why it ended.
    pub why: WhyStopped,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyStopped {
    /// It was wanted no longer, or what it recorded is gone.
    Stopped,
    /// The same, and nothing ever came: the file is empty.
    NoMedia,
    /// Its file was as long as one may be. Of a mix another begins.
    Long,
    /// The program ended before it did, or a part of it failed: what came last is missing.
    CutOff,
    /// The disk was too slow.
    Overloaded,
    /// The disk is full, or broken.
    Disk,
}

/// A recording that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Which.
    pub id: RecordingId,
    /// Whose track, and which; none: the mix.
    pub source: Option<(Arc<Snapshot>, Track)>,
}

/// Whether a room is recorded: whether the rules let anything be, or a recording of the mix is not over. A mark for everybody inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordingState {
    /// Grows by one with each change, from 1.
    pub revision: u64,
    /// Whether it is.
    pub on: bool,
}

/// A recording of the mix as members see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixRecording {
    /// Which.
    pub id: RecordingId,
    /// How far it is.
    pub state: MixState,
    /// When it was asked for.
    pub began: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// How long it ran until `since`, pauses left out.
    pub(crate) ran: Duration,
    /// From when on it has run, if it is not paused and not over.
    pub(crate) since: Option<Moment>,
}

impl MixRecording {
    /// How long it plays, pauses left out.
    #[must_use]
    pub fn duration(&self, now: Moment) -> Duration {
        self.ran + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// One that runs from now on.
    #[must_use]
    pub fn new(id: RecordingId, now: Moment) -> Self {
        MixRecording { id, state: MixState::Recording, began: now, ended: None, ran: Duration::ZERO, since: Some(now) }
    }

    /// Goes on in another way.
    pub(crate) fn turn(&mut self, state: MixState, now: Moment) {
        self.ran = self.duration(now);
        self.since = (state == MixState::Recording).then_some(now);
        self.ended = (state == MixState::Completed).then_some(now);
        self.state = state;
    }
}

/// How far a recording of the mix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MixState {
    /// It is written.
    Recording,
    /// Nothing is written for now.
    Paused,
    /// It is over.
    Completed,
}

/// What is to become of recordings of the mix. Needs [`Permission::Recording`](crate::Permission::Recording).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordAct {
    /// Begin one. Answered by [`Answer::Recording`](crate::Answer::Recording), as the others are.
    Start,
    /// Write nothing for now.
    Pause(RecordingId),
    /// Go on.
    Resume(RecordingId),
    /// End it.
    Stop(RecordingId),
}
