//! What the end of a file needs to know: where things stand, and what was among the blocks.

use std::time::Duration;

use super::{ebml, id};
use crate::limit::{CUE_GAP, CUES_MAX, PICTURE_TIME, PICTURE_TIME_MAX};
use crate::picture::Size;
use crate::{Codec, Output, Shape, Track, opus, picture};

/// Bytes of a place that says where information, tracks and cues are.
pub const SEEK_HEAD_BYTES: usize = 5 + 3 * SEEK_BYTES;

/// Bytes of one of them, in the widths that we write.
const SEEK_BYTES: usize = 3 + 7 + 11;

/// Bytes of the place for the duration.
pub const DURATION_BYTES: usize = 11;

/// From the beginning of 1970, from which we count, to that of 2001, from which Matroska counts.
const EPOCH_2001: Duration = Duration::from_secs(978_307_200);

/// Where things stand that are known only at the end, in bytes from the beginning of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The size of the segment, in eight bytes.
    pub size_at: Option<u64>,
    /// The beginning of its data, from which places are counted.
    pub data_at: u64,
    /// [`SEEK_HEAD_BYTES`] for the seek head.
    pub seek_at: Option<u64>,
    pub info_at: u64,
    pub tracks_at: u64,
    /// [`DURATION_BYTES`] for the duration.
    pub duration_at: Option<u64>,
    /// The date, in eight bytes.
    pub date_at: Option<u64>,
    /// Width and height of each track, in two bytes each; none: sound.
    pub sizes_at: Vec<Option<(u64, u64)>>,
}

/// A place to which one can jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cue {
    time: Duration,
    track: usize,
    cluster_at: u64,
}

/// What was among the blocks so far.
#[derive(Clone, Debug)]
pub struct Index {
    pub layout: Layout,
    seen: Vec<Seen>,
    cues: Vec<Cue>,
    /// When the file ends, where not all of it could be written.
    cut: Option<Duration>,
}

/// Of one track.
#[derive(Clone, Debug)]
struct Seen {
    codec: Codec,
    largest: Option<Size>,
    last: Option<Duration>,
    /// When that ends.
    end: Duration,
    /// From the picture before the last to that.
    step: Duration,
}

impl Index {
    pub fn new(layout: Layout, tracks: &[Track]) -> Self {
        let seen = tracks.iter().map(|track| {
            let largest = match track.shape {
                Shape::Picture { width, height, .. } => Some(Size { width, height }),
                Shape::Sound { .. } => None,
            };
            Seen { codec: track.codec, largest, last: None, end: Duration::ZERO, step: PICTURE_TIME }
        });
        Index { layout, seen: seen.collect(), cues: Vec::new(), cut: None }
    }

    /// When the last block ends, since the beginning of the file.
    pub fn end(&self) -> Duration {
        self.cut.unwrap_or_else(|| self.seen.iter().map(|seen| seen.end).max().unwrap_or_default())
    }

    /// The file ends there: what was noted after it could not be written.
    pub fn cut(&mut self, end: Duration) {
        self.cut = Some(end);
    }

    pub fn has_pictures(&self) -> bool {
        self.seen.iter().any(|seen| seen.largest.is_some())
    }

    /// Takes note of a block in the cluster that begins there.
    pub fn note(&mut self, cluster_at: u64, track: usize, time: Duration, keyframe: bool, bytes: &[u8]) {
        let pictures = self.has_pictures();
        let Some(seen) = self.seen.get_mut(track) else { return };
        seen.note(time, bytes);
        if keyframe && seen.largest.is_some() {
            let size = picture::size(seen.codec, bytes);
            seen.largest = seen.largest.max_by_area(size);
        }
        let is_cue = keyframe && seen.largest.is_some() == pictures;
        let gap = if pictures { Duration::ZERO } else { CUE_GAP };
        let far = self.cues.last().is_none_or(|last| last.cluster_at != cluster_at && time.saturating_sub(last.time) >= gap);
        if is_cue && far && self.cues.len() < CUES_MAX {
            self.cues.push(Cue { time, track, cluster_at });
        }
    }

