//! What the facts tell, put together again: at any moment it must be what the rooms say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use room::{Change, Fact, ParticipantId, Presence, Recording, RecordingId, RoomId, Rooms, Track, TrackId};

/// Room to who is in it and what they publish.
#[derive(Debug, Default)]
pub struct Story {
    rooms: BTreeMap<RoomId, BTreeMap<ParticipantId, Person>>,
    /// Those that began and have not ended.
    recordings: BTreeSet<RecordingId>,
    /// Every reason for an end or a leave so far.
    pub reasons: BTreeSet<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Person {
    away: bool,
    tracks: BTreeMap<TrackId, Track>,
}

impl Person {
    fn of(one: &room::Snapshot) -> Self {
        let tracks = one.tracks.iter().map(|track| (track.id, track.clone())).collect();
        Person { away: one.presence == Presence::Reconnecting, tracks }
    }
}

impl Story {
    /// The facts tell what the rooms are.
    pub fn check(&self, rooms: &Rooms, step: u32) {
        let people = |room: &room::RoomView| room.participants.iter().map(|one| (one.id, Person::of(one))).collect();
        let real: BTreeMap<RoomId, BTreeMap<ParticipantId, Person>> =
            rooms.rooms().map(|room| (room.id, people(&room))).collect();
        assert_eq!(self.rooms, real, "step {step}: the facts tell something else");
    }

    /// The story goes on from these rooms.
    pub fn begin(&mut self, rooms: &Rooms) {
        let people = |room: &room::RoomView| room.participants.iter().map(|one| (one.id, Person::of(one))).collect();
        self.rooms = rooms.rooms().map(|room| (room.id, people(&room))).collect();
    }

    /// The program was started anew.
    pub fn restart(&mut self) {
        self.rooms.values_mut().flat_map(BTreeMap::values_mut).for_each(|one| one.away = true);
        self.recordings.clear();
    }

    /// Takes a fact; panics if it makes no sense after those before.
    pub fn take(&mut self, fact: Fact) {
        match fact {
            Fact::RoomBegan { room } => {
                assert!(room.participants.is_empty());
                assert!(self.rooms.insert(room.id, BTreeMap::new()).is_none(), "began twice");
            }
            Fact::RoomEnded { room, why } => {
                assert!(self.rooms.remove(&room).expect("began").is_empty(), "ended on somebody");
                self.reasons.insert(format!("{why:?}"));
            }
            Fact::Participant { room, participant, change } => self.change(room, participant.id, change),
            Fact::TrackAdded { room, participant, track } => {
                assert!(self.tracks(room, participant.id).insert(track.id, track).is_none(), "added twice");
            }
            Fact::TrackAltered { room, participant, track } => {
                let before = self.tracks(room, participant.id).insert(track.id, track.clone()).expect("added before");
                assert_ne!(before, track, "nothing altered");
            }
            Fact::TrackRemoved { room, participant, track } => {
                assert_eq!(self.tracks(room, participant.id).remove(&track.id), Some(track));
            }
            Fact::RecordingBegan { room, recording } => self.record(room, &recording),
            Fact::RecordingFlows { recording, .. } => assert!(self.recordings.contains(&recording), "flows after its end"),
            Fact::RecordingEnded { recording, .. } => assert!(self.recordings.remove(&recording), "ended twice"),
        }
    }

    /// A recording is of a track that is there, or of the mix of a room that is.
    fn record(&mut self, room: RoomId, recording: &Recording) {
        assert!(self.rooms.contains_key(&room), "recorded before it began");
        if let Some((who, track)) = &recording.source {
            assert!(self.tracks(room, who.id).contains_key(&track.id), "recorded before it was added");
        }
        assert!(self.recordings.insert(recording.id), "began twice");
    }

    fn change(&mut self, room: RoomId, who: ParticipantId, change: Change) {
        let people = self.rooms.get_mut(&room).expect("a room that began");
        match change {
            Change::Joined => assert!(people.insert(who, Person::default()).is_none(), "joined twice"),
            Change::Left(why) => {
                assert!(people.remove(&who).expect("inside").tracks.is_empty(), "left its tracks behind");
                self.reasons.insert(format!("Left({why:?})"));
            }
            Change::Lost => people.get_mut(&who).expect("inside").away = true,
            Change::Resumed => people.get_mut(&who).expect("inside").away = false,
            Change::Tracks => assert!(people.contains_key(&who)),
        }
    }

    fn tracks(&mut self, room: RoomId, who: ParticipantId) -> &mut BTreeMap<TrackId, Track> {
        let people = self.rooms.get_mut(&room).expect("a room that began");
        &mut people.get_mut(&who).expect("inside").tracks
    }
}
