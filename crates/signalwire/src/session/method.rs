//! What a client asks of the room by name, as a wish of the rooms. Parameters that nobody needs are skipped: pages send strange ones.

use std::time::Duration;

use room::{
    Command, LayoutName, MediaAllowed, MemberAct, MetaChange, ParticipantId, Permission, PlayAct, PlayStart, PlaybackId,
    Position, Question, RecordAct, RecordingId, Rights, StageAct, Target,
};
use serde_json::{Map, Value};

use crate::call::Wanted;
use crate::limit::{META_CHARS_MAX, META_KEYS_MAX, PLACES_MAX, SEEK_MS_MAX};
use crate::problem::Problem;
use crate::wire::Coded;
use crate::{names, state, uuid};

/// What a method is.
pub enum Method {
    /// A wish; whether it was done is the answer.
    Do(Command),
    /// A wish, and what of its answer is wanted.
    Make(Command, Wanted),
    /// A question, and what of its answer is wanted.
    Tell(Question, Wanted),
    /// Something that needs nobody else.
    Say(Coded),
    /// The same, for who has this permission.
    Need(Permission, Result<Coded, Problem>),
    /// Nothing that anybody knows.
    Unknown,
}

type Params = Map<String, Value>;

/// Reads a call of this method by the participant `me`.
///
/// # Errors
/// What it asks for makes no sense.
pub fn read(name: &str, params: &Params, me: Option<ParticipantId>) -> Result<Method, Problem> {
    if let Some(name) = name.strip_prefix("video.member.") {
        return member(name, params, target(params, me));
    }
    if let Some(act) = stage(name, params, me)? {
        return Ok(Method::Do(Command::Stage(act)));
    }
    Ok(match name {
        "video.list_available_layouts" => Method::Tell(Question::Layouts, Wanted::Layouts),
        "video.members.get" => Method::Tell(Question::Stage, Wanted::Members),
        "video.get_meta" => Method::Tell(Question::Stage, Wanted::RoomMeta),
        "video.recording.start" => Method::Make(Command::Stage(StageAct::Record(RecordAct::Start)), Wanted::Recording),
        "video.recording.list" => Method::Tell(Question::Recordings, Wanted::Recordings),
        "video.playback.start" => Method::Make(Command::Stage(StageAct::Play(play(params)?)), Wanted::Playback),
        "video.playback.list" => Method::Tell(Question::Playbacks, Wanted::Playbacks),
        "video.stream.list" => Method::Need(Permission::Stream, nothing("streams")),
        "signalwire.subscribe"
        | "signalwire.unsubscribe"
        | "video.subscribe"
        | "video.unsubscribe"
        | "chat.subscribe"
        | "chat.unsubscribe" => Method::Say(Coded::ok()),
        _ if name.starts_with("video.stream.") => Method::Need(Permission::Stream, NOT_OFFERED),
        _ => Method::Unknown,
    })
}

/// What this server does not do for anybody.
const NOT_OFFERED: Result<Coded, Problem> = Err(Problem::NOT_OFFERED);

fn nothing(name: &'static str) -> Result<Coded, Problem> {
    Ok(Coded::with(name, Value::Array(Vec::new())))
}

fn member(name: &str, params: &Params, target: Target) -> Result<Method, Problem> {
    let act = match name {
        "audio_mute" => MemberAct::MuteAudio(true),
        "audio_unmute" => MemberAct::MuteAudio(false),
        "video_mute" => MemberAct::MuteVideo(true),
        "video_unmute" => MemberAct::MuteVideo(false),
        "deaf" => MemberAct::Deafen(true),
        "undeaf" => MemberAct::Deafen(false),
        "set_input_volume" => MemberAct::InputVolume(number(params, "volume", -50.0, 50.0)? as i8),
        "set_output_volume" => MemberAct::OutputVolume(number(params, "volume", -50.0, 50.0)? as i8),
        "set_input_sensitivity" => MemberAct::Sensitivity(number(params, "value", 0.0, 100.0)? as u8),
        "raisehand" => MemberAct::RaiseHand(true),
        "lowerhand" => MemberAct::RaiseHand(false),
        "set_position" => MemberAct::Place(position(params.get("position"))?),
        "remove" => MemberAct::Remove,
        "promote" => promote(params)?,
        "demote" => {
            let rights = Rights { media: media(params)?, ..Rights::default() };
            MemberAct::Demote { rights, meta: optional_meta(params)? }
        }
        "get_meta" => return Ok(Method::Tell(Question::Member(target), Wanted::MemberMeta)),
        _ => match meta_change(name, params)? {
            Some(change) => MemberAct::Meta(change),
            None => return Ok(Method::Unknown),
        },
    };
    Ok(Method::Do(Command::Member(target, act)))
}

