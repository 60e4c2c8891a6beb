use std::sync::Arc;
use std::time::Duration;

use crate::{
    Channel, Layout, LayoutName, LinkId, MediaRefusal, MemberField, MixRecording, Outcome, ParticipantId, Playback, Quality,
    RecordedCodec, Recording, RecordingId, RecordingState, Rights, Role, RoomId, RoomKind, RoomView, Sealed, SeatKey, Signal,
    Snapshot, StageField, StageView, Track, TrackId,
};

/// The answer to a client's own command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in, or back in.
    Joined(Box<Joined>),
    /// What became of its tracks. Its list was taken, or waits because of many before it: then [`Event::Published`] follows, if there is
    /// news.
    Published(Published),
    /// The room that was made.
    Room(Box<RoomView>),
    /// The layouts there are.
    Layouts(Vec<LayoutName>),
    /// The mix, and everybody in it, in the order they came.
    Stage(Arc<StageView>, Vec<Arc<Snapshot>>),
    /// One member.
    Member(Arc<Snapshot>),
    /// A recording of the mix, as it is now.
    Recording(MixRecording),
    /// The recordings of the mix: all that are not over, and the last ones that are; oldest first.
    Recordings(Vec<MixRecording>),
    /// A file that is played, as it is now.
    Playback(Playback),
    /// The files that are played, oldest first.
    Playbacks(Vec<Playback>),
    /// Done; nothing more to say.
    Done,
}

/// Everything a client needs to know when it comes in or comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The room.
    pub room: RoomId,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: RoomKind,
    /// Whom the client is.
    pub me: ParticipantId,
    /// By what name.
    pub identity: Arc<str>,
    /// Proof for coming back.
    pub seat: SeatKey,
    /// How long its seat is kept when its connection is lost.
    pub session_timeout: Duration,
    /// Everyone else, in the order they came.
    pub others: Vec<Arc<Snapshot>>,
    /// What became of its own tracks.
    pub published: Published,
    /// What it receives.
    pub subscribed: Subscribed,
    /// Its links. When it comes back, a link that is not listed is gone.
    pub links: Vec<LinkState>,
    /// The channels that it asked for when it came in.
    pub channels: Vec<Channel>,
    /// The dominant speaker, as far as the media server knows.
    pub speaker: Option<ParticipantId>,
    /// Whether the room is recorded.
    pub recording: RecordingState,
    /// What its owner wrote on it.
    pub memo: Sealed,
    /// What it may not have heard of, if it receives the mix and comes back.
    pub lately: Lately,
    /// As everybody sees it.
    pub own: Arc<Snapshot>,
    /// What it may do.
    pub rights: Rights,
    /// The mix.
    pub stage: Arc<StageView>,
    /// How members stand.
    pub layout: Arc<Layout>,
}

/// What happened in a mixed room while somebody was away, as far as it is remembered. Some of it may have been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// Who left.
    pub left: Vec<Arc<Snapshot>>,
    /// Who came, of those who are there.
    pub came: Vec<ParticipantId>,
    /// Whether the client became audience, or a member.
    pub regraded: bool,
}

/// What became of a client's own tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Grows with each change, from 1.
    pub revision: u64,
    /// Each listed track, by the name its media carries.
    pub tracks: Vec<(Arc<str>, Result<TrackId, TrackRefusal>)>,
}

/// What a client receives: the complete list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// Grows with each change, from 1.
    pub revision: u64,
    /// Each track with the name its media carries.
    pub tracks: Vec<(TrackId, Arc<str>)>,
}

/// One link as a client should now have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Which.
    pub link: LinkId,
    /// Whether its other end is the media server. Then, if no offer is wanted, its answer to the first one is still to come when
    /// the client comes in.
    pub server: bool,
    /// Make an offer at the revision after this one.
    pub wanted: Option<u64>,
    /// Whether it is to the server, and media can pass.
    pub connected: bool,
    /// What the other end said last: a description, candidates.
    pub signals: Vec<Signal>,
}

/// Why a track was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackRefusal {
    /// [`MEDIA_TRACKS_MAX`](crate::limit::MEDIA_TRACKS_MAX) or [`DATA_TRACKS_MAX`](crate::limit::DATA_TRACKS_MAX).
    TooMany,
    /// [`Terms::tracks_max`](crate::Terms::tracks_max).
    TooManyInRoom,
    /// Another track of this participant has that name.
    NameTaken,
    /// [`TRACK_NAME_CHARS_MAX`](crate::limit::TRACK_NAME_CHARS_MAX).
    NameTooLong,
    /// Empty, or with control characters.
    NameInvalid,
    /// This participant may not publish.
    NotPermitted,
    /// Pictures in a room for sound only.
    KindNotAllowed,
}

