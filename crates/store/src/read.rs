//! Questions, and rows as what they mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::apply::{participant_status_number, room_status_number};
use crate::limit::WAIT_MAX_MS;
use crate::link::{Fault, Link, Row, Value, damaged, misused};
use crate::list::List;
use crate::row::{
    Alive, Callback, Delivery, EventRow, IdentityOrId, Method, NameOrId, Page, PageOf, ParticipantFilter, ParticipantRow,
    ParticipantStatus, RoomFilter, RoomRow, RoomStatus, RulesRow, TrackKind, TrackRow,
};

const ROOM: &str =
    "place, id, account, name, kind, status, created_ms, updated_ms, ended_ms, by_owner, seats_max, empty_timeout_s,
    unused_timeout_s, session_max_s, audio_only, codecs, callback_url, callback_method, memo,
    tracks_max FROM rooms";
const PARTICIPANT: &str = "place, id, room, identity, status, created_ms, updated_ms, ended_ms FROM participants";
const TRACK: &str = "place, id, participant, room, name, kind, enabled, created_ms, updated_ms FROM tracks";
const EVENT: &str =
    "place, room, account, participant, name, at_ms, sequence, parameters, callback_url, callback_method, outcome,
    attempts FROM events";

pub(crate) fn room(link: &mut dyn Link, account: &str, room: &NameOrId) -> Result<Option<RoomRow>, Fault> {
    let (condition, value) = match room {
        NameOrId::Name(name) => ("name = $2 AND status = 0", Value::text(name)),
        NameOrId::Id(id) => ("id = $2", (*id).into()),
    };
    let sql = format!("SELECT {ROOM} WHERE account = $1 AND {condition}");
    one(link, &sql, &[Value::text(account), value], room_row)
}

pub(crate) fn rooms(link: &mut dyn Link, account: &str, filter: &RoomFilter, page: Page) -> Result<PageOf<RoomRow>, Fault> {
    let index = match (&filter.name, filter.status) {
        (None, None) => "rooms_by_account",
        (None, Some(_)) => "rooms_by_status",
        (Some(_), None) => "rooms_by_name",
        (Some(_), Some(_)) => "rooms_by_name_and_status",
    };
    let mut list = List::of(ROOM, index, "account", Value::text(account));
    if let Some(name) = &filter.name {
        list.and("name =", Value::text(name));
    }
    if let Some(status) = filter.status {
        list.and("status =", room_status_number(status).into());
    }
    list.created(filter.created_from_ms, filter.created_before_ms)?;
    list.page(link, page, room_row)
}

pub(crate) fn participant(link: &mut dyn Link, room: u128, who: &IdentityOrId) -> Result<Option<ParticipantRow>, Fault> {
    let (condition, value) = match who {
        IdentityOrId::Identity(identity) => ("identity = $2", Value::text(identity)),
        IdentityOrId::Id(id) => ("id = $2", (*id).into()),
    };
    let latest = |and: &str| format!("SELECT {PARTICIPANT} WHERE room = $1 AND {condition} {and} ORDER BY place DESC LIMIT 1");
    let values = [room.into(), value];
    match one(link, &latest("AND ended_ms IS NULL"), &values, participant_row)? {
        Some(there) => Ok(Some(there)),
        None => one(link, &latest(""), &values, participant_row),
    }
}

pub(crate) fn participants(
    link: &mut dyn Link,
    room: u128,
    filter: &ParticipantFilter,
    page: Page,
) -> Result<PageOf<ParticipantRow>, Fault> {
    let index = match (&filter.identity, filter.status) {
        (None, None) => "participants_by_room",
        (None, Some(_)) => "participants_by_status",
        (Some(_), None) => "participants_by_identity",
        (Some(_), Some(_)) => "participants_by_identity_and_status",
    };
    let mut list = List::of(PARTICIPANT, index, "room", room.into());
    if let Some(identity) = &filter.identity {
        list.and("identity =", Value::text(identity));
    }
    if let Some(status) = filter.status {
        list.and("status =", participant_status_number(status).into());
    }
    list.created(filter.created_from_ms, filter.created_before_ms)?;
    list.page(link, page, participant_row)
}

pub(crate) fn track(link: &mut dyn Link, participant: u128, track: &NameOrId) -> Result<Option<TrackRow>, Fault> {
    let (condition, value) = match track {
        NameOrId::Name(name) => ("name = $2", Value::text(name)),
        NameOrId::Id(id) => ("id = $2", (*id).into()),
    };
    let sql = format!("SELECT {TRACK} WHERE participant = $1 AND removed_ms IS NULL AND {condition} ORDER BY place DESC LIMIT 1");
    one(link, &sql, &[participant.into(), value], track_row)
}

