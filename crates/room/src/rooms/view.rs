use std::collections::BTreeMap;
use std::sync::Arc;

use super::Rooms;
use crate::room::Room;
use crate::{
    Moment, Origin, ParticipantId, RoomId, RoomKind, RoomOptions, Rule, Sealed, Snapshot, StageView, Terms, Topology, Track,
    TrackId,
};

/// A room as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomView {
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
    /// Whether it was made on purpose, not by the first who joined.
    pub by_owner: bool,
    /// What its owner wants kept with it.
    pub memo: Sealed,
    /// How media travels now.
    pub topology: Topology,
    /// Whether it is recorded. Which tracks are is among its options.
    pub recording: bool,
    /// Whether its rules record something, and the disk has no room for any of it: it is tried again now and then, until the rules say
    /// otherwise.
    pub recording_waits: bool,
    /// Whether a recording of its mix begins as soon as somebody's media comes.
    pub recording_due: bool,
    /// When it began; before a restart, if it went on after it.
    pub began: Moment,
    /// Who is in it, in the order they came.
    pub participants: Vec<Arc<Snapshot>>,
    /// Its mix; what members see of it.
    pub stage: Arc<StageView>,
}

impl Rooms {
    /// Every room in progress, oldest id first.
    pub fn rooms(&self) -> impl Iterator<Item = RoomView> + '_ {
        self.rooms.values().map(view)
    }

    /// The room of this name, if it is in progress.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<RoomView> {
        self.names.get(name).and_then(|id| self.by_id(*id))
    }

    /// The room with this id, if it is in progress.
    #[must_use]
    pub fn by_id(&self, id: RoomId) -> Option<RoomView> {
        self.rooms.get(&id).map(view)
    }

    /// What a participant receives now, and from whom.
    #[must_use]
    pub fn subscribed(&self, participant: ParticipantId) -> Option<Vec<(ParticipantId, Track)>> {
        let room = self.room_of(participant).and_then(|id| self.rooms.get(&id))?;
        let all = room.participants.iter().flat_map(|one| one.snapshot.tracks.iter().map(|track| (track.id, (one.id(), track))));
        let all: BTreeMap<TrackId, (ParticipantId, &Track)> = all.collect();
        let received = room.receives(room.by_id(participant)?);
        Some(received.iter().filter_map(|(id, _)| all.get(id)).map(|&(publisher, track)| (publisher, track.clone())).collect())
    }

    /// What a participant is to receive.
    #[must_use]
    pub fn rule(&self, participant: ParticipantId) -> Option<Rule> {
        let room = self.room_of(participant).and_then(|id| self.rooms.get(&id))?;
        room.by_id(participant).map(|place| place.rule.clone())
    }

    /// Which keys let in those who are inside, each as often as somebody came by it.
    pub fn origins(&self) -> impl Iterator<Item = Origin> + '_ {
        self.rooms.values().flat_map(|room| &room.participants).filter_map(|place| place.origin.clone())
    }

    /// Which key let a participant in, if it is there and came by a key.
    #[must_use]
    pub fn origin(&self, participant: ParticipantId) -> Option<Option<Origin>> {
        let room = self.room_of(participant).and_then(|id| self.rooms.get(&id))?;
        room.by_id(participant).map(|place| place.origin.clone())
    }

    /// Rooms and participants in progress, for gauges.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.rooms.len(), self.seats.len())
    }

    /// Where a participant is.
    pub(super) fn room_of(&self, participant: ParticipantId) -> Option<RoomId> {
        self.people.get(&participant).copied()
    }
}

/// A room as its owner sees it.
pub(super) fn view(room: &Room) -> RoomView {
    RoomView {
        id: room.id,
        name: Arc::clone(&room.name),
        kind: room.kind,
        options: room.options.clone(),
        terms: room.terms.clone(),
        by_owner: room.by_owner,
        memo: room.memo.clone(),
        topology: room.topology,
        recording: room.recording.on,
        recording_waits: room.awaits_recording(),
        recording_due: room.stage.takes.due,
        began: room.began,
        participants: room.participants.iter().map(|p| Arc::clone(&p.snapshot)).collect(),
        stage: Arc::clone(&room.stage.view),
    }
}
