//! SignalWire's REST address: who may ask, how often, and the answer as HTTP.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use room::Permission;
use serde::Deserialize;
use serde_json::{Value, json};
use signalwire::rest::{self, NewToken, Refusal, limit, parse};
use signalwire::token::{self, Mint};
use signalwire::{names, uuid};

use super::accept::Connection;
use super::api::{name_invalid, read_json};
use super::asked::Asked;
use super::gate::Peer;
use super::headers::{challenge, is_space};
use super::pages;
use super::problem::Problem;
use super::tokens::room_of;
use super::vendor::{Rate, basic, whole};
use super::{App, RoomState};
use crate::auth::{Caller, Tries};
use crate::clock;
use crate::keyring::{Right, is_name, random};
use crate::spaces::{Place, Spaces};

/// What calls are answered by, and how many of them.
pub struct Calls {
    spaces: Spaces,
    writes_per_s: u32,
    reads_per_s: u32,
    /// Reads, writes.
    rates: Mutex<[Rate; 2]>,
}

impl Calls {
    /// Calls that these spaces answer, so many of each kind per second.
    #[must_use]
    pub fn new(spaces: Spaces, writes_per_s: u32, reads_per_s: u32, now: Instant) -> Self {
        let rates = Mutex::new([Rate::new(reads_per_s, now), Rate::new(writes_per_s, now)]);
        Calls { spaces, writes_per_s, reads_per_s, rates }
    }

    /// Whether one more call is within its rate. Counts it, if so.
    fn admits(&self, writes: bool, now: Instant) -> bool {
        let per_s = if writes { self.writes_per_s } else { self.reads_per_s };
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates[usize::from(writes)].take(per_s.into(), now)
    }
}

/// Any path under `/api/video/`, with however many slashes, for the project and its token; and whatever else nobody has.
pub async fn call_or_page(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    if is_space(request.uri().path()) {
        call(&app, &asked, &connection, request).await
    } else {
        pages::other(State(app), request).await
    }
}

async fn call(app: &App, asked: &Asked, connection: &Connection, request: Request) -> Response {
    if let Err(refusal) = authenticate(app, request.headers(), asked) {
        return *refusal;
    }
    connection.authenticated();
    match answer(app, asked, request).await {
        Ok((status, body)) => say(status, body.map(|body| body.to_string())),
        Err(refusal) => refuse(&refusal),
    }
}

async fn answer(app: &App, asked: &Asked, request: Request) -> Result<(u16, Option<Value>), Refusal> {
    let calls = app.spaces.as_ref().ok_or(Refusal::NotFound)?;
    let (head, body) = request.into_parts();
    let body = whole(body, limit::BODY_BYTES_MAX).await.ok_or(Refusal::TooLarge)?;
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let ask = parse(&rest::Request { method: head.method.as_str(), path, query, body: &body })?;
    if !calls.admits(ask.changes(), Instant::now()) {
        return Err(Refusal::TooMany);
    }
    let status = ask.success();
    let origin = asked.origin();
    let mint = |token: &NewToken| mint(app, asked, token);
    let project = app.store.credentials().signalwire_project_key;
    let body = calls.spaces.answer(ask, Place { origin: &origin, path, project: &project }, &mint).await?;
    Ok((status, body))
}

/// A token whose holder's SDK comes to the address that this call came to.
fn mint(app: &App, asked: &Asked, new: &NewToken) -> String {
    let usual: Vec<&str> = names::USUAL.into_iter().map(names::permission).collect();
    let said = new.permissions.as_ref().map(|words| words.iter().map(String::as_str).collect());
    let scopes: Vec<&str> = if new.audience { Vec::new() } else { said.unwrap_or(usual) };
    let random = uuid::spell(random::id());
    let user_name = new.user_name.clone().unwrap_or_else(|| format!("user_{}", &random[..8]));
    let second = |ms: u64| ms / 1000;
    sign(
        app,
        asked,
        &Mint {
            user_name: &user_name,
            room: &new.room_name,
            scopes: &scopes,
            makes_room: new.auto_create_room,
            audience: new.audience,
            media: new.media_allowed,
            opens_unix_s: new.join_from_ms.map(second),
            closes_unix_s: new.join_until_ms.map(second),
            removed_unix_s: new.remove_at_ms.map(second),
            stays_max_s: new.remove_after_s.map(u64::from),
            audio_muted: new.join_audio_muted,
            video_muted: new.join_video_muted,
            ends_room: new.end_room_session_on_leave,
            room_display_name: new.room_display_name.as_deref(),
            room_meta: new.room_meta.as_ref(),
            meta: new.meta.as_ref(),
            ..Mint::default()
        },
    )
}

