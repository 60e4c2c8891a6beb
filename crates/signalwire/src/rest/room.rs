//! Rooms: what a body says of one.

use super::fields::Fields;
use super::limit::{DESCRIPTION_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, MEMBERS_MAX, NAME_CHARS_MAX, REMOVE_AFTER_S_MAX};
use super::record::{Quality, RoomRecord};
use super::refusal::{Fault, Refusal};
use super::route::Query;
use crate::names;
use ::room::LayoutName;

/// What is said of a room; what is not said stays as it is, or has its default in a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomDraft {
    /// Its name; only of a new room.
    pub name: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    max_members: Option<u32>,
    quality: Option<Quality>,
    fps: Option<u8>,
    /// Said, and perhaps taken away.
    join_from_ms: Option<Option<u64>>,
    join_until_ms: Option<Option<u64>>,
    remove_at_ms: Option<Option<u64>>,
    remove_after_s: Option<Option<u32>>,
    layout: Option<LayoutName>,
    record_on_start: Option<bool>,
    enable_room_previews: Option<bool>,
    tone_on_entry_and_exit: Option<bool>,
    room_join_video_off: Option<bool>,
    user_join_video_off: Option<bool>,
    prioritize_handraise: Option<bool>,
    sync_audio_video: Option<bool>,
    meta: Option<String>,
}

/// Which rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomFilter {
    /// Whether to tell of each room's session in progress.
    pub active_session: bool,
    /// That can be entered then or later, in ms since 1970 UTC.
    pub starts_after_ms: Option<u64>,
    /// That cannot be entered any more then.
    pub ends_before_ms: Option<u64>,
}

impl RoomDraft {
    /// The room that is made of it.
    #[must_use]
    pub fn make(self, id: u128, now_ms: u64) -> RoomRecord {
        let name = self.name.clone().unwrap_or_default();
        let fresh = RoomRecord { id, display_name: name.clone(), name, created_ms: now_ms, ..RoomRecord::default() };
        self.over(fresh, now_ms)
    }

    /// A room with what is said changed.
    ///
    /// # Errors
    /// With what stays as it is, nobody could ever come in.
    pub fn change(self, room: RoomRecord, now_ms: u64) -> Result<RoomRecord, Refusal> {
        let attribute = match (self.join_from_ms, self.join_until_ms) {
            (None, None) => None,
            (Some(_), None) => Some(("join_from", "must be before join_until")),
            (_, Some(_)) => Some(LATE),
        };
        let changed = self.over(room, now_ms);
        match attribute.filter(|_| is_never(changed.join_from_ms, changed.join_until_ms)) {
            Some((attribute, rule)) => Err(Refusal::invalid(attribute, rule)),
            None => Ok(changed),
        }
    }

    fn over(self, room: RoomRecord, now_ms: u64) -> RoomRecord {
        let display_name = self.display_name.map(|said| if said.is_empty() { room.name.clone() } else { said });
        RoomRecord {
            id: room.id,
            name: room.name,
            display_name: display_name.unwrap_or(room.display_name),
            description: self.description.unwrap_or(room.description),
            max_members: self.max_members.unwrap_or(room.max_members),
            quality: self.quality.unwrap_or(room.quality),
            fps: self.fps.unwrap_or(room.fps),
            join_from_ms: self.join_from_ms.unwrap_or(room.join_from_ms),
            join_until_ms: self.join_until_ms.unwrap_or(room.join_until_ms),
            remove_at_ms: self.remove_at_ms.unwrap_or(room.remove_at_ms),
            remove_after_s: self.remove_after_s.unwrap_or(room.remove_after_s),
            layout: self.layout.unwrap_or(room.layout),
            record_on_start: self.record_on_start.unwrap_or(room.record_on_start),
            enable_room_previews: self.enable_room_previews.unwrap_or(room.enable_room_previews),
            tone_on_entry_and_exit: self.tone_on_entry_and_exit.unwrap_or(room.tone_on_entry_and_exit),
            room_join_video_off: self.room_join_video_off.unwrap_or(room.room_join_video_off),
            user_join_video_off: self.user_join_video_off.unwrap_or(room.user_join_video_off),
            prioritize_handraise: self.prioritize_handraise.unwrap_or(room.prioritize_handraise),
            sync_audio_video: self.sync_audio_video.or(room.sync_audio_video),
            meta: self.meta.unwrap_or(room.meta),
            created_ms: room.created_ms,
            updated_ms: now_ms,
        }
    }
}

