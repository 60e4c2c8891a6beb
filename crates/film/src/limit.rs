//! Every limit of films, with its unit and what happens when it is reached.

use std::time::Duration;

/// Bytes of an MP4's index (`moov`). Larger: [`Problem::Damaged`](crate::Problem::Damaged).
pub const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Boxes of an MP4 that are passed over in search of its index. More: [`Problem::Unknown`](crate::Problem::Unknown).
pub const BOXES_MAX: usize = 1_000;

/// Samples of one track of an MP4: three hours of sound. The rest is not played.
pub const SAMPLES_MAX: usize = 500_000;

/// Tracks of pictures of an MP4 that are looked at, and tracks of sound: a few bytes of an index may stand for [`SAMPLES_MAX`] samples. The
/// rest is left out.
pub const TRACKS_MAX: usize = 2;

/// Samples a second that a track of sound may have. Of others there is no sound.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 7_350..=96_000;

/// Bytes of one sample. Larger: the track ends there.
pub const SAMPLE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes that are read at a time of a file that is read from its beginning.
pub const READ_BYTES: usize = 64 * 1024;

/// Bytes of the list of places to which one can jump in a WebM. Larger: it is not looked at, and a place is found by reading on to it.
pub const CUES_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes at the beginning of a WebM in which it is to say where that list is. Beyond them it is not found.
pub const HEAD_BYTES: usize = 4 * 1024;

/// To what is no further away than this one reads on, without a jump.
pub const NEAR: Duration = Duration::from_secs(5);

/// A jump goes to so much before its place at least: sound stands in a file as much later than the pictures of its time.
pub const CUE_MARGIN: Duration = Duration::from_secs(1);

/// Bytes of pictures between a key frame and the place that is jumped to. Of more, the rest is read as it is decoded.
pub const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes that a frame takes besides its own, at most.
pub const HELD_EACH_BYTES: usize = 128;

/// Blocks that are read in search of the first one of a track, or of the place that is jumped to. More: the track ends there.
pub const BLOCKS_SEARCHED_MAX: usize = 2_000_000;

/// Frames one after the other that cannot be decoded. More: the track ends there.
pub const BROKEN_MAX: u32 = 120;

/// Frames that a decoder holds back until it shows them in their order: what H.264 allows is 16. Of more, the earliest times are
/// forgotten.
pub const REORDERED_MAX: usize = 32;

/// Silence that is given at a time where a file has none of its sound.
pub const SILENCE_MAX: Duration = Duration::from_secs(1);

/// The longest gap in a file's sound. After a longer one it ends.
pub const GAP_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// From which gap on silence is put there: less is how containers count.
pub const GAP_MIN: Duration = Duration::from_millis(60);
