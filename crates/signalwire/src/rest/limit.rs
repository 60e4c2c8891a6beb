//! Every limit of the REST API, with its unit and what happens when it is reached.

/// Bytes of a body. Larger: 413.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// Bytes of a path. Longer: 404.
pub const PATH_BYTES_MAX: usize = 1_024;

/// Characters of a room's name. Longer: 422.
pub const NAME_CHARS_MAX: usize = 100;

/// Characters of the name that is shown. Longer: 422.
pub const DISPLAY_NAME_CHARS_MAX: usize = 200;

/// Characters of a description. Longer: 422.
pub const DESCRIPTION_CHARS_MAX: usize = 3_000;

/// Characters of a user's name. Longer: 422.
pub const USER_NAME_CHARS_MAX: usize = 100;

/// Members of a room that can be asked for. More: 422. A room has at most as many as the rooms' own limit of its kind.
pub const MEMBERS_MAX: u32 = 300;

/// Members of a room that is made without saying.
pub const MEMBERS_DEFAULT: u32 = 20;

/// Seconds after which somebody is put out, at most. More: 422.
pub const REMOVE_AFTER_S_MAX: u32 = 200_000;

/// Seconds that the address of a file is good, unless asked otherwise.
pub const MEDIA_TTL_DEFAULT_S: u32 = 900;

/// Seconds that the address of a file may be good. More: 422.
pub const MEDIA_TTL_MAX_S: u32 = 86_400;

/// Rows of a page, unless asked otherwise.
pub const PAGE_SIZE_DEFAULT: usize = 50;

/// Rows of a page. More are not given.
pub const PAGE_SIZE_MAX: usize = 1_000;

/// Rooms that one project has made. One more: 422.
pub const ROOMS_MAX: usize = 10_000;

/// Faults that one answer names. The rest is not looked for.
pub const FAULTS_MAX: usize = 20;