fn promote(params: &Params) -> Result<MemberAct, Problem> {
    let permissions = match params.get("permissions").and_then(Value::as_array) {
        Some(list) => names::permissions(list.iter().filter_map(Value::as_str)),
        None => names::USUAL.into_iter().collect(),
    };
    let yes = |name| params.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(MemberAct::Promote {
        rights: Rights { publish: true, permissions, media: media(params)? },
        audio_muted: yes("join_audio_muted"),
        video_muted: yes("join_video_muted"),
        meta: optional_meta(params)?,
    })
}

fn media(params: &Params) -> Result<MediaAllowed, Problem> {
    let word = params.get("media_allowed").filter(|word| !word.is_null());
    word.map_or(Ok(MediaAllowed::All), |word| word.as_str().and_then(names::parse_media).ok_or(Problem::BAD_REQUEST))
}

fn optional_meta(params: &Params) -> Result<Option<room::Meta>, Problem> {
    params.get("meta").filter(|meta| !meta.is_null()).map(|_| meta(params)).transpose()
}

fn stage(name: &str, params: &Params, me: Option<ParticipantId>) -> Result<Option<StageAct>, Problem> {
    let places = || places(params.get("positions").and_then(Value::as_object), me);
    Ok(Some(match name {
        "video.set_layout" => StageAct::Layout(layout(params.get("name"))?, places()?),
        "video.set_position" => StageAct::Places(places()?),
        "video.hide_video_muted" => StageAct::HideVideoMuted(true),
        "video.show_video_muted" => StageAct::HideVideoMuted(false),
        "video.lock" => StageAct::Lock(true),
        "video.unlock" => StageAct::Lock(false),
        "video.prioritize_handraise" => StageAct::PrioritizeHands(params.get("enable").and_then(Value::as_bool).unwrap_or(true)),
        "video.recording.pause" => StageAct::Record(RecordAct::Pause(recording(params))),
        "video.recording.resume" => StageAct::Record(RecordAct::Resume(recording(params))),
        "video.recording.stop" => StageAct::Record(RecordAct::Stop(recording(params))),
        "video.playback.pause" => StageAct::Play(PlayAct::Pause(playback(params))),
        "video.playback.resume" => StageAct::Play(PlayAct::Resume(playback(params))),
        "video.playback.stop" => StageAct::Play(PlayAct::Stop(playback(params))),
        "video.playback.set_volume" => {
            StageAct::Play(PlayAct::Volume(playback(params), number(params, "volume", -50.0, 50.0)? as i8))
        }
        "video.playback.seek_absolute" => StageAct::Play(PlayAct::Seek(
            playback(params),
            Duration::from_millis(number(params, "position", 0.0, SEEK_MS_MAX)? as u64),
        )),
        "video.playback.seek_relative" => {
            StageAct::Play(PlayAct::SeekBy(playback(params), number(params, "position", -SEEK_MS_MAX, SEEK_MS_MAX)? as i64))
        }
        _ => match name.strip_prefix("video.").map(|name| meta_change(name, params)).transpose()?.flatten() {
            Some(change) => StageAct::Meta(change),
            None => return Ok(None),
        },
    }))
}

/// The recording that is meant. One that there is not is left to the rooms to look for in vain: they ask first whether the caller may do
/// that.
fn recording(params: &Params) -> RecordingId {
    RecordingId(params.get("recording_id").and_then(Value::as_str).and_then(uuid::parse).unwrap_or_default())
}

/// The file that is meant; as with recordings.
fn playback(params: &Params) -> PlaybackId {
    PlaybackId(params.get("playback_id").and_then(Value::as_str).and_then(uuid::parse).unwrap_or_default())
}

