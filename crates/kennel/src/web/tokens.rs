//! Access tokens for pages of ours and for the original apps.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use twilio::token::{LIFETIME_MAX_S, Mint, mint};

use super::App;
use super::api::{name_invalid, read_json};
use super::names::Wish;
use super::problem::Problem;
use crate::auth::Caller;
use crate::clock;
use crate::keyring::{Right, is_name};

/// A page's wish.
#[derive(Deserialize)]
struct Ask {
    #[serde(rename = "as")]
    part: Part,
    name: String,
    #[serde(default)]
    room: Option<String>,
    #[serde(default)]
    device: String,
    #[serde(default)]
    take_over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Camera,
    Watch,
}

/// `POST /kennel/v1/token`
pub async fn token(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let ask: Ask = read_json(body)?;
    caller.need(match ask.part {
        Part::Camera => Right::Camera,
        Part::Watch => Right::Watch,
    })?;
    let room = room_of(&app, &caller, ask.room.clone())?;
    if !is_name(&ask.name) {
        return Err(name_invalid("A name"));
    }
    let identity = claim(&app, &ask, &room).await?;
    let (token, expires) = mint_for(&app, &caller, &identity, &room);
    let time = clock::unix_ms();
    Ok(Json(json!({ "token": token, "identity": identity, "room": room, "expires": expires, "time": time })))
}

/// `POST /login` of the original dog cam app: a token for the default room.
pub async fn login(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    #[derive(Deserialize)]
    struct Login {
        camera_name: String,
    }
    let name = read_json::<Login>(body).map(|login| login.camera_name).ok().filter(|name| is_name(name));
    let name = name.ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "name_invalid", "Say who you are in camera_name, in 1 to 128 characters.")
    })?;
    need_any(&caller)?;
    let room = room_of(&app, &caller, None)?;
    Ok(Json(json!({ "token": mint_for(&app, &caller, &name, &room).0 })))
}

/// `GET /api/token?identity=&room=` of the original apps: the bare token.
pub async fn bare(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Result<Query<Bare>, QueryRejection>,
) -> Result<String, Problem> {
    let Query(ask) = query.map_err(|_| Problem::malformed("The query cannot be read."))?;
    let identity = ask.identity.filter(|name| is_name(name)).ok_or_else(|| name_invalid("An identity"))?;
    need_any(&caller)?;
    let room = room_of(&app, &caller, ask.room)?;
    Ok(mint_for(&app, &caller, &identity, &room).0)
}

/// The query of [`bare`].
#[derive(Deserialize)]
pub struct Bare {
    identity: Option<String>,
    room: Option<String>,
}

/// An original app's page is camera and watcher in one.
fn need_any(caller: &Caller) -> Result<(), Problem> {
    caller.need(Right::Camera).or_else(|_| caller.need(Right::Watch))
}

/// The room asked for, else the link's own, else the default one.
pub(super) fn room_of(app: &App, caller: &Caller, asked: Option<String>) -> Result<String, Problem> {
    let own = || caller.room.clone().unwrap_or_else(|| app.site.default_room.clone());
    let room = asked.filter(|room| !room.is_empty()).unwrap_or_else(own);
    if !is_name(&room) {
        return Err(name_invalid("A room's name"));
    }
    if !caller.allows_room(&room) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "room_not_allowed", "This link is for another room."));
    }
    Ok(room)
}

/// The name that the device gets: a camera's own or none, a watcher's with a number if need be.
async fn claim(app: &App, ask: &Ask, room: &str) -> Result<String, Problem> {
    if !is_name(&ask.device) {
        return Err(Problem::malformed("A device names itself in device, in 1 to 128 characters."));
    }
    let present = app.rooms.identities(room).await;
    let camera = ask.part == Part::Camera;
    let wish = Wish { room, name: &ask.name, device: &ask.device, take_over: camera && ask.take_over, numbered: !camera };
    app.names().claim(wish, &present, Instant::now()).map_err(|_| {
        let message = format!("{} is already running on another device.", ask.name);
        Problem::new(StatusCode::CONFLICT, "name_taken", message)
    })
}

/// A token and when it ends, ms since 1970 UTC: as late as a token may, but never after the link.
fn mint_for(app: &App, caller: &Caller, identity: &str, room: &str) -> (String, u64) {
    let (credentials, now) = (app.store.credentials(), clock::unix_ms());
    let left_s = caller.ends.map(|ends| ends.saturating_sub(now) / 1000);
    let lifetime_s = left_s.map_or(LIFETIME_MAX_S, |left| left.min(LIFETIME_MAX_S));
    let origin = caller.origin();
    let what = Mint {
        account_sid: &credentials.twilio_account_sid,
        key_sid: &credentials.twilio_api_key_sid,
        identity,
        room: Some(room),
        lifetime_s,
        link_key: origin.as_deref(),
    };
    let token = mint(&what, credentials.twilio_api_key_secret.reveal(), now / 1000);
    (token, (now / 1000 + lifetime_s) * 1000)
}
