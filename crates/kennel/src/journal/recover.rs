//! After a restart: which rooms go on, and what the history must be told of those that do not.
//!
//! A room goes on if its seats were written down ([`crate::seats`]): its clients have the session timeout to come back. A room that its owner
//! made goes on even empty, with what is left of its timeouts, and so does one that is recorded, for as long as seats are kept. Every other room ended with the program, at the last moment at which
//! the program was known to run; so did the stay of everybody whose seat is gone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use room::limit::ENDED_KNOWN_MAX;
use room::{
    Change, Fact, Outcome, Presence, RecordingId, RoomId, RoomView, Rule, SavedParticipant, SavedRoom, Sealed, Snapshot, Terms,
    WhyEnded, WhyLeft,
};
use store::{
    Alive, IdentityOrId, NameOrId, Page, ParticipantFilter, ParticipantRow, ParticipantStatus, RoomFilter, RoomRow, RoomStatus,
    Store, TrackRow, Write,
};

use super::reel::End;
use super::{Book, Teller};
use crate::rest::rows;

/// How a server begins.
#[derive(Debug)]
pub struct Recovery {
    /// Rooms that go on.
    pub rooms: Vec<SavedRoom>,
    /// Rooms that ended last, the oldest first.
    pub ended: Vec<RoomId>,
    /// What the history is told before anything else.
    pub writes: Vec<Write>,
    /// The rooms that go on, for the journal.
    pub book: Book,
    /// The last moment that the history knew of, in milliseconds since 1970 UTC; 0 if it is new.
    pub last_ms: u64,
    /// Recordings that did not end.
    running: Vec<(RoomId, RecordingId)>,
}

/// What the history knows of a room beside its row.
#[derive(Debug, Default)]
struct Known {
    /// Its participants who did not leave.
    inside: Vec<ParticipantRow>,
    /// What they publish, the oldest first.
    tracks: Vec<TrackRow>,
    /// Those of the saved seats whom it knows as gone.
    gone: Vec<u128>,
    /// When the last of those left who did, if anybody ever came.
    left_ms: Option<u64>,
    /// Which of its tracks are recorded, if rules were set.
    record: Option<Rule>,
}

/// Reads what was in progress, and settles it with the seats that were written down.
///
/// # Errors
/// The database's.
pub async fn recover(store: &dyn Store, seats: Vec<SavedRoom>, teller: Teller, now_ms: u64) -> Result<Recovery, store::Problem> {
    let mut alive = store.alive().await?;
    // What happened last was known, too; otherwise a room could end before it.
    let last = store.events(&teller.account, None, Page::First { size: 1 }).await?;
    alive.at_ms = last.rows.first().map_or(alive.at_ms, |event| alive.at_ms.max(event.at_ms));
    let mut known: HashMap<u128, Known> = HashMap::new();
    for one in &alive.participants {
        known.entry(one.room).or_default().inside.push(one.clone());
    }
    for one in &alive.tracks {
        known.entry(one.room).or_default().tracks.push(one.clone());
    }
    for row in &alive.rooms {
        let of = known.entry(row.id).or_default();
        let gone = ParticipantFilter { status: Some(ParticipantStatus::Disconnected), ..ParticipantFilter::default() };
        let last = store.participants(row.id, gone, Page::First { size: 1 }).await?;
        of.record = store.recording_rules(row.id).await?.map(|rules| rows::record_rule(&rules.text));
        of.left_ms = last.rows.iter().filter_map(|one| one.ended_ms).max();
    }
    let mut fresh = Vec::new();
    for room in seats {
        let running = alive.rooms.iter().any(|row| row.id == room.id.0);
        // A room that ended after its seats were written down last has ended.
        if !running && store.room(&teller.account, NameOrId::Id(room.id.0)).await?.is_some() {
            continue;
        }
        for one in &room.participants {
            let row = store.participant(room.id.0, IdentityOrId::Id(one.id.0)).await?;
            if row.is_some_and(|row| row.status == ParticipantStatus::Disconnected) {
                known.entry(room.id.0).or_default().gone.push(one.id.0);
            }
        }
        fresh.push(room);
    }
    let over = RoomFilter { status: Some(RoomStatus::Completed), ..RoomFilter::default() };
    let over = store.rooms(&teller.account, over, Page::First { size: ENDED_KNOWN_MAX }).await?;
    let account = teller.account.clone();
    let mut recovery = settle(&alive, &known, fresh, teller, now_ms);
    for row in store.recordings_running().await? {
        let room = store.room(&account, NameOrId::Id(row.room)).await?;
        recovery.running.push((RoomId(row.room), RecordingId(row.id)));
        recovery.book.restore_recording(row, room.map_or(room::RoomKind::Group, |room| rows::kind(&room)));
    }
    recovery.ended.splice(0..0, over.rows.iter().rev().map(|row| RoomId(row.id)));
    Ok(recovery)
}

