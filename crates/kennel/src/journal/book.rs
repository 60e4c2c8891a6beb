use std::collections::{HashMap, HashSet};

use media::record::MixFile;
use room::{Change, Fact, Kind, ParticipantId, RecordingId, RoomId, RoomOptions, RoomView, Snapshot, Track, TrackId, VideoCodec};
use store::{
    Callback, EventRow, ParticipantRow, ParticipantStatus, RecordingRow, RoomRow, RoomStatus, TrackKind, TrackRow, Write,
};
use twilio::rest::{self, Memo};
use twilio::webhook::{Event, Scene, Stream, Who};

use super::reel::{End, InRoom, Place, Reel};
use crate::rest::rows;
use crate::studio::hooks;

/// What the journal must know besides the facts.
#[derive(Clone, Debug)]
pub struct Teller {
    /// Whose rooms.
    pub account: String,
    /// Who is told of rooms that nobody made on purpose.
    pub callback: Option<Callback>,
    /// What files of mixes are.
    pub mix: MixFile,
}

/// The rooms in progress as the history has them: turns facts into rows and callbacks. A value.
#[derive(Debug)]
pub struct Book {
    teller: Teller,
    rooms: HashMap<RoomId, Page>,
    reel: Reel,
    /// Recordings from before a restart that stay as they are.
    left: HashSet<u128>,
}

/// What is said again with each event of a room.
#[derive(Debug)]
struct Page {
    name: String,
    kind: room::RoomKind,
    began_ms: u64,
    callback: Option<Callback>,
    /// What pictures are most likely written in.
    codec: &'static str,
    /// Whether it may have recordings. Of a room from before a restart that is not known.
    recorded: bool,
    came_ms: HashMap<ParticipantId, u64>,
    /// Of each track, whether it was on last.
    enabled: HashMap<TrackId, bool>,
}

impl Book {
    /// No rooms yet.
    #[must_use]
    pub fn new(teller: Teller) -> Self {
        Book { teller, rooms: HashMap::new(), reel: Reel::default(), left: HashSet::new() }
    }

    /// Whether no room is in progress.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Takes up a room from before a restart, as the history has it.
    pub fn restore(&mut self, row: &RoomRow, inside: &[ParticipantRow], tracks: &[TrackRow]) {
        let page = Page {
            name: row.name.clone(),
            kind: rows::kind(row),
            began_ms: row.created_ms,
            callback: row.callback.clone(),
            codec: first_codec(&rows::options(row)),
            recorded: true,
            came_ms: inside.iter().map(|one| (ParticipantId(one.id), one.created_ms)).collect(),
            enabled: tracks.iter().map(|one| (TrackId(one.id), one.enabled)).collect(),
        };
        self.rooms.insert(RoomId(row.id), page);
    }

    /// What this fact, true at this time, adds to the history.
    pub fn record(&mut self, at_ms: u64, fact: &Fact, writes: &mut Vec<Write>) {
        match fact {
            Fact::RoomBegan { room } => self.begin(at_ms, room, writes),
            Fact::RoomEnded { room, .. } => self.end(at_ms, *room, writes),
            Fact::Participant { room, participant, change } => self.change(at_ms, *room, participant, *change, writes),
            Fact::TrackAdded { room, participant, track } => {
                self.put_track(at_ms, *room, participant, track, writes);
                self.tell(at_ms, *room, participant, Event::TrackAdded(who(participant), stream(track)), writes);
            }
            Fact::TrackAltered { room, participant, track } => {
                if self.put_track(at_ms, *room, participant, track, writes) {
                    let switched = if track.enabled { Event::TrackEnabled } else { Event::TrackDisabled };
                    self.tell(at_ms, *room, participant, switched(who(participant), stream(track)), writes);
                }
            }
            Fact::TrackRemoved { room, participant, track } => {
                writes.push(Write::TrackRemoved { track: track.id.0, at_ms });
                self.tell(at_ms, *room, participant, Event::TrackRemoved(who(participant), stream(track)), writes);
                if let Some(page) = self.rooms.get_mut(room) {
                    page.enabled.remove(&track.id);
                }
            }
            Fact::RecordingBegan { room, recording } => {
                let Some(page) = self.rooms.get_mut(room) else { return };
                page.recorded = true;
                let place = Place {
                    room: *room,
                    name: &page.name,
                    kind: page.kind,
                    account: &self.teller.account,
                    callback: page.callback.as_ref(),
                    codec: page.codec,
                    mix: self.teller.mix,
                };
                self.reel.begin(at_ms, place, recording, writes);
            }
            Fact::RecordingFlows { room, recording, codec, offset } => {
                let here = self.whether_running(*room);
                self.reel.flow(at_ms, here, *recording, (*codec, *offset), writes);
            }
            Fact::RecordingEnded { room, recording, outcome } => {
                self.end_recording(at_ms, *room, *recording, End::of(outcome), writes);
            }
        }
    }

    /// Recordings that are being made.
    #[must_use]
    pub fn recordings(&self) -> usize {
        self.reel.len()
    }

    /// Recordings from before a restart that did not end and that nobody makes.
    #[must_use]
    pub fn left(&self) -> &HashSet<u128> {
        &self.left
    }

    /// Takes up a recording from before a restart.
    pub(super) fn restore_recording(&mut self, row: RecordingRow, kind: room::RoomKind) {
        self.reel.restore(row, kind);
    }

    /// Puts recordings from before a restart down again.
    pub(super) fn leave_recording(&mut self, id: RecordingId) {
        self.left.insert(id.0);
        self.reel.leave(id);
    }

    pub(super) fn leave_recordings(&mut self) {
        self.left.extend(std::mem::take(&mut self.reel).into_ids());
    }

