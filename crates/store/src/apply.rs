//! What each write does to the tables.

use crate::limit::EVENTS_KEPT_MAX;
use crate::link::{Fault, Link, Value, damaged, misused};
use crate::list::places;
use crate::read::{read_pairs, spell};
use crate::row::{
    Callback, EventRow, Method, ParticipantRow, ParticipantStatus, RoomRow, RoomStatus, TrackKind, TrackRow, Write,
};
use crate::{composition, recording, stored};

/// Applies one write within a transaction that is open.
pub(crate) fn apply(link: &mut dyn Link, write: &Write) -> Result<(), Fault> {
    match write {
        Write::RoomBegan(room) => room_began(link, room),
        Write::RoomEnded { room, status, at_ms } => room_ended(link, *room, *status, *at_ms),
        Write::Joined(participant) => joined(link, participant),
        Write::Participant { participant, status, at_ms } => participant_is(link, *participant, *status, *at_ms),
        Write::Track(track) => track_is(link, track),
        Write::TrackRemoved { track, at_ms } => track_removed(link, *track, *at_ms),
        Write::SubscribeRules { participant, text, at_ms } => set_rules(link, SUBSCRIBE_RULES, *participant, text, *at_ms),
        Write::RecordingRules { room, text, at_ms } => set_rules(link, RECORDING_RULES, *room, text, *at_ms),
        Write::RecordingBegan(row) => recording::began(link, row),
        Write::RecordingFlows { recording, at_ms, codec, offset_ms } => {
            recording::flows(link, *recording, *at_ms, codec, *offset_ms)
        }
        Write::RecordingEnded { recording, status, at_ms, file, why } => {
            recording::ended(link, *recording, *status, *at_ms, file, why)
        }
        Write::RecordingDeleted { recording, at_ms } => recording::deleted(link, *recording, *at_ms),
        Write::RecordingLost { recording, at_ms, why } => recording::lost(link, *recording, *at_ms, why),
        Write::CompositionBegan(row) => composition::began(link, row),
        Write::CompositionStarted { composition, at_ms } => composition::started(link, *composition, *at_ms),
        Write::CompositionProgress { composition, at_ms, percent } => composition::progress(link, *composition, *at_ms, *percent),
        Write::CompositionPutBack { composition, at_ms } => composition::put_back(link, *composition, *at_ms),
        Write::CompositionCompleted { composition, at_ms, duration_ms, bytes, why } => {
            composition::completed(link, *composition, *at_ms, *duration_ms, *bytes, why)
        }
        Write::CompositionFailed { composition, at_ms, why } => composition::failed(link, *composition, *at_ms, why),
        Write::CompositionDeleted { composition, at_ms } => composition::deleted(link, *composition, *at_ms),
        Write::Hook(row) => composition::hook_is(link, row),
        Write::HookDeleted { hook } => composition::hook_deleted(link, *hook),
        Write::Stored(row) => stored::is(link, row),
        Write::StoredDoomed { id } => stored::doomed(link, *id),
        Write::StoredGone { id } => stored::gone(link, *id),
        Write::Anonymize { participant, identity, parameter, at_ms } => {
            anonymize(link, *participant, identity, parameter, *at_ms)
        }
        Write::Setting { key, value } => set(link, key, value),
        Write::Unset { key } => link.run("DELETE FROM settings WHERE key = $1", &[Value::text(key)]).map(drop),
        Write::Event(event) => event_happened(link, event),
        Write::Delivered { id, at_ms, outcome } => delivered(link, *id, *at_ms, outcome),
        Write::Deferred { id, next_ms, outcome } => deferred(link, *id, *next_ms, outcome),
        Write::Alive { at_ms } => alive(link, *at_ms),
    }
}

/// Forgets rooms that ended before then; [`Store::forget`](crate::Store::forget).
pub(crate) fn forget(link: &mut dyn Link, ended_before_ms: u64, count: usize) -> Result<u64, Fault> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    link.run(FORGET, &[Value::until(ended_before_ms), Value::Int(count)])
}

const FORGET: &str = "DELETE FROM rooms WHERE id IN (
    SELECT id FROM rooms WHERE ended_ms IS NOT NULL AND ended_ms < $1
    AND NOT EXISTS (SELECT 1 FROM events WHERE events.room = rooms.id AND events.waits_ms IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.room = rooms.id AND recordings.status < 3)
    AND NOT EXISTS (SELECT 1 FROM compositions WHERE compositions.room = rooms.id AND compositions.status < 3)
    ORDER BY ended_ms LIMIT $2)";

