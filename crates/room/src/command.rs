use std::sync::Arc;

use crate::{
    Channel, ConnId, Definition, Hint, Kind, LinkId, MemberAct, Origin, Part, ParticipantId, Priority, Profile, Question, Rights,
    RoomId, RoomKind, RoomOptions, Rule, Sealed, SeatKey, Signal, StageAct, Target, Terms,
};

/// Who gives a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A client, for itself.
    Conn(ConnId),
    /// Whoever owns the rooms: REST, the console, the command line. Authenticated before it comes here.
    Owner,
}

/// A wish, which may be refused.
#[derive(Clone, Debug)]
pub enum Command {
    /// Come into a room, which is made if it is not there.
    Join(Box<Join>),
    /// Come back to a seat after the connection was lost.
    Resume(Box<Resume>),
    /// These are all my tracks now. Older revisions than the last one are ignored.
    Publish {
        /// The client's own count, growing with each change.
        revision: u64,
        /// The complete list.
        tracks: Vec<TrackDraft>,
    },
    /// Pass this to the other end of a link.
    Signal {
        /// Which link.
        link: LinkId,
        /// What to pass.
        signal: Signal,
    },
    /// Say this to me on this channel. Without the channel nothing is said.
    Say {
        /// Which channel.
        channel: Channel,
        /// What to say, as my door spells it.
        text: Sealed,
    },
    /// This is how I want to receive tracks. Those that I do not receive are passed over, and so are all beyond
    /// [`HINTS_MAX`](crate::limit::HINTS_MAX).
    Hint(Vec<Hint>),
    /// Do this with a member.
    Member(Target, MemberAct),
    /// Do this with the mix. If that is a recording, answered by [`Answer::Recording`](crate::Answer::Recording), if it
    /// is a file that is played by [`Answer::Playback`](crate::Answer::Playback).
    Stage(StageAct),
    /// Tell me this. Answered by [`Answer::Layouts`](crate::Answer::Layouts), [`Answer::Stage`](crate::Answer::Stage),
    /// [`Answer::Member`](crate::Answer::Member), [`Answer::Recordings`](crate::Answer::Recordings) or
    /// [`Answer::Playbacks`](crate::Answer::Playbacks).
    Ask(Question),
    /// This is my link to the media server from now on, with its first offer; the one before it, which may have the same name, ends.
    Open {
        /// Which link.
        link: LinkId,
        /// Its offer.
        offer: Signal,
    },
    /// Leave for good.
    Leave,
    /// The connection is gone; the client may come back.
    Lose,
    /// Make a room, in which nobody is yet. Answered by [`Answer::Room`](crate::Answer::Room).
    Create(Box<Create>),
    /// End a room for everyone in it.
    EndRoom(RoomId),
    /// Put a participant out. Its token still lets it in again.
    Remove(ParticipantId),
    /// What a participant receives from now on.
    SetRule {
        /// Who.
        participant: ParticipantId,
        /// What.
        rule: Rule,
    },
    /// Which tracks of a room are recorded from now on. Messages never are. A room whose media cannot pass the server has none:
    /// [`Refusal::NoRules`](crate::Refusal::NoRules). One of kind `Auto` moves to the server when anything is to be recorded.
    SetRecordRules {
        /// Which room.
        room: RoomId,
        /// Which tracks.
        rules: Rule,
    },
    /// Record a room as its own pages do: the mix, where somebody receives that, else every track; or nothing of it any more. Refused as
    /// [`Command::SetRecordRules`].
    Record {
        /// Which room.
        room: RoomId,
        /// Whether it is recorded from now on.
        on: bool,
    },
    /// The room of this name is made like this when the first one joins, until its definition is taken away. A room in progress stays
    /// as it is.
    Define(Arc<str>, Box<Definition>),
    /// There is no room of this name any more until somebody makes it. A room in progress goes on.
    Undefine(Arc<str>),
    /// Put out everyone whom this key let in.
    Withdraw(Origin),
    /// The kind that a room of this name has when it is made by joining: from its next beginning, and at once as far as those inside
    /// allow.
    SetKind {
        /// The room's name.
        name: Arc<str>,
        /// Its kind from now on.
        kind: RoomKind,
        /// What it is besides.
        options: RoomOptions,
    },
}

/// Making a room.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its name, or none of its own.
    pub room: RoomRef,
    /// Its kind.
    pub kind: RoomKind,
    /// What it is besides.
    pub options: RoomOptions,
    /// How many, and for how long.
    pub terms: Terms,
    /// Whatever its owner wants kept with it.
    pub memo: Sealed,
}

/// Coming into a room.
#[derive(Clone, Debug)]
pub struct Join {
    /// Which room.
    pub room: RoomRef,
    /// The only room its key is for; none: any.
    pub allowed: Option<RoomRef>,
    /// The client's name; an older participant of the same name is put out.
    pub identity: Arc<str>,
    /// What it may do.
    pub rights: Rights,
    /// Which key let it in.
    pub origin: Option<Origin>,
    /// Revision and complete list of its tracks.
    pub tracks: (u64, Vec<TrackDraft>),
    /// What it wants to receive.
    pub rule: Rule,
    /// The link it has prepared, with its first offer.
    pub offer: Option<(LinkId, Signal)>,
    /// The channels that it wants from the media server, if there is one.
    pub channels: Vec<Channel>,
    /// How it wants its bandwidth shared by the media server, if there is one.
    pub profile: Profile,
    /// How it takes part besides.
    pub part: Part,
}

/// Coming back.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Proof of the seat.
    pub seat: SeatKey,
    /// Who it says it is; must be the seat's.
    pub identity: Arc<str>,
    /// Revision and complete list of its tracks.
    pub tracks: (u64, Vec<TrackDraft>),
    /// The last description of each of its links, which may not have reached us.
    pub signals: Vec<(LinkId, Signal)>,
}

/// How a client names a room.
#[derive(Clone, Debug)]
pub enum RoomRef {
    /// By its name.
    Name(Arc<str>),
    /// By the id of a room in progress, spelled so that it might also be meant as a name.
    Id(RoomId, Arc<str>),
    /// A new room whose name is its id, spelled by the door.
    Unnamed(fn(RoomId) -> String),
}

impl RoomRef {
    /// The words it was named by.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        match self {
            RoomRef::Name(name) | RoomRef::Id(_, name) => Some(name),
            RoomRef::Unnamed(_) => None,
        }
    }
}

/// A track as its publisher describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackDraft {
    /// What its media calls it.
    pub label: Arc<str>,
    /// What it carries.
    pub kind: Kind,
    /// What the app calls it.
    pub name: Arc<str>,
    /// False while muted.
    pub enabled: bool,
    /// How much it matters.
    pub priority: Priority,
}
