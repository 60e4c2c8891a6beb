/// Something that becomes part of the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A room began.
    RoomBegan(Box<RoomRow>),
    /// A room ended; those who were still in it have left by writes before this one.
    RoomEnded {
        /// Which.
        room: u128,
        /// `Completed` or `Failed`.
        status: RoomStatus,
        /// When.
        at_ms: u64,
    },
    /// A participant came.
    Joined(Box<ParticipantRow>),
    /// A participant went, came back, or lost its connection.
    Participant {
        /// Which.
        participant: u128,
        /// How it is now. Of one that left, its tracks are not published any more.
        status: ParticipantStatus,
        /// When.
        at_ms: u64,
    },
    /// A track is published, or what is known of it changed: of the same id, the newer row counts; its creation stays.
    Track(Box<TrackRow>),
    /// A track is not published any more.
    TrackRemoved {
        /// Which.
        track: u128,
        /// When.
        at_ms: u64,
    },
    /// Rules about what a participant receives.
    SubscribeRules {
        /// Whose.
        participant: u128,
        /// As the door spells them.
        text: String,
        /// When.
        at_ms: u64,
    },
    /// Rules about what is recorded in a room.
    RecordingRules {
        /// Whose.
        room: u128,
        /// As the door spells them.
        text: String,
        /// When.
        at_ms: u64,
    },
    /// A recording began.
    RecordingBegan(Box<RecordingRow>),
    /// The first media of a recording came. Of one that ended nothing changes.
    RecordingFlows {
        /// Which.
        recording: u128,
        /// When.
        at_ms: u64,
        /// In what it is written.
        codec: String,
        /// As [`RecordedFile::offset_ms`].
        offset_ms: u64,
    },
    /// A recording ended. Of one that is deleted already nothing changes.
    RecordingEnded {
        /// Which.
        recording: u128,
        /// `Completed` or `Failed`.
        status: RecordingStatus,
        /// When.
        at_ms: u64,
        /// What it holds.
        file: RecordedFile,
        /// Why it ended, in a word or two.
        why: String,
    },
    /// Its file is deleted, or is about to be.
    RecordingDeleted {
        /// Which.
        recording: u128,
        /// When.
        at_ms: u64,
    },
    /// Its file is not there any more, or cannot be read, though nobody deleted it. Of one that is deleted nothing changes.
    RecordingLost {
        /// Which.
        recording: u128,
        /// When that was found.
        at_ms: u64,
        /// In a word or two.
        why: String,
    },
    /// A composition is asked for.
    CompositionBegan(Box<CompositionRow>),
    /// It is being made, for the first time or anew. Of one that ended nothing changes.
    CompositionStarted {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
    },
    /// So much of it is made. Of one that is not being made nothing changes.
    CompositionProgress {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
        /// How much, of a hundred.
        percent: u32,
    },
    /// It is not being made any more, and waits again, as if it had not been begun. Of one that is not being made nothing changes.
    CompositionPutBack {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
    },
    /// It is there. Of one that ended nothing changes.
    CompositionCompleted {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
        /// Its length.
        duration_ms: u64,
        /// Its size.
        bytes: u64,
        /// What is to be said of it, in a few words.
        why: String,
    },
    /// It could not be made, or its file is not there any more. Of one that failed or is deleted nothing changes.
    CompositionFailed {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
        /// In a few words.
        why: String,
    },
    /// It is not wanted any more: its file is deleted, or is about to be.
    CompositionDeleted {
        /// Which.
        composition: u128,
        /// When.
        at_ms: u64,
    },
    /// A hook that asks for compositions, new or changed: of the same id, the newer row counts; its creation stays.
    Hook(Box<HookRow>),
    /// No such hook any more.
    HookDeleted {
        /// Which.
        hook: u128,
    },
    /// What is known of a file in a bucket now. What is to be deleted from it stays so.
    Stored(Box<crate::StoredRow>),
    /// A file is to be deleted from its bucket, if it was ever begun to be put there.
    StoredDoomed {
        /// Of what.
        id: u128,
    },
    /// A file is not in its bucket any more.
    StoredGone {
        /// Of what.
        id: u128,
    },
    /// A participant's name is forgotten everywhere: its row, its recordings, and parameters of events that are kept.
    Anonymize {
        /// Which.
        participant: u128,
        /// What it is called from now on.
        identity: String,
        /// The parameter of its events that holds its name.
        parameter: String,
        /// When.
        at_ms: u64,
    },
    /// A value under a key.
    Setting {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// No value under a key any more.
    Unset {
        /// The key.
        key: String,
    },
    /// Something happened in a room; it gets the next number of the room's sequence, from 0. With a callback it waits to be delivered.
    Event(Box<EventRow>),
    /// A callback was taken by its receiver, or given up: it does not wait any more.
    Delivered {
        /// [`Delivery::id`].
        id: i64,
        /// When.
        at_ms: u64,
        /// What became of it, in a few words: `200`, `gave up: connection refused`.
        outcome: String,
    },
    /// A callback was not taken; it is tried again, and the room's later ones wait behind it.
    Deferred {
        /// [`Delivery::id`].
        id: i64,
        /// When to try again: within [`WAIT_MAX_MS`](crate::limit::WAIT_MAX_MS) from now.
        next_ms: u64,
        /// What was wrong, in a few words.
        outcome: String,
    },
    /// The program was running at this moment.
    Alive {
        /// When.
        at_ms: u64,
    },
}

