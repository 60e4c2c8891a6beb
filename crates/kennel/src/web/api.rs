//! Kennel's own API: the server, the session, rooms, the live channel (`docs/ref/api.md`).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use room::Refusal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::asked::Asked;
use super::problem::Problem;
use super::{App, RoomRow, SOCKET_BUFFER_BYTES, on_disk};
use crate::auth::{self, Caller};
use crate::clock;
use crate::config::{RoomType, Secret};
use crate::keyring::{Right, is_name};
use crate::live;

/// The longest text of a code, in bytes: a long link, and still one that phones read from a screen.
const QR_MAX_BYTES: usize = 512;

/// `GET /kennel/v1/server`
pub async fn server(State(app): State<Arc<App>>, Extension(asked): Extension<Asked>) -> Json<Value> {
    let site = &app.site;
    let certificate = site.authority.as_ref();
    Json(json!({
        "name": "Kennel",
        "version": env!("CARGO_PKG_VERSION"),
        "time": clock::unix_ms(),
        "open": site.open,
        "secure": asked.is_secure(),
        "secure_url": site.https_port.map(|port| asked.host.https_at(port)),
        "certificate": certificate.map(|own| json!({ "url": "/kennel/ca.crt", "sha256": own.sha256 })),
    }))
}

/// `GET /kennel/v1/session`
pub async fn session(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    caller: Caller,
) -> Response {
    let mut response = Json(session_of(&app, &caller)).into_response();
    // Seen again, so the browser too shall keep it for another 30 days.
    if let (Some(_), Some(cookie)) = (&caller.session, auth::cookie(&headers, asked.https)) {
        put_cookie(&mut response, &auth::set_cookie(&Secret::new(cookie), asked.https));
    }
    response
}

/// `POST /kennel/v1/session`
pub async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        key: String,
    }
    let ask: Ask = read_json(body)?;
    let (caller, cookie) = auth::sign_in(&app, ask.key.trim(), &device_name(&headers), &asked)?;
    // Before the answer: a page has wiped its key by then, and a crash must not lock it out.
    save_sessions(&app).await;
    let mut response = Json(session_of(&app, &caller)).into_response();
    put_cookie(&mut response, &auth::set_cookie(&cookie, asked.https));
    Ok(response)
}

/// `DELETE /kennel/v1/session`
pub async fn sign_out(State(app): State<Arc<App>>, Extension(asked): Extension<Asked>, caller: Caller) -> Response {
    if let Some(session) = &caller.session {
        app.store.sessions().end(session);
        app.live.end(session, live::message::EndReason::Withdrawn).await;
        save_sessions(&app).await;
        caller.origin().iter().for_each(|origin| app.rooms.withdraw(origin));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_cookie(&mut response, &auth::clear_cookie(asked.https));
    response
}

/// `POST /kennel/v1/qr`
pub async fn qr(_: Caller, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        text: String,
    }
    let ask: Ask = read_json(body)?;
    if ask.text.is_empty() || ask.text.len() > QR_MAX_BYTES {
        return Err(Problem::malformed("The text of a code has 1 to 512 bytes."));
    }
    let code = QrCode::new(ask.text).map_err(|_| Problem::malformed("This text fits no code."))?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(256, 256).build();
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response())
}

/// `GET /kennel/v1/rooms`
pub async fn rooms(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.need(Right::Owner)?;
    let rooms: Vec<RoomRow> = app.rooms.rooms().await;
    Ok(Json(json!({ "rooms": rooms })))
}

/// `PUT /kennel/v1/rooms/NAME`
pub async fn set_room(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        #[serde(rename = "type")]
        kind: String,
    }
    caller.need(Right::Owner)?;
    let name = name.map(|Path(name)| name).ok().filter(|name| is_name(name));
    let name = name.ok_or_else(|| name_invalid("A room's name"))?;
    let ask: Ask = read_json(body)?;
    let kind = match ask.kind.as_str() {
        "go" => RoomType::Go,
        "peer-to-peer" => RoomType::PeerToPeer,
        "auto" => RoomType::Auto,
        "group" => RoomType::Group,
        "group-small" => RoomType::GroupSmall,
        _ => return Err(Problem::malformed("A room's type is auto, go, peer-to-peer, group or group-small.")),
    };
    app.rooms.set_room_type(&name, kind).await.map_err(type_refused)?;
    Ok(Json(json!({ "name": name, "type": ask.kind })))
}

fn type_refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::KindNotServed => {
            let message = "Rooms of that type need the media server, and this Kennel runs without it.";
            Problem::new(StatusCode::CONFLICT, "type_not_served", message)
        }
        Refusal::TooManyRooms => {
            let message =
                "The types of too many rooms are set already. Start Kennel anew, and only those in its configuration are.";
            Problem::new(StatusCode::CONFLICT, "too_many_types", message)
        }
        refusal => {
            tracing::warn!(?refusal, "the rooms refused a type that was checked before");
            name_invalid("A room's name")
        }
    }
}

/// `GET /kennel/v1/live`
pub async fn live(
    State(app): State<Arc<App>>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::malformed("The live channel is a WebSocket."))?;
    let Caller { rights, link, session, room, .. } = caller;
    let line = app.live.open(live::Badge { link, session, rights, room }).await;
    let metrics = app.metrics.clone();
    let limit = live::socket::MESSAGE_MAX_BYTES;
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit).read_buffer_size(SOCKET_BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| live::socket::run(socket, line, metrics)))
}

/// Paths of the API that are none.
pub async fn nothing() -> Problem {
    Problem::not_found("Kennel's API has no such call.")
}

/// Reads a JSON body of any content type.
///
/// # Errors
/// 400 `malformed`, 413 `too_large`.
pub fn read_json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "A body has at most 64 KiB."),
        _ => Problem::malformed("The body did not arrive whole."),
    })?;
    // The parser's own words may quote a key.
    serde_json::from_slice(&body).map_err(|problem| {
        Problem::malformed(format!(
            "The body is not the JSON of this call (line {}, column {}).",
            problem.line(),
            problem.column()
        ))
    })
}

/// 400 `name_invalid`.
pub fn name_invalid(what: &str) -> Problem {
    let message = format!("{what} has 1 to 128 characters and no control characters.");
    Problem::new(StatusCode::BAD_REQUEST, "name_invalid", message)
}

/// What a device is called in the list of sessions: its browser and system, if it says so.
pub fn device_name(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let find = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    // The order matters: most browsers also name those they descend from.
    let browser = find(&[("Firefox", "Firefox"), ("Edg", "Edge"), ("Chrom", "Chrome"), ("Safari", "Safari")]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Mac OS", "Mac"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ => "A script".to_owned(),
    }
}

/// Adds a `Set-Cookie`.
pub fn put_cookie(response: &mut Response, cookie: &str) {
    // A cookie is made of our own letters, or of what a header held a moment ago.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Writes the sessions. A failure is in the log; the session then lasts until the server stops.
pub async fn save_sessions(app: &Arc<App>) {
    let store = app.store.clone();
    let _ = on_disk(move || store.save_sessions()).await;
}

fn session_of(app: &App, caller: &Caller) -> Value {
    let reach = (app.site.reach)();
    json!({
        "rights": caller.rights.list(),
        "label": caller.label,
        "ends": caller.ends,
        "room": caller.room,
        "default_room": app.site.default_room,
        "open": app.site.open,
        "phone_url": reach.phone_url,
        "addresses": reach.addresses,
    })
}
