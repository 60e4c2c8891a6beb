//! Every limit of compositions, with its unit and what happens when it is reached.

use std::time::Duration;

/// Pixels of the shorter side of a picture or a region. Less: refused.
pub const SIDE_MIN: u16 = 16;

/// Pixels of the longer side of a picture. More: refused.
pub const SIDE_MAX: u16 = 1920;

/// Pixels of a picture: 1920x1080. More: refused.
pub const PIXELS_MAX: u32 = 1920 * 1080;

/// Bytes of a layout as text. More: refused before it is read.
pub const LAYOUT_BYTES_MAX: usize = 64 * 1024;

/// Regions of a layout. More: refused.
pub const REGIONS_MAX: usize = 64;

/// Characters of a region's name. More: refused.
pub const NAME_CHARS_MAX: usize = 128;

/// Names in one list of sources. More: refused.
pub const SOURCES_MAX: usize = 1_000;

/// Characters of one of them. More: refused.
pub const SOURCE_CHARS_MAX: usize = 256;

/// How far a region may lie in front of the middle, or behind it. Farther: refused.
pub const DEPTH_MAX: i8 = 99;

/// Columns, and rows, that a region may be limited to. More: refused.
pub const COLUMNS_MAX: u16 = 1_000;

/// Cells that a region may leave out. More: refused.
pub const EXCLUDED_MAX: usize = 1_000;

/// The largest number of a cell that may be left out. Larger: refused.
pub const CELL_MAX: u32 = 999_999;

/// Pictures that are shown at once, those of all regions. More: those farthest in front are shown.
pub const SHOWN_MAX: usize = mixer::limit::CELLS_MAX;

/// How long a film may be: one is made at a time, and such a one takes a night. Longer: it is not made.
pub const FILM_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Pictures, or packets of sound, that are taken from one recording in a step. More: the next steps take them, so that none lasts long
/// whatever times a file says.
pub const BLOCKS_AT_ONCE_MAX: usize = 1_000;

/// Bytes that are read of a recording at once.
pub const READ_BYTES: u64 = 64 * 1024;

/// Bytes of pictures since a key frame that are kept of a recording that is shown later only. More: it is shown from its next key frame
/// on.
pub const UNSEEN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of such pictures of all recordings. More: those of which most is kept are shown from their next key frames on.
pub const UNSEEN_ALL_BYTES_MAX: usize = 128 * 1024 * 1024;