/// A file that is to be played, from the web: what else there may be we cannot play.
fn play(params: &Params) -> Result<PlayAct, Problem> {
    let given = |name: &str| params.get(name).filter(|value| !value.is_null());
    let url = given("url").and_then(Value::as_str).filter(|url| is_web(url)).ok_or(Problem::BAD_REQUEST)?;
    let optional = |name, least| {
        given(name).map_or(Ok(0.0), |_| number(params, name, least, if least < 0.0 { -least } else { SEEK_MS_MAX }))
    };
    Ok(PlayAct::Start(Box::new(PlayStart {
        url: url.into(),
        volume: optional("volume", -50.0)? as i8,
        at: Duration::from_millis(optional("seek_position", 0.0)? as u64),
        layout: given("layout").map(|name| layout(Some(name))).transpose()?,
        places: positions(params)?,
    })))
}

/// Who is to stand where: `self` is the file, and whoever calls is one of the others.
fn positions(params: &Params) -> Result<Vec<(Target, Position)>, Problem> {
    places(params.get("positions").and_then(Value::as_object), None)
}

/// Not with a user name and password: everybody who may play files is shown the address, and they are not sent.
fn is_web(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !host.contains('@') && ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

fn meta_change(name: &str, params: &Params) -> Result<Option<MetaChange>, Problem> {
    Ok(Some(match name {
        "set_meta" => MetaChange::Set(meta(params)?),
        "update_meta" => MetaChange::Update(meta(params)?),
        "delete_meta" => {
            let keys = params.get("keys").and_then(Value::as_array).ok_or(Problem::BAD_REQUEST)?;
            let keys = keys.iter().take(META_KEYS_MAX).filter_map(Value::as_str);
            MetaChange::Delete(keys.map(Into::into).collect())
        }
        _ => return Ok(None),
    }))
}

fn meta(params: &Params) -> Result<room::Meta, Problem> {
    let meta = params.get("meta").ok_or(Problem::BAD_REQUEST)?;
    let fits = meta.to_string().chars().count() <= META_CHARS_MAX;
    meta.as_object().filter(|_| fits).map(state::seal).ok_or(Problem::BAD_REQUEST)
}

/// What it takes to ask for this of whoever is meant, if that is a permission of its own. Only for what makes no sense: everything else the
/// rooms decide.
pub fn permission(name: &str, params: &Params, me: Option<ParticipantId>) -> Option<Permission> {
    let word = name.strip_prefix("video.")?.replace("update_meta", "set_meta").replace("delete_meta", "set_meta");
    let whose = if target(params, me) == Target::Me { "self" } else { "member" };
    let word = word.strip_prefix("member.").map_or_else(|| format!("room.{word}"), |act| format!("room.{whose}.{act}"));
    names::parse_permission(&word)
}

/// Who is meant: whoever calls, if nobody is named. What is no text names nobody that there is.
fn target(params: &Params, me: Option<ParticipantId>) -> Target {
    match params.get("member_id").filter(|id| !id.is_null()).map(Value::as_str) {
        None => Target::Me,
        Some(Some("all")) => Target::All,
        Some(id) => one(id.unwrap_or_default(), me),
    }
}

fn one(id: &str, me: Option<ParticipantId>) -> Target {
    let who = state::participant(id);
    if me == Some(who) { Target::Me } else { Target::One(who) }
}

/// A number, or a text that is one: sliders of a page have texts.
fn number(params: &Params, name: &str, least: f64, most: f64) -> Result<f64, Problem> {
    let value = params.get(name).ok_or(Problem::BAD_REQUEST)?;
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|n| n.is_finite()).map(|n| n.round().clamp(least, most)).ok_or(Problem::BAD_REQUEST)
}

fn layout(value: Option<&Value>) -> Result<LayoutName, Problem> {
    value.and_then(Value::as_str).and_then(names::parse_layout).ok_or(Problem::BAD_REQUEST)
}

fn position(value: Option<&Value>) -> Result<Position, Problem> {
    value.and_then(Value::as_str).and_then(names::parse_position).ok_or(Problem::BAD_REQUEST)
}

/// Who is to stand where.
pub fn places(of: Option<&Params>, me: Option<ParticipantId>) -> Result<Vec<(Target, Position)>, Problem> {
    let Some(of) = of else { return Ok(Vec::new()) };
    if of.len() > PLACES_MAX {
        return Err(Problem::BAD_REQUEST);
    }
    let place = |(who, at): (&String, &Value)| {
        let target = if who == "self" { Target::Me } else { one(who, me) };
        Ok((target, position(Some(at))?))
    };
    of.iter().map(place).collect()
}
