//! Tokens: what a body says of one.

use super::ask::NewToken;
use super::fields::Fields;
use super::limit::{DISPLAY_NAME_CHARS_MAX, META_CHARS_MAX, REMOVE_AFTER_S_MAX, USER_NAME_CHARS_MAX};
use super::refusal::{Fault, Refusal};
use super::room::name;
use crate::names;

pub(super) fn create(body: &[u8]) -> Result<NewToken, Refusal> {
    let fields = Fields::read(body)?;
    let audience = fields.word("join_as", |word| match word {
        "member" => Some(false),
        "audience" => Some(true),
        _ => None,
    });
    let (join_from_ms, join_until_ms) = (fields.date("join_from"), fields.date("join_until"));
    if join_from_ms.zip(join_until_ms).is_some_and(|(from, until)| from > until) {
        fields.fault(Fault::invalid("join_until", "must be after join_from"));
    }
    let token = NewToken {
        room_name: name(&fields, "room_name"),
        user_name: fields.text("user_name", USER_NAME_CHARS_MAX),
        permissions: fields.words("permissions", |word| names::parse_permission(word).map(|_| word.to_owned())),
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
        room_meta: fields.meta("room_meta", META_CHARS_MAX),
        meta: fields.meta("meta", META_CHARS_MAX),
    };
    fields.done(token)
}