    pub(super) fn end_recording(&mut self, at_ms: u64, room: RoomId, id: RecordingId, end: End, writes: &mut Vec<Write>) {
        let here = self.whether_running(room);
        self.reel.end(at_ms, here, id, end, writes);
    }

    fn whether_running(&self, room: RoomId) -> InRoom {
        if self.rooms.contains_key(&room) { InRoom::Running } else { InRoom::Over }
    }

    fn begin(&mut self, at_ms: u64, room: &RoomView, writes: &mut Vec<Write>) {
        let memo = Memo::read(&room.memo.0);
        let said = memo.status_callback.map(|url| Callback { url, method: rows::kept_method(memo.status_callback_method) });
        let callback = if room.by_owner { said } else { self.teller.callback.clone() };
        let page = Page {
            name: room.name.to_string(),
            kind: room.kind,
            began_ms: at_ms,
            callback: callback.clone(),
            codec: first_codec(&room.options),
            recorded: false,
            came_ms: HashMap::new(),
            enabled: HashMap::new(),
        };
        writes.push(Write::RoomBegan(Box::new(rows::begun(room, &self.teller.account, callback, at_ms))));
        let event = self.event(at_ms, room.id, &page, None, Event::RoomCreated);
        self.rooms.insert(room.id, page);
        writes.push(event);
    }

    fn end(&mut self, at_ms: u64, room: RoomId, writes: &mut Vec<Write>) {
        let Some(page) = self.rooms.remove(&room) else { return };
        writes.push(Write::RoomEnded { room: room.0, status: RoomStatus::Completed, at_ms });
        let duration_s = seconds(page.began_ms, at_ms);
        writes.push(self.event(at_ms, room, &page, None, Event::RoomEnded { duration_s }));
        if page.recorded {
            writes.push(hooks::ended(room.0));
        }
    }

    fn change(&mut self, at_ms: u64, room: RoomId, one: &Snapshot, change: Change, writes: &mut Vec<Write>) {
        let Some(page) = self.rooms.get_mut(&room) else { return };
        let status = match change {
            Change::Joined => {
                page.came_ms.insert(one.id, at_ms);
                writes.push(Write::Joined(Box::new(participant_row(at_ms, room, one))));
                return self.tell(at_ms, room, one, Event::ParticipantConnected(who(one)), writes);
            }
            Change::Left(_) => ParticipantStatus::Disconnected,
            Change::Resumed => ParticipantStatus::Connected,
            Change::Lost => ParticipantStatus::Reconnecting,
            Change::Tracks => return,
        };
        writes.push(Write::Participant { participant: one.id.0, status, at_ms });
        if status == ParticipantStatus::Disconnected {
            let duration_s = seconds(page.came_ms.remove(&one.id).unwrap_or(at_ms), at_ms);
            let who = Who { status: rest::ParticipantStatus::Disconnected, ..who(one) };
            self.tell(at_ms, room, one, Event::ParticipantDisconnected { who, duration_s }, writes);
        }
    }

    /// Writes a track down; tells whether it was switched on or off.
    fn put_track(&mut self, at_ms: u64, room: RoomId, who: &Snapshot, track: &Track, writes: &mut Vec<Write>) -> bool {
        writes.push(Write::Track(Box::new(TrackRow {
            id: track.id.0,
            participant: who.id.0,
            room: room.0,
            name: track.name.to_string(),
            kind: match track.kind {
                Kind::Audio => TrackKind::Audio,
                Kind::Video => TrackKind::Video,
                Kind::Data => TrackKind::Data,
            },
            enabled: track.enabled,
            created_ms: at_ms,
            updated_ms: at_ms,
        })));
        let Some(page) = self.rooms.get_mut(&room) else { return false };
        page.enabled.insert(track.id, track.enabled) != Some(track.enabled)
    }

    fn tell(&self, at_ms: u64, room: RoomId, one: &Snapshot, event: Event<'_>, writes: &mut Vec<Write>) {
        let Some(page) = self.rooms.get(&room) else { return };
        writes.push(self.event(at_ms, room, page, Some(one.id), event));
    }

    fn event(&self, at_ms: u64, room: RoomId, page: &Page, one: Option<ParticipantId>, event: Event<'_>) -> Write {
        let account = &self.teller.account;
        let ended = matches!(event, Event::RoomEnded { .. });
        let status = if ended { rest::RoomStatus::Completed } else { rest::RoomStatus::InProgress };
        let scene = Scene { account, room, name: &page.name, kind: page.kind, status, at_ms };
        Write::Event(Box::new(EventRow {
            room: room.0,
            account: account.clone(),
            participant: one.map(|one| one.0),
            name: event.name().to_owned(),
            at_ms,
            sequence: 0,
            parameters: event.parameters(&scene),
            callback: page.callback.clone(),
            outcome: String::new(),
        }))
    }
}

fn first_codec(options: &RoomOptions) -> &'static str {
    match options.codecs.first() {
        None | Some(VideoCodec::Vp8) => "vp8",
        Some(VideoCodec::Vp9) => "vp9",
        Some(VideoCodec::H264) => "h264",
    }
}

fn who(one: &Snapshot) -> Who<'_> {
    Who { id: one.id, identity: &one.identity, status: rest::ParticipantStatus::Connected }
}

fn stream(track: &Track) -> Stream<'_> {
    Stream { id: track.id, kind: track.kind, name: &track.name }
}

fn participant_row(at_ms: u64, room: RoomId, one: &Snapshot) -> ParticipantRow {
    ParticipantRow {
        id: one.id.0,
        room: room.0,
        identity: one.identity.to_string(),
        status: ParticipantStatus::Connected,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
    }
}

/// Whole seconds between two moments.
fn seconds(from_ms: u64, to_ms: u64) -> u64 {
    to_ms.saturating_sub(from_ms) / 1000
}
