//! The rooms as something that can be written down and read back after the program was started anew. Media of a mesh room goes on
//! meanwhile, so clients that find their seats again lose nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::{
    Channel, Kind, LinkId, Origin, ParticipantId, Profile, Rights, RoomId, RoomKind, RoomOptions, Rule, Sealed, SeatKey, Signal,
    StageSettings, Terms, Track,
};

/// Added to every revision on reading back: what clients heard after the last writing counts less than this.
pub(crate) const REVISION_GAP: u64 = 1_000;

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRoom {
    /// Which.
    pub id: RoomId,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: RoomKind,
    /// What it is besides.
    pub options: RoomOptions,
    /// How many may be in it, and for how long.
    pub terms: Terms,
    /// Whether it was made on purpose. Otherwise by the first who joined, and then somebody was in it.
    pub by_owner: bool,
    /// What its owner wants kept with it.
    pub memo: Sealed,
    /// How long ago it began.
    pub age: Duration,
    /// How long ago the last one left; none if nobody came yet, or somebody was in it.
    pub idle: Option<Duration>,
    /// Whether its media went through a server.
    pub served: bool,
    /// Of whether it was recorded.
    pub recording_revision: u64,
    /// Who was in it, in the order they came.
    pub participants: Vec<SavedParticipant>,
    /// Their connections with each other. Those with the media server end with it.
    pub links: Vec<SavedLink>,
    /// Connections that were prepared and not used.
    pub spares: Vec<(LinkId, ParticipantId)>,
    /// Its mix.
    pub stage: SavedStage,
}

/// The mix of a room. Nobody who received it is kept: their clients do not find the way back, but come in again. So a room in which nobody
/// else was is over, unless it is recorded: then it waits for them as long as for whoever has a seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedStage {
    /// As it would begin to be what it was.
    pub settings: StageSettings,
    /// Whether a recording of the mix ran, or was about to begin: another takes its place.
    pub record: bool,
    /// Whether members whose pictures are muted left the picture.
    pub hide_video_muted: bool,
    /// Whether nobody else might come in.
    pub locked: bool,
    /// How long until somebody may come in; none: now.
    pub opens: Option<Duration>,
    /// How long until nobody may come in any more.
    pub closes: Option<Duration>,
    /// How long until the room ends.
    pub ends: Option<Duration>,
}

impl SavedRoom {
    /// Whether it is in progress after a restart: it was made on purpose, somebody has a seat in it, or it is recorded and those who
    /// received its mix may come in again.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let is_recorded = self.stage.record || self.options.record.takes_any();
        self.by_owner || !self.participants.is_empty() || (self.idle.is_some() && is_recorded)
    }

    /// How it is when this much time has passed in which nobody kept it. Participants keep their seats for `session_timeout` only; after
    /// that a room that somebody's joining made is over.
    #[must_use]
    pub fn after(mut self, time: Duration, session_timeout: Duration) -> Option<Self> {
        self.age = self.age.saturating_add(time);
        self.idle = self.idle.map(|idle| idle.saturating_add(time));
        self.participants.iter_mut().for_each(|one| one.age = one.age.saturating_add(time));
        let SavedStage { opens, closes, ends, .. } = &mut self.stage;
        [opens, closes, ends].into_iter().flatten().for_each(|left| *left = left.saturating_sub(time));
        if time <= session_timeout {
            return Some(self);
        }
        if !self.participants.is_empty() {
            self.idle = Some(time.saturating_sub(session_timeout));
        }
        self.participants.clear();
        self.links.clear();
        self.spares.clear();
        self.by_owner.then_some(self)
    }
}

/// One participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedParticipant {
    /// Who.
    pub id: ParticipantId,
    /// By what name.
    pub identity: Arc<str>,
    /// Proof of its seat. Secret.
    pub seat: SeatKey,
    /// What it may do.
    pub rights: Rights,
    /// What it receives.
    pub rule: Rule,
    /// How long ago it came.
    pub age: Duration,
    /// Which key let it in.
    pub origin: Option<Origin>,
    /// The channels that it wants from a media server.
    pub channels: Vec<Channel>,
    /// How it wants its bandwidth shared by a media server.
    pub profile: Profile,
    /// What it publishes.
    pub tracks: Vec<Track>,
    /// The kinds of them that a moderator keeps from everybody.
    pub barred: Vec<Kind>,
    /// As others saw it.
    pub revision: u64,
    /// Of its own track list.
    pub list_revision: u64,
    /// Of what became of its tracks.
    pub published_revision: u64,
    /// Of what it receives.
    pub subscribed_revision: u64,
    /// Of what it was told of its tracks that are recorded, if it wants to be told that.
    pub warned_revision: Option<u64>,
}

/// One connection between two participants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLink {
    /// Which.
    pub id: LinkId,
    /// Who began it, and the other.
    pub ends: [ParticipantId; 2],
    /// The first end was asked for an offer after this revision.
    pub asked: Option<u64>,
    /// Revision of the last offer that was answered.
    pub stable: u64,
    /// An offer that waits for its answer, and which end made it (0 or 1).
    pub pending: Option<(usize, Signal)>,
    /// What each end answered last, if the other may not have heard it.
    pub answers: [Option<Signal>; 2],
    /// How often it was made anew.
    pub relinks: u32,
}