/// Signs a token of this project whose holder comes to the address that was asked.
fn sign(app: &App, asked: &Asked, what: &Mint<'_>) -> String {
    let own = app.store.credentials();
    let host = format!("{}://{}", if asked.https { "wss" } else { "ws" }, asked.host);
    let (project, jti) = (own.signalwire_project_key.as_str(), uuid::spell(random::id()));
    let what = Mint { project, jti: &jti, host: Some(&host), ..what.clone() };
    token::mint(&what, own.signalwire_token.reveal(), clock::unix_ms() / 1000)
}

/// A page's wish for a token of a mixed room.
#[derive(Deserialize)]
struct PageAsk {
    room: String,
    user: String,
    #[serde(default)]
    moderator: bool,
    #[serde(default)]
    audio_muted: bool,
    #[serde(default)]
    video_muted: bool,
}

/// `POST /kennel/v1/room_token`: a token for the room pages. What a moderator may do is given to who holds a moderator's link only.
pub async fn page_token(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let ask: PageAsk = read_json(body)?;
    caller.need(if ask.moderator { Right::Moderator } else { Right::Guest })?;
    let room = room_of(&app, &caller, Some(ask.room))?;
    if !is_name(&ask.user) {
        return Err(name_invalid("A name"));
    }
    let allowed: Vec<Permission> = if ask.moderator { Permission::ALL.to_vec() } else { names::GUEST.to_vec() };
    // Recording is a right of its own.
    let others = allowed.into_iter().filter(|one| *one != Permission::Recording);
    let recording = caller.rights.has(Right::Record).then_some(Permission::Recording);
    let scopes: Vec<&str> = others.chain(recording).map(names::permission).collect();
    // Guests may not change the words about them, so what the list says of each is true.
    let meta = names::read_meta(if ask.moderator { r#"{"role":"moderator"}"# } else { r#"{"role":"guest"}"# });
    let now = clock::unix_ms();
    let left_s = caller.ends.map(|ends| ends.saturating_sub(now) / 1000);
    let lifetime_s = left_s.map_or(PAGE_TOKEN_S, |left| left.min(PAGE_TOKEN_S));
    let origin = caller.origin();
    let token = sign(
        &app,
        &asked,
        &Mint {
            user_name: &ask.user,
            room: &room,
            scopes: &scopes,
            audio_muted: ask.audio_muted,
            video_muted: ask.video_muted,
            lifetime_s: Some(lifetime_s),
            link_key: origin.as_deref(),
            meta: Some(&meta),
            ..Mint::default()
        },
    );
    let expires = (now / 1000 + lifetime_s) * 1000;
    // The SDK is told no more than that it may not come in.
    let closed = app.rooms.state(&room).await.and_then(|state| match state {
        RoomState { locked: true, .. } => Some("locked"),
        RoomState { full: true, .. } => Some("full"),
        _ => None,
    });
    Ok(Json(json!({
        "token": token, "room": room, "user": ask.user, "permissions": scopes, "expires": expires, "time": now, "closed": closed,
    })))
}

/// How long a page's token lives, in seconds: the page asks for a new one each time it joins.
const PAGE_TOKEN_S: u64 = 24 * 3600;

/// The project and its token as Basic `Authorization`, compared in constant time.
fn authenticate(app: &App, headers: &HeaderMap, asked: &Asked) -> Result<(), Box<Response>> {
    let (peer, now) = (Peer::from(asked.peer), Instant::now());
    let own = app.store.credentials();
    let given = basic(headers);
    // This first: such a secret is too long to be guessed, and an app that has a wrong one must not lock out the app beside it.
    if given.as_ref().is_some_and(|(user, token)| *user == own.signalwire_project_key && *token == own.signalwire_token) {
        return Ok(());
    }
    let barred = app.wrong_keys().is_barred(peer, now);
    // Asking without any credential is how a client learns that it needs one.
    if barred || (given.is_some() && app.wrong_keys().count(peer, now) == Tries::UsedUp) {
        let mut response = refuse(&Refusal::TooMany);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        return Err(Box::new(response));
    }
    let mut response = refuse(&Refusal::Unauthorized);
    if let Some(challenge) = challenge(headers) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Err(Box::new(response))
}

fn say(status: u16, body: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(body) => (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        None => status.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refuse(refusal: &Refusal) -> Response {
    let mut response = say(refusal.status(), Some(refusal.body()));
    let headers = response.headers_mut();
    if let Refusal::Method(allow) = refusal {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if matches!(refusal.status(), 429 | 503) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