/// A fact that one client should hear of.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody else changed.
    Changed {
        /// How they are now.
        participant: Arc<Snapshot>,
        /// What changed.
        change: Change,
        /// What the hearer receives now, if that changed too.
        subscribed: Option<Subscribed>,
    },
    /// What became of the client's own tracks, by a list that had to wait.
    Published(Published),
    /// The other end of a link says this.
    Signal {
        /// Which link.
        link: LinkId,
        /// What it says.
        signal: Signal,
    },
    /// A link is gone, or was never needed.
    LinkClosed {
        /// Which.
        link: LinkId,
        /// The revision after its last one.
        revision: u64,
    },
    /// Make an offer on a new link, at the revision after this one.
    LinkWanted {
        /// Which.
        link: LinkId,
        /// The revision before the offer's.
        revision: u64,
        /// Whether its other end is the media server.
        server: bool,
    },
    /// The hearer receives other tracks than before, or under other names.
    Subscribed(Subscribed),
    /// A channel between the hearer and the media server has opened.
    Opened(Channel),
    /// The hearer said this to the media server.
    Said {
        /// On which channel.
        channel: Channel,
        /// What.
        text: Sealed,
    },
    /// The dominant speaker changed, or there is none.
    Speaker(Option<ParticipantId>),
    /// How good the hearer's and the others' connections are.
    Quality(Box<Quality>),
    /// Tracks that the hearer receives and that stopped or go on.
    Switched {
        /// Not sent any more, for now.
        off: Vec<TrackId>,
        /// Sent again.
        on: Vec<TrackId>,
    },
    /// Which layers of the hearer's own track somebody receives, smallest first.
    Layers {
        /// Which track.
        track: TrackId,
        /// Whether each layer is needed.
        needed: Vec<bool>,
    },
    /// Fields of a member, perhaps the hearer itself, changed.
    Member {
        /// How it is now.
        participant: Arc<Snapshot>,
        /// What changed.
        changed: Vec<MemberField>,
    },
    /// A member began or ceased to talk.
    Talking(ParticipantId, bool),
    /// The mix changed.
    Stage {
        /// How it is now.
        stage: Arc<StageView>,
        /// What changed.
        changed: Vec<StageField>,
    },
    /// Members stand otherwise. To who receives a mix, only.
    Layout(Arc<Layout>),
    /// The hearer may do other things than before, and is audience or not any more.
    Role {
        /// What it is now.
        role: Role,
        /// What it may do.
        rights: Rights,
    },
    /// The hearer's pictures are shown in this size, in pixels, so many a second; larger ones are wasted.
    Size {
        /// Across.
        width: u16,
        /// Down.
        height: u16,
        /// A second.
        fps: u8,
    },
    /// The room is recorded, or not any more.
    Recording(RecordingState),
    /// Of tracks of the hearer's own that are recorded no media comes, or it comes again. To who asked for it:
    /// [`Part::warned`](crate::Part::warned).
    RecordingSilent {
        /// Grows by one with each change, from 1.
        revision: u64,
        /// Every track of which that was ever told, and whether no media comes.
        tracks: Vec<(TrackId, bool)>,
    },
    /// This client is out of the room.
    Out(WhyLeft),
}

/// What changed about a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It came.
    Joined,
    /// It lost its connection.
    Lost,
    /// It came back.
    Resumed,
    /// Its tracks: published, unpublished, muted, named a priority.
    Tracks,
    /// It left.
    Left(WhyLeft),
}

/// Why a participant is not in the room any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyLeft {
    /// It said so.
    Left,
    /// It did not come back in time.
    TimedOut,
    /// Somebody joined under the same name.
    Displaced,
    /// It was put out.
    Removed,
    /// [`Terms::session_max`](crate::Terms::session_max).
    Expired,
    /// The key that let it in was withdrawn.
    Withdrawn,
    /// The room ended.
    RoomEnded,
    /// The media server cannot serve it.
    Refused(MediaRefusal),
    /// Its link to the media server died again and again.
    Unreachable,
}

/// Why a room ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyEnded {
    /// The last one left.
    Empty,
    /// Nobody ever came.
    Unused,
    /// [`Terms::room_max`](crate::Terms::room_max).
    Expired,
    /// Its owner ended it.
    Completed,
    /// After the program was started anew there was no place for it: no media server that it needs, another room of its name, or too
    /// many rooms.
    NotRestored,
}

