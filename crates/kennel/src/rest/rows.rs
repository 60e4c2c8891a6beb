//! Rows of the history as the door shows them, and rooms as the history keeps them. Each side has words of its own, because the history
//! knows no vendor and the door no database; this is the one place that knows both.

use room::{Kind, ParticipantId, Priority, RoomId, RoomKind, RoomOptions, RoomView, Rule, Track, TrackId, VideoCodec};
use store::{
    CompositionRow, CompositionStatus, HookRow, ParticipantRow, ParticipantStatus, RoomRow, RoomStatus, TrackKind, TrackRow,
};
use twilio::rest::{self, CompositionId, HookId, MediaStatus, Memo, Wish};

/// A room.
#[must_use]
pub fn room(row: &RoomRow) -> rest::Room {
    rest::Room {
        id: RoomId(row.id),
        name: row.name.clone(),
        status: match row.status {
            RoomStatus::InProgress => rest::RoomStatus::InProgress,
            RoomStatus::Completed => rest::RoomStatus::Completed,
            RoomStatus::Failed => rest::RoomStatus::Failed,
        },
        kind: kind(row),
        options: options(row),
        created_ms: row.created_ms,
        updated_ms: row.updated_ms,
        ended_ms: row.ended_ms,
        seats_max: row.seats_max,
        session_max_s: row.session_max_s,
        empty_timeout_s: row.empty_timeout_s,
        unused_timeout_s: row.unused_timeout_s,
        tracks_max: row.tracks_max,
        memo: Memo::read(&row.memo),
    }
}

/// A participant.
#[must_use]
pub fn participant(row: &ParticipantRow) -> rest::Participant {
    rest::Participant {
        id: ParticipantId(row.id),
        room: RoomId(row.room),
        identity: row.identity.clone(),
        status: match row.status {
            ParticipantStatus::Connected => rest::ParticipantStatus::Connected,
            ParticipantStatus::Reconnecting => rest::ParticipantStatus::Reconnecting,
            ParticipantStatus::Disconnected => rest::ParticipantStatus::Disconnected,
        },
        created_ms: row.created_ms,
        updated_ms: row.updated_ms,
        ended_ms: row.ended_ms,
    }
}

/// A track.
#[must_use]
pub fn track(row: &TrackRow) -> rest::Track {
    rest::Track {
        id: TrackId(row.id),
        publisher: ParticipantId(row.participant),
        room: RoomId(row.room),
        name: row.name.clone(),
        kind: track_kind(row.kind),
        enabled: row.enabled,
        created_ms: row.created_ms,
        updated_ms: row.updated_ms,
    }
}

/// How a callback is told.
#[must_use]
pub fn method(method: store::Method) -> rest::Method {
    match method {
        store::Method::Get => rest::Method::Get,
        store::Method::Post => rest::Method::Post,
    }
}

/// The same, as the history keeps it.
#[must_use]
pub fn kept_method(method: rest::Method) -> store::Method {
    match method {
        rest::Method::Get => store::Method::Get,
        rest::Method::Post => store::Method::Post,
    }
}

/// Who is told.
#[must_use]
pub fn callback((url, method): &(String, rest::Method)) -> store::Callback {
    store::Callback { url: url.clone(), method: kept_method(*method) }
}

/// What a composition is to be, as it is kept, and who is told of it.
#[must_use]
pub fn wish(parameters: &str, callback: Option<&store::Callback>) -> Wish {
    let callback = callback.map(|callback| (callback.url.clone(), method(callback.method)));
    Wish { callback, ..Wish::read(parameters) }
}

