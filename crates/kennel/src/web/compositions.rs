//! Kennel's own API: compositions, for whoever may have recordings (`docs/ref/api.md`).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{CompositionFilter, CompositionRow, CompositionStatus, Page};
use twilio::rest::{CompositionId, Format, Wish, composition_sid, is_unique};
use twilio::sid;

use super::App;
use super::api::read_json;
use super::asked::Asked;
use super::problem::Problem;
use super::recordings::{Ask, address_ends, no_file, room_not_allowed, seconds, unreadable};
use crate::auth::Caller;
use crate::keyring::{Right, is_name};
use crate::rest::rows;
use crate::shelf::NotDeleted;
use crate::shelf::link::TTL_DEFAULT_S;
use crate::studio::limit::WHO_MAX;
use crate::studio::wish::Part;
use crate::studio::{NotAsked, Studio, Waits, wish};

/// Compositions of one answer.
const AT_ONCE: usize = 100;

/// `GET /kennel/v1/compositions`
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
    let Some(studio) = &app.studio else { return Ok(Json(json!({ "compositions": [], "next": null }))) };
    let filter = CompositionFilter {
        room_name: ask.room.or_else(|| caller.room.clone()),
        created_from_ms: ask.from,
        created_before_ms: ask.before,
        ..CompositionFilter::default()
    };
    let page = ask.after.map_or(Page::First { size: AT_ONCE }, |place| Page::After { place, size: AT_ONCE });
    let found = studio.list(filter, page).await.map_err(unreadable)?;
    let next = found.last.filter(|_| found.more_after);
    let rows: Vec<Value> = found.rows.iter().map(|row| show(studio, row, of_when(row))).collect();
    Ok(Json(json!({ "compositions": rows, "next": next })))
}

/// What is asked for; what is not said is as usual: everybody side by side, and everybody heard.
#[derive(Deserialize)]
struct Make {
    /// The SID of a room that was recorded,
    room: Option<String>,
    /// or the name of rooms.
    name: Option<String>,
    /// Of what was recorded between these moments, ms since 1970 UTC.
    from: Option<u64>,
    to: Option<u64>,
    /// Of those who are called so.
    who: Option<Vec<String>>,
    layout: Option<Layout>,
    /// Whose picture is the large one.
    large: Option<String>,
    sound: Option<Vec<String>>,
    sound_excluded: Option<Vec<String>>,
    resolution: Option<String>,
    format: Option<Format>,
    trim: Option<bool>,
}

/// Regions, or a word for usual ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum Layout {
    Word(Word),
    Regions(Map<String, Value>),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// Everybody side by side.
    Equal,
    /// One large, the others below.
    Large,
    /// One at a time.
    Turns,
}

impl Make {
    fn part(&self) -> Result<Part, Problem> {
        let (from, to, large) = (self.from, self.to, self.large.clone());
        let part = Part { from, to, who: self.who.clone().unwrap_or_default(), named: self.name.is_some(), large };
        let names = part.who.iter().chain(&part.large);
        if self.room.is_some() == self.name.is_some() {
            Err(Problem::malformed("A composition is of a room or of a name."))
        } else if from.zip(to).is_some_and(|(from, to)| from >= to) {
            Err(Problem::malformed("A composition ends after it begins: to is later than from."))
        } else if part.who.len() > WHO_MAX || names.into_iter().any(|name| !is_name(name)) {
            Err(Problem::malformed("The names in who and large have 1 to 128 characters each, and who has at most 200 of them."))
        } else if part.large.is_some() != matches!(self.layout, Some(Layout::Word(Word::Large))) {
            Err(Problem::malformed("The layout large and the name of who is large belong together."))
        } else if !part.who.is_empty() && part.large.as_ref().is_some_and(|large| !part.who.contains(large)) {
            Err(Problem::malformed("Whoever is large is one of those in who."))
        } else {
            Ok(part)
        }
    }

    fn wish(self) -> Wish {
        let usual = wish::usual();
        let video_layout = match self.layout {
            Some(Layout::Regions(regions)) => regions,
            Some(Layout::Word(Word::Turns)) => wish::turns(),
            None | Some(Layout::Word(Word::Equal | Word::Large)) => usual.video_layout,
        };
        Wish {
            audio_sources: self.sound.unwrap_or(usual.audio_sources),
            audio_sources_excluded: self.sound_excluded.unwrap_or_default(),
            video_layout,
            resolution: self.resolution.unwrap_or(usual.resolution),
            format: self.format.unwrap_or_default(),
            trim: self.trim.unwrap_or(true),
            callback: None,
        }
    }
}