/// How a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomStatus {
    /// It runs.
    InProgress,
    /// It ended.
    Completed,
    /// It ended, and should not have.
    Failed,
}

/// How a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantStatus {
    /// In the room.
    Connected,
    /// It lost its connection; its seat is kept.
    Reconnecting,
    /// Not in the room any more.
    Disconnected,
}

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Messages.
    Data,
}

/// How a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingStatus {
    /// It is being made.
    Processing,
    /// It is there.
    Completed,
    /// It could not be made, or not to its end.
    Failed,
    /// Its file is deleted.
    Deleted,
}

/// What is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedKind {
    /// The sound of a track.
    Audio,
    /// The pictures of a track.
    Video,
    /// The mix of a room.
    Mix,
}

/// How a composition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompositionStatus {
    /// It waits to be made.
    Enqueued,
    /// It is being made.
    Processing,
    /// It is there.
    Completed,
    /// It could not be made.
    Failed,
    /// Its file is deleted.
    Deleted,
}

/// Where to tell what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The address, exactly as it was given.
    pub url: String,
    /// How.
    pub method: Method,
}

/// The methods of callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in the body.
    Post,
}

/// Names of video codecs, best first.
pub type Codecs = Vec<String>;

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Which.
    pub id: u128,
    /// Whose.
    pub account: String,
    /// Its name; unique among the account's rooms in progress.
    pub name: String,
    /// Its kind, in a word.
    pub kind: String,
    /// How it is.
    pub status: RoomStatus,
    /// When it began.
    pub created_ms: u64,
    /// When anything of this row changed last.
    pub updated_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Whether it was made on purpose, not by the first who came.
    pub by_owner: bool,
    /// Seats.
    pub seats_max: u32,
    /// How long it stays empty after the last one left, in seconds.
    pub empty_timeout_s: u32,
    /// How long it waits for the first one, in seconds.
    pub unused_timeout_s: u32,
    /// How long one participant may stay, in seconds; 0: as long as it likes.
    pub session_max_s: u32,
    /// Tracks that may be published in it at a time; none: any number.
    pub tracks_max: Option<u32>,
    /// Whether pictures are refused.
    pub audio_only: bool,
    /// Video codecs.
    pub codecs: Codecs,
    /// Who is told of its events.
    pub callback: Option<Callback>,
    /// Whatever its owner wants kept with it, as the door spells it.
    pub memo: String,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRow {
    /// Which.
    pub id: u128,
    /// Of which room.
    pub room: u128,
    /// Its name.
    pub identity: String,
    /// How it is.
    pub status: ParticipantStatus,
    /// When it came.
    pub created_ms: u64,
    /// When anything of this row changed last.
    pub updated_ms: u64,
    /// When it left.
    pub ended_ms: Option<u64>,
}

