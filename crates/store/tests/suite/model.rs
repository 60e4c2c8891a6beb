//! The same history as plain lists in memory: slow, obvious, and what the databases are compared with.

use std::collections::BTreeMap;

use store::limit::WAIT_MAX_MS;
use store::{
    Alive, CompositionFilter, CompositionRow, CompositionStatus, EventRow, HookFilter, HookRow, ParticipantFilter,
    ParticipantRow, ParticipantStatus, RecordedFile, RecordedKind, RecordingFilter, RecordingRow, RecordingStatus, RoomFilter,
    RoomRow, RoomStatus, RulesRow, TrackRow, Write,
};

/// A history.
#[derive(Clone, Default)]
pub struct Model {
    pub rooms: Vec<RoomRow>,
    pub participants: Vec<ParticipantRow>,
    /// Tracks that are published.
    pub tracks: Vec<TrackRow>,
    /// Tracks that were.
    removed: Vec<TrackRow>,
    pub recordings: Vec<RecordingRow>,
    pub compositions: Vec<CompositionRow>,
    pub hooks: Vec<HookRow>,
    pub subscribe_rules: BTreeMap<u128, RulesRow>,
    pub recording_rules: BTreeMap<u128, RulesRow>,
    pub settings: BTreeMap<String, String>,
    pub events: Vec<Told>,
    alive_ms: u64,
    /// Which event a callback's id means; learned from the database.
    pub ids: BTreeMap<i64, (u128, u64)>,
}

/// An event and what became of its callback.
#[derive(Clone)]
pub struct Told {
    pub row: EventRow,
    /// Until when it waits.
    pub waits_ms: Option<u64>,
    pub attempts: u32,
}

impl Model {
    /// Makes all of a batch so, or nothing. False: it is refused.
    pub fn write(&mut self, writes: &[Write]) -> bool {
        let mut next = self.clone();
        let whole = writes.iter().all(|write| next.apply(write).is_some());
        if whole {
            *self = next;
        }
        whole
    }