fn settle(alive: &Alive, known: &HashMap<u128, Known>, seats: Vec<SavedRoom>, teller: Teller, now_ms: u64) -> Recovery {
    let mut recovery = Recovery {
        rooms: Vec::new(),
        ended: Vec::new(),
        writes: Vec::new(),
        book: Book::new(teller),
        last_ms: alive.at_ms,
        running: Vec::new(),
    };
    let nothing = Known::default();
    let mut seats: HashMap<u128, SavedRoom> = seats.into_iter().map(|room| (room.id.0, room)).collect();
    for row in &alive.rooms {
        let known = known.get(&row.id).unwrap_or(&nothing);
        recovery.book.restore(row, &known.inside, &known.tracks);
        match seats.remove(&row.id).map(|room| without_gone(room, known)) {
            // One that somebody's joining made ends with the last leave.
            Some(room) if room.goes_on() => {
                recovery.resume(row, known, room, alive.at_ms, now_ms);
            }
            _ if row.by_owner => {
                let room = empty(row, known, alive.at_ms, now_ms);
                recovery.resume(row, known, room, alive.at_ms, now_ms);
            }
            _ => {
                recovery.part(row, known, |_| true, alive.at_ms);
                recovery.record(alive.at_ms, &Fact::RoomEnded { room: RoomId(row.id), why: WhyEnded::Empty });
                recovery.ended.push(RoomId(row.id));
            }
        }
    }
    for room in seats.into_values() {
        recovery.begin(room, now_ms);
    }
    recovery
}

impl Recovery {
    /// The recordings that did not end.
    #[must_use]
    pub fn running(&self) -> HashSet<u128> {
        self.running.iter().map(|(_, id)| id.0).collect()
    }

    /// All that was being recorded ended with the program. Of some the files tell what they hold, and some stay as they are until a start
    /// can read them; those of the others are lost.
    pub fn end_recordings(&mut self, outcomes: &[(u128, Outcome)], unread: &[u128], now_ms: u64) {
        for (room, id) in std::mem::take(&mut self.running) {
            if unread.contains(&id.0) {
                self.book.leave_recording(id);
                continue;
            }
            let outcome = outcomes.iter().find(|(recording, _)| *recording == id.0);
            let end = outcome.map_or_else(End::lost, |(_, outcome)| End::of(outcome));
            self.book.end_recording(now_ms, room, id, end, &mut self.writes);
        }
    }

    /// What was being recorded stays as it is until a start finds the files.
    pub fn leave_recordings(&mut self) {
        self.running.clear();
        self.book.leave_recordings();
    }

    /// A room that goes on, with those whose seats are kept.
    fn resume(&mut self, row: &RoomRow, known: &Known, mut room: SavedRoom, at_ms: u64, now_ms: u64) {
        if let Some(record) = &known.record {
            room.options.record = record.clone();
        }
        let kept = |id: u128| room.participants.iter().any(|one| one.id.0 == id);
        self.part(row, known, |id| !kept(id), at_ms);
        for one in &room.participants {
            match known.inside.iter().find(|row| row.id == one.id.0) {
                Some(row) => self.keep(row, one, known, at_ms.max(row.created_ms)),
                None => self.join(room.id, one, now_ms),
            }
        }
        self.rooms.push(room);
    }

    /// One who goes on, with the tracks of its seat. The seat may have been written down before the last of them came or went.
    fn keep(&mut self, row: &ParticipantRow, one: &SavedParticipant, known: &Known, at_ms: u64) {
        if row.status == ParticipantStatus::Connected {
            let status = ParticipantStatus::Reconnecting;
            self.writes.push(Write::Participant { participant: row.id, status, at_ms });
        }
        let (room, participant) = (RoomId(row.room), Arc::new(snapshot(one)));
        let published: Vec<&TrackRow> = known.tracks.iter().filter(|track| track.participant == row.id).collect();
        for track in published.iter().filter(|track| !one.tracks.iter().any(|kept| kept.id.0 == track.id)) {
            let participant = Arc::clone(&participant);
            self.record(at_ms, &Fact::TrackRemoved { room, participant, track: rows::published(track) });
        }
        for track in one.tracks.iter().filter(|kept| !published.iter().any(|track| track.id == kept.id.0)) {
            let participant = Arc::clone(&participant);
            self.record(at_ms, &Fact::TrackAdded { room, participant, track: track.clone() });
        }
    }

