//! Kennel's own API: recordings, for whoever may have them (`docs/ref/api.md`).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Page, RecordedKind, RecordingFilter, RecordingRow, RecordingStatus};
use twilio::rest::{RecordingId, recording_sid};
use twilio::sid;

use super::api::{name_invalid, read_json};
use super::asked::Asked;
use super::problem::Problem;
use super::{App, NotRecorded, Recorded};
use crate::auth::Caller;
use crate::clock;
use crate::keyring::{Right, is_name};
use crate::shelf::link::{TTL_DEFAULT_S, TTL_MAX_S};
use crate::shelf::space::words;
use crate::shelf::{NotDeleted, Shelf};

/// Recordings of one answer.
const AT_ONCE: usize = 100;

/// What may be asked.
#[derive(Deserialize)]
pub struct Ask {
    /// Only those of rooms of this name.
    pub(super) room: Option<String>,
    /// Only those that began then or later, ms since 1970 UTC.
    pub(super) from: Option<u64>,
    /// Only those that began before then.
    pub(super) before: Option<u64>,
    /// `next` of the answer before.
    pub(super) after: Option<i64>,
}

/// `GET /kennel/v1/recordings`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Result<Query<Ask>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    caller.need(Right::Record)?;
    let Query(ask) = query.map_err(|_| Problem::malformed("The query cannot be read."))?;
    if ask.room.as_ref().is_some_and(|room| !caller.allows_room(room)) {
        return Err(room_not_allowed());
    }
    let Some(shelf) = &app.shelf else { return Ok(Json(json!({ "recordings": [], "next": null, "space": null }))) };
    let filter = RecordingFilter {
        room_name: ask.room.or_else(|| caller.room.clone()),
        created_from_ms: ask.from,
        created_before_ms: ask.before,
        ..RecordingFilter::default()
    };
    let page = ask.after.map_or(Page::First { size: AT_ONCE }, |place| Page::After { place, size: AT_ONCE });
    let found = shelf.list(filter, page).await.map_err(unreadable)?;
    let next = found.last.filter(|_| found.more_after);
    let rows: Vec<Value> = found.rows.iter().map(|row| show(shelf, row)).collect();
    Ok(Json(json!({ "recordings": rows, "next": next, "space": space(&app, shelf).await })))
}

/// `GET /kennel/v1/recordings/ID`
pub async fn find(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let (shelf, row) = named(&app, &caller, id).await?;
    Ok(Json(show(shelf, &row)))
}