pub(super) fn create(body: &[u8]) -> Result<RoomDraft, Refusal> {
    let fields = Fields::read(body)?;
    let name = name(&fields, "name");
    let draft = read(&fields);
    fields.done(RoomDraft { name: Some(name), ..draft })
}

pub(super) fn update(body: &[u8]) -> Result<RoomDraft, Refusal> {
    let fields = Fields::read(body)?;
    let draft = read(&fields);
    fields.done(draft)
}

/// A room's name, which must be there.
pub(super) fn name(fields: &Fields, attribute: &'static str) -> String {
    let name = fields.text(attribute, NAME_CHARS_MAX).unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if name.is_empty() {
        fields.fault(Fault::missing(attribute));
    } else if !name.chars().all(plain) {
        fields.fault(Fault::invalid(attribute, "may have letters, digits, - and _ only"));
    }
    name
}

/// What is wrong with a `join_until`, and whose fault it is.
const LATE: (&str, &str) = ("join_until", "must be after join_from");

pub(super) fn check_window(fields: &Fields, from_ms: Option<u64>, until_ms: Option<u64>) {
    if is_never(from_ms, until_ms) {
        fields.fault(Fault::invalid(LATE.0, LATE.1));
    }
}

/// Nobody could ever come in at a time that does not end after it begins.
fn is_never(from_ms: Option<u64>, until_ms: Option<u64>) -> bool {
    from_ms.zip(until_ms).is_some_and(|(from, until)| from >= until)
}

pub(super) fn filter(query: &Query) -> Result<RoomFilter, Refusal> {
    Ok(RoomFilter {
        active_session: query.flag("include_active_session")?.unwrap_or(false),
        starts_after_ms: query.date("starts_after")?,
        ends_before_ms: query.date("ends_before")?,
    })
}

fn read(fields: &Fields) -> RoomDraft {
    let max_members = fields.number("max_members", 1, MEMBERS_MAX);
    // An older name of the same.
    let max_participants = fields.number("max_participants", 1, MEMBERS_MAX);
    let fps = fields.number("fps", 20, 30).and_then(|fps| u8::try_from(fps).ok());
    if fps.is_some_and(|fps| fps != 20 && fps != 30) {
        fields.fault(Fault::invalid("fps", "must be 20 or 30"));
    }
    let date = |name: &'static str| fields.has(name).then(|| fields.date(name));
    let (join_from_ms, join_until_ms) = (date("join_from"), date("join_until"));
    check_window(fields, join_from_ms.flatten(), join_until_ms.flatten());
    RoomDraft {
        name: None,
        display_name: fields.text_or_empty("display_name", DISPLAY_NAME_CHARS_MAX),
        description: fields.text_or_empty("description", DESCRIPTION_CHARS_MAX),
        max_members: max_members.or(max_participants),
        quality: fields.word("quality", Quality::parse),
        fps,
        join_from_ms,
        join_until_ms,
        remove_at_ms: date("remove_at"),
        remove_after_s: seconds(fields),
        layout: fields.word("layout", names::parse_layout),
        record_on_start: fields.flag("record_on_start"),
        enable_room_previews: fields.flag("enable_room_previews"),
        tone_on_entry_and_exit: fields.flag("tone_on_entry_and_exit"),
        room_join_video_off: fields.flag("room_join_video_off"),
        user_join_video_off: fields.flag("user_join_video_off"),
        prioritize_handraise: fields.flag("prioritize_handraise"),
        sync_audio_video: fields.flag("sync_audio_video"),
        meta: fields.meta("meta").map(|meta| names::write_meta(&meta)),
    }
}

fn seconds(fields: &Fields) -> Option<Option<u32>> {
    let name = "remove_after_seconds_elapsed";
    fields.has(name).then(|| fields.number(name, 1, REMOVE_AFTER_S_MAX))
}
