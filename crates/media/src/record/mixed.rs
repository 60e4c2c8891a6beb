//! The sound and the pictures of a mix made into one file.

use std::sync::Arc;
use std::time::Instant;

use container::{Block, Codec, Track, h264, picture};

use super::clock::Epoch;
use super::gaps::Gaps;
use super::track::Taken;
use super::{MixFile, duration};
use crate::limit::{RECORD_KEYFRAME_GAP, RECORD_MIX_FILL_MAX, RECORD_WISH_GAP};

/// Channels of the sound of a mix.
const CHANNELS: u8 = 1;

/// Tracks of the file.
const SOUND: usize = 0;
const PICTURE: usize = 1;

/// A mix that is recorded. Its file begins with a key frame.
#[derive(Debug)]
pub(super) struct Mixing {
    codec: Codec,
    /// What the beginning of the file is by our clock, in microseconds; pauses put it off.
    zero: Option<i64>,
    /// Where the file ends by now, in microseconds.
    end: i64,
    paused: bool,
    /// The first after a pause goes on where the file ended.
    resumes: bool,
    awaits_key: bool,
    /// Of the newest picture that came.
    number: Option<u64>,
    /// What is missing of the sound.
    gaps: Gaps,
    key: Option<Instant>,
    asked: Option<Instant>,
}

impl Mixing {
    /// One of which nothing came yet.
    pub fn new(file: MixFile) -> Self {
        let codec = match file {
            MixFile::WebM => Codec::Vp8,
            MixFile::Mp4 => Codec::H264,
        };
        let gaps = Gaps::up_to(RECORD_MIX_FILL_MAX);
        let (number, key, asked) = (None, None, None);
        Mixing { codec, zero: None, end: 0, paused: false, resumes: false, awaits_key: false, number, gaps, key, asked }
    }

    /// Writes nothing for now, or goes on.
    pub fn pause(&mut self, paused: bool) {
        if self.paused && !paused {
            (self.resumes, self.awaits_key) = (true, true);
        }
        self.paused = paused;
    }

    /// Whether nothing is to come.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Takes 20 ms of sound. What was dropped before it is made up for by silence.
    pub fn sound(&mut self, epoch: &Epoch, shown: Instant, packet: &Arc<[u8]>, mut give: impl FnMut(Taken)) {
        if self.paused {
            return;
        }
        let Some(time) = self.place(epoch.us(shown)) else { return };
        let mut put = |at, bytes| give(Taken::Block(Block { track: SOUND, keyframe: true, ..block(at, bytes) }));
        self.gaps.take(time, shown, packet, &mut put);
        put(time, packet.to_vec());
    }

    /// Looks at the number of the picture that comes next: where one is missing, it cannot be decoded.
    pub fn follow(&mut self, number: u64) {
        let before = self.number.replace(number);
        self.awaits_key |= before.is_some_and(|before| number != before.wrapping_add(1));
    }

    /// Takes a picture.
    pub fn picture(&mut self, now: Instant, epoch: &Epoch, shown: Instant, frame: &Arc<[u8]>, mut give: impl FnMut(Taken)) {
        let frame = match self.codec {
            Codec::H264 => h264::with_lengths(frame),
            _ => frame.to_vec(),
        };
        let keyframe = picture::size(self.codec, &frame).is_some();
        if self.paused || !keyframe && (self.zero.is_none() || self.awaits_key) {
            return;
        }
        if keyframe {
            (self.awaits_key, self.key) = (false, Some(now));
        }
        let at = epoch.us(shown);
        if self.zero.is_none() {
            let Some(track) = Track::picture(self.codec, &frame, 0) else { return };
            self.zero = Some(at);
            give(Taken::Begin(vec![Track::opus(CHANNELS), track], at));
        }
        if let Some(time) = self.place(at) {
            give(Taken::Block(Block { track: PICTURE, keyframe, ..block(time, frame) }));
        }
    }

    /// Whether a key frame should be asked for now.
    pub fn take_wish(&mut self, now: Instant) -> bool {
        let since = |at: Option<Instant>, gap| at.is_none_or(|at| now.saturating_duration_since(at) >= gap);
        let wanted = self.zero.is_none() || self.awaits_key || since(self.key, RECORD_KEYFRAME_GAP);
        let wish = wanted && !self.paused && since(self.asked, RECORD_WISH_GAP);
        if wish {
            self.asked = Some(now);
        }
        wish
    }

    /// Where in the file something of this moment belongs, in microseconds; none: there is no file yet.
    fn place(&mut self, at: i64) -> Option<i64> {
        let zero = self.zero.as_mut()?;
        if std::mem::take(&mut self.resumes) {
            *zero = at.saturating_sub(self.end);
        }
        let time = at.saturating_sub(*zero);
        // Sound that was on its way when the first picture was made.
        if time < 0 {
            return None;
        }
        self.end = self.end.max(time.saturating_add(STEP));
        Some(time)
    }
}

/// From one packet of sound to the next, in microseconds.
const STEP: i64 = 20_000;

/// What begins at that time, in microseconds.
fn block(at: i64, bytes: Vec<u8>) -> Block {
    Block { track: 0, time: duration(at), keyframe: false, rotation: None, bytes }
}