/// A published track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackRow {
    /// Which.
    pub id: u128,
    /// Whose.
    pub participant: u128,
    /// Of which room.
    pub room: u128,
    /// What the app calls it.
    pub name: String,
    /// What it carries.
    pub kind: TrackKind,
    /// False while muted.
    pub enabled: bool,
    /// When it was published.
    pub created_ms: u64,
    /// When anything of this row changed last.
    pub updated_ms: u64,
}

/// A recording: one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRow {
    /// Which.
    pub id: u128,
    /// Whose.
    pub account: String,
    /// Of which room.
    pub room: u128,
    /// The room's name.
    pub room_name: String,
    /// Of whose track; none of a mix.
    pub participant: Option<u128>,
    /// That participant's name.
    pub identity: Option<String>,
    /// Of which track; none of a mix.
    pub track: Option<u128>,
    /// What is recorded.
    pub kind: RecordedKind,
    /// What the app calls the track.
    pub name: String,
    /// The kind of file: its name's ending.
    pub container: String,
    /// How it is.
    pub status: RecordingStatus,
    /// When it began.
    pub created_ms: u64,
    /// When anything of this row changed last.
    pub updated_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// What it holds, as far as is known.
    pub file: RecordedFile,
    /// Why it ended, in a word or two.
    pub why: String,
    /// Who is told of it.
    pub callback: Option<Callback>,
}

/// What a recording holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedFile {
    /// In lower case; while it is made, the one that is expected.
    pub codec: String,
    /// When its first sample was, on the clock that all recordings share.
    pub offset_ms: u64,
    /// Its length.
    pub duration_ms: u64,
    /// Its size.
    pub bytes: u64,
}

/// A composition: one film of a room's recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositionRow {
    /// Which.
    pub id: u128,
    /// Whose.
    pub account: String,
    /// Of which room.
    pub room: u128,
    /// The room's name.
    pub room_name: String,
    /// The hook that asked for it. It may be gone.
    pub hook: Option<u128>,
    /// How it is.
    pub status: CompositionStatus,
    /// What was asked for, as the door spells it.
    pub parameters: String,
    /// The kind of file: its name's ending.
    pub container: String,
    /// When it was asked for.
    pub created_ms: u64,
    /// When anything of this row changed last. Of one that is deleted: when it was.
    pub updated_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// How much of it is made, of a hundred.
    pub percent: u32,
    /// How often it was begun.
    pub attempts: u32,
    /// Its length; 0 until it is there.
    pub duration_ms: u64,
    /// Its size; 0 until it is there.
    pub bytes: u64,
    /// Why it failed, or what is to be said of it, in a few words.
    pub why: String,
    /// Who is told of it.
    pub callback: Option<Callback>,
}

/// A hook: asks for a composition of each room that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRow {
    /// Which.
    pub id: u128,
    /// Whose.
    pub account: String,
    /// Its name; unique among the account's hooks.
    pub name: String,
    /// Whether it works.
    pub enabled: bool,
    /// What it asks for, as the door spells it.
    pub parameters: String,
    /// When it was made.
    pub created_ms: u64,
    /// When it was changed; none: never.
    pub updated_ms: Option<u64>,
    /// Who is told of its compositions.
    pub callback: Option<Callback>,
}

