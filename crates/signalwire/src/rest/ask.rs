//! What may be asked: a closed set.

use super::paging::Page;
use super::room::{RoomDraft, RoomFilter};
use ::room::{MediaAllowed, Meta};

/// One call of the API with all it says, valid as far as that can be known without knowing the rooms.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Rooms that were made.
    ListRooms(RoomFilter, Page),
    /// One of them, and whether to tell of its session in progress.
    FindRoom(Key),
    /// A new one.
    CreateRoom(Box<RoomDraft>),
    /// Other settings.
    UpdateRoom(Key, Box<RoomDraft>),
    /// It is no more. A session in progress goes on.
    DeleteRoom(Key),
    /// A token.
    CreateToken(Box<NewToken>),
    /// Sessions.
    ListSessions(SessionFilter, Page),
    /// One of them.
    FindSession(u128),
    /// Who was in it.
    ListMembers(u128, Page),
    /// What happened in it.
    ListEvents(u128, Page),
    /// What of it was recorded; of all, if none is named. Addresses of files are good for so many seconds.
    ListRecordings(Option<u128>, u32, Page),
    /// A recording, with an address of its file that is good for so many seconds.
    FindRecording(u128, u32),
    /// Deletes a recording.
    DeleteRecording(u128),
    /// What happened to a recording.
    ListRecordingEvents(u128, Page),
    /// Streams of a room to elsewhere.
    ListStreams(Key, Page),
    /// The bills, of which there are none.
    ListLogs(Page),
}

impl Ask {
    /// The HTTP status of the answer when it is done.
    #[must_use]
    pub fn success(&self) -> u16 {
        match self {
            Ask::DeleteRoom(_) | Ask::DeleteRecording(_) => 204,
            _ => 200,
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        let rooms = matches!(self, Ask::CreateRoom(_) | Ask::UpdateRoom(..) | Ask::DeleteRoom(_));
        rooms || matches!(self, Ask::CreateToken(_) | Ask::DeleteRecording(_))
    }
}

/// How a path names a room: by its id or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The id that it might be.
    pub id: Option<u128>,
    /// The words.
    pub text: String,
}

/// A new token. What was not said has its default.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToken {
    /// For which room.
    pub room_name: String,
    /// For whom; none: a name by chance.
    pub user_name: Option<String>,
    /// What its holder may do, in the vendor's words and the order given; none: what members may do with themselves.
    pub permissions: Option<Vec<String>>,
    /// Whether its holder only looks and listens.
    pub audience: bool,
    /// It lets nobody in before, in ms since 1970 UTC.
    pub join_from_ms: Option<u64>,
    /// It lets nobody in after.
    pub join_until_ms: Option<u64>,
    /// Its holder is put out then.
    pub remove_at_ms: Option<u64>,
    /// Its holder is put out so many seconds after coming in.
    pub remove_after_s: Option<u32>,
    /// Whether its holder begins with its sound muted.
    pub join_audio_muted: bool,
    /// Whether its holder begins with its pictures muted.
    pub join_video_muted: bool,
    /// Whether the room is made if it is not there.
    pub auto_create_room: bool,
    /// What that room is called.
    pub room_display_name: Option<String>,
    /// Whether the session ends when its holder leaves.
    pub end_room_session_on_leave: bool,
    /// What its holder may send.
    pub media_allowed: MediaAllowed,
    /// Words of the app about the room, if it is made.
    pub room_meta: Option<Meta>,
    /// Words of the app about its holder.
    pub meta: Option<Meta>,
}

/// Which sessions. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this room.
    pub room_id: Option<u128>,
    /// Of the room of this name.
    pub room_name: Option<String>,
    /// Of rooms with this in their name.
    pub room_name_matches: Option<String>,
    /// In progress, or completed.
    pub status: Option<SessionStatus>,
}

/// How a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It runs.
    InProgress,
    /// It ended.
    Completed,
}

/// A session, for showing it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: u128,
    /// The room that it is a session of, as it was made; none: made by somebody's coming.
    pub record: Option<super::record::RoomRecord>,
    /// Its name.
    pub name: String,
    /// Seats.
    pub seats_max: u32,
    /// When it began, in ms since 1970 UTC.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// When anything of it changed last.
    pub updated_ms: u64,
    /// Whether it is locked, and how members stand, while it is in progress.
    pub stage: Option<(bool, ::room::LayoutName)>,
}

/// Something that happened in a session, for showing it.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Of which project.
    pub project: &'a str,
    /// In which room.
    pub room: u128,
    /// In which session.
    pub session: u128,
    /// Its number in the session, from 0.
    pub number: u64,
    /// To whom.
    pub member: Option<u128>,
    /// What, in a word.
    pub name: &'a str,
    /// Names and values.
    pub payload: &'a [(String, String)],
    /// When, in ms since 1970 UTC.
    pub at_ms: u64,
}

/// A recording of a session, for showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Its id.
    pub id: u128,
    /// Of which session.
    pub session: u128,
    /// How it is.
    pub state: RecordingState,
    /// When it began, in ms since 1970 UTC.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// When anything of it changed last.
    pub updated_ms: u64,
    /// The length of its file in ms.
    pub duration_ms: u64,
    /// The size of its file.
    pub bytes: u64,
    /// The ending of its file's name.
    pub container: String,
    /// Where its file is for a while, if there is one.
    pub uri: Option<String>,
}

/// How a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingState {
    /// It is being made.
    Recording,
    /// It is being made, and stands still.
    Paused,
    /// It ended.
    Completed,
    /// It ended, and should not have.
    Failed,
}

/// Who was in a session, for showing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: u128,
    /// Of which session.
    pub session: u128,
    /// Its name.
    pub name: String,
    /// When it came, in ms since 1970 UTC.
    pub came_ms: u64,
    /// When it left.
    pub left_ms: Option<u64>,
}
