//! Names of elements (RFC 8794, section 11.2; RFC 9559, section 5.1).

pub const EBML: u32 = 0x1a45_dfa3;
pub const EBML_VERSION: u32 = 0x4286;
pub const EBML_READ_VERSION: u32 = 0x42f7;
pub const EBML_MAX_ID_LENGTH: u32 = 0x42f2;
pub const EBML_MAX_SIZE_LENGTH: u32 = 0x42f3;
pub const DOC_TYPE: u32 = 0x4282;
pub const DOC_TYPE_VERSION: u32 = 0x4287;
pub const DOC_TYPE_READ_VERSION: u32 = 0x4285;
pub const VOID: u32 = 0xec;

pub const SEGMENT: u32 = 0x1853_8067;
pub const SEEK_HEAD: u32 = 0x114d_9b74;
pub const SEEK: u32 = 0x4dbb;
pub const SEEK_ID: u32 = 0x53ab;
pub const SEEK_POSITION: u32 = 0x53ac;

pub const INFO: u32 = 0x1549_a966;
pub const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
pub const DURATION: u32 = 0x4489;
pub const DATE: u32 = 0x4461;
pub const MUXING_APP: u32 = 0x4d80;
pub const WRITING_APP: u32 = 0x5741;

pub const TRACKS: u32 = 0x1654_ae6b;
pub const TRACK_ENTRY: u32 = 0xae;
pub const TRACK_NUMBER: u32 = 0xd7;
pub const TRACK_UID: u32 = 0x73c5;
pub const TRACK_TYPE: u32 = 0x83;
pub const FLAG_LACING: u32 = 0x9c;
pub const LANGUAGE: u32 = 0x0022_b59c;
pub const CODEC_ID: u32 = 0x86;
pub const CODEC_PRIVATE: u32 = 0x63a2;
pub const CODEC_DELAY: u32 = 0x56aa;
pub const SEEK_PRE_ROLL: u32 = 0x56bb;
pub const MAX_BLOCK_ADDITION_ID: u32 = 0x55ee;
pub const BLOCK_ADDITION_MAPPING: u32 = 0x41e4;
pub const BLOCK_ADD_ID_VALUE: u32 = 0x41f0;
pub const BLOCK_ADD_ID_NAME: u32 = 0x41a4;
pub const VIDEO: u32 = 0xe0;
pub const PIXEL_WIDTH: u32 = 0xb0;
pub const PIXEL_HEIGHT: u32 = 0xba;
pub const PROJECTION: u32 = 0x7670;
pub const PROJECTION_TYPE: u32 = 0x7671;
pub const PROJECTION_POSE_ROLL: u32 = 0x7675;
pub const AUDIO: u32 = 0xe1;
pub const SAMPLING_FREQUENCY: u32 = 0xb5;
pub const CHANNELS: u32 = 0x9f;

pub const CLUSTER: u32 = 0x1f43_b675;
pub const TIMESTAMP: u32 = 0xe7;
pub const SIMPLE_BLOCK: u32 = 0xa3;
pub const BLOCK_GROUP: u32 = 0xa0;
pub const BLOCK: u32 = 0xa1;
pub const REFERENCE_BLOCK: u32 = 0xfb;
pub const BLOCK_ADDITIONS: u32 = 0x75a1;
pub const BLOCK_MORE: u32 = 0xa6;
pub const BLOCK_ADD_ID: u32 = 0xee;
pub const BLOCK_ADDITIONAL: u32 = 0xa5;

pub const CUES: u32 = 0x1c53_bb6b;
pub const CUE_POINT: u32 = 0xbb;
pub const CUE_TIME: u32 = 0xb3;
pub const CUE_TRACK_POSITIONS: u32 = 0xb7;
pub const CUE_TRACK: u32 = 0xf7;
pub const CUE_CLUSTER_POSITION: u32 = 0xf1;

/// Ours: what goes along with a block and says by how many degrees its picture is to be turned clockwise, in two bytes. Below 2 the
/// numbers belong to codecs.
pub const ROTATION_ADDITION: u64 = 100;