pub(crate) fn tracks(link: &mut dyn Link, participant: u128, page: Page) -> Result<PageOf<TrackRow>, Fault> {
    let mut list = List::of(TRACK, "tracks_published", "participant", participant.into());
    list.and_so("removed_ms IS NULL");
    list.page(link, page, track_row)
}

pub(crate) fn subscribe_rules(link: &mut dyn Link, participant: u128) -> Result<Option<RulesRow>, Fault> {
    let sql = "SELECT rules, created_ms, updated_ms FROM subscribe_rules WHERE participant = $1";
    one(link, sql, &[participant.into()], rules_row)
}

pub(crate) fn recording_rules(link: &mut dyn Link, room: u128) -> Result<Option<RulesRow>, Fault> {
    let sql = "SELECT rules, created_ms, updated_ms FROM recording_rules WHERE room = $1";
    one(link, sql, &[room.into()], rules_row)
}

pub(crate) fn setting(link: &mut dyn Link, key: &str) -> Result<Option<String>, Fault> {
    one(link, "SELECT value FROM settings WHERE key = $1", &[Value::text(key)], |row| row.text(0))
}

pub(crate) fn settings(link: &mut dyn Link, prefix: &str) -> Result<Vec<(String, String)>, Fault> {
    let sql = format!("SELECT key, value FROM settings WHERE substr(key, 1, {}) = $1", prefix.chars().count());
    link.rows(&sql, &[Value::text(prefix)])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

pub(crate) fn due(link: &mut dyn Link, now_ms: u64, count: usize, except: &[String]) -> Result<Vec<Delivery>, Fault> {
    let mut found = waiting(link, "<=", now_ms, count, except)?;
    if found.len() < count {
        let count = count - found.len();
        found.extend(waiting(link, ">", now_ms.saturating_add(WAIT_MAX_MS), count, except)?);
    }
    Ok(found)
}

/// Callbacks that wait until then or longer than that.
fn waiting(link: &mut dyn Link, until: &str, ms: u64, count: usize, except: &[String]) -> Result<Vec<Delivery>, Fault> {
    let mut sql = format!("SELECT {EVENT} WHERE head = 1 AND waits_ms {until} $1");
    let mut values = vec![Value::until(ms)];
    for start in except {
        values.push(Value::text(start));
        let (length, number) = (start.chars().count(), values.len());
        // Up to its path: http://a.example is not the beginning of http://a.example.org/.
        let next = format!("substr(callback_url, {length} + 1, 1) NOT IN ('', '/', '?', '#')");
        sql += &format!(" AND (substr(callback_url, 1, {length}) <> ${number} OR {next})");
    }
    values.push(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
    sql += &format!(" ORDER BY waits_ms, place LIMIT ${}", values.len());
    let rows = link.rows(&sql, &values)?;
    let delivery = |row: &Row| Ok(Delivery { id: row.int(0)?, attempts: row.number(11)?, event: event_row(row)? });
    rows.iter().map(delivery).collect()
}

pub(crate) fn next_due(link: &mut dyn Link, now_ms: u64) -> Result<(Option<u64>, u64), Fault> {
    let next = "SELECT waits_ms FROM events WHERE head = 1 AND waits_ms > $1 AND waits_ms <= $2 ORDER BY waits_ms LIMIT 1";
    let span = [Value::until(now_ms), Value::until(now_ms.saturating_add(WAIT_MAX_MS))];
    let next = one(link, next, &span, |row| row.number(0))?;
    let count = one(link, "SELECT count(*) FROM events WHERE waits_ms IS NOT NULL", &[], |row| row.number(0))?;
    Ok((next, count.unwrap_or(0)))
}

pub(crate) fn events(link: &mut dyn Link, account: &str, room: Option<u128>, page: Page) -> Result<PageOf<EventRow>, Fault> {
    let list = match room {
        None => List::of(EVENT, "events_by_account", "account", Value::text(account)),
        Some(room) => {
            let mut list = List::of(EVENT, "events_by_room", "room", room.into());
            list.and("account =", Value::text(account));
            list
        }
    };
    list.page(link, page, event_row)
}

pub(crate) fn alive(link: &mut dyn Link) -> Result<Alive, Fault> {
    link.begin_snapshot()?;
    let alive = alive_now(link);
    link.rollback();
    alive
}

fn alive_now(link: &mut dyn Link) -> Result<Alive, Fault> {
    let rooms = link.rows(&format!("SELECT {ROOM} WHERE status = 0 ORDER BY place"), &[])?;
    let participants = link.rows(&format!("SELECT {PARTICIPANT} WHERE ended_ms IS NULL ORDER BY place"), &[])?;
    let tracks = link.rows(&format!("SELECT {TRACK} WHERE removed_ms IS NULL ORDER BY place"), &[])?;
    Ok(Alive {
        at_ms: one(link, "SELECT at_ms FROM alive", &[], |row| row.number(0))?.unwrap_or(0),
        rooms: rooms.iter().map(room_row).collect::<Result<_, _>>()?,
        participants: participants.iter().map(participant_row).collect::<Result<_, _>>()?,
        tracks: tracks.iter().map(track_row).collect::<Result<_, _>>()?,
    })
}

pub(crate) fn one<T>(
    link: &mut dyn Link,
    sql: &str,
    values: &[Value],
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    link.rows(sql, values)?.first().map(read).transpose()
}

fn room_row(row: &Row) -> Result<RoomRow, Fault> {
    Ok(RoomRow {
        id: row.id(1)?,
        account: row.text(2)?,
        name: row.text(3)?,
        kind: row.text(4)?,
        status: match row.int(5)? {
            0 => RoomStatus::InProgress,
            1 => RoomStatus::Completed,
            2 => RoomStatus::Failed,
            other => return Err(damaged(format!("a room has the status {other}"))),
        },
        created_ms: row.number(6)?,
        updated_ms: row.number(7)?,
        ended_ms: row.maybe_ms(8)?,
        by_owner: row.yes(9)?,
        seats_max: row.number(10)?,
        empty_timeout_s: row.number(11)?,
        unused_timeout_s: row.number(12)?,
        session_max_s: row.number(13)?,
        audio_only: row.yes(14)?,
        codecs: read_json(&row.text(15)?)?,
        callback: callback(row, 16)?,
        memo: row.text(18)?,
        tracks_max: row.maybe_int(19)?.and_then(|count| u32::try_from(count).ok()),
    })
}

fn participant_row(row: &Row) -> Result<ParticipantRow, Fault> {
    Ok(ParticipantRow {
        id: row.id(1)?,
        room: row.id(2)?,
        identity: row.text(3)?,
        status: match row.int(4)? {
            0 => ParticipantStatus::Connected,
            1 => ParticipantStatus::Reconnecting,
            2 => ParticipantStatus::Disconnected,
            other => return Err(damaged(format!("a participant has the status {other}"))),
        },
        created_ms: row.number(5)?,
        updated_ms: row.number(6)?,
        ended_ms: row.maybe_ms(7)?,
    })
}

fn track_row(row: &Row) -> Result<TrackRow, Fault> {
    Ok(TrackRow {
        id: row.id(1)?,
        participant: row.id(2)?,
        room: row.id(3)?,
        name: row.text(4)?,
        kind: match row.int(5)? {
            0 => TrackKind::Audio,
            1 => TrackKind::Video,
            2 => TrackKind::Data,
            other => return Err(damaged(format!("a track has the kind {other}"))),
        },
        enabled: row.yes(6)?,
        created_ms: row.number(7)?,
        updated_ms: row.number(8)?,
    })
}

fn event_row(row: &Row) -> Result<EventRow, Fault> {
    Ok(EventRow {
        room: row.id(1)?,
        account: row.text(2)?,
        participant: row.maybe_id(3)?,
        name: row.text(4)?,
        at_ms: row.number(5)?,
        sequence: row.number(6)?,
        parameters: read_pairs(&row.text(7)?)?,
        callback: callback(row, 8)?,
        outcome: row.text(10)?,
    })
}

fn rules_row(row: &Row) -> Result<RulesRow, Fault> {
    Ok(RulesRow { text: row.text(0)?, created_ms: row.number(1)?, updated_ms: row.number(2)? })
}

pub(crate) fn callback(row: &Row, column: usize) -> Result<Option<Callback>, Fault> {
    let method = if row.maybe_int(column + 1)? == Some(0) { Method::Get } else { Method::Post };
    Ok(row.maybe_text(column)?.map(|url| Callback { url, method }))
}

/// Names and values, as [`spell`] wrote them.
pub(crate) fn read_pairs(text: &str) -> Result<Vec<(String, String)>, Fault> {
    read_json(text)
}

/// Anything as the text of a column.
pub(crate) fn spell(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| misused(error.to_string()))
}

pub(crate) fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| damaged(format!("a column is not what was written: {error}")))
}
