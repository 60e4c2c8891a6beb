//! Parameters of recordings, of lists of compositions and their hooks, and of where files are kept.

use super::ask::{CompositionFilter, Grouping, HookFilter, MediaStatus, RecordingFilter};
use super::form::{Form, decimal};
use super::limit::{FRIENDLY_NAME_CHARS_MAX, MEDIA_TTL_DEFAULT_S, MEDIA_TTL_S};
use super::refusal::Refusal;
use super::rooms::{CREATED_BEFORE, CREATED_FROM};
use crate::sid;
use room::{Kind, RoomId, TrackId};

pub(super) const RECORDING_FILTERS: [&str; 6] = ["Status", "SourceSid", "GroupingSid", CREATED_FROM, CREATED_BEFORE, "MediaType"];

pub(super) fn recordings(form: &Form) -> Result<RecordingFilter, Refusal> {
    let groups = form.all("GroupingSid")?.into_iter().map(group).collect::<Result<_, _>>()?;
    let kind = form.word("MediaType", &[("audio", Kind::Audio), ("video", Kind::Video), ("data", Kind::Data)])?;
    Ok(RecordingFilter { groups, kind, ..room_recordings(form)? })
}

pub(super) const ROOM_RECORDING_FILTERS: [&str; 4] = ["Status", "SourceSid", CREATED_FROM, CREATED_BEFORE];

pub(super) fn room_recordings(form: &Form) -> Result<RecordingFilter, Refusal> {
    Ok(RecordingFilter {
        status: form.word("Status", &STATUSES[1..])?,
        source: sid_of(form, "SourceSid", "MT")?.map(TrackId),
        created_from_ms: form.moment(CREATED_FROM)?,
        created_before_ms: form.moment(CREATED_BEFORE)?,
        ..RecordingFilter::default()
    })
}

/// How long the address of a file is good, in seconds.
pub(super) fn ttl(form: &Form) -> Result<u32, Refusal> {
    let Some(text) = form.one("Ttl")? else { return Ok(MEDIA_TTL_DEFAULT_S) };
    let seconds = decimal(text).filter(|seconds| MEDIA_TTL_S.contains(seconds));
    seconds.ok_or_else(|| Refusal::invalid("Ttl", "must be a whole number from 1 to 86400"))
}

/// The first only of compositions.
const STATUSES: [(&str, MediaStatus); 5] = [
    ("enqueued", MediaStatus::Enqueued),
    ("processing", MediaStatus::Processing),
    ("completed", MediaStatus::Completed),
    ("deleted", MediaStatus::Deleted),
    ("failed", MediaStatus::Failed),
];

pub(super) const COMPOSITION_FILTERS: [&str; 4] = ["Status", CREATED_FROM, CREATED_BEFORE, "RoomSid"];

pub(super) fn compositions(form: &Form) -> Result<CompositionFilter, Refusal> {
    Ok(CompositionFilter {
        status: form.word("Status", &STATUSES)?,
        room: sid_of(form, "RoomSid", "RM")?.map(RoomId),
        created_from_ms: form.moment(CREATED_FROM)?,
        created_before_ms: form.moment(CREATED_BEFORE)?,
    })
}

pub(super) const HOOK_FILTERS: [&str; 4] = ["Enabled", CREATED_FROM, CREATED_BEFORE, "FriendlyName"];

pub(super) fn hooks(form: &Form) -> Result<HookFilter, Refusal> {
    Ok(HookFilter {
        enabled: form.flag("Enabled")?,
        name: form.one("FriendlyName")?.map(str::to_owned),
        created_from_ms: form.moment(CREATED_FROM)?,
        created_before_ms: form.moment(CREATED_BEFORE)?,
    })
}

/// The answer to whoever wants a transcription.
pub(super) fn transcribe() -> Refusal {
    Refusal::unserved("Transcriptions are not served here")
}

/// The name in settings about where files are kept. They are kept here, so nothing else may be asked for.
pub(super) fn settings(form: &Form) -> Result<String, Refusal> {
    let name = friendly_name(form)?;
    for parameter in ["AwsStorageEnabled", "EncryptionEnabled"] {
        if form.flag(parameter)? == Some(true) {
            return Err(Refusal::invalid(parameter, "must be false: files are kept on this server"));
        }
    }
    Ok(name)
}

pub(super) fn friendly_name(form: &Form) -> Result<String, Refusal> {
    let name = form.required("FriendlyName")?;
    if name.chars().count() > FRIENDLY_NAME_CHARS_MAX {
        return Err(Refusal::invalid("FriendlyName", "must have at most 100 characters"));
    }
    Ok(name.to_owned())
}

pub(super) fn sid_of(form: &Form, name: &'static str, letters: &str) -> Result<Option<u128>, Refusal> {
    let Some(text) = form.one(name)? else { return Ok(None) };
    let rule = || format!("must be a SID that begins with {letters}");
    sid::parse_with(letters, text).map(Some).ok_or_else(|| Refusal::invalid(name, &rule()))
}

fn group(text: &str) -> Result<Grouping, Refusal> {
    let room = sid::parse_room(text).map(Grouping::Room);
    let participant = || sid::parse_participant(text).map(Grouping::Participant);
    room.or_else(participant).ok_or_else(|| Refusal::invalid("GroupingSid", "must be the SID of a room or a participant"))
}
