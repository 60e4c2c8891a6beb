//! Parameters of recordings, compositions, their hooks, and where files are kept. Of these only recordings are made: lists of the others
//! are empty, nothing is found, and who asks for a new one hears so. What is asked must be right all the same, so that an app's mistakes
//! show now.

use super::ask::{CompositionFilter, Grouping, HookFilter, MediaStatus, RecordingFilter};
use super::form::{Form, decimal};
use super::limit::{FRIENDLY_NAME_CHARS_MAX, MEDIA_TTL_DEFAULT_S, MEDIA_TTL_S};
use super::refusal::Refusal;
use super::rooms::{CREATED_BEFORE, CREATED_FROM};
use crate::{sid, unique};
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

/// The answer to whoever wants a composition.
pub(super) fn compose(form: &Form) -> Refusal {
    check_composition(form).err().unwrap_or_else(|| Refusal::unserved("Compositions are not served here"))
}

/// The answer to whoever wants a composition hook.
pub(super) fn hook(form: &Form) -> Refusal {
    let checked = friendly_name(form).and_then(|_| check_sources(form)).and_then(|()| form.flag("Enabled"));
    checked.err().unwrap_or_else(|| Refusal::unserved("Composition hooks are not served here"))
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

fn friendly_name(form: &Form) -> Result<String, Refusal> {
    let name = form.required("FriendlyName")?;
    if name.chars().count() > FRIENDLY_NAME_CHARS_MAX {
        return Err(Refusal::invalid("FriendlyName", "must have at most 100 characters"));
    }
    Ok(name.to_owned())
}

fn check_composition(form: &Form) -> Result<(), Refusal> {
    form.required("RoomSid")?;
    sid_of(form, "RoomSid", "RM")?;
    check_sources(form)?;
    if form.one("VideoLayout")?.is_none() && form.all("AudioSources")?.is_empty() {
        return Err(Refusal::missing("VideoLayout"));
    }
    Ok(())
}

fn check_sources(form: &Form) -> Result<(), Refusal> {
    form.word("Format", &[("mp4", ()), ("webm", ())])?;
    form.flag("Trim")?;
    let layout = form.one("VideoLayout")?.map(|text| unique::value(text.as_bytes()).is_some_and(|value| value.is_object()));
    if layout == Some(false) {
        return Err(Refusal::invalid("VideoLayout", "must be a JSON object in which no key is there twice"));
    }
    Ok(())
}

fn sid_of(form: &Form, name: &'static str, letters: &str) -> Result<Option<u128>, Refusal> {
    let Some(text) = form.one(name)? else { return Ok(None) };
    let rule = || format!("must be a SID that begins with {letters}");
    sid::parse_with(letters, text).map(Some).ok_or_else(|| Refusal::invalid(name, &rule()))
}

fn group(text: &str) -> Result<Grouping, Refusal> {
    let room = sid::parse_room(text).map(Grouping::Room);
    let participant = || sid::parse_participant(text).map(Grouping::Participant);
    room.or_else(participant).ok_or_else(|| Refusal::invalid("GroupingSid", "must be the SID of a room or a participant"))
}