/// `DELETE /kennel/v1/recordings/ID`
pub async fn forget(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (shelf, row) = named(&app, &caller, id).await?;
    shelf.delete(&row).await.map_err(|problem| match problem {
        NotDeleted::Running => {
            Problem::new(StatusCode::CONFLICT, "recording_running", "This is being recorded. Stop it, then delete it.")
        }
        NotDeleted::History(problem) => unreadable(problem),
        NotDeleted::File(problem) => {
            tracing::error!(%problem, "the file of a recording cannot be deleted");
            Problem::internal()
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /kennel/v1/recordings/ID/media`: to an address of the file that is good for a while.
pub async fn media(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let (shelf, row) = named(&app, &caller, id).await?;
    let address = shelf.address(&row, TTL_DEFAULT_S).ok_or_else(no_file)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address), (header::CACHE_CONTROL, "no-store".to_owned())]).into_response())
}

/// `POST /kennel/v1/recordings/ID/link`: such an address in words, to be given away.
pub async fn link(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let (shelf, row) = named(&app, &caller, id).await?;
    let seconds = seconds(body)?;
    let address = shelf.address(&row, seconds).ok_or_else(no_file)?;
    Ok(address_ends(&asked, &address, seconds))
}

/// For how long an address is asked for.
pub(super) fn seconds(body: Result<Bytes, BytesRejection>) -> Result<u32, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        seconds: Option<u32>,
    }
    let ask: Ask = read_json(body)?;
    let seconds = ask.seconds.unwrap_or(TTL_DEFAULT_S);
    if !(1..=TTL_MAX_S).contains(&seconds) {
        return Err(Problem::malformed("An address of a file is good for 1 to 86400 seconds."));
    }
    Ok(seconds)
}

/// An address of a file, and when it ends.
pub(super) fn address_ends(asked: &Asked, address: &str, seconds: u32) -> Json<Value> {
    let ends = (clock::unix_ms() / 1000 + u64::from(seconds)) * 1000;
    Json(json!({ "url": format!("{}{address}", asked.origin()), "ends": ends }))
}

/// `POST /kennel/v1/rooms/NAME/record`
pub async fn record(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        on: bool,
    }
    let name = recorded_room(&caller, name)?;
    let ask: Ask = read_json(body)?;
    let before = app.rooms.state(&name).await.ok_or_else(nobody)?.recording;
    // Where all is recorded nothing new begins, and what is to end needs no space.
    if ask.on && before != Recorded::All {
        check_space(&app, before).await?;
    }
    let ruled = app.rooms.record(&name, ask.on).await.map_err(|why| match why {
        NotRecorded::NoRoom => nobody(),
        NotRecorded::Direct => {
            let message =
                "In this room devices send to each other, and Kennel sees nothing that it could record. Its type must be group.";
            Problem::new(StatusCode::CONFLICT, "not_recordable", message)
        }
    })?;
    if let (Some(shelf), Some(all)) = (&app.shelf, ruled.all) {
        shelf.note_rules(ruled.room, all).await.map_err(unreadable)?;
    }
    Ok(Json(json!({ "room": name, "recording": ask.on })))
}

/// `GET /kennel/v1/rooms/NAME/record`
pub async fn is_recorded(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let name = recorded_room(&caller, name)?;
    let state = app.rooms.state(&name).await.ok_or_else(nobody)?.recording;
    let recording = matches!(state, Recorded::All | Recorded::Some);
    let waiting = match state {
        // Nobody has tried to write.
        Recorded::Idle => missing_bytes(&app).await.is_some(),
        _ => state == Recorded::Waits,
    };
    let on = state != Recorded::Off;
    Ok(Json(json!({ "room": name, "on": on, "recording": recording, "waiting": waiting })))
}

/// The room of that name, if the caller may record it.
fn recorded_room(caller: &Caller, name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    caller.need(Right::Record)?;
    let name = name.map(|Path(name)| name).ok().filter(|name| is_name(name));
    let name = name.ok_or_else(|| name_invalid("A room's name"))?;
    if caller.allows_room(&name) { Ok(name) } else { Err(room_not_allowed()) }
}

fn nobody() -> Problem {
    Problem::not_found("There is nobody in a room of that name.")
}

/// Whether a recording that begins now goes on. Where nobody knows how much space there is, writing shows it.
async fn check_space(app: &App, before: Recorded) -> Result<(), Problem> {
    missing_bytes(app).await.map_or(Ok(()), |missing| Err(no_space(missing, before)))
}

async fn missing_bytes(app: &App) -> Option<u64> {
    app.shelf.as_ref()?.missing_bytes().await
}

/// So many bytes are missing for a recording to begin, in a room of which this was recorded.
fn no_space(missing: u64, before: Recorded) -> Problem {
    let then = match before {
        Recorded::Waits | Recorded::Idle => {
            "Recording stays switched on: it begins by itself within minutes once there is room, unless it is switched off."
        }
        Recorded::All | Recorded::Some => "What is recorded of the room stays as it was.",
        Recorded::Off => "Nothing was switched on, and nothing begins by itself: ask again when there is room.",
    };
    let message = format!("{} {then}", words(missing));
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", message)
}

/// The recording of this id, if the caller may have it.
async fn named<'a>(
    app: &'a App,
    caller: &Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<(&'a Shelf, RecordingRow), Problem> {
    caller.need(Right::Record)?;
    let none = || Problem::not_found("There is no such recording.");
    let id = id.ok().and_then(|Path(id)| sid::parse_with("RT", &id)).ok_or_else(none)?;
    let shelf = app.shelf.as_ref().ok_or_else(none)?;
    let row = shelf.find(id).await.map_err(unreadable)?;
    let row = row.filter(|row| caller.allows_room(&row.room_name) && row.status != RecordingStatus::Deleted);
    Ok((shelf, row.ok_or_else(none)?))
}

/// How much there is, and how much there is room for.
async fn space(app: &App, shelf: &Shelf) -> Value {
    let files = shelf.files().clone();
    let disk = tokio::task::spawn_blocking(move || files.space()).await;
    let free = disk.ok().and_then(Result::ok).map(|disk| disk.free);
    json!({ "used": app.metrics.recordings_bytes.get(), "free": free })
}

fn show(shelf: &Shelf, row: &RecordingRow) -> Value {
    let made = row.status != RecordingStatus::Processing;
    json!({
        "id": recording_sid(RecordingId(row.id)),
        "room": row.room_name,
        "room_sid": sid::room(room::RoomId(row.room)),
        "participant": row.identity,
        "track": row.name,
        "kind": match row.kind {
            RecordedKind::Audio => "audio",
            RecordedKind::Video => "video",
            RecordedKind::Mix => "mix",
        },
        "status": match row.status {
            RecordingStatus::Processing => "processing",
            RecordingStatus::Completed => "completed",
            RecordingStatus::Failed => "failed",
            RecordingStatus::Deleted => "deleted",
        },
        "left": !made && shelf.is_left(row.id),
        "why": Some(row.why.as_str()).filter(|why| !why.is_empty()),
        "container": row.container,
        "codec": row.file.codec,
        "created": row.created_ms,
        "ended": row.ended_ms,
        "offset": row.file.offset_ms,
        "duration": made.then_some(row.file.duration_ms),
        "bytes": made.then_some(row.file.bytes),
        "playable": made && row.file.duration_ms > 0,
    })
}

pub(super) fn room_not_allowed() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "room_not_allowed", "This link is for another room.")
}

pub(super) fn no_file() -> Problem {
    Problem::new(StatusCode::CONFLICT, "no_file", "There is no file of this, or not yet.")
}

pub(super) fn unreadable(problem: store::Problem) -> Problem {
    tracing::warn!(%problem, "recordings cannot be looked up");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_space_is_told_with_what_becomes_of_it_later() {
        for (before, then) in [
            (Recorded::Waits, "begins by itself within minutes"),
            (Recorded::Idle, "begins by itself within minutes"),
            (Recorded::Some, "stays as it was"),
            (Recorded::Off, "nothing begins by itself"),
        ] {
            let problem = no_space(4_321, before);
            assert_eq!(problem.status(), StatusCode::INSUFFICIENT_STORAGE);
            let said = problem.body().to_string();
            assert!(said.contains("no_space") && said.contains("1 MiB are missing") && said.contains(then), "{said}");
        }
    }
}