    fn apply(&mut self, write: &Write) -> Option<()> {
        match write {
            Write::RoomBegan(room) => self.room_began(room),
            Write::RoomEnded { room, status, at_ms } => self.room_ended(*room, *status, *at_ms),
            Write::Joined(participant) => self.joined(participant),
            Write::Participant { participant, status, at_ms } => self.participant_is(*participant, *status, *at_ms),
            Write::Track(track) => self.track_is(track),
            Write::TrackRemoved { track, at_ms } => self.track_removed(*track, *at_ms),
            Write::SubscribeRules { participant, text, at_ms } => {
                self.participants.iter().find(|row| row.id == *participant)?;
                set_rules(&mut self.subscribe_rules, *participant, text, *at_ms)
            }
            Write::RecordingRules { room, text, at_ms } => {
                self.rooms.iter().find(|row| row.id == *room)?;
                set_rules(&mut self.recording_rules, *room, text, *at_ms)
            }
            Write::RecordingBegan(row) => self.recording_began(row),
            Write::RecordingFlows { recording, at_ms, codec, offset_ms } => {
                let row = self.recordings.iter_mut().find(|row| row.id == *recording)?;
                if row.status == RecordingStatus::Processing {
                    (row.updated_ms, row.file.codec, row.file.offset_ms) = (*at_ms, codec.clone(), *offset_ms);
                }
                Some(())
            }
            Write::RecordingEnded { recording, status, at_ms, file, why } => {
                self.recording_ended(*recording, *status, *at_ms, file, why)
            }
            Write::RecordingDeleted { recording, at_ms } => self.recording_is(*recording, RecordingStatus::Deleted, *at_ms),
            Write::RecordingLost { recording, at_ms, why } => {
                let there = self.recordings.iter().any(|row| row.id == *recording && row.status != RecordingStatus::Deleted);
                self.recording_is(*recording, RecordingStatus::Failed, *at_ms)?;
                let row = self.recordings.iter_mut().find(|row| row.id == *recording && there);
                row.map_or(Some(()), |row| {
                    (row.file.bytes, row.why) = (0, why.clone());
                    Some(())
                })
            }
            Write::CompositionBegan(row) => {
                self.rooms.iter().find(|room| room.id == row.room && room.account == row.account)?;
                let taken = self.compositions.iter().any(|known| known.id == row.id);
                (!taken).then(|| self.compositions.push((**row).clone()))
            }
            Write::CompositionStarted { composition, at_ms } => self.composition(*composition, *at_ms, 2, |row| {
                (row.status, row.attempts, row.percent) = (CompositionStatus::Processing, row.attempts + 1, 0);
            }),
            Write::CompositionProgress { composition, at_ms, percent } => {
                if self.waits(*composition) {
                    return Some(());
                }
                self.composition(*composition, *at_ms, 2, |row| row.percent = *percent)
            }
            Write::CompositionPutBack { composition, at_ms } => {
                if self.waits(*composition) {
                    return Some(());
                }
                self.composition(*composition, *at_ms, 2, |row| {
                    (row.status, row.attempts, row.percent) = (CompositionStatus::Enqueued, row.attempts - 1, 0);
                })
            }
            Write::CompositionCompleted { composition, at_ms, duration_ms, bytes, why } => {
                self.composition(*composition, *at_ms, 2, |row| {
                    (row.status, row.percent, row.ended_ms) = (CompositionStatus::Completed, 100, Some(*at_ms));
                    (row.duration_ms, row.bytes, row.why) = (*duration_ms, *bytes, why.clone());
                })
            }
            Write::CompositionFailed { composition, at_ms, why } => self.composition(*composition, *at_ms, 3, |row| {
                (row.status, row.ended_ms) = (CompositionStatus::Failed, row.ended_ms.or(Some(*at_ms)));
                (row.bytes, row.why) = (0, why.clone());
            }),
            Write::CompositionDeleted { composition, at_ms } => self.composition(*composition, *at_ms, 4, |row| {
                (row.status, row.ended_ms) = (CompositionStatus::Deleted, row.ended_ms.or(Some(*at_ms)));
            }),
            Write::Hook(row) => self.hook_is(row),
            Write::HookDeleted { hook } => {
                self.hooks.retain(|row| row.id != *hook);
                Some(())
            }
            // A script of its own looks at these.
            Write::Stored(_) | Write::StoredDoomed { .. } | Write::StoredGone { .. } => Some(()),
            Write::Anonymize { participant, identity, parameter, at_ms } => {
                self.anonymize(*participant, identity, parameter, *at_ms)
            }
            Write::Setting { key, value } => {
                self.settings.insert(key.clone(), value.clone());
                Some(())
            }
            Write::Unset { key } => {
                self.settings.remove(key);
                Some(())
            }
            Write::Event(event) => self.happened(event),
            Write::Delivered { id, outcome, .. } => self.tried(*id, None, outcome),
            Write::Deferred { id, next_ms, outcome } => self.tried(*id, Some(*next_ms), outcome),
            Write::Alive { at_ms } => {
                self.alive_ms = *at_ms;
                Some(())
            }
        }
    }

    fn room_began(&mut self, room: &RoomRow) -> Option<()> {
        let same_name =
            |row: &RoomRow| row.status == RoomStatus::InProgress && row.account == room.account && row.name == room.name;
        let taken = self.rooms.iter().any(|row| row.id == room.id || same_name(row));
        (!taken).then(|| self.rooms.push(room.clone()))
    }

    fn room_ended(&mut self, room: u128, status: RoomStatus, at_ms: u64) -> Option<()> {
        let row = self.rooms.iter_mut().find(|row| row.id == room)?;
        if row.status == RoomStatus::InProgress {
            (row.status, row.updated_ms, row.ended_ms) = (status, at_ms, Some(at_ms));
        }
        Some(())
    }

    fn joined(&mut self, participant: &ParticipantRow) -> Option<()> {
        self.rooms.iter().find(|row| row.id == participant.room)?;
        let taken = self.participants.iter().any(|row| row.id == participant.id);
        (!taken).then(|| self.participants.push(participant.clone()))
    }

    fn participant_is(&mut self, participant: u128, status: ParticipantStatus, at_ms: u64) -> Option<()> {
        let row = self.participants.iter_mut().find(|row| row.id == participant)?;
        let left = status == ParticipantStatus::Disconnected;
        if left && row.status == status {
            return Some(());
        }
        (row.status, row.updated_ms, row.ended_ms) = (status, at_ms, left.then_some(at_ms));
        if left {
            let (gone, there) = self.tracks.drain(..).partition(|track| track.participant == participant);
            self.tracks = there;
            self.removed.extend::<Vec<_>>(gone);
        }
        Some(())
    }

