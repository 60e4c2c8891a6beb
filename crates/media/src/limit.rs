//! Every limit of the media server, with its unit and what happens when it is reached.

/// Layers of one track. Packets of further ones are dropped.
pub const LAYERS_MAX: usize = 3;

/// Packets of a stream that a late one may come after and still be forwarded. Later ones are dropped.
pub const SEQ_WINDOW: u64 = 512;

/// Packets of a stream that may be missing before one of it (RFC 3550, appendix A.1, has the same). Beyond, the stream goes on
/// at its next key frame.
pub const SEQ_AHEAD_MAX: u64 = 3_000;

/// Frames of a stream that a late packet's frame may come after when some are left out; that of an older one gets a number that
/// may be taken.
pub const PICTURE_WINDOW: u64 = 128;

/// Packets of a layer that are kept behind a missing one, because a key frame may begin with it. Further behind, a key frame
/// whose beginning comes is passed over, and another one is asked for.
pub const REPLAY_PACKETS_MAX: usize = 128;