/// A composition.
#[must_use]
pub fn composition(row: &CompositionRow) -> rest::Composition {
    let deleted = row.status == CompositionStatus::Deleted;
    // What is lost was there once, and says nothing of that.
    let duration_ms = if row.status == CompositionStatus::Failed { 0 } else { row.duration_ms };
    rest::Composition {
        id: CompositionId(row.id),
        room: RoomId(row.room),
        status: match row.status {
            CompositionStatus::Enqueued => MediaStatus::Enqueued,
            CompositionStatus::Processing => MediaStatus::Processing,
            CompositionStatus::Completed => MediaStatus::Completed,
            CompositionStatus::Failed => MediaStatus::Failed,
            CompositionStatus::Deleted => MediaStatus::Deleted,
        },
        wish: wish(&row.parameters, row.callback.as_ref()),
        created_ms: row.created_ms,
        // Of one that never was there, too, it is known when it ended, but not in this API.
        completed_ms: row.ended_ms.filter(|_| duration_ms > 0),
        deleted_ms: deleted.then_some(row.updated_ms),
        duration_ms,
        bytes: row.bytes,
    }
}

/// A composition hook.
#[must_use]
pub fn hook(row: &HookRow) -> rest::Hook {
    rest::Hook {
        id: HookId(row.id),
        name: row.name.clone(),
        enabled: row.enabled,
        wish: wish(&row.parameters, row.callback.as_ref()),
        created_ms: row.created_ms,
        updated_ms: row.updated_ms,
    }
}

/// A track as its publisher had it. What its media called it, and how much it mattered, is not in the history.
#[must_use]
pub fn published(row: &TrackRow) -> Track {
    Track {
        id: TrackId(row.id),
        label: row.name.as_str().into(),
        kind: track_kind(row.kind),
        name: row.name.as_str().into(),
        enabled: row.enabled,
        priority: Priority::Standard,
    }
}

fn track_kind(kind: TrackKind) -> Kind {
    match kind {
        TrackKind::Audio => Kind::Audio,
        TrackKind::Video => Kind::Video,
        TrackKind::Data => Kind::Data,
    }
}

/// The kind of a room in the history.
#[must_use]
pub fn kind(row: &RoomRow) -> RoomKind {
    twilio::kind_of(&row.kind).unwrap_or(RoomKind::Group)
}

/// What a room in the history is besides its kind.
#[must_use]
pub fn options(row: &RoomRow) -> RoomOptions {
    let known = |name: &String| CODECS.into_iter().find(|(_, word)| word == name).map(|(codec, _)| codec);
    let memo = Memo::read(&row.memo);
    let record = memo.record_rule();
    RoomOptions { audio_only: row.audio_only, codecs: row.codecs.iter().filter_map(known).collect(), record }
}

/// Rules about what is recorded, as the history keeps them. What cannot be read records nothing.
#[must_use]
pub fn record_rule(text: &str) -> Rule {
    rest::rules::recording(text).map_or(Rule::Nothing, |lines| Rule::Listed(lines.into()))
}

/// A room that begins, as the history keeps it.
#[must_use]
pub fn begun(room: &RoomView, account: &str, callback: Option<store::Callback>, at_ms: u64) -> RoomRow {
    let seconds = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let word = |codec: &VideoCodec| CODECS.into_iter().find(|(known, _)| known == codec).map(|(_, word)| word.to_owned());
    RoomRow {
        id: room.id.0,
        account: account.to_owned(),
        name: room.name.to_string(),
        kind: twilio::kind_name(room.kind).to_owned(),
        status: RoomStatus::InProgress,
        created_ms: at_ms,
        updated_ms: at_ms,
        ended_ms: None,
        by_owner: room.by_owner,
        seats_max: count(room.terms.seats_max),
        empty_timeout_s: seconds(room.terms.empty_timeout),
        unused_timeout_s: seconds(room.terms.unused_timeout),
        session_max_s: room.terms.session_max.map_or(0, seconds),
        tracks_max: room.terms.tracks_max.map(count),
        audio_only: room.options.audio_only,
        codecs: room.options.codecs.iter().filter_map(word).collect(),
        callback,
        memo: room.memo.0.to_string(),
    }
}

const CODECS: [(VideoCodec, &str); 3] = [(VideoCodec::Vp8, "vp8"), (VideoCodec::H264, "h264"), (VideoCodec::Vp9, "vp9")];