    fn track_is(&mut self, track: &TrackRow) -> Option<()> {
        self.participants.iter().find(|row| row.id == track.participant && row.room == track.room)?;
        let mut known = self.tracks.iter().chain(&self.removed).filter(|row| row.id == track.id);
        let created_ms = match known.next() {
            Some(row) if row.participant != track.participant => return None,
            Some(row) => row.created_ms,
            None => track.created_ms,
        };
        let row = TrackRow { created_ms, ..track.clone() };
        self.removed.retain(|row| row.id != track.id);
        match self.tracks.iter_mut().find(|row| row.id == track.id) {
            Some(known) => *known = row,
            None => self.tracks.push(row),
        }
        Some(())
    }

    fn track_removed(&mut self, track: u128, _at_ms: u64) -> Option<()> {
        if let Some(at) = self.tracks.iter().position(|row| row.id == track) {
            self.removed.push(self.tracks.remove(at));
        }
        self.removed.iter().find(|row| row.id == track).map(drop)
    }

    fn recording_began(&mut self, row: &RecordingRow) -> Option<()> {
        self.rooms.iter().find(|room| room.id == row.room && room.account == row.account)?;
        if let Some(participant) = row.participant {
            self.participants.iter().find(|one| one.id == participant && one.room == row.room)?;
        }
        let taken = self.recordings.iter().any(|known| known.id == row.id);
        (!taken).then(|| self.recordings.push(row.clone()))
    }

    fn recording_ended(&mut self, id: u128, status: RecordingStatus, at_ms: u64, file: &RecordedFile, why: &str) -> Option<()> {
        let row = self.recordings.iter_mut().find(|row| row.id == id)?;
        if row.status == RecordingStatus::Processing {
            (row.status, row.updated_ms, row.ended_ms) = (status, at_ms, Some(at_ms));
            (row.file, row.why) = (file.clone(), why.to_owned());
        }
        Some(())
    }

    fn recording_is(&mut self, id: u128, status: RecordingStatus, at_ms: u64) -> Option<()> {
        let row = self.recordings.iter_mut().find(|row| row.id == id)?;
        if row.status != RecordingStatus::Deleted {
            (row.status, row.updated_ms, row.ended_ms) = (status, at_ms, row.ended_ms.or(Some(at_ms)));
        }
        Some(())
    }

    fn waits(&self, composition: u128) -> bool {
        self.compositions.iter().any(|row| row.id == composition && row.status == CompositionStatus::Enqueued)
    }

    /// Changes a composition that has come less far than that.
    fn composition(&mut self, id: u128, at_ms: u64, before: usize, change: impl FnOnce(&mut CompositionRow)) -> Option<()> {
        let row = self.compositions.iter_mut().find(|row| row.id == id)?;
        if row.status as usize >= before {
            return Some(());
        }
        row.updated_ms = at_ms;
        change(row);
        Some(())
    }

    fn hook_is(&mut self, row: &HookRow) -> Option<()> {
        let same_name = |known: &HookRow| known.account == row.account && known.name == row.name && known.id != row.id;
        if self.hooks.iter().any(same_name) {
            return None;
        }
        match self.hooks.iter_mut().find(|known| known.id == row.id) {
            None => self.hooks.push(row.clone()),
            Some(known) if known.account != row.account => return None,
            Some(known) => *known = HookRow { created_ms: known.created_ms, ..row.clone() },
        }
        Some(())
    }

    fn anonymize(&mut self, participant: u128, identity: &str, parameter: &str, at_ms: u64) -> Option<()> {
        let row = self.participants.iter_mut().find(|row| row.id == participant)?;
        (row.identity, row.updated_ms) = (identity.to_owned(), at_ms);
        for row in self.recordings.iter_mut().filter(|row| row.participant == Some(participant)) {
            (row.identity, row.updated_ms) = (Some(identity.to_owned()), at_ms);
        }
        for told in self.events.iter_mut().filter(|told| told.row.participant == Some(participant)) {
            told.row
                .parameters
                .iter_mut()
                .filter(|(name, _)| name == parameter)
                .for_each(|(_, value)| *value = identity.to_owned());
        }
        Some(())
    }

    fn happened(&mut self, event: &EventRow) -> Option<()> {
        self.rooms.iter().find(|row| row.id == event.room && row.account == event.account)?;
        if let Some(participant) = event.participant {
            self.participants.iter().find(|row| row.id == participant)?;
        }
        let sequence = self.events.iter().filter(|told| told.row.room == event.room).count() as u64;
        let waits_ms = event.callback.is_some().then_some(event.at_ms);
        self.events.push(Told { row: EventRow { sequence, ..event.clone() }, waits_ms, attempts: 0 });
        Some(())
    }