fn room_began(link: &mut dyn Link, room: &RoomRow) -> Result<(), Fault> {
    let (url, method) = callback_values(room.callback.as_ref());
    if room.ended_ms.is_some() != (room.status != RoomStatus::InProgress) {
        return Err(misused("a room has ended without a moment, or has one and runs"));
    }
    let (first, beyond) = places(room.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        room.id.into(),
        Value::text(&room.account),
        Value::text(&room.name),
        Value::text(&room.kind),
        room_status_number(room.status).into(),
        Value::ms(room.created_ms)?,
        Value::ms(room.updated_ms)?,
        maybe_ms(room.ended_ms)?,
        room.by_owner.into(),
        room.seats_max.into(),
        room.empty_timeout_s.into(),
        room.unused_timeout_s.into(),
        room.session_max_s.into(),
        room.audio_only.into(),
        Value::Text(spell(&room.codecs)?),
        url,
        method,
        Value::text(&room.memo),
        Value::maybe(room.tracks_max, Value::from),
    ];
    link.run(ROOM_BEGAN, &values).map(drop)
}

const ROOM_BEGAN: &str =
    "INSERT INTO rooms (place, id, account, name, kind, status, created_ms, updated_ms, ended_ms, by_owner, seats_max,
    empty_timeout_s, unused_timeout_s, session_max_s, audio_only, codecs, callback_url, callback_method, memo, tracks_max,
    next_event)
    VALUES (COALESCE((SELECT max(place) + 1 FROM rooms WHERE place >= $1 AND place < $2), $1),
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0)";

fn room_ended(link: &mut dyn Link, room: u128, status: RoomStatus, at_ms: u64) -> Result<(), Fault> {
    if status == RoomStatus::InProgress {
        return Err(misused("a room that ends is not in progress any more"));
    }
    let values = [room_status_number(status).into(), Value::ms(at_ms)?, room.into()];
    let sql = "UPDATE rooms SET status = $1, ended_ms = $2, updated_ms = $2 WHERE id = $3 AND status = 0";
    match link.run(sql, &values)? {
        0 => must_exist(link, "SELECT 1 FROM rooms WHERE id = $1", room.into(), "room"),
        _ => Ok(()),
    }
}

fn joined(link: &mut dyn Link, participant: &ParticipantRow) -> Result<(), Fault> {
    if participant.ended_ms.is_some() != (participant.status == ParticipantStatus::Disconnected) {
        return Err(misused("a participant has left without a moment, or has one and is there"));
    }
    let (first, beyond) = places(participant.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        participant.id.into(),
        participant.room.into(),
        Value::text(&participant.identity),
        participant_status_number(participant.status).into(),
        Value::ms(participant.created_ms)?,
        Value::ms(participant.updated_ms)?,
        maybe_ms(participant.ended_ms)?,
    ];
    link.run(JOINED, &values).map(drop)
}

const JOINED: &str = "INSERT INTO participants (place, id, room, identity, status, created_ms, updated_ms, ended_ms)
    VALUES (COALESCE((SELECT max(place) + 1 FROM participants WHERE place >= $1 AND place < $2), $1), $3, $4, $5, $6, $7, $8, $9)";

fn participant_is(link: &mut dyn Link, participant: u128, status: ParticipantStatus, at_ms: u64) -> Result<(), Fault> {
    let left = status == ParticipantStatus::Disconnected;
    let sql = if left { PARTICIPANT_LEFT } else { PARTICIPANT_THERE };
    let number = participant_status_number(status).into();
    if link.run(sql, &[number, Value::ms(at_ms)?, participant.into()])? == 0 {
        return must_exist(link, "SELECT 1 FROM participants WHERE id = $1", participant.into(), "participant");
    }
    if left {
        link.run(TRACKS_LEFT, &[Value::ms(at_ms)?, participant.into()])?;
    }
    Ok(())
}

const PARTICIPANT_LEFT: &str =
    "UPDATE participants SET status = $1, updated_ms = $2, ended_ms = $2 WHERE id = $3 AND status <> 2";
const PARTICIPANT_THERE: &str = "UPDATE participants SET status = $1, updated_ms = $2, ended_ms = NULL WHERE id = $3";
const TRACKS_LEFT: &str = "UPDATE tracks SET removed_ms = $1, updated_ms = $1 WHERE participant = $2 AND removed_ms IS NULL";

