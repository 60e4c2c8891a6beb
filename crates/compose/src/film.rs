//! The pictures of one recording.

use std::time::Duration;

use container::{Block, Codec, Shape, h264};
use mixer::picture::{Rotation, VideoCodec};

use crate::layout::Span;
use crate::limit::{BLOCKS_AT_ONCE_MAX, UNSEEN_BYTES_MAX};
use crate::order::Failure;
use crate::reading::Reading;

/// Pictures in the order of their time, of which only what is shown is given out.
#[derive(Debug)]
pub struct Film {
    /// When its time is zero.
    offset: Duration,
    reading: Reading,
    /// When it is shown from now on, in the order of time and apart from each other.
    shown: Vec<Span>,
    visible: bool,
    recent: Recent,
    /// None: it has not begun.
    rotation: Option<Rotation>,
}

/// One picture as it is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// What it is encoded with.
    pub codec: VideoCodec,
    /// As its decoder has it.
    pub bytes: Vec<u8>,
    /// How far it is to be turned.
    pub rotation: Rotation,
}

impl Film {
    /// Pictures that begin at that time, and are shown at these times.
    pub fn new(offset: Duration, reading: Reading, shown: Vec<Span>) -> Film {
        Film { offset, reading, shown, visible: false, recent: Recent::default(), rotation: None }
    }

    pub fn is_damaged(&self) -> bool {
        self.reading.is_damaged()
    }

    /// Gives what is to be decoded so that at `clock` the picture of `until` is shown; nothing, where none is shown.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn advance(&mut self, clock: Duration, until: Duration, mut give: impl FnMut(Shot)) -> Result<(), Failure> {
        let past = self.shown.iter().take_while(|span| span.to <= clock).count();
        self.shown.drain(..past);
        let Some(first) = self.shown.first() else {
            self.reading.close();
            return Ok(());
        };
        let visible = first.from <= clock;
        let hidden_before = !std::mem::replace(&mut self.visible, visible);
        // Whoever begins to show it knows none of its pictures, so those since the last key frame are kept for that.
        let later = !visible || self.shown.len() > 1;
        if visible && hidden_before {
            self.recent.shots.iter().cloned().for_each(&mut give);
        }
        if !later {
            self.recent = Recent::default();
        }
        for _ in 0..BLOCKS_AT_ONCE_MAX {
            if !self.is_due(until)? {
                break;
            }
            let Some((keyframe, shot)) = self.next()? else { break };
            if later {
                self.recent.push(&shot, keyframe);
            }
            if visible {
                give(shot);
            }
        }
        Ok(())
    }

    /// Reads on to where the film begins, so that its picture of that time can be shown; false: there is more to be read.
    ///
    /// # Errors
    /// [`Failure::Open`].
    pub fn catch_up(&mut self, clock: Duration) -> Result<bool, Failure> {
        if self.shown.is_empty() {
            return Ok(true);
        }
        for _ in 0..BLOCKS_AT_ONCE_MAX {
            if !self.is_due(clock)? {
                return Ok(true);
            }
            let Some((keyframe, shot)) = self.next()? else { return Ok(true) };
            self.recent.push(&shot, keyframe);
        }
        Ok(false)
    }

    /// Bytes that are kept of what is not shown yet.
    pub fn kept(&self) -> usize {
        self.recent.bytes
    }

    /// Keeps them no longer.
    pub fn forget(&mut self) {
        self.recent = Recent::default();
    }

    /// Whether there is a picture of that time, or an earlier one. The file stays closed until one can be.
    fn is_due(&mut self, until: Duration) -> Result<bool, Failure> {
        let offset = self.offset;
        Ok(offset <= until && self.reading.peek()?.is_some_and(|block| offset.saturating_add(block.time) <= until))
    }

    fn next(&mut self) -> Result<Option<(bool, Shot)>, Failure> {
        let Some(Block { rotation, keyframe, bytes, .. }) = self.reading.next()? else { return Ok(None) };
        let Some(track) = self.reading.track() else { return Ok(None) };
        let first = match track.shape {
            Shape::Picture { rotation, .. } => rotation,
            Shape::Sound { .. } => 0,
        };
        self.rotation = rotation.map(Rotation::of).or(self.rotation).or(Some(Rotation::of(first)));
        let (codec, bytes) = match track.codec {
            Codec::Vp8 | Codec::Opus => (VideoCodec::Vp8, bytes),
            Codec::Vp9 => (VideoCodec::Vp9, bytes),
            Codec::H264 => (VideoCodec::H264, h264::with_start_codes(&track.private, &bytes)),
        };
        Ok(Some((keyframe, Shot { codec, bytes, rotation: self.rotation.unwrap_or_default() })))
    }
}

/// The pictures since the last key frame.
#[derive(Debug, Default)]
struct Recent {
    shots: Vec<Shot>,
    bytes: usize,
}

impl Recent {
    fn push(&mut self, shot: &Shot, keyframe: bool) {
        if keyframe {
            *self = Recent::default();
        }
        // Without its key frame none of them is of use.
        if !keyframe && self.shots.is_empty() {
            return;
        }
        self.bytes += shot.bytes.len();
        self.shots.push(shot.clone());
        if self.bytes > UNSEEN_BYTES_MAX {
            *self = Recent::default();
        }
    }
}