    fn tried(&mut self, id: i64, waits_ms: Option<u64>, outcome: &str) -> Option<()> {
        let (room, sequence) = *self.ids.get(&id)?;
        let told = self.events.iter_mut().find(|told| told.row.room == room && told.row.sequence == sequence)?;
        if told.waits_ms.is_some() {
            (told.waits_ms, told.attempts, told.row.outcome) = (waits_ms, told.attempts + 1, outcome.to_owned());
        }
        Some(())
    }

    /// Rooms that may be forgotten, longest ended first.
    pub fn forget(&mut self, ended_before_ms: u64, count: usize) -> u64 {
        let waits = |room: u128| self.events.iter().any(|told| told.row.room == room && told.waits_ms.is_some());
        let recorded = |room: u128| self.recordings.iter().any(|row| row.room == room && row.status != RecordingStatus::Deleted);
        let composed = |room: u128| {
            self.compositions
                .iter()
                .any(|row| row.room == room && !matches!(row.status, CompositionStatus::Failed | CompositionStatus::Deleted))
        };
        let kept = |room: u128| recorded(room) || composed(room);
        let over = self.rooms.iter().filter(|room| room.ended_ms.is_some_and(|at| at < ended_before_ms));
        let over = over.filter(|room| !waits(room.id) && !kept(room.id));
        let mut over: Vec<_> = over.map(|room| (room.ended_ms, room.created_ms, room.id)).collect();
        over.sort_unstable();
        over.truncate(count);
        for (_, _, id) in &over {
            self.forget_room(*id);
        }
        over.len() as u64
    }

    fn forget_room(&mut self, id: u128) {
        self.rooms.retain(|row| row.id != id);
        let gone: Vec<u128> = self.participants.iter().filter(|row| row.room == id).map(|row| row.id).collect();
        self.participants.retain(|row| row.room != id);
        self.tracks.retain(|row| row.room != id);
        self.removed.retain(|row| row.room != id);
        self.recordings.retain(|row| row.room != id);
        self.compositions.retain(|row| row.room != id);
        self.subscribe_rules.retain(|participant, _| !gone.contains(participant));
        self.recording_rules.remove(&id);
        self.events.retain(|told| told.row.room != id);
    }

    pub fn list_rooms(&self, account: &str, filter: &RoomFilter) -> Vec<RoomRow> {
        let fits = |row: &&RoomRow| {
            row.account == account
                && filter.status.is_none_or(|status| row.status == status)
                && filter.name.as_ref().is_none_or(|name| row.name == *name)
                && filter.created_from_ms.is_none_or(|from| row.created_ms >= from)
                && filter.created_before_ms.is_none_or(|before| row.created_ms < before)
        };
        newest_first(self.rooms.iter().filter(fits), |row| row.created_ms)
    }

    pub fn list_participants(&self, room: u128, filter: &ParticipantFilter) -> Vec<ParticipantRow> {
        let fits = |row: &&ParticipantRow| {
            row.room == room
                && filter.status.is_none_or(|status| row.status == status)
                && filter.identity.as_ref().is_none_or(|identity| row.identity == *identity)
                && filter.created_from_ms.is_none_or(|from| row.created_ms >= from)
                && filter.created_before_ms.is_none_or(|before| row.created_ms < before)
        };
        newest_first(self.participants.iter().filter(fits), |row| row.created_ms)
    }

    pub fn list_recordings(&self, account: &str, filter: &RecordingFilter) -> Vec<RecordingRow> {
        let fits = |row: &&RecordingRow| {
            row.account == account
                && filter.status.map_or(row.status != RecordingStatus::Deleted, |status| row.status == status)
                && filter.kind.is_none_or(|kind| row.kind == kind)
                && !(filter.tracks_only && row.kind == RecordedKind::Mix)
                && filter.track.is_none_or(|track| row.track == Some(track))
                && filter.participant.is_none_or(|participant| row.participant == Some(participant))
                && filter.room.is_none_or(|room| row.room == room)
                && filter.room_name.as_ref().is_none_or(|name| row.room_name == *name)
                && filter.created_from_ms.is_none_or(|from| row.created_ms >= from)
                && filter.created_before_ms.is_none_or(|before| row.created_ms < before)
        };
        newest_first(self.recordings.iter().filter(fits), |row| row.created_ms)
    }

