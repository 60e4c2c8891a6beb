//! Every limit of the rooms, with its unit and what happens when it is reached.

use std::time::Duration;

use crate::RoomKind;

/// Characters of a room's name. Longer: [`Refusal::RoomNameTooLong`](crate::Refusal::RoomNameTooLong).
pub const ROOM_NAME_CHARS_MAX: usize = 128;

/// Characters of an identity. Longer: [`Refusal::IdentityTooLong`](crate::Refusal::IdentityTooLong).
pub const IDENTITY_CHARS_MAX: usize = 128;

/// Characters of a track's name. Longer: that track is refused, the others go on.
pub const TRACK_NAME_CHARS_MAX: usize = 128;

/// Audio and video tracks one participant may publish at a time. One more is refused, the others go on.
pub const MEDIA_TRACKS_MAX: usize = 16;

/// Data tracks one participant may publish at a time. One more is refused, the others go on.
pub const DATA_TRACKS_MAX: usize = 16;

/// Tracks one client may list at a time, refused ones included. The rest of a longer list is not looked at.
pub const TRACKS_LISTED_MAX: usize = 64;

/// Track lists of one participant that are taken as they come. Beyond, one each [`LIST_EVERY`]: of those that came meanwhile the newest.
/// An app that publishes camera, microphone, screen and data, or changes cameras twenty times in a row, does not get there.
pub const LISTS_AT_ONCE: u32 = 60;

/// How soon another track list is taken once there were [`LISTS_AT_ONCE`]. Each may cost a negotiation with everybody in the room.
pub const LIST_EVERY: Duration = Duration::from_millis(500);

/// Tracks one participant receives. Of more, the oldest are not shown.
pub const SUBSCRIPTIONS_MAX: usize = 200;

/// Video tracks one participant receives by the media server. Of more, the oldest are not shown: each takes a section of its
/// description, and clients slow down with their number.
pub const SERVED_VIDEO_MAX: usize = 50;

/// Audio tracks one participant receives by the media server. Of more, the oldest are not shown.
pub const SERVED_AUDIO_MAX: usize = 50;

/// Hints in one command. The rest of a longer list is not looked at.
pub const HINTS_MAX: usize = 256;

/// Texts on channels that are kept for a participant whose connection is gone. Of more, the oldest are dropped.
pub const WORDS_KEPT_MAX: usize = 16;

/// Lines of one rule about what a participant receives, as the vendors have it. More:
/// [`Refusal::Malformed`](crate::Refusal::Malformed).
pub const RULE_LINES_MAX: usize = 20;

/// Recordings of the mix of one room in progress at a time. One more: [`Refusal::TooManyRecordings`](crate::Refusal::TooManyRecordings).
pub const MIX_RECORDINGS_MAX: usize = 4;

/// Members who left a mixed room that are remembered, for those who were away and did not hear of it. Of more, the oldest are forgotten.
pub const GONE_KEPT_MAX: usize = 64;

/// Recordings of the mix that members see after they ended. Of more, the oldest are not shown any more.
pub const MIX_RECORDINGS_KEPT: usize = 16;

/// Files that are played into the mix of one room at a time. One more: [`Refusal::TooManyPlaybacks`](crate::Refusal::TooManyPlaybacks).
pub const PLAYBACKS_MAX: usize = 3;

/// Files that were played and of which is still known that they are over. Of more, the oldest are forgotten.
pub const PLAYBACKS_KEPT: usize = 4;

/// Files that may be begun in one room at once. Beyond, one each [`PLAYBACK_EVERY`]; more:
/// [`Refusal::TooManyPlaybacks`](crate::Refusal::TooManyPlaybacks). Each is a request to an address of somebody's choice.
pub const PLAYBACKS_AT_ONCE: u32 = 6;

/// How soon another file may be begun once there were [`PLAYBACKS_AT_ONCE`].
pub const PLAYBACK_EVERY: Duration = Duration::from_secs(10);

/// How long after it was begun a file may be played, standing still included. Then it ends, and its place is free for others.
pub const PLAYBACK_MAX: Duration = Duration::from_secs(12 * 3_600);

/// Bytes of the address of a file that is to be played. Longer: [`Refusal::Malformed`](crate::Refusal::Malformed).
pub const PLAYBACK_URL_BYTES_MAX: usize = 2_048;

/// How long after a recording of a track ended by itself, for want of space say, another one is tried. Each is told of in the history.
pub const RETAKE_AFTER: Duration = Duration::from_secs(300);

/// How often a link to the media server that died is made anew within [`SERVED_RELINKS_TIME`]. Once more, and its participant is
/// put out: [`WhyLeft::Unreachable`](crate::WhyLeft::Unreachable).
pub const SERVED_RELINKS_MAX: u32 = 20;

/// After so long without a dead link, the dead ones before are forgotten.
pub const SERVED_RELINKS_TIME: Duration = Duration::from_secs(600);

/// How often a media worker may lose a room within [`LOSSES_TIME`]. The last time, everybody in it is put out:
/// [`WhyLeft::Unreachable`](crate::WhyLeft::Unreachable). What the room does may be what breaks the worker, and others are there too.
pub const LOSSES_MAX: usize = 3;

/// How long a loss counts.
pub const LOSSES_TIME: Duration = Duration::from_secs(60);

/// Participants of a room of kind `Auto` who send to each other. One more, and media goes through the server.
pub const AUTO_MESH_MAX: usize = 2;

