//! The text of every answer.

use super::ask::{Event, Member, Recording, RecordingState, Session};
use super::date::write as date;
use super::paging::{Ends, Page};
use super::record::RoomRecord;
use crate::names;
use crate::state::room_id;
use crate::uuid;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A room. `active` is its session in progress, if that was asked for and there is one.
#[must_use]
pub fn render_room(room: &RoomRecord, active: Option<&Session>) -> Value {
    let mut shown = settings(room);
    let own = json!({
        "id": uuid::spell(room.id),
        "description": room.description,
        "enable_room_previews": room.enable_room_previews,
        "meta": serde_json::from_str::<Value>(&room.meta).unwrap_or_else(|_| json!({})),
        "created_at": date(room.created_ms),
        "updated_at": date(room.updated_ms),
    });
    add(&mut shown, own);
    if let Some(session) = active {
        add(&mut shown, json!({ "active_session": render_session(session) }));
    }
    shown
}

/// A session.
#[must_use]
pub fn render_session(session: &Session) -> Value {
    let plain = RoomRecord {
        name: session.name.clone(),
        display_name: session.name.clone(),
        id: room_id(&session.name),
        ..RoomRecord::default()
    };
    let room = session.record.as_ref().unwrap_or(&plain);
    let mut shown = settings(room);
    let (locked, layout) = session.stage.unwrap_or((false, room.layout));
    let own = json!({
        "id": uuid::spell(session.id),
        "room_id": uuid::spell(room.id),
        "name": session.name,
        "max_members": session.seats_max,
        "layout": names::layout(layout),
        "start_time": date(session.began_ms),
        "end_time": session.ended_ms.map(date),
        "duration": session.ended_ms.map(|end| end.saturating_sub(session.began_ms) / 1000),
        "status": if session.ended_ms.is_some() { "completed" } else { "in-progress" },
        "locked": locked,
        "locked_cover": null,
        "preview_url": null,
        "enable_room_previews": room.enable_room_previews,
        "cost_in_dollars": 0.0,
        "created_at": date(session.began_ms),
        "updated_at": date(session.updated_ms),
    });
    add(&mut shown, own);
    shown
}

/// Who was in a session.
#[must_use]
pub fn render_member(member: &Member) -> Value {
    json!({
        "id": uuid::spell(member.id),
        "room_session_id": uuid::spell(member.session),
        "name": member.name,
        "join_time": date(member.came_ms),
        "leave_time": member.left_ms.map(date),
        "duration": member.left_ms.map(|left| left.saturating_sub(member.came_ms) / 1000),
        "cost_in_dollars": 0.0,
    })
}

/// A recording.
#[must_use]
pub fn render_recording(recording: &Recording) -> Value {
    json!({
        "id": uuid::spell(recording.id),
        "room_session_id": uuid::spell(recording.session),
        "status": match recording.state {
            RecordingState::Recording => "recording",
            RecordingState::Paused => "paused",
            RecordingState::Completed => "completed",
            RecordingState::Failed => "failed",
        },
        "started_at": date(recording.began_ms),
        "finished_at": recording.ended_ms.map(date),
        "duration": recording.ended_ms.map(|_| recording.duration_ms / 1000),
        "size_in_bytes": recording.ended_ms.map(|_| recording.bytes),
        "format": format!("video/{}", recording.container),
        "cost_in_dollars": 0.0,
        "uri": recording.uri,
        "created_at": date(recording.began_ms),
        "updated_at": date(recording.updated_ms),
    })
}

/// Something that happened. Its id is made of its session's and its number.
#[must_use]
pub fn render_event(event: &Event<'_>) -> Value {
    let payload: Map<String, Value> = event.payload.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "id": uuid::spell(event.session ^ u128::from(event.number).wrapping_add(1)),
        "project_id": event.project,
        "room_id": uuid::spell(event.room),
        "room_session_id": uuid::spell(event.session),
        "room_participant_id": event.member.map(uuid::spell),
        "level": "info",
        "name": event.name,
        "payload": payload,
        "created_at": date(event.at_ms),
    })
}

/// A token.
#[must_use]
pub fn render_token(token: &str) -> Value {
    json!({ "token": token })
}

/// A page of a list. `url` is that of the list, without a query.
#[must_use]
pub fn render_list(url: &str, page: &Page, ends: Ends, rows: Vec<Value>) -> Value {
    json!({ "links": page.links(url, ends), "data": rows })
}

/// As JSON. Our own types are always sayable.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What rooms and their sessions have alike.
fn settings(room: &RoomRecord) -> Value {
    json!({
        "name": room.name,
        "display_name": room.display_name,
        "max_members": room.max_members,
        "quality": room.quality.name(),
        "fps": room.fps,
        "join_from": room.join_from_ms.map(date),
        "join_until": room.join_until_ms.map(date),
        "remove_at": room.remove_at_ms.map(date),
        "remove_after_seconds_elapsed": room.remove_after_s,
        "layout": names::layout(room.layout),
        "record_on_start": room.record_on_start,
        "tone_on_entry_and_exit": room.tone_on_entry_and_exit,
        "room_join_video_off": room.room_join_video_off,
        "user_join_video_off": room.user_join_video_off,
        "prioritize_handraise": room.prioritize_handraise,
        "sync_audio_video": room.sync_audio_video,
    })
}

fn add(to: &mut Value, more: Value) {
    if let (Some(to), Value::Object(more)) = (to.as_object_mut(), more) {
        to.extend(more);
    }
}
