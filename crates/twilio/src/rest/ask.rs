//! What may be asked: a closed set.

use super::composition::{NewComposition, NewHook};
use super::memo::Memo;
use super::paging::PageAsk;
use super::rules::RuleLine;
use super::view::{ParticipantStatus, RoomStatus};
use room::{Kind, ParticipantId, RoomId, RoomKind, RoomOptions, TrackId};

/// One call of the API with all it says, valid as far as that can be known without knowing the rooms.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A room.
    FindRoom(RoomKey),
    /// Rooms.
    ListRooms(RoomFilter, PageAsk),
    /// A new room.
    CreateRoom(Box<NewRoom>),
    /// The end of a room. One that is not in progress: [`Code::Status`](super::Code::Status).
    CompleteRoom(RoomKey),
    /// A participant.
    FindParticipant(RoomKey, ParticipantKey),
    /// Participants of a room.
    ListParticipants(RoomKey, ParticipantFilter, PageAsk),
    /// Puts a participant out.
    RemoveParticipant(RoomKey, ParticipantKey),
    /// Forgets the identity of a participant that left.
    Anonymize(RoomKey, ParticipantKey),
    /// A track that a participant publishes.
    FindPublished(RoomKey, ParticipantKey, TrackKey),
    /// The tracks that a participant publishes.
    ListPublished(RoomKey, ParticipantKey, PageAsk),
    /// A track that a participant receives.
    FindSubscribed(RoomKey, ParticipantKey, TrackId),
    /// The tracks that a participant receives.
    ListSubscribed(RoomKey, ParticipantKey, PageAsk),
    /// The rules about what a participant receives.
    FindSubscribeRules(RoomKey, ParticipantKey),
    /// Other rules. In a room whose media does not pass the server: [`Code::NoSubscriptions`](super::Code::NoSubscriptions).
    SetSubscribeRules(RoomKey, ParticipantKey, Vec<RuleLine>),
    /// The rules about what of a room is recorded.
    FindRecordingRules(RoomKey),
    /// Other rules. In a room whose media does not pass the server: [`Code::NoRecording`](super::Code::NoRecording).
    SetRecordingRules(RoomKey, Vec<RuleLine>),
    /// A recording, of this room if one is named.
    FindRecording(Option<RoomKey>, RecordingId),
    /// Recordings, of this room if one is named.
    ListRecordings(Option<RoomKey>, Box<RecordingFilter>, PageAsk),
    /// Deletes a recording.
    DeleteRecording(Option<RoomKey>, RecordingId),
    /// The file of a recording, by an address that is good for so many seconds.
    RecordingMedia(Option<RoomKey>, RecordingId, u32),
    /// A transcription.
    FindTranscription(RoomKey, String),
    /// Transcriptions of a room.
    ListTranscriptions(RoomKey, PageAsk),
    /// A composition.
    FindComposition(CompositionId),
    /// Compositions.
    ListCompositions(CompositionFilter, PageAsk),
    /// A new composition.
    Compose(Box<NewComposition>),
    /// Deletes a composition, or gives up making it.
    DeleteComposition(CompositionId),
    /// The file of a composition, by an address that is good for so many seconds.
    CompositionMedia(CompositionId, u32),
    /// A hook that makes compositions.
    FindHook(HookId),
    /// Such hooks.
    ListHooks(HookFilter, PageAsk),
    /// A new hook.
    MakeHook(Box<NewHook>),
    /// What a hook is from now on.
    ChangeHook(HookId, Box<NewHook>),
    /// Deletes a hook.
    DeleteHook(HookId),
    /// Where files are kept.
    FindSettings(SettingsOf),
    /// What that is called.
    NameSettings(SettingsOf, String),
}

impl Ask {
    /// The HTTP status of the answer when it is done.
    #[must_use]
    pub fn success(&self) -> u16 {
        match self {
            Ask::CreateRoom(_) | Ask::Compose(_) | Ask::MakeHook(_) => 201,
            Ask::CompleteRoom(_) | Ask::RemoveParticipant(..) => 202,
            Ask::DeleteRecording(..) | Ask::DeleteComposition(_) | Ask::DeleteHook(_) => 204,
            Ask::RecordingMedia(..) | Ask::CompositionMedia(..) => 302,
            _ => 200,
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        use Ask::{Anonymize, ChangeHook, CompleteRoom, Compose, CreateRoom, DeleteComposition, DeleteHook, DeleteRecording};
        use Ask::{MakeHook, NameSettings, RemoveParticipant, SetRecordingRules, SetSubscribeRules};
        let rooms = matches!(self, CreateRoom(_) | CompleteRoom(_) | RemoveParticipant(..) | Anonymize(..));
        let rules = matches!(self, SetSubscribeRules(..) | SetRecordingRules(..) | NameSettings(..));
        let compositions = matches!(self, Compose(_) | DeleteComposition(_) | MakeHook(_) | ChangeHook(..) | DeleteHook(_));
        rooms || rules || compositions || matches!(self, DeleteRecording(..))
    }
}

/// How a path names something: by its SID, or by what people call it. What is spelled like a SID is looked for by its SID first, then by
/// its name; what is found by neither once more under [`Key::spaced`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<Id> {
    /// The id that it might be.
    pub id: Option<Id>,
    /// The words.
    pub text: String,
    /// The words with spaces for plus signs that were not escaped: the Java library writes spaces so.
    pub spaced: Option<String>,
}

