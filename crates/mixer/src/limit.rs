//! Every limit of the mixer, with its unit and what happens when it is reached.

/// Pixels of one picture that comes in: 2560x1440, more than any browser sends of a camera or a screen by itself. Larger: refused before
/// it is decoded.
pub const PICTURE_PIXELS_MAX: u32 = 2560 * 1440;

/// Pixels of the longer side of one picture that comes in. Longer: refused before it is decoded.
pub const PICTURE_SIDE_MAX: u16 = 4096;

/// Bytes of one frame that comes in: a key frame of a full picture at the best quality has less. Larger: refused.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
