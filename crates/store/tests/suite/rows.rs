//! Rows that say nothing special, to be changed where a test means something.

use store::{
    Callback, CompositionRow, CompositionStatus, EventRow, HookRow, Method, Page, ParticipantRow, ParticipantStatus,
    RecordedFile, RecordedKind, RecordingRow, RecordingStatus, RoomRow, RoomStatus, TrackKind, TrackRow, Write,
};

pub const ACCOUNT: &str = "AC0";

/// A room that began at this moment.
pub fn room(id: u128, name: &str, at_ms: u64) -> RoomRow {
    RoomRow {
        id,
        account: ACCOUNT.into(),
        name: name.into(),
        kind: "group".into(),
        status: RoomStatus::InProgress,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
        by_owner: true,
        seats_max: 50,
        empty_timeout_s: 300,
        unused_timeout_s: 600,
        session_max_s: 14_400,
        tracks_max: Some(16),
        audio_only: false,
        codecs: vec!["VP8".into(), "H264".into()],
        callback: None,
        memo: r#"{"a":"ü\n"}"#.into(),
    }
}

/// The same room after it ended.
pub fn over(room: RoomRow, at_ms: u64) -> RoomRow {
    RoomRow { status: RoomStatus::Completed, updated_ms: at_ms, ended_ms: Some(at_ms), ..room }
}

pub fn participant(id: u128, room: u128, identity: &str, at_ms: u64) -> ParticipantRow {
    ParticipantRow {
        id,
        room,
        identity: identity.into(),
        status: ParticipantStatus::Connected,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
    }
}

pub fn track(id: u128, participant: u128, room: u128, name: &str, at_ms: u64) -> TrackRow {
    TrackRow {
        id,
        participant,
        room,
        name: name.into(),
        kind: TrackKind::Video,
        enabled: true,
        created_ms: at_ms,
        updated_ms: at_ms,
    }
}

/// A recording of a track's pictures that is being made, in a room of this name.
pub fn recording(id: u128, track: &TrackRow, room_name: &str, at_ms: u64) -> RecordingRow {
    RecordingRow {
        id,
        account: ACCOUNT.into(),
        room: track.room,
        room_name: room_name.into(),
        participant: Some(track.participant),
        identity: Some("ann".into()),
        track: Some(track.id),
        kind: RecordedKind::Video,
        name: track.name.clone(),
        container: "mkv".into(),
        status: RecordingStatus::Processing,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
        file: RecordedFile { codec: "vp8".into(), ..RecordedFile::default() },
        why: String::new(),
        callback: None,
    }
}

/// The recording of a room's mix.
pub fn mix(id: u128, room: u128, room_name: &str, at_ms: u64) -> RecordingRow {
    let row = recording(id, &track(0, 0, room, "", at_ms), room_name, at_ms);
    let kind = RecordedKind::Mix;
    RecordingRow { participant: None, identity: None, track: None, kind, container: "webm".into(), ..row }
}

/// What a recording of ten seconds holds.
pub fn file() -> RecordedFile {
    RecordedFile { codec: "h264".into(), offset_ms: 7, duration_ms: 10_000, bytes: 1 << 40 }
}

/// A composition that waits to be made, of a room of this name.
pub fn composition(id: u128, room: u128, room_name: &str, at_ms: u64) -> CompositionRow {
    CompositionRow {
        id,
        account: ACCOUNT.into(),
        room,
        room_name: room_name.into(),
        hook: None,
        status: CompositionStatus::Enqueued,
        parameters: r#"{"trim":true}"#.into(),
        container: "webm".into(),
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
        percent: 0,
        attempts: 0,
        duration_ms: 0,
        bytes: 0,
        why: String::new(),
        callback: None,
    }
}

/// A hook that works.
pub fn hook(id: u128, name: &str, at_ms: u64) -> HookRow {
    HookRow {
        id,
        account: ACCOUNT.into(),
        name: name.into(),
        enabled: true,
        parameters: "{}".into(),
        created_ms: at_ms,
        updated_ms: None,
        callback: told(0, "", 0).callback,
    }
}

/// An event that nobody is told of.
pub fn event(room: u128, name: &str, at_ms: u64) -> EventRow {
    EventRow {
        room,
        account: ACCOUNT.into(),
        participant: None,
        name: name.into(),
        at_ms,
        sequence: 0,
        parameters: vec![("RoomName".into(), "Dog Cam".into()), ("Empty".into(), String::new())],
        callback: None,
        outcome: String::new(),
    }
}

/// An event with a callback.
pub fn told(room: u128, name: &str, at_ms: u64) -> EventRow {
    let callback = Callback { url: "http://127.0.0.1:1/a%20b?c=1".into(), method: Method::Post };
    EventRow { callback: Some(callback), ..event(room, name, at_ms) }
}

pub fn began(room: RoomRow) -> Write {
    Write::RoomBegan(Box::new(room))
}

pub fn ended(room: u128, at_ms: u64) -> Write {
    Write::RoomEnded { room, status: RoomStatus::Completed, at_ms }
}

pub fn joined(participant: ParticipantRow) -> Write {
    Write::Joined(Box::new(participant))
}

pub fn left(participant: u128, at_ms: u64) -> Write {
    Write::Participant { participant, status: ParticipantStatus::Disconnected, at_ms }
}

pub fn published(track: TrackRow) -> Write {
    Write::Track(Box::new(track))
}

pub fn recorded(recording: RecordingRow) -> Write {
    Write::RecordingBegan(Box::new(recording))
}

pub fn finished(recording: u128, status: RecordingStatus, at_ms: u64) -> Write {
    Write::RecordingEnded { recording, status, at_ms, file: file(), why: "stopped".into() }
}

pub fn composed(composition: CompositionRow) -> Write {
    Write::CompositionBegan(Box::new(composition))
}

pub fn hooked(hook: HookRow) -> Write {
    Write::Hook(Box::new(hook))
}

pub fn happened(event: EventRow) -> Write {
    Write::Event(Box::new(event))
}

pub fn delivered(id: i64, at_ms: u64) -> Write {
    Write::Delivered { id, at_ms, outcome: "200".into() }
}

pub fn deferred(id: i64, next_ms: u64) -> Write {
    Write::Deferred { id, next_ms, outcome: "503".into() }
}

pub fn first(size: usize) -> Page {
    Page::First { size }
}
