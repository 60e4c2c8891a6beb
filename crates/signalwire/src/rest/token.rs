//! Tokens: what a body says of one.

use super::ask::NewToken;
use super::fields::Fields;
use super::limit::{DISPLAY_NAME_CHARS_MAX, REMOVE_AFTER_S_MAX, USER_NAME_CHARS_MAX};
use super::refusal::{Fault, Refusal};
use super::room::{check_window, name};
use crate::limit::{SCOPE_BYTES_MAX, SCOPES_MAX};
use crate::names;

/// Whoever could not be shown would not be let in.
fn user_name(fields: &Fields) -> Option<String> {
    let name = fields.text("user_name", USER_NAME_CHARS_MAX)?;
    if name.trim().is_empty() || !::room::is_speakable(&name) {
        fields.fault(Fault::invalid("user_name", "may have no control characters, and not only spaces"));
    }
    Some(name)
}

fn permissions(fields: &Fields) -> Option<Vec<String>> {
    let known = |word: &str| names::parse_permission(word).filter(|_| word.len() <= SCOPE_BYTES_MAX).map(|_| word.to_owned());
    fields.words("permissions", SCOPES_MAX, known)
}

pub(super) fn create(body: &[u8]) -> Result<NewToken, Refusal> {
    let fields = Fields::read(body)?;
    let audience = fields.word("join_as", |word| match word {
        "member" => Some(false),
        "audience" => Some(true),
        _ => None,
    });
    let (join_from_ms, join_until_ms) = (fields.date("join_from"), fields.date("join_until"));
    check_window(&fields, join_from_ms, join_until_ms);
    let token = NewToken {
        room_name: name(&fields, "room_name"),
        user_name: user_name(&fields),
        permissions: permissions(&fields),
        audience: audience.unwrap_or(false),
        join_from_ms,
        join_until_ms,
        remove_at_ms: fields.date("remove_at"),
        remove_after_s: fields.number("remove_after_seconds_elapsed", 1, REMOVE_AFTER_S_MAX),
        join_audio_muted: fields.flag("join_audio_muted").unwrap_or(false),
        join_video_muted: fields.flag("join_video_muted").unwrap_or(false),
        auto_create_room: fields.flag("auto_create_room").unwrap_or(true),
        room_display_name: fields.text("room_display_name", DISPLAY_NAME_CHARS_MAX),
        end_room_session_on_leave: fields.flag("end_room_session_on_leave").unwrap_or(false),
        media_allowed: fields.word("media_allowed", names::parse_media).unwrap_or_default(),
        room_meta: fields.meta("room_meta"),
        meta: fields.meta("meta"),
    };
    fields.done(token)
}
