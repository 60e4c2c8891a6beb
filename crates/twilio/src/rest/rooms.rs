//! Parameters of rooms and participants.

use super::ask::{NewRoom, ParticipantFilter, RoomFilter};
use super::form::Form;
use super::limit::{
    GROUP_TRACKS_MAX, NAME_CHARS_MAX, PARTICIPANT_DURATION_DEFAULT_S, PARTICIPANT_DURATION_S, TIMEOUT_DEFAULT_MINUTES,
    TIMEOUT_MINUTES,
};
use super::memo::{Memo, Method};
use super::refusal::{Code, Refusal};
use super::route::Defaults;
use super::rules::{self, RuleLine};
use super::view::{ParticipantStatus, RoomStatus};
use crate::kind_of;
use crate::region::REGIONS;
use crate::webhook::Url;
use room::{RoomKind, RoomOptions, Topology, VideoCodec, is_speakable};

/// A new room. What is wrong with one parameter is said before what is wrong with two together; whether the name is free comes last, and
/// is for the rooms to say.
pub(super) fn create(form: &Form, defaults: &Defaults) -> Result<NewRoom, Refusal> {
    let name = unique_name(form)?;
    let kind = kind(form, defaults)?;
    let seats_limit = u32::try_from(kind.participants_max()).unwrap_or(u32::MAX);
    let seats_max = form.number("MaxParticipants", 1..=seats_limit, Code::MaxParticipants)?.unwrap_or(seats_limit);
    let session_max_s = form.number("MaxParticipantDuration", PARTICIPANT_DURATION_S, Code::ParticipantDuration)?;
    let (empty_timeout_s, unused_timeout_s) = (timeout(form, "EmptyRoomTimeout")?, timeout(form, "UnusedRoomTimeout")?);
    let memo = memo(form, defaults, kind)?;
    let options = RoomOptions { record: memo.record_rule(), ..options(form)? };
    form.flag("EnableTurn")?;
    check_kind(kind, &options, &memo)?;
    let tracks_max = is_served(kind).then_some(GROUP_TRACKS_MAX);
    let session_max_s = session_max_s.unwrap_or(PARTICIPANT_DURATION_DEFAULT_S);
    Ok(NewRoom { name, kind, options, seats_max, session_max_s, empty_timeout_s, unused_timeout_s, tracks_max, memo })
}

/// The end of a room: the only thing that can be changed about one.
pub(super) fn complete(form: &Form) -> Result<(), Refusal> {
    match form.required("Status")? {
        "completed" => Ok(()),
        _ => Err(Refusal::of(Code::Status, "Status", "must be completed")),
    }
}

/// The same of a participant.
pub(super) fn disconnect(form: &Form) -> Result<(), Refusal> {
    match form.required("Status")? {
        "disconnected" => Ok(()),
        _ => Err(Refusal::of(Code::ParticipantStatus, "Status", "must be disconnected")),
    }
}

pub(super) const FILTERS: [&str; 4] = ["Status", "UniqueName", CREATED_FROM, CREATED_BEFORE];

pub(super) fn filter(form: &Form) -> Result<RoomFilter, Refusal> {
    let statuses = [RoomStatus::InProgress, RoomStatus::Completed, RoomStatus::Failed].map(|status| (status.name(), status));
    Ok(RoomFilter {
        status: form.word("Status", &statuses)?.unwrap_or(RoomStatus::InProgress),
        name: form.one("UniqueName")?.map(str::to_owned),
        created_from_ms: form.moment(CREATED_FROM)?,
        created_before_ms: form.moment(CREATED_BEFORE)?,
    })
}

pub(super) const PARTICIPANT_FILTERS: [&str; 4] = ["Status", "Identity", CREATED_FROM, CREATED_BEFORE];

pub(super) fn participants(form: &Form) -> Result<ParticipantFilter, Refusal> {
    use ParticipantStatus::{Connected, Disconnected, Reconnecting};
    Ok(ParticipantFilter {
        status: form.word("Status", &[Connected, Reconnecting, Disconnected].map(|status| (status.name(), status)))?,
        identity: form.one("Identity")?.map(str::to_owned),
        created_from_ms: form.moment(CREATED_FROM)?,
        created_before_ms: form.moment(CREATED_BEFORE)?,
    })
}

/// Inclusive.
pub(super) const CREATED_FROM: &str = "DateCreatedAfter";
/// Exclusive.
pub(super) const CREATED_BEFORE: &str = "DateCreatedBefore";

/// An empty name is none, as the vendor's own tests have it; one of spaces is refused: an app that sends it would look for it in vain.
fn unique_name(form: &Form) -> Result<Option<String>, Refusal> {
    let refuse = |code, rule| Err(Refusal::of(code, "UniqueName", rule));
    match form.raw("UniqueName") {
        None | Some(Some("")) => Ok(None),
        Some(None) => refuse(Code::NameCharacters, "must be UTF-8"),
        Some(Some(name)) if name.chars().count() > NAME_CHARS_MAX => {
            refuse(Code::NameTooLong, "must have at most 128 characters")
        }
        Some(Some(name)) if name.trim().is_empty() => refuse(Code::NameInvalid, "must not be of spaces alone"),
        Some(Some(name)) if !is_speakable(name) => refuse(Code::NameCharacters, "must have no control or direction characters"),
        Some(Some(name)) => Ok(Some(name.to_owned())),
    }
}