/// Rules, as a door spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesRow {
    /// The rules.
    pub text: String,
    /// When rules were set first.
    pub created_ms: u64,
    /// When they were set last.
    pub updated_ms: u64,
}

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// In which room.
    pub room: u128,
    /// Whose room.
    pub account: String,
    /// To which participant, if to one: so that its name can be forgotten.
    pub participant: Option<u128>,
    /// What, in a word.
    pub name: String,
    /// When.
    pub at_ms: u64,
    /// Its number in the room, from 0. Given by the database.
    pub sequence: u64,
    /// What is told of it: names and values, as the door spells them, without the number.
    pub parameters: Vec<(String, String)>,
    /// Who is told.
    pub callback: Option<Callback>,
    /// What became of telling it, or of the last try while it waits; empty before the first one.
    pub outcome: String,
}

/// A callback that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub id: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// What it tells. Its callback is there.
    pub event: EventRow,
}

/// A room by its name or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameOrId {
    /// By its name.
    Name(String),
    /// By its id.
    Id(u128),
}

/// A participant by its identity or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityOrId {
    /// By its identity.
    Identity(String),
    /// By its id.
    Id(u128),
}

/// Which rooms. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomFilter {
    /// How it is.
    pub status: Option<RoomStatus>,
    /// Its name.
    pub name: Option<String>,
    /// It began then or later.
    pub created_from_ms: Option<u64>,
    /// It began before then.
    pub created_before_ms: Option<u64>,
}

/// Which participants. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParticipantFilter {
    /// How it is. Who is reconnecting counts as such only.
    pub status: Option<ParticipantStatus>,
    /// Its identity.
    pub identity: Option<String>,
    /// It came then or later.
    pub created_from_ms: Option<u64>,
    /// It came before then.
    pub created_before_ms: Option<u64>,
}

/// Which recordings. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// How it is; unless said, any but deleted.
    pub status: Option<RecordingStatus>,
    /// What is recorded.
    pub kind: Option<RecordedKind>,
    /// Of tracks only, mixes left out.
    pub tracks_only: bool,
    /// Of this track.
    pub track: Option<u128>,
    /// Of this participant's tracks.
    pub participant: Option<u128>,
    /// Of this room.
    pub room: Option<u128>,
    /// Of rooms of this name.
    pub room_name: Option<String>,
    /// It began then or later.
    pub created_from_ms: Option<u64>,
    /// It began before then.
    pub created_before_ms: Option<u64>,
}

/// Which compositions. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompositionFilter {
    /// How it is; unless said, any but deleted.
    pub status: Option<CompositionStatus>,
    /// Of this room.
    pub room: Option<u128>,
    /// Of rooms of this name.
    pub room_name: Option<String>,
    /// It was asked for then or later.
    pub created_from_ms: Option<u64>,
    /// It was asked for before then.
    pub created_before_ms: Option<u64>,
}

/// Which hooks. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookFilter {
    /// Whether it works.
    pub enabled: Option<bool>,
    /// Its name in any case, `*` being any words.
    pub name: Option<String>,
    /// It was made then or later.
    pub created_from_ms: Option<u64>,
    /// It was made before then.
    pub created_before_ms: Option<u64>,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The first so many.
    First {
        /// How many at most.
        size: usize,
    },
    /// Those after the row at this place.
    After {
        /// [`PageOf::last`] of the page before.
        place: i64,
        /// How many at most.
        size: usize,
    },
    /// Those before the row at this place, nearest to it, in the same order as always.
    Before {
        /// [`PageOf::first`] of the page after.
        place: i64,
        /// How many at most.
        size: usize,
    },
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The place of the first row; what comes new takes no other row's place.
    pub first: Option<i64>,
    /// The place of the last row.
    pub last: Option<i64>,
    /// Whether there are rows before the first.
    pub more_before: bool,
    /// Whether there are rows after the last.
    pub more_after: bool,
}

/// What was in progress when the program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// When it was known to run last.
    pub at_ms: u64,
    /// Rooms in progress.
    pub rooms: Vec<RoomRow>,
    /// Participants who did not leave.
    pub participants: Vec<ParticipantRow>,
    /// What they publish, the oldest first.
    pub tracks: Vec<TrackRow>,
}
