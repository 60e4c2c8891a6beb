//! Kennel's own API: what the page of a room's moderator needs and the vendor's SDK has no word for (`docs/ref/api.md`).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use signalwire::uuid;

use super::api::{name_invalid, read_json};
use super::keys_api::withdraw_link;
use super::problem::Problem;
use super::{App, Inside};
use crate::auth::Caller;
use crate::clock;
use crate::keyring::{Link, Right, is_name, origin};

/// `DELETE /kennel/v1/rooms/NAME`: the session in progress ends for everybody in it.
pub async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let name = managed(&app, &caller, name).await?;
    if app.rooms.end(&name).await { Ok(StatusCode::NO_CONTENT) } else { Err(no_room()) }
}

/// `POST /kennel/v1/rooms/NAME/block`: withdraws the link that a member came by, and so puts out everybody who came by it.
pub async fn block(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    #[derive(Deserialize)]
    struct Ask {
        member: String,
    }
    let ask: Ask = read_json(body)?;
    let name = managed(&app, &caller, name).await?;
    let member = uuid::parse(&ask.member).ok_or_else(no_member)?;
    let Inside::Came(origin) = app.rooms.inside(&name, member).await else { return Err(no_member()) };
    let id = origin.as_deref().map(|origin| origin::read(origin).0).unwrap_or_default();
    let link = app.store.keyring().living(id, clock::unix_ms()).cloned();
    let link = link.ok_or_else(|| conflict("no_link", "This person came by no link that could be withdrawn."))?;
    check_block(&caller, &name, &link)?;
    if withdraw_link(&app, &link.id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_member()) }
}

/// Whoever looks after a room may take away what lets guests into it, and no more.
fn check_block(caller: &Caller, room: &str, link: &Link) -> Result<(), Problem> {
    let of_guests = link.rights.list() == [Right::Guest] && link.room.as_deref() == Some(room);
    if caller.link.as_ref() == Some(&link.id) {
        Err(conflict("own_link", "This person came by the same link as you."))
    } else if link.is_owners() {
        Err(conflict("owner_link", "This person came by the owner's link."))
    } else if of_guests || caller.rights.has(Right::Owner) {
        Ok(())
    } else {
        let message = "This person's link is good for more than this room. Only the owner can withdraw it.";
        Err(Problem::new(StatusCode::FORBIDDEN, "link_not_yours", message))
    }
}

/// The name of a room in progress that the caller looks after. Rooms without a mix have no moderators besides the owner.
async fn managed(app: &App, caller: &Caller, name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    caller.need(Right::Moderator)?;
    let name = name.map(|Path(name)| name).ok().filter(|name| is_name(name));
    let name = name.ok_or_else(|| name_invalid("A room's name"))?;
    if !caller.allows_room(&name) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "room_not_allowed", "This link is for another room."));
    }
    let state = app.rooms.state(&name).await.ok_or_else(no_room)?;
    if !state.mixed {
        caller.need(Right::Owner)?;
    }
    Ok(name)
}

fn no_room() -> Problem {
    Problem::not_found("There is nobody in a room of this name.")
}

fn no_member() -> Problem {
    Problem::not_found("This person is not in the room any more.")
}

fn conflict(code: &'static str, message: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, message)
}