fn kind(form: &Form, defaults: &Defaults) -> Result<RoomKind, Refusal> {
    let rule = "must be group, group-small, peer-to-peer, go or auto";
    let kind = match form.one("Type")? {
        Some(word) => kind_of(word).ok_or_else(|| Refusal::of(Code::RoomType, "Type", rule))?,
        None => defaults.kind,
    };
    Ok(if kind == RoomKind::Auto && asks_for_group(form) { RoomKind::Group } else { kind })
}

/// Whether something is asked for that only group rooms have. Apps that were written for the vendor say no type then, as group is its default.
fn asks_for_group(form: &Form) -> bool {
    let is_on = |name| matches!(form.flag(name), Ok(Some(true)));
    is_on("RecordParticipantsOnConnect")
        || is_on("AudioOnly")
        || matches!(recording_rules(form), Ok(Some(rules)) if take_any(&rules))
}

/// Whether rules take anything; those that do not are how somebody says that nothing is to be recorded.
fn take_any(rules: &[RuleLine]) -> bool {
    rules.iter().any(|rule| rule.include)
}

/// In seconds.
fn timeout(form: &Form, name: &'static str) -> Result<u32, Refusal> {
    Ok(form.number(name, TIMEOUT_MINUTES, Code::Timeout)?.unwrap_or(TIMEOUT_DEFAULT_MINUTES) * 60)
}

fn memo(form: &Form, defaults: &Defaults, kind: RoomKind) -> Result<Memo, Refusal> {
    let region = media_region(form)?.unwrap_or(&defaults.media_region);
    Ok(Memo {
        status_callback: callback(form)?,
        status_callback_method: callback_method(form)?,
        media_region: is_served(kind).then(|| region.to_owned()),
        record_participants_on_connect: form.flag("RecordParticipantsOnConnect")?.unwrap_or(false),
        recording_rules: recording_rules(form)?,
        large_room: form.flag("LargeRoom")?.unwrap_or(false),
        transcribe_participants_on_connect: form.flag("TranscribeParticipantsOnConnect")?.unwrap_or(false),
    })
}

pub(super) fn callback(form: &Form) -> Result<Option<String>, Refusal> {
    let Some(url) = form.one("StatusCallback")? else { return Ok(None) };
    let rule = "must be an http or https URL of less than 1024 characters";
    Url::parse(url).map(|_| Some(url.to_owned())).ok_or_else(|| Refusal::of(Code::Callback, "StatusCallback", rule))
}

pub(super) fn callback_method(form: &Form) -> Result<Method, Refusal> {
    Ok(form.one("StatusCallbackMethod")?.map(Method::read).transpose()?.unwrap_or_default())
}

/// `gll` is the nearest one.
fn media_region(form: &Form) -> Result<Option<&str>, Refusal> {
    match form.one("MediaRegion")? {
        None | Some("gll") => Ok(None),
        Some(region) if REGIONS.contains(&region) => Ok(Some(region)),
        Some(_) => Err(Refusal::of(Code::Region, "MediaRegion", "must be us1, us2, ie1, de1, br1, au1, in1, jp1, sg1 or gll")),
    }
}

fn recording_rules(form: &Form) -> Result<Option<Vec<RuleLine>>, Refusal> {
    let Some(text) = form.one("RecordingRules")? else { return Ok(None) };
    rules::recording(text).map(Some).map_err(|why| Refusal::of(Code::RecordingRules, "RecordingRules", &why))
}

fn options(form: &Form) -> Result<RoomOptions, Refusal> {
    let mut codecs = Vec::new();
    for word in form.all("VideoCodecs")? {
        let codec = match word {
            _ if word.eq_ignore_ascii_case("VP8") => VideoCodec::Vp8,
            _ if word.eq_ignore_ascii_case("H264") => VideoCodec::H264,
            _ => return Err(Refusal::invalid("VideoCodecs", "must be VP8 or H264, repeated for both")),
        };
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    Ok(RoomOptions { audio_only: form.flag("AudioOnly")?.unwrap_or(false), codecs, ..RoomOptions::default() })
}

/// What does not go together with a kind.
fn check_kind(kind: RoomKind, options: &RoomOptions, memo: &Memo) -> Result<(), Refusal> {
    let rule = "needs a room of type group or group-small";
    if is_served(kind) {
        Ok(())
    } else if memo.record_participants_on_connect {
        Err(Refusal::of(Code::Incompatible, "RecordParticipantsOnConnect", rule))
    } else if memo.recording_rules.as_ref().is_some_and(|rules| kind != RoomKind::Auto || take_any(rules)) {
        Err(Refusal::of(Code::NoRecording, "RecordingRules", rule))
    } else if options.audio_only {
        Err(Refusal::of(Code::AudioOnly, "AudioOnly", rule))
    } else {
        Ok(())
    }
}

/// Whether media passes the server from the beginning.
fn is_served(kind: RoomKind) -> bool {
    kind.topology() == Topology::Server
}
