//! What happened in the rooms, and what became of telling it, for the owner.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{EventRow, Page};
use twilio::sid;

use super::App;
use super::problem::Problem;
use crate::auth::Caller;
use crate::courier;
use crate::keyring::Right;

/// Events of one answer.
const AT_ONCE: usize = 100;

/// What may be asked.
#[derive(Deserialize)]
pub struct Ask {
    /// Only those of this room, by its SID.
    room: Option<String>,
    /// `next` of the answer before.
    after: Option<i64>,
}

/// `GET /kennel/v1/events`
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Result<Query<Ask>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    caller.need(Right::Owner)?;
    let Query(ask) = query.map_err(|_| Problem::malformed("The query cannot be read."))?;
    let room = ask.room.map(|text| sid::parse_room(&text).ok_or_else(|| Problem::malformed("A room's SID is RM and 32 digits.")));
    let room = room.transpose()?.map(|room| room.0);
    let page = ask.after.map_or(Page::First { size: AT_ONCE }, |place| Page::After { place, size: AT_ONCE });
    let Some(calls) = &app.calls else { return Ok(Json(json!({ "events": [], "next": null }))) };
    let account = app.store.credentials().twilio_account_sid;
    let found = calls.history().events(&account, room, page).await.map_err(|problem| {
        tracing::warn!(%problem, "the log of events cannot be read");
        Problem::internal()
    })?;
    let next = found.last.filter(|_| found.more_after);
    Ok(Json(json!({ "events": found.rows.iter().map(show).collect::<Vec<_>>(), "next": next })))
}

fn show(event: &EventRow) -> Value {
    let waits = event.callback.is_some() && !courier::is_settled(&event.outcome);
    // Without the query and credentials of the URL: they may be secrets of the receiver's.
    let told = event.callback.as_ref().and_then(|callback| crate::egress::target(&callback.url).ok());
    json!({
        "room": sid::room(room::RoomId(event.room)),
        "event": event.name,
        "at": event.at_ms,
        "sequence": event.sequence,
        "told": told.map(|target| target.authority),
        "waits": waits,
        "outcome": event.outcome,
    })
}
