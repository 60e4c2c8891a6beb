//! Every limit of the REST API, with its unit and what happens when it is reached.

use room::limit::{ROOM_NAME_CHARS_MAX, RULE_LINES_MAX};
use std::ops::RangeInclusive;

/// Bytes of a request's body. More: 413. The largest useful one, a layout with every region, takes 20 kB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a request's path. More: 404, for nothing here has a name so long; 128 characters take at most 1,536 bytes when escaped.
pub const PATH_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a request's query. More: 400, 20001.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;

/// Parameters of one request, repeated ones each. More: 400, 20001.
pub const PARAMETERS_MAX: usize = 256;

/// Characters of a room's name, of an identity and of a track's name.
pub const NAME_CHARS_MAX: usize = ROOM_NAME_CHARS_MAX;

/// Seconds that one participant may stay. Else: 53123.
pub const PARTICIPANT_DURATION_S: RangeInclusive<u32> = 600..=86_400;

/// Seconds that one participant may stay unless said otherwise.
pub const PARTICIPANT_DURATION_DEFAULT_S: u32 = 14_400;

/// Minutes that a room stays empty, before the first and after the last participant. Else: 53109.
pub const TIMEOUT_MINUTES: RangeInclusive<u32> = 1..=60;

/// Minutes that a room stays empty unless said otherwise.
pub const TIMEOUT_DEFAULT_MINUTES: u32 = 5;

/// Tracks published in a group room at a time.
pub const GROUP_TRACKS_MAX: u32 = 170;

/// Characters of a callback's URL. More: 53111.
pub const CALLBACK_CHARS_MAX: usize = 1_023;

/// Rules in one list, for what is received and for what is recorded. None, or more: 53215 and 53120.
pub const RULES: RangeInclusive<usize> = 1..=RULE_LINES_MAX;

/// Characters of a composition hook's and of settings' friendly name. More: 20001.
pub const FRIENDLY_NAME_CHARS_MAX: usize = 100;

/// Seconds that the address of a file may be good. Else: 20001.
pub const MEDIA_TTL_S: RangeInclusive<u32> = 1..=86_400;

/// Seconds that the address of a file is good unless said otherwise.
pub const MEDIA_TTL_DEFAULT_S: u32 = 900;

/// Rows of a page unless said otherwise.
pub const PAGE_SIZE_DEFAULT: usize = 50;

/// Rows of a page at most. More: so many.
pub const PAGE_SIZE_MAX: usize = 1_000;

/// Rows of a page of recordings and of compositions at most. More: so many.
pub const PAGE_SIZE_MEDIA_MAX: usize = 100;

/// Characters of a key that nobody knows, as a refusal shows it. More are left out.
pub const KEY_CHARS_SHOWN_MAX: usize = 40;
