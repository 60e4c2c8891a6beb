//! Every limit of the mixer, with its unit and what happens when it is reached.

/// Pixels of one picture that comes in: 2560x1440, more than any browser sends of a camera or a screen by itself. Larger: refused before
/// it is decoded.
pub const PICTURE_PIXELS_MAX: u32 = 2560 * 1440;

/// Pixels of the longer side of one picture that comes in. Longer: refused before it is decoded.
pub const PICTURE_SIDE_MAX: u16 = 4096;

/// Bytes of one frame that comes in: a key frame of a full picture at the best quality has less. Larger: refused.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Pixels of all the pictures that one stream of H264 may refer to: 16 of 1280x720, 4 of the largest. More: refused before they are taken.
pub const REFERENCE_PIXELS_MAX: u32 = 4 * PICTURE_PIXELS_MAX;

/// Bytes looked at of what describes a stream of H264. The largest that the standard has is smaller; what is cut off is refused.
pub const SPS_BYTES_MAX: usize = 4096;

/// Cells of one picture. FreeSWITCH has as many layers at most. More are not drawn.
pub const CELLS_MAX: usize = 64;

/// Ways to bring a row or a column to another size that are kept: the four that each cell needs. One more: all are worked out anew.
pub const AXES_MAX: usize = 4 * CELLS_MAX;

/// Frames that come as one: as many as a superframe of VP9 has (VP9 bitstream specification, annex B). More of H264: refused.
pub const FRAMES_AT_ONCE_MAX: usize = 8;

/// Frames of one input between two pictures of ours: those of a second that came at once. More are not decoded, and a key frame is wanted.
pub const FRAMES_AHEAD_MAX: u32 = 60;

/// Characters of a name that are looked at; fewer fit on any canvas.
pub const NAME_CHARS_MAX: usize = 200;