/// How long a room that moves to the server waits until the server has a place for everything. Then its mesh ends, if everybody reaches
/// the server; else it waits as long again. Waiting costs nobody a picture, only bandwidth: phones send twice meanwhile.
pub const MOVE_TIMEOUT: Duration = Duration::from_secs(10);

/// From when the server has a place for everything until the mesh ends: the time that connections and first pictures take on a slow
/// machine.
pub const MOVE_SETTLE: Duration = Duration::from_secs(2);

/// Rooms whose kind was chosen by name. One more: [`Refusal::TooManyRooms`](crate::Refusal::TooManyRooms).
pub const KINDS_MAX: usize = 1_000;

/// Rooms that are remembered as over. Who joins an older one by its id is told that there never was one:
/// [`Refusal::RoomNotFound`](crate::Refusal::RoomNotFound).
pub const ENDED_KNOWN_MAX: usize = 10_000;

/// Bytes of a link's or a track's name on the wire. Browsers use 36. Longer: refused as malformed.
pub const WIRE_NAME_BYTES_MAX: usize = 128;

/// How long a room that was made on purpose runs, used or not, unless its maker says otherwise. Then it ends for everyone in it.
pub const ROOM_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long a room that was made on purpose waits for its first participant, and how long it stays when the last one has left, unless
/// its maker says otherwise. Then it ends.
pub const EMPTY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// How long a participant may stay in a room that was made on purpose, unless its maker says otherwise. Then it is put out:
/// [`WhyLeft::Expired`](crate::WhyLeft::Expired).
pub const SESSION_MAX: Duration = Duration::from_secs(4 * 3_600);

/// Places of a layout, as FreeSWITCH has it. Whoever comes after that is heard and not seen.
pub const PLACES_MAX: usize = 64;

/// How long somebody talks before the large place of a layout is for it.
pub const HIGHLIGHT_AFTER: Duration = Duration::from_millis(500);

/// How long somebody keeps the large place at least, unless it leaves.
pub const HIGHLIGHT_HOLD: Duration = Duration::from_secs(2);

/// How long a publisher goes on sending larger pictures than are shown before it is asked for smaller ones. Larger ones are asked for
/// at once.
pub const SIZE_HOLD: Duration = Duration::from_secs(5);

/// How long somebody who receives a mix may be without a link to the media server. Then it is put out:
/// [`WhyLeft::Unreachable`](crate::WhyLeft::Unreachable).
pub const MIX_RELINK_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an app's words about a room or a member, keys and values together: the vendor's 2,000 characters. More:
/// [`Refusal::Malformed`](crate::Refusal::Malformed), and the words stay as they were.
pub const META_BYTES_MAX: usize = 8_000;

/// Rooms that are defined and may begin. One more: [`Refusal::TooManyRooms`](crate::Refusal::TooManyRooms).
pub const DEFINITIONS_MAX: usize = 10_000;

/// How long a network may be gone before its connection counts as lost: who left in that is told again to whoever comes back.
pub const UNNOTICED_MAX: Duration = Duration::from_secs(30);

/// How loud a member may be made, and how quiet: what is beyond is taken for this.
pub const VOLUME_MAX: i8 = 50;

/// How sensitive a member's microphone may be made. What is beyond is taken for this.
pub const SENSITIVITY_MAX: u8 = 100;

/// Pixels of a canvas, the smallest and the largest. What is beyond is taken for these.
pub const CANVAS_MIN: (u16, u16) = (320, 180);

/// See [`CANVAS_MIN`].
pub const CANVAS_MAX: (u16, u16) = (1920, 1080);

/// Pictures a second of a canvas. What is beyond is taken for this.
pub const CANVAS_FPS_MAX: u8 = 30;

/// What an operator may change.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rooms in progress at a time; one more is [`Refusal::TooManyRooms`](crate::Refusal::TooManyRooms).
    pub rooms_max: usize,
    /// How long the seat of a client that lost its connection is kept. Then it has left.
    pub session_timeout: Duration,
    /// Whether the first who joins makes a room. If not, there must be one, unless its kind was chosen by name:
    /// [`Refusal::RoomNotMade`](crate::Refusal::RoomNotMade).
    pub adhoc: bool,
    /// Kind of a room made by the first join.
    pub kind: RoomKind,
    /// How long a room made by joining stays when the last participant has left. Zero: it ends at once.
    pub empty_timeout: Duration,
    /// How long a participant may stay in a room made by joining, from when it came; none: as long as it likes. Then it is put out:
    /// [`WhyLeft::Expired`](crate::WhyLeft::Expired).
    pub session_max: Option<Duration>,
    /// Tracks that the participants of a room made by joining may publish at a time, all together; none: what each one may. One more
    /// is [`TrackRefusal::TooManyInRoom`](crate::TrackRefusal::TooManyInRoom).
    pub tracks_max: Option<usize>,
}

impl Default for Limits {
    /// 500 rooms, as the vendors' default; 30 s, which clients expect; a room made by joining ends with its last leave and not before.
    fn default() -> Self {
        Limits {
            rooms_max: 500,
            session_timeout: Duration::from_secs(30),
            adhoc: true,
            kind: RoomKind::PeerToPeer,
            empty_timeout: Duration::ZERO,
            session_max: None,
            tracks_max: None,
        }
    }
}
