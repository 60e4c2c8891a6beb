//! Recordings: what each write does to them, and questions about them.

use crate::apply::{callback_values, maybe_ms, must_exist};
use crate::link::{Fault, Link, Row, Value, damaged, misused};
use crate::list::{List, places};
use crate::read::{callback, one as one_of};
use crate::row::{Page, PageOf, RecordedFile, RecordedKind, RecordingFilter, RecordingRow, RecordingStatus};

const RECORDING: &str =
    "place, id, account, room, room_name, participant, identity, track, kind, name, container, codec, status, created_ms,
    updated_ms, ended_ms, offset_ms, duration_ms, bytes, why, callback_url, callback_method FROM recordings";

pub(crate) fn began(link: &mut dyn Link, row: &RecordingRow) -> Result<(), Fault> {
    check(link, row)?;
    let (url, method) = callback_values(row.callback.as_ref());
    let (first, beyond) = places(row.created_ms)?;
    let values = [
        Value::Int(first),
        Value::Int(beyond),
        row.id.into(),
        Value::text(&row.account),
        row.room.into(),
        Value::text(&row.room_name),
        Value::maybe(row.participant, Value::Id),
        Value::maybe(row.identity.as_deref(), Value::text),
        Value::maybe(row.track, Value::Id),
        kind_number(row.kind).into(),
        Value::text(&row.name),
        Value::text(&row.container),
        Value::text(&row.file.codec),
        status_number(row.status).into(),
        Value::ms(row.created_ms)?,
        Value::ms(row.updated_ms)?,
        maybe_ms(row.ended_ms)?,
        Value::ms(row.file.offset_ms)?,
        Value::ms(row.file.duration_ms)?,
        Value::count(row.file.bytes)?,
        Value::text(&row.why),
        url,
        method,
    ];
    link.run(BEGAN, &values).map(drop)
}

