//! Every limit of files, with its unit and what happens when it is reached.

use std::time::Duration;

/// How much time one cluster has. What comes later begins another one, so a file that is cut off lacks no more than this.
pub const CLUSTER_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes of blocks after which a cluster ends, however short it is.
pub const CLUSTER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of one frame. Larger: not written; a file that has one counts as ending there.
pub const BLOCK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of what stands before the first cluster and is read as a whole: information, tracks. Larger: the file counts as ending there.
pub const HEAD_BYTES_MAX: usize = 1024 * 1024;

/// Tracks of one file. Of more, the rest is not looked at.
pub const TRACKS_MAX: usize = 126;

/// Time between two places to which one can jump, where there is sound only. Pictures have one at each key frame.
pub const CUE_GAP: Duration = Duration::from_secs(5);

/// Places to which one can jump: key frames of a day, one a second. One more is left out; a player finds its way from the one before.
pub const CUES_MAX: usize = 86_400;

/// How long the last picture is shown, where nothing tells.
pub const PICTURE_TIME: Duration = Duration::from_millis(33);

/// The longest that the last picture of a file is shown.
pub const PICTURE_TIME_MAX: Duration = Duration::from_secs(1);

/// Clusters or fragments of which is known where in the file they end: more than are made before the first is written. A file that is cut
/// before that is told too long.
pub const ENDS_KNOWN_MAX: usize = 1_024;

/// How long an MP4 that grows should be, as what players must know of it is remembered until its end: 28 MB of a day of sound and 30 pictures
/// a second, 48 MB where these are not evenly spaced. It says so when it is, and goes on if whoever writes it does.
pub const GROWING_TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// Bytes at the beginning of an MP4 for what players must know: a day and a half. Is there more, it stands at the end.
pub const ROOM_MAX: u64 = 64 * 1024 * 1024;