    pub fn list_compositions(&self, account: &str, filter: &CompositionFilter) -> Vec<CompositionRow> {
        let fits = |row: &&CompositionRow| {
            row.account == account
                && filter.status.map_or(row.status != CompositionStatus::Deleted, |status| row.status == status)
                && filter.room.is_none_or(|room| row.room == room)
                && filter.room_name.as_ref().is_none_or(|name| row.room_name == *name)
                && filter.created_from_ms.is_none_or(|from| row.created_ms >= from)
                && filter.created_before_ms.is_none_or(|before| row.created_ms < before)
        };
        newest_first(self.compositions.iter().filter(fits), |row| row.created_ms)
    }

    pub fn list_hooks(&self, account: &str, filter: &HookFilter) -> Vec<HookRow> {
        let fits = |row: &&HookRow| {
            row.account == account
                && filter.enabled.is_none_or(|enabled| row.enabled == enabled)
                && filter.name.as_ref().is_none_or(|name| row.name.to_lowercase() == name.to_lowercase())
                && filter.created_from_ms.is_none_or(|from| row.created_ms >= from)
                && filter.created_before_ms.is_none_or(|before| row.created_ms < before)
        };
        newest_first(self.hooks.iter().filter(fits), |row| row.created_ms)
    }

    /// Ids of those that are there or were under this name: the one that counts first.
    pub fn of_identity(&self, room: u128, identity: &str) -> Option<ParticipantRow> {
        let filter = ParticipantFilter { identity: Some(identity.into()), ..ParticipantFilter::default() };
        let all = self.list_participants(room, &filter);
        all.iter().find(|row| row.status != ParticipantStatus::Disconnected).or(all.first()).cloned()
    }

    pub fn list_events(&self, account: &str, room: Option<u128>) -> Vec<EventRow> {
        let fits = |told: &&Told| told.row.account == account && room.is_none_or(|room| told.row.room == room);
        let mut rows: Vec<_> = self.events.iter().filter(fits).map(|told| told.row.clone()).collect();
        rows.reverse();
        rows
    }

    /// The first that waits of each room, whose turn it is at this moment, in the order of their moments.
    pub fn due(&self, now_ms: u64) -> Vec<(u32, EventRow)> {
        let far = |at: u64| at > now_ms.saturating_add(WAIT_MAX_MS);
        let mut heads = self.heads();
        heads.retain(|told| told.waits_ms.is_some_and(|at| at <= now_ms || far(at)));
        heads.sort_by_key(|told| (told.waits_ms.is_some_and(far), told.waits_ms));
        heads.into_iter().map(|told| (told.attempts, told.row.clone())).collect()
    }

    pub fn next_due(&self, now_ms: u64) -> (Option<u64>, u64) {
        let next = self
            .heads()
            .into_iter()
            .filter_map(|told| told.waits_ms)
            .filter(|at| *at > now_ms && *at - now_ms <= WAIT_MAX_MS)
            .min();
        (next, self.events.iter().filter(|told| told.waits_ms.is_some()).count() as u64)
    }

    fn heads(&self) -> Vec<&Told> {
        let mut heads: Vec<&Told> = Vec::new();
        for told in self.events.iter().filter(|told| told.waits_ms.is_some()) {
            if heads.iter().all(|head| head.row.room != told.row.room) {
                heads.push(told);
            }
        }
        heads
    }

    pub fn alive(&self) -> Alive {
        let rooms = self.rooms.iter().filter(|row| row.status == RoomStatus::InProgress);
        let participants = self.participants.iter().filter(|row| row.status != ParticipantStatus::Disconnected);
        let (mut rooms, mut participants) =
            (newest_first(rooms, |row| row.created_ms), newest_first(participants, |row| row.created_ms));
        let mut tracks = newest_first(self.tracks.iter(), |row| row.created_ms);
        rooms.reverse();
        participants.reverse();
        tracks.reverse();
        Alive { at_ms: self.alive_ms, rooms, participants, tracks }
    }
}

fn set_rules(rules: &mut BTreeMap<u128, RulesRow>, whose: u128, text: &str, at_ms: u64) -> Option<()> {
    let created_ms = rules.get(&whose).map_or(at_ms, |row| row.created_ms);
    rules.insert(whose, RulesRow { text: text.into(), created_ms, updated_ms: at_ms });
    Some(())
}

/// By their moments, and those of one moment by when they were written.
pub fn newest_first<'a, T: Clone + 'a>(rows: impl Iterator<Item = &'a T>, created_ms: fn(&T) -> u64) -> Vec<T> {
    let mut rows: Vec<T> = rows.cloned().collect();
    rows.sort_by_key(created_ms);
    rows.reverse();
    rows
}