/// A room, by its SID or, while it is in progress, by its name.
pub type RoomKey = Key<RoomId>;
/// A participant, by its SID or identity: the one that is there, else the latest.
pub type ParticipantKey = Key<ParticipantId>;
/// A track, by its SID or name.
pub type TrackKey = Key<TrackId>;

/// A recording (`RT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingId(pub u128);
/// A composition (`CJ`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompositionId(pub u128);
/// A composition hook (`HK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookId(pub u128);

/// The two singletons about where files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOf {
    /// Of recordings.
    Recordings,
    /// Of compositions.
    Compositions,
}

/// A new room. What was not said has its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoom {
    /// Its name. None: its SID.
    pub name: Option<String>,
    /// Its kind.
    pub kind: RoomKind,
    /// For sound only; video codecs, none being none said.
    pub options: RoomOptions,
    /// Seats.
    pub seats_max: u32,
    /// Seconds that one participant may stay.
    pub session_max_s: u32,
    /// Seconds that it stays after the last one left.
    pub empty_timeout_s: u32,
    /// Seconds that it waits for the first one.
    pub unused_timeout_s: u32,
    /// Tracks published at a time; none: any number.
    pub tracks_max: Option<u32>,
    /// What else is kept with it.
    pub memo: Memo,
}

/// Which rooms. All that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFilter {
    /// How it is; in progress, unless said otherwise.
    pub status: RoomStatus,
    /// Its name, exactly.
    pub name: Option<String>,
    /// It began then or later, in ms since 1970 UTC.
    pub created_from_ms: Option<u64>,
    /// It began before then.
    pub created_before_ms: Option<u64>,
}

/// Which participants. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParticipantFilter {
    /// How it is. Unless said otherwise, connected in a room in progress and disconnected in one that ended.
    pub status: Option<ParticipantStatus>,
    /// Its identity, exactly.
    pub identity: Option<String>,
    /// It came then or later, in ms since 1970 UTC.
    pub created_from_ms: Option<u64>,
    /// It came before then.
    pub created_before_ms: Option<u64>,
}

/// How a recording or a composition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaStatus {
    /// It waits to be made; compositions only.
    Enqueued,
    /// It is being made.
    Processing,
    /// It is there.
    Completed,
    /// Its file is deleted.
    Deleted,
    /// It could not be made.
    Failed,
}

/// What recordings are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// A room.
    Room(RoomId),
    /// A participant.
    Participant(ParticipantId),
}

/// Which recordings. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// How it is. Deleted ones are listed only if this says so.
    pub status: Option<MediaStatus>,
    /// Of which track.
    pub source: Option<TrackId>,
    /// In all of these groups.
    pub groups: Vec<Grouping>,
    /// Sound or pictures.
    pub kind: Option<Kind>,
    /// It began then or later, in ms since 1970 UTC.
    pub created_from_ms: Option<u64>,
    /// It began before then.
    pub created_before_ms: Option<u64>,
}

/// Which compositions. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompositionFilter {
    /// How it is. Deleted ones are listed only if this says so.
    pub status: Option<MediaStatus>,
    /// Of which room.
    pub room: Option<RoomId>,
    /// It was asked for then or later, in ms since 1970 UTC.
    pub created_from_ms: Option<u64>,
    /// It was asked for before then.
    pub created_before_ms: Option<u64>,
}

/// Which composition hooks. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookFilter {
    /// Whether it works.
    pub enabled: Option<bool>,
    /// Its name in any case, `*` being anything.
    pub name: Option<String>,
    /// It was made then or later, in ms since 1970 UTC.
    pub created_from_ms: Option<u64>,
    /// It was made before then.
    pub created_before_ms: Option<u64>,
}