fn track_is(link: &mut dyn Link, track: &TrackRow) -> Result<(), Fault> {
    let belongs = "SELECT 1 FROM participants WHERE id = $1 AND room = $2";
    if link.rows(belongs, &[track.participant.into(), track.room.into()])?.is_empty() {
        return Err(misused("a track of a participant who is not in its room"));
    }
    let (first, beyond) = places(track.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        track.id.into(),
        track.participant.into(),
        track.room.into(),
        Value::text(&track.name),
        track_kind_number(track.kind).into(),
        track.enabled.into(),
        Value::ms(track.created_ms)?,
        Value::ms(track.updated_ms)?,
    ];
    match link.run(TRACK, &values)? {
        0 => Err(misused("a track changes its participant")),
        _ => Ok(()),
    }
}

const TRACK: &str = "INSERT INTO tracks (place, id, participant, room, name, kind, enabled, created_ms, updated_ms)
    VALUES (COALESCE((SELECT max(place) + 1 FROM tracks WHERE place >= $1 AND place < $2), $1), $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, enabled = excluded.enabled,
    updated_ms = excluded.updated_ms, removed_ms = NULL WHERE tracks.participant = excluded.participant";

fn track_removed(link: &mut dyn Link, track: u128, at_ms: u64) -> Result<(), Fault> {
    let sql = "UPDATE tracks SET removed_ms = $1, updated_ms = $1 WHERE id = $2 AND removed_ms IS NULL";
    match link.run(sql, &[Value::ms(at_ms)?, track.into()])? {
        0 => must_exist(link, "SELECT 1 FROM tracks WHERE id = $1", track.into(), "track"),
        _ => Ok(()),
    }
}

const SUBSCRIBE_RULES: &str = "INSERT INTO subscribe_rules (participant, rules, created_ms, updated_ms) VALUES ($1, $2, $3, $3)
    ON CONFLICT (participant) DO UPDATE SET rules = excluded.rules, updated_ms = excluded.updated_ms";
const RECORDING_RULES: &str = "INSERT INTO recording_rules (room, rules, created_ms, updated_ms) VALUES ($1, $2, $3, $3)
    ON CONFLICT (room) DO UPDATE SET rules = excluded.rules, updated_ms = excluded.updated_ms";

fn set_rules(link: &mut dyn Link, sql: &str, whose: u128, text: &str, at_ms: u64) -> Result<(), Fault> {
    link.run(sql, &[whose.into(), Value::text(text), Value::ms(at_ms)?]).map(drop)
}

fn anonymize(link: &mut dyn Link, participant: u128, identity: &str, parameter: &str, at_ms: u64) -> Result<(), Fault> {
    let rename = "UPDATE participants SET identity = $1, updated_ms = $2 WHERE id = $3";
    if link.run(rename, &[Value::text(identity), Value::ms(at_ms)?, participant.into()])? == 0 {
        return Err(misused("there is no such participant"));
    }
    let recorded = "UPDATE recordings SET identity = $1, updated_ms = $2 WHERE participant = $3";
    link.run(recorded, &[Value::text(identity), Value::ms(at_ms)?, participant.into()])?;
    let told = "SELECT place, parameters FROM events WHERE participant = $1";
    for row in link.rows(told, &[participant.into()])? {
        let mut parameters = read_pairs(&row.text(1)?)?;
        parameters.iter_mut().filter(|(name, _)| name == parameter).for_each(|(_, value)| identity.clone_into(value));
        let forget = "UPDATE events SET parameters = $1 WHERE place = $2";
        link.run(forget, &[Value::Text(spell(&parameters)?), Value::Int(row.int(0)?)])?;
    }
    Ok(())
}

fn set(link: &mut dyn Link, key: &str, value: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    link.run(sql, &[Value::text(key), Value::text(value)]).map(drop)
}

fn event_happened(link: &mut dyn Link, event: &EventRow) -> Result<(), Fault> {
    let sequence = next_in_sequence(link, event)?;
    let (url, method) = callback_values(event.callback.as_ref());
    let waits = event.callback.is_some();
    let head = waits && link.rows(WAITS_BEFORE, &[event.room.into()])?.is_empty();
    let values = [
        event.room.into(),
        Value::text(&event.account),
        Value::maybe(event.participant, Value::Id),
        Value::text(&event.name),
        Value::ms(event.at_ms)?,
        Value::Int(sequence),
        Value::Text(spell(&event.parameters)?),
        url,
        method,
        Value::text(&event.outcome),
        if waits { Value::ms(event.at_ms)? } else { Value::Null },
        head.into(),
    ];
    link.run(EVENT, &values)?;
    forget_events(link, event.room, sequence)
}

/// A room that never ends must not fill the disk. Two for one, so that what stayed because something before it waited goes, too, in time.
pub(crate) fn forget_events(link: &mut dyn Link, room: u128, newest: i64) -> Result<(), Fault> {
    if newest < EVENTS_KEPT_MAX {
        return Ok(());
    }
    link.run(FORGET_EVENTS, &[room.into(), Value::Int(newest - EVENTS_KEPT_MAX)]).map(drop)
}

const FORGET_EVENTS: &str = "DELETE FROM events WHERE place IN (SELECT place FROM events WHERE room = $1 ORDER BY place LIMIT 2)
    AND sequence <= $2 AND sequence < COALESCE((SELECT sequence FROM events WHERE room = $1 AND waits_ms IS NOT NULL
    ORDER BY place LIMIT 1), sequence + 1)";

const WAITS_BEFORE: &str = "SELECT 1 FROM events WHERE room = $1 AND waits_ms IS NOT NULL LIMIT 1";
const EVENT: &str =
    "INSERT INTO events (room, account, participant, name, at_ms, sequence, parameters, callback_url, callback_method,
    outcome, attempts, waits_ms, head) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12)";