/// What happened, for the history, in an order that makes sense: a room before its participants, a participant before its tracks, and
/// the other way round at the end. Never told to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A room began.
    RoomBegan {
        /// How it is then.
        room: Box<RoomView>,
    },
    /// A room ended.
    RoomEnded {
        /// Which.
        room: RoomId,
        /// Why.
        why: WhyEnded,
    },
    /// A participant changed; at its joining and leaving too.
    Participant {
        /// In which room.
        room: RoomId,
        /// How it is now.
        participant: Arc<Snapshot>,
        /// What changed.
        change: Change,
    },
    /// A track was published.
    TrackAdded {
        /// In which room.
        room: RoomId,
        /// By whom.
        participant: Arc<Snapshot>,
        /// What.
        track: Track,
    },
    /// A track was withdrawn, or its publisher left.
    TrackRemoved {
        /// In which room.
        room: RoomId,
        /// By whom.
        participant: Arc<Snapshot>,
        /// As it was last.
        track: Track,
    },
    /// A track was muted or unmuted, or got another priority.
    TrackAltered {
        /// In which room.
        room: RoomId,
        /// By whom.
        participant: Arc<Snapshot>,
        /// As it is now.
        track: Track,
    },
    /// A recording was asked for.
    RecordingBegan {
        /// In which room.
        room: RoomId,
        /// Of what.
        recording: Box<Recording>,
    },
    /// Its first media came.
    RecordingFlows {
        /// In which room.
        room: RoomId,
        /// Which.
        recording: RecordingId,
        /// In what it is written; of the mix, its pictures.
        codec: RecordedCodec,
        /// As [`Outcome::offset`].
        offset: Duration,
    },
    /// It ended. Told when the media server says so, which may be after its track, its participant and its room are gone.
    RecordingEnded {
        /// In which room.
        room: RoomId,
        /// Which.
        recording: RecordingId,
        /// What became of it.
        outcome: Outcome,
    },
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This caller may not do that.
    NotPermitted,
    /// Empty.
    RoomNameInvalid,
    /// With control characters or ones that turn the direction of writing around.
    RoomNameCharacters,
    /// [`ROOM_NAME_CHARS_MAX`](crate::limit::ROOM_NAME_CHARS_MAX).
    RoomNameTooLong,
    /// Empty.
    IdentityInvalid,
    /// With control characters or ones that turn the direction of writing around.
    IdentityCharacters,
    /// [`IDENTITY_CHARS_MAX`](crate::limit::IDENTITY_CHARS_MAX).
    IdentityTooLong,
    /// [`Limits::rooms_max`](crate::Limits::rooms_max).
    TooManyRooms,
    /// A room of this name is in progress.
    RoomExists,
    /// There is no such room, and whoever joins makes none: [`Limits::adhoc`](crate::Limits::adhoc).
    RoomNotMade,
    /// Not between one and as many as rooms of this kind have.
    SeatsInvalid,
    /// The room takes nobody at this time: [`Definition::opens`](crate::Definition::opens) and what follows it.
    NotNow,
    /// Who is to be promoted is a member already. Nothing changed.
    AlreadyMember,
    /// A moderator locked the room.
    RoomLocked,
    /// Every seat is taken.
    RoomFull,
    /// The key that lets the client in is for another room.
    RoomNotAllowed,
    /// No such room in progress.
    RoomNotFound,
    /// This room is over: one of the last [`ENDED_KNOWN_MAX`](crate::limit::ENDED_KNOWN_MAX).
    RoomEnded,
    /// Rooms of this kind need a media server, and there is none.
    KindNotServed,
    /// Rooms of this kind cannot be for sound only.
    AudioOnlyNotServed,
    /// No such seat, or it was given up.
    SeatNotFound,
    /// The client is in a room already.
    AlreadyJoined,
    /// The client is in no room.
    NotJoined,
    /// No such participant.
    ParticipantNotFound,
    /// In a mesh everybody receives everything; only a media server can follow rules.
    NoRules,
    /// [`MIX_RECORDINGS_MAX`](crate::limit::MIX_RECORDINGS_MAX).
    TooManyRecordings,
    /// No such recording in progress.
    RecordingNotFound,
    /// [`PLAYBACKS_MAX`](crate::limit::PLAYBACKS_MAX), or [`PLAYBACKS_AT_ONCE`](crate::limit::PLAYBACKS_AT_ONCE).
    TooManyPlaybacks,
    /// No such file is played.
    PlaybackNotFound,
    /// A name on the wire is too long, or in use by somebody else; a rule has more lines than
    /// [`RULE_LINES_MAX`](crate::limit::RULE_LINES_MAX).
    Malformed,
}
