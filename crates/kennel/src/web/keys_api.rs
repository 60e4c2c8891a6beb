//! Kennel's own API: links and sessions, for the owner (`docs/ref/api.md`).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{read_json, save_sessions};
use super::problem::Problem;
use super::{App, keeper, on_disk};
use crate::auth::Caller;
use crate::clock;
use crate::keyring::{Link, LinkProblem, NewLink, Right, Session, origin};
use crate::live::message::EndReason;

/// `GET /kennel/v1/keys`
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.need(Right::Owner)?;
    let (keyring, sessions) = (app.store.keyring(), app.store.sessions());
    let all = sessions.list();
    let keys: Vec<_> = keyring.links().iter().map(|link| row(link, &all)).collect();
    Ok(Json(json!({ "keys": keys })))
}

/// `POST /kennel/v1/keys`
pub async fn make(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    #[derive(Deserialize)]
    struct Ask {
        label: String,
        rights: Vec<Right>,
        #[serde(default)]
        room: Option<String>,
        #[serde(default)]
        ends_in_s: Option<u64>,
    }
    caller.need(Right::Owner)?;
    let ask: Ask = read_json(body)?;
    let life_ms = ask.ends_in_s.map(|s| s.saturating_mul(1000));
    let new = NewLink { label: ask.label, rights: ask.rights.into_iter().collect(), room: ask.room, life_ms };
    let page = page_for(&new);
    let store = app.store.clone();
    let made = on_disk(move || store.update(|ring, random| ring.add(new, clock::unix_ms(), random))).await?;
    let (id, key) = made.map_err(link_problem)?;
    let path = format!("{page}#k={}", key.reveal());
    Ok((StatusCode::CREATED, Json(json!({ "id": id, "key": key.reveal(), "path": path }))))
}

/// The page that a link leads to: that of the first of its rights.
fn page_for(new: &NewLink) -> String {
    let cameras = new.rights.has(Right::Camera) || new.rights.has(Right::Watch);
    let page = match (cameras, new.rights.has(Right::Moderator), new.rights.has(Right::Guest)) {
        (true, _, _) => return "/dogcam".to_owned(),
        (false, true, _) => "/room",
        (false, false, true) => "/guest",
        (false, false, false) => return "/recordings".to_owned(),
    };
    match &new.room {
        Some(room) => format!("{page}?room={}", percent(room)),
        None => page.to_owned(),
    }
}

/// Percent-encoding of everything but what RFC 3986, section 2.3, leaves unreserved.
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `DELETE /kennel/v1/keys/ID`
pub async fn withdraw(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    caller.need(Right::Owner)?;
    let no_such = || Problem::not_found("There is no such link.");
    let Path(id) = id.map_err(|_| no_such())?;
    if app.store.keyring().links().iter().any(|link| link.id == id && link.is_owners()) {
        let message = "This is the owner's link. Replace it on the server: kennel keys --renew";
        return Err(Problem::new(StatusCode::CONFLICT, "owner_link", message));
    }
    if withdraw_link(&app, &id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_such()) }
}

/// Takes a link away, and ends all that goes by it. False if there is none of this id.
pub(super) async fn withdraw_link(app: &Arc<App>, id: &str) -> Result<bool, Problem> {
    let (store, asked) = (app.store.clone(), id.to_owned());
    if !on_disk(move || store.update(|ring, _| ring.withdraw(&asked))).await? {
        return Ok(false);
    }
    app.store.sessions().sweep(clock::unix_ms(), |link| link != id);
    save_sessions(app).await;
    keeper::end(app, id).await;
    Ok(true)
}

/// `GET /kennel/v1/sessions`
pub async fn sessions(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.need(Right::Owner)?;
    let sessions = app.store.sessions();
    let rows = sessions.list().into_iter().map(|session| {
        json!({
            "id": session.id,
            "key": session.link,
            "device": session.device,
            "created": session.created,
            "last_used": session.seen,
            "current": caller.session.as_ref() == Some(&session.id),
        })
    });
    Ok(Json(json!({ "sessions": rows.collect::<Vec<_>>() })))
}

/// `DELETE /kennel/v1/sessions/ID`
pub async fn end_session(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    caller.need(Right::Owner)?;
    let no_such = || Problem::not_found("There is no such session.");
    let Path(id) = id.map_err(|_| no_such())?;
    let link = app.store.sessions().link_of(&id).map(str::to_owned).ok_or_else(no_such)?;
    app.store.sessions().end(&id);
    save_sessions(&app).await;
    app.live.end(&id, EndReason::Withdrawn).await;
    app.rooms.withdraw(&origin::write(&link, Some(&id)));
    Ok(StatusCode::NO_CONTENT)
}

fn row(link: &Link, sessions: &[&Session]) -> Value {
    let own = || sessions.iter().filter(|session| session.link == link.id);
    json!({
        "id": link.id,
        "label": link.label,
        "rights": link.rights.list(),
        "room": link.room,
        "created": link.created,
        "ends": link.ends,
        "last_used": own().map(|session| session.seen).max(),
        "sessions": own().count(),
    })
}

fn link_problem(problem: LinkProblem) -> Problem {
    let code = match problem {
        LinkProblem::Label | LinkProblem::Room => "name_invalid",
        LinkProblem::NoRight => "rights_invalid",
        LinkProblem::Life => "end_invalid",
        LinkProblem::TooMany => "too_many_keys",
    };
    Problem::new(StatusCode::BAD_REQUEST, code, problem.sentence())
}