    /// What makes a file of so many bytes a finished one, with cues or without.
    pub fn finish(&self, bytes: u64, with_cues: bool) -> Vec<Output> {
        let cues = if with_cues && !self.cues.is_empty() { self.cues() } else { Vec::new() };
        let cues_at = (!cues.is_empty()).then_some(bytes);
        let size = bytes.saturating_add(cues.len() as u64).saturating_sub(self.layout.data_at);
        let mut outputs = Vec::new();
        if !cues.is_empty() {
            outputs.push(Output::Append(cues));
        }
        let mut patch = |at: Option<u64>, bytes: Vec<u8>| outputs.extend(at.map(|at| Output::Patch { at, bytes }));
        for (places, seen) in self.layout.sizes_at.iter().zip(&self.seen) {
            if let (Some((width_at, height_at)), Some(size)) = (places, seen.largest) {
                patch(Some(*width_at), size.width.to_be_bytes().to_vec());
                patch(Some(*height_at), size.height.to_be_bytes().to_vec());
            }
        }
        let mut duration = Vec::with_capacity(DURATION_BYTES);
        ebml::put_float(&mut duration, id::DURATION, self.end().as_secs_f64() * 1_000.0);
        patch(self.layout.duration_at, duration);
        patch(self.layout.seek_at, self.seek_head(cues_at));
        patch(self.layout.size_at, ebml::sized(size, 8));
        outputs
    }

    fn cues(&self) -> Vec<u8> {
        let mut out = Vec::new();
        ebml::put_with(&mut out, id::CUES, |out| {
            for cue in &self.cues {
                ebml::put_with(out, id::CUE_POINT, |out| {
                    ebml::put_uint(out, id::CUE_TIME, ms(cue.time));
                    ebml::put_with(out, id::CUE_TRACK_POSITIONS, |out| {
                        ebml::put_uint(out, id::CUE_TRACK, cue.track as u64 + 1);
                        ebml::put_uint(out, id::CUE_CLUSTER_POSITION, cue.cluster_at.saturating_sub(self.layout.data_at));
                    });
                });
            }
        });
        out
    }

    /// Where information, tracks and cues are, in exactly [`SEEK_HEAD_BYTES`].
    fn seek_head(&self, cues_at: Option<u64>) -> Vec<u8> {
        let layout = &self.layout;
        let parts = [(id::INFO, Some(layout.info_at)), (id::TRACKS, Some(layout.tracks_at)), (id::CUES, cues_at)];
        let mut out = Vec::with_capacity(SEEK_HEAD_BYTES);
        ebml::put_with(&mut out, id::SEEK_HEAD, |out| {
            for (id, at) in parts.into_iter().filter_map(|(id, at)| Some((id, at?))) {
                ebml::put_with(out, id::SEEK, |out| {
                    ebml::put(out, id::SEEK_ID, &id.to_be_bytes());
                    ebml::put(out, id::SEEK_POSITION, &at.saturating_sub(layout.data_at).to_be_bytes());
                });
            }
        });
        if out.len() < SEEK_HEAD_BYTES {
            let left = SEEK_HEAD_BYTES - out.len();
            ebml::put_void(&mut out, left);
        }
        out
    }
}

impl Seen {
    /// A block is there until the next one, so only the last one tells when the track ends.
    fn note(&mut self, time: Duration, bytes: &[u8]) {
        let before = self.last.unwrap_or_default();
        let lasts = if self.codec.is_sound() { opus::duration(bytes).unwrap_or_default() } else { self.step(time) };
        if time >= before {
            (self.last, self.end) = (Some(time), time.saturating_add(lasts));
        }
    }

    /// How long a picture lasts, as far as can be told: as long as the one before it.
    fn step(&mut self, time: Duration) -> Duration {
        let step = self.last.map(|last| time.saturating_sub(last)).filter(|step| !step.is_zero());
        self.step = step.unwrap_or(self.step).min(PICTURE_TIME_MAX);
        self.step
    }
}

trait Largest {
    fn max_by_area(self, other: Option<Size>) -> Self;
}

impl Largest for Option<Size> {
    fn max_by_area(self, other: Option<Size>) -> Self {
        // Of equal ones the first: most of the file may have it.
        self.into_iter().chain(other).reduce(|one, other| if other.area() > one.area() { other } else { one })
    }
}

/// A moment since 1970 as Matroska has it: nanoseconds since 2001.
pub fn date(since_1970: Duration) -> [u8; 8] {
    let ns = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    ns(since_1970).saturating_sub(ns(EPOCH_2001)).to_be_bytes()
}

/// The other way round; none: before 1970.
pub fn since_1970(date: i64) -> Option<Duration> {
    let ns = date.checked_add(i64::try_from(EPOCH_2001.as_nanos()).ok()?)?;
    u64::try_from(ns).ok().map(Duration::from_nanos)
}

/// To the nearest millisecond.
pub fn ms(time: Duration) -> u64 {
    u64::try_from((time.as_micros() + 500) / 1_000).unwrap_or(u64::MAX)
}