fn next_in_sequence(link: &mut dyn Link, event: &EventRow) -> Result<i64, Fault> {
    let sql = "UPDATE rooms SET next_event = next_event + 1 WHERE id = $1 AND account = $2 RETURNING next_event - 1";
    match link.rows(sql, &[event.room.into(), Value::text(&event.account)])?.as_slice() {
        [row] => row.int(0),
        [] => Err(misused("an event in a room that is not there")),
        _ => Err(damaged("several rooms of one id")),
    }
}

fn delivered(link: &mut dyn Link, id: i64, at_ms: u64, outcome: &str) -> Result<(), Fault> {
    let rows = link.rows(DELIVERED, &[Value::ms(at_ms)?, Value::text(outcome), Value::Int(id)])?;
    let Some(row) = rows.first() else {
        return must_exist(link, "SELECT 1 FROM events WHERE place = $1", Value::Int(id), "callback");
    };
    link.run(NEXT_HEAD, &[row.id(0)?.into()]).map(drop)
}

const DELIVERED: &str = "UPDATE events SET waits_ms = NULL, head = 0, attempts = attempts + 1, told_ms = $1, outcome = $2
    WHERE place = $3 AND waits_ms IS NOT NULL RETURNING room";
const NEXT_HEAD: &str = "UPDATE events SET head = 1 WHERE head = 0 AND place =
    (SELECT place FROM events WHERE room = $1 AND waits_ms IS NOT NULL ORDER BY place LIMIT 1)";

fn deferred(link: &mut dyn Link, id: i64, next_ms: u64, outcome: &str) -> Result<(), Fault> {
    let sql = "UPDATE events SET waits_ms = $1, attempts = attempts + 1, outcome = $2 WHERE place = $3 AND waits_ms IS NOT NULL";
    match link.run(sql, &[Value::ms(next_ms)?, Value::text(outcome), Value::Int(id)])? {
        0 => must_exist(link, "SELECT 1 FROM events WHERE place = $1", Value::Int(id), "callback"),
        _ => Ok(()),
    }
}

fn alive(link: &mut dyn Link, at_ms: u64) -> Result<(), Fault> {
    let sql = "INSERT INTO alive (one, at_ms) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET at_ms = excluded.at_ms";
    link.run(sql, &[Value::ms(at_ms)?]).map(drop)
}

/// What was to be done is done already: fine, if it was done to something.
pub(crate) fn must_exist(link: &mut dyn Link, sql: &str, id: Value, what: &str) -> Result<(), Fault> {
    match link.rows(sql, &[id])?.is_empty() {
        true => Err(misused(format!("there is no such {what}"))),
        false => Ok(()),
    }
}

pub(crate) fn maybe_ms(ms: Option<u64>) -> Result<Value, Fault> {
    ms.map_or(Ok(Value::Null), Value::ms)
}

pub(crate) fn callback_values(callback: Option<&Callback>) -> (Value, Value) {
    let method = |callback: &Callback| Value::Int(i64::from(callback.method == Method::Post));
    (Value::maybe(callback, |callback| Value::text(&callback.url)), Value::maybe(callback, method))
}

pub(crate) fn room_status_number(status: RoomStatus) -> i64 {
    match status {
        RoomStatus::InProgress => 0,
        RoomStatus::Completed => 1,
        RoomStatus::Failed => 2,
    }
}

pub(crate) fn participant_status_number(status: ParticipantStatus) -> i64 {
    match status {
        ParticipantStatus::Connected => 0,
        ParticipantStatus::Reconnecting => 1,
        ParticipantStatus::Disconnected => 2,
    }
}

fn track_kind_number(kind: TrackKind) -> i64 {
    match kind {
        TrackKind::Audio => 0,
        TrackKind::Video => 1,
        TrackKind::Data => 2,
    }
}