    /// A room that the history does not know: it began in the last moment before a crash, or before there was a history.
    fn begin(&mut self, room: SavedRoom, now_ms: u64) {
        let view = RoomView {
            id: room.id,
            name: Arc::clone(&room.name),
            kind: room.kind,
            options: room.options.clone(),
            terms: room.terms.clone(),
            by_owner: room.by_owner,
            memo: room.memo.clone(),
            topology: room.kind.topology(),
            recording: false,
            recording_waits: false,
            recording_due: false,
            began: room::Moment::START,
            participants: Vec::new(),
            stage: Arc::default(),
        };
        let began_ms = now_ms.saturating_sub(ms(room.age));
        self.record(began_ms, &Fact::RoomBegan { room: Box::new(view) });
        for one in &room.participants {
            self.join(room.id, one, now_ms);
        }
        self.rooms.push(room);
    }

    fn join(&mut self, room: RoomId, one: &SavedParticipant, now_ms: u64) {
        let came_ms = now_ms.saturating_sub(ms(one.age));
        let participant = Arc::new(snapshot(one));
        self.record(came_ms, &Fact::Participant { room, participant: Arc::clone(&participant), change: Change::Joined });
        for track in &participant.tracks {
            let (participant, track) = (Arc::clone(&participant), track.clone());
            self.record(came_ms, &Fact::TrackAdded { room, participant, track });
        }
    }

    /// These left when the program ended, and took their tracks with them.
    fn part(&mut self, row: &RoomRow, known: &Known, gone: impl Fn(u128) -> bool, at_ms: u64) {
        for one in known.inside.iter().filter(|one| gone(one.id)) {
            let (room, at_ms) = (RoomId(row.id), at_ms.max(one.created_ms));
            let participant = Arc::new(Snapshot {
                id: room::ParticipantId(one.id),
                identity: one.identity.as_str().into(),
                presence: Presence::Disconnected,
                revision: 0,
                tracks: Vec::new(),
                member: room::Member::default(),
            });
            for track in known.tracks.iter().filter(|track| track.participant == one.id) {
                let (participant, track) = (Arc::clone(&participant), rows::published(track));
                self.record(at_ms, &Fact::TrackRemoved { room, participant, track });
            }
            self.record(at_ms, &Fact::Participant { room, participant, change: Change::Left(WhyLeft::TimedOut) });
        }
    }

    fn record(&mut self, at_ms: u64, fact: &Fact) {
        self.book.record(at_ms, fact, &mut self.writes);
    }
}

/// The seats of those who left after they were written down are given up.
fn without_gone(mut room: SavedRoom, known: &Known) -> SavedRoom {
    room.participants.retain(|one| !known.gone.contains(&one.id.0));
    room
}

/// A room that its owner made and in which nobody is, as its row has it.
fn empty(row: &RoomRow, known: &Known, at_ms: u64, now_ms: u64) -> SavedRoom {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let kind = rows::kind(row);
    let last_ms = if known.inside.is_empty() { known.left_ms } else { Some(at_ms) };
    SavedRoom {
        id: RoomId(row.id),
        name: row.name.as_str().into(),
        kind,
        options: rows::options(row),
        terms: Terms {
            seats_max: usize::try_from(row.seats_max).unwrap_or(usize::MAX),
            empty_timeout: seconds(row.empty_timeout_s),
            unused_timeout: seconds(row.unused_timeout_s),
            session_max: Some(seconds(row.session_max_s)).filter(|limit| !limit.is_zero()),
            tracks_max: row.tracks_max.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
            ..Terms::made(kind)
        },
        by_owner: true,
        memo: Sealed(row.memo.as_str().into()),
        age: Duration::from_millis(now_ms.saturating_sub(row.created_ms)),
        idle: last_ms.map(|last_ms| Duration::from_millis(now_ms.saturating_sub(last_ms))),
        served: kind.topology() == room::Topology::Server,
        recording_revision: 0,
        participants: Vec::new(),
        links: Vec::new(),
        spares: Vec::new(),
        stage: room::SavedStage::default(),
    }
}

fn snapshot(one: &SavedParticipant) -> Snapshot {
    Snapshot {
        id: one.id,
        identity: Arc::clone(&one.identity),
        presence: Presence::Reconnecting,
        revision: one.revision,
        tracks: one.tracks.clone(),
        member: room::Member::default(),
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