/// `POST /kennel/v1/compositions`
pub async fn make(State(app): State<Arc<App>>, caller: Caller, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    caller.need(Right::Record)?;
    let unique = body.as_ref().is_ok_and(|body| is_unique(body));
    let ask: Make = read_json(body)?;
    if !unique {
        return Err(Problem::malformed("A key is there twice in one object, or a number is too large."));
    }
    let part = ask.part()?;
    if ask.name.as_ref().is_some_and(|name| !caller.allows_room(name)) {
        return Err(room_not_allowed());
    }
    let none = || Problem::not_found("There is no such room, or nothing of it was recorded.");
    let studio = app.studio.as_ref().ok_or_else(none)?;
    let room = match (&ask.name, &ask.room) {
        (Some(name), _) => studio.room_named(name, &part).await,
        (None, room) => studio.room(room.as_ref().and_then(|room| sid::parse_room(room)).ok_or_else(none)?.0).await,
    };
    let room = room.map_err(unreadable)?;
    let room = room.filter(|room| caller.allows_room(&room.name)).ok_or_else(none)?;
    let wish = ask.wish();
    if wish.video_layout.is_empty() && wish.audio_sources.is_empty() {
        return Err(Problem::malformed("A composition needs layout or sound."));
    }
    let wish = wish::check(wish).map_err(|refused| Problem::malformed(format!("{refused}.")))?;
    let asked = studio.ask_part(&room, &wish, &part).await.map_err(|why| match why {
        NotAsked::NoRecordings => none(),
        NotAsked::TooMany => {
            Problem::new(StatusCode::CONFLICT, "too_many", "So many compositions wait that no more can be asked for.")
        }
        NotAsked::History(problem) => unreadable(problem),
    })?;
    let status = if asked.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(show(studio, &asked.row, as_asked(&asked.row)))).into_response())
}

/// `GET /kennel/v1/compositions/ID`
pub async fn find(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let (studio, row) = named(&app, &caller, id).await?;
    Ok(Json(show(studio, &row, as_asked(&row))))
}

/// `DELETE /kennel/v1/compositions/ID`: also one that waits or is being made.
pub async fn forget(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (studio, row) = named(&app, &caller, id).await?;
    studio.delete(row.id).await.map_err(|problem| match problem {
        NotDeleted::History(problem) => unreadable(problem),
        problem => {
            tracing::error!(?problem, "the file of a composition cannot be deleted");
            Problem::internal()
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /kennel/v1/compositions/ID/media`: to an address of the file that is good for a while.
pub async fn media(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let (studio, row) = named(&app, &caller, id).await?;
    let address = studio.address(&row, TTL_DEFAULT_S).ok_or_else(no_file)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address), (header::CACHE_CONTROL, "no-store".to_owned())]).into_response())
}

/// `POST /kennel/v1/compositions/ID/link`: such an address in words, to be given away.
pub async fn link(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let (studio, row) = named(&app, &caller, id).await?;
    let seconds = seconds(body)?;
    let address = studio.address(&row, seconds).ok_or_else(no_file)?;
    Ok(address_ends(&asked, &address, seconds))
}

/// The composition of this id, if the caller may have it.
async fn named<'a>(
    app: &'a App,
    caller: &Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<(&'a Studio, CompositionRow), Problem> {
    caller.need(Right::Record)?;
    let none = || Problem::not_found("There is no such composition.");
    let id = id.ok().and_then(|Path(id)| sid::parse_with("CJ", &id)).ok_or_else(none)?;
    let studio = app.studio.as_ref().ok_or_else(none)?;
    let row = studio.find(id).await.map_err(unreadable)?;
    let row = row.filter(|row| caller.allows_room(&row.room_name) && row.status != CompositionStatus::Deleted);
    Ok((studio, row.ok_or_else(none)?))
}

fn show(studio: &Studio, row: &CompositionRow, asked: Value) -> Value {
    let there = row.status == CompositionStatus::Completed;
    json!({
        "id": composition_sid(CompositionId(row.id)),
        "room": row.room_name,
        "room_sid": sid::room(room::RoomId(row.room)),
        "status": match row.status {
            CompositionStatus::Enqueued => "enqueued",
            CompositionStatus::Processing => "processing",
            CompositionStatus::Completed => "completed",
            CompositionStatus::Failed => "failed",
            CompositionStatus::Deleted => "deleted",
        },
        "percent": row.percent,
        "left": studio.left_s(row.id),
        "waits": studio.waits(row).map(|waits| match waits {
            Waits::Recording => "recording",
            Waits::Disk => "disk",
            Waits::Bucket => "bucket",
        }),
        "asked": asked,
        "why": Some(row.why.as_str()).filter(|why| !why.is_empty()),
        "container": row.container,
        "created": row.created_ms,
        "ended": row.ended_ms,
        "duration": there.then_some(row.duration_ms),
        "bytes": there.then_some(row.bytes),
    })
}

/// Of when, and of whom: layouts may be long, and lists are asked for often.
fn of_when(row: &CompositionRow) -> Value {
    let Part { from, to, who, .. } = Part::read(&row.parameters);
    json!({ "from": from, "to": to, "who": who })
}

/// What was asked for, as it can be asked for again.
fn as_asked(row: &CompositionRow) -> Value {
    let (wish, part) = (rows::wish(&row.parameters, None), Part::read(&row.parameters));
    let is = |layout: Map<String, Value>| Wish { video_layout: layout, ..wish.clone() };
    let as_kept = |layout| wish::check(is(layout)).is_ok_and(|checked| checked.video_layout == wish.video_layout);
    let layout = match &part.large {
        Some(_) => json!("large"),
        None if as_kept(wish::usual().video_layout) => json!("equal"),
        None if as_kept(wish::turns()) => json!("turns"),
        None => Value::Object(wish.video_layout.clone()),
    };
    let room = (!part.named).then(|| sid::room(room::RoomId(row.room)));
    json!({
        "room": room,
        "name": part.named.then_some(&row.room_name),
        "from": part.from,
        "to": part.to,
        "who": part.who,
        "layout": layout,
        "large": part.large,
        "sound": wish.audio_sources,
        "sound_excluded": wish.audio_sources_excluded,
        "resolution": wish.resolution,
        "format": wish.format.name(),
        "trim": wish.trim,
    })
}