const BEGAN: &str =
    "INSERT INTO recordings (place, id, account, room, room_name, participant, identity, track, kind, name, container, codec,
    status, created_ms, updated_ms, ended_ms, offset_ms, duration_ms, bytes, why, callback_url, callback_method)
    VALUES (COALESCE((SELECT max(place) + 1 FROM recordings WHERE place >= $1 AND place < $2), $1),
    $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";

/// What would not fit the other rows.
fn check(link: &mut dyn Link, row: &RecordingRow) -> Result<(), Fault> {
    if row.ended_ms.is_some() != (row.status != RecordingStatus::Processing) {
        return Err(misused("a recording has ended without a moment, or has one and is being made"));
    }
    let mix = row.kind == RecordedKind::Mix;
    if mix != row.track.is_none() || mix != row.participant.is_none() {
        return Err(misused("a recording is of a track and a mix, or of neither"));
    }
    let theirs = "SELECT 1 FROM rooms WHERE id = $1 AND account = $2";
    if link.rows(theirs, &[row.room.into(), Value::text(&row.account)])?.is_empty() {
        return Err(misused("a recording in a room that is not there"));
    }
    let Some(participant) = row.participant else { return Ok(()) };
    let belongs = "SELECT 1 FROM participants WHERE id = $1 AND room = $2";
    match link.rows(belongs, &[participant.into(), row.room.into()])?.is_empty() {
        true => Err(misused("a recording of a participant who is not in its room")),
        false => Ok(()),
    }
}

pub(crate) fn flows(link: &mut dyn Link, recording: u128, at_ms: u64, codec: &str, offset_ms: u64) -> Result<(), Fault> {
    let values = [Value::text(codec), Value::ms(offset_ms)?, Value::ms(at_ms)?, recording.into()];
    let sql = "UPDATE recordings SET codec = $1, offset_ms = $2, updated_ms = $3 WHERE id = $4 AND status = 0";
    changed(link, sql, &values, recording)
}

pub(crate) fn ended(
    link: &mut dyn Link,
    recording: u128,
    status: RecordingStatus,
    at_ms: u64,
    file: &RecordedFile,
    why: &str,
) -> Result<(), Fault> {
    if !matches!(status, RecordingStatus::Completed | RecordingStatus::Failed) {
        return Err(misused("a recording that ends is there or failed"));
    }
    let values = [
        status_number(status).into(),
        Value::ms(at_ms)?,
        Value::text(&file.codec),
        Value::ms(file.offset_ms)?,
        Value::ms(file.duration_ms)?,
        Value::count(file.bytes)?,
        Value::text(why),
        recording.into(),
    ];
    changed(link, ENDED, &values, recording)
}

const ENDED: &str =
    "UPDATE recordings SET status = $1, ended_ms = $2, updated_ms = $2, codec = $3, offset_ms = $4, duration_ms = $5,
    bytes = $6, why = $7 WHERE id = $8 AND status = 0";

pub(crate) fn deleted(link: &mut dyn Link, recording: u128, at_ms: u64) -> Result<(), Fault> {
    let sql = "UPDATE recordings SET status = 3, ended_ms = COALESCE(ended_ms, $1), updated_ms = $1 WHERE id = $2 AND status < 3";
    changed(link, sql, &[Value::ms(at_ms)?, recording.into()], recording)
}

pub(crate) fn lost(link: &mut dyn Link, recording: u128, at_ms: u64, why: &str) -> Result<(), Fault> {
    let sql = "UPDATE recordings SET status = 2, ended_ms = COALESCE(ended_ms, $1), updated_ms = $1, bytes = 0, why = $2
        WHERE id = $3 AND status < 3";
    changed(link, sql, &[Value::ms(at_ms)?, Value::text(why), recording.into()], recording)
}

/// Changes a row, which must be there.
fn changed(link: &mut dyn Link, sql: &str, values: &[Value], recording: u128) -> Result<(), Fault> {
    match link.run(sql, values)? {
        0 => must_exist(link, "SELECT 1 FROM recordings WHERE id = $1", recording.into(), "recording"),
        _ => Ok(()),
    }
}

pub(crate) fn one(link: &mut dyn Link, account: &str, recording: u128) -> Result<Option<RecordingRow>, Fault> {
    let sql = format!("SELECT {RECORDING} WHERE account = $1 AND id = $2");
    one_of(link, &sql, &[Value::text(account), recording.into()], row)
}

pub(crate) fn running(link: &mut dyn Link) -> Result<Vec<RecordingRow>, Fault> {
    link.rows(&format!("SELECT {RECORDING} WHERE status = 0 ORDER BY place"), &[])?.iter().map(row).collect()
}

pub(crate) fn list(
    link: &mut dyn Link,
    account: &str,
    filter: &RecordingFilter,
    page: Page,
) -> Result<PageOf<RecordingRow>, Fault> {
    let mut list = narrowest(account, filter);
    list.and("account =", Value::text(account));
    if let Some(participant) = filter.participant {
        list.and("participant =", participant.into());
    }
    if let Some(room) = filter.room {
        list.and("room =", room.into());
    }
    if let Some(name) = &filter.room_name {
        list.and("room_name =", Value::text(name));
    }
    if let Some(kind) = filter.kind {
        list.and("kind =", kind_number(kind).into());
    }
    if filter.tracks_only {
        list.and_so("kind < 2");
    }
    match filter.status {
        Some(status) => list.and("status =", status_number(status).into()),
        // So spelled that the index of those that are there serves.
        None => list.and_so("status < 3"),
    }
    list.created(filter.created_from_ms, filter.created_before_ms)?;
    list.page(link, page, row)
}

/// Along the index that leads to the fewest rows.
fn narrowest(account: &str, filter: &RecordingFilter) -> List {
    let of = |index, column: &str, value| List::of(RECORDING, index, column, value);
    let owned = |index| of(index, "account", Value::text(account));
    match filter {
        RecordingFilter { track: Some(track), .. } => of("recordings_by_track", "track", (*track).into()),
        RecordingFilter { participant: Some(id), .. } => of("recordings_by_participant", "participant", (*id).into()),
        RecordingFilter { room: Some(room), .. } => of("recordings_by_room", "room", (*room).into()),
        RecordingFilter { room_name: Some(_), .. } => owned("recordings_by_name"),
        RecordingFilter { status: Some(_), .. } => owned("recordings_by_status"),
        RecordingFilter { kind: Some(_), .. } => owned("recordings_by_kind"),
        _ => owned("recordings_there"),
    }
}

fn row(row: &Row) -> Result<RecordingRow, Fault> {
    Ok(RecordingRow {
        id: row.id(1)?,
        account: row.text(2)?,
        room: row.id(3)?,
        room_name: row.text(4)?,
        participant: row.maybe_id(5)?,
        identity: row.maybe_text(6)?,
        track: row.maybe_id(7)?,
        kind: match row.int(8)? {
            0 => RecordedKind::Audio,
            1 => RecordedKind::Video,
            2 => RecordedKind::Mix,
            other => return Err(damaged(format!("a recording has the kind {other}"))),
        },
        name: row.text(9)?,
        container: row.text(10)?,
        status: match row.int(12)? {
            0 => RecordingStatus::Processing,
            1 => RecordingStatus::Completed,
            2 => RecordingStatus::Failed,
            3 => RecordingStatus::Deleted,
            other => return Err(damaged(format!("a recording has the status {other}"))),
        },
        created_ms: row.number(13)?,
        updated_ms: row.number(14)?,
        ended_ms: row.maybe_ms(15)?,
        file: RecordedFile {
            codec: row.text(11)?,
            offset_ms: row.number(16)?,
            duration_ms: row.number(17)?,
            bytes: row.number(18)?,
        },
        why: row.text(19)?,
        callback: callback(row, 20)?,
    })
}

fn status_number(status: RecordingStatus) -> i64 {
    match status {
        RecordingStatus::Processing => 0,
        RecordingStatus::Completed => 1,
        RecordingStatus::Failed => 2,
        RecordingStatus::Deleted => 3,
    }
}

fn kind_number(kind: RecordedKind) -> i64 {
    match kind {
        RecordedKind::Audio => 0,
        RecordedKind::Video => 1,
        RecordedKind::Mix => 2,
    }
}
