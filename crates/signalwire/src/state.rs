//! What the rooms say, in this vendor's shapes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use room::{
    Area, Canvas, Definition, MediaAllowed, MemberField, Meta, MixRecording, MixState, Moment, ParticipantId, Permissions,
    PlayState, Position, Role, RoomId, RoomKind, RoomOptions, Sealed, Snapshot, StageField, StageSettings, StageView, Terms,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::limit::MEMBERS_DEFAULT;
use crate::rest::RoomRecord;
use crate::token::Grant;
use crate::wire::{Authorization, Layer, Layout, Member, Place, Playback, Recording, RoomObject, RoomScopes};
use crate::{names, uuid};

/// The id of a room as such, which outlives its sessions: its name decides it.
#[must_use]
pub fn room_id(name: &str) -> u128 {
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    hash.as_ref().iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// A room that is made by joining with this token.
#[must_use]
pub fn definition(grant: &Grant) -> Definition {
    let display_name = grant.room_display_name.as_deref().unwrap_or(&grant.room).into();
    Definition {
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        terms: Terms {
            seats_max: MEMBERS_DEFAULT,
            empty_timeout: Duration::ZERO,
            unused_timeout: Duration::ZERO,
            session_max: None,
            room_max: None,
            tracks_max: None,
        },
        stage: StageSettings { display_name, meta: seal(&grant.room_meta), tones: true, ..StageSettings::default() },
        opens: None,
        closes: None,
        ends: None,
        memo: Sealed(record(grant).memo().into()),
    }
}

/// The same room as REST shows its session.
fn record(grant: &Grant) -> RoomRecord {
    let name = grant.room.clone();
    let display_name = grant.room_display_name.clone().unwrap_or_else(|| name.clone());
    RoomRecord { id: room_id(&name), name, display_name, ..RoomRecord::default() }
}

/// The time of day at a moment of the rooms.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The moment.
    pub now: Moment,
    /// Milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

impl Clock {
    pub fn recordings(self, of: &[MixRecording]) -> Vec<Recording> {
        of.iter().map(|one| self.recording(one)).collect()
    }

    pub fn recording(self, of: &MixRecording) -> Recording {
        Recording {
            id: uuid::spell(of.id.0),
            state: match of.state {
                MixState::Recording => "recording",
                MixState::Paused => "paused",
                MixState::Completed => "completed",
            },
            started_at: self.seconds(of.began),
            ended_at: of.ended.map(|ended| self.seconds(ended)),
            duration: of.ended.map(|ended| of.duration(ended).as_millis() as f64 / 1000.0),
        }
    }

    /// Those that are not over.
    pub fn playbacks<'a>(self, of: &'a [room::Playback]) -> Vec<Playback<'a>> {
        of.iter().filter(|one| !one.is_over()).map(|one| self.playback(one)).collect()
    }

    pub fn playback<'a>(self, of: &'a room::Playback) -> Playback<'a> {
        Playback {
            id: uuid::spell(of.id.0),
            state: match of.state {
                PlayState::Playing => "playing",
                PlayState::Paused => "paused",
                PlayState::Completed => "completed",
            },
            url: &of.url,
            volume: of.volume,
            position: u64::try_from(of.position(self.now).as_millis()).unwrap_or(u64::MAX),
            seekable: true,
            started_at: self.seconds(of.began),
            ended_at: of.ended.map(|ended| self.seconds(ended)),
        }
    }

    /// The time of day at an earlier moment.
    fn seconds(self, at: Moment) -> f64 {
        let ago_ms = u64::try_from(self.now.since(at).as_millis()).unwrap_or(u64::MAX);
        self.unix_ms.saturating_sub(ago_ms) as f64 / 1000.0
    }
}

/// The ids and names of the room that a client is in, spelled once.
pub struct Names {
    /// The room as such.
    pub room_id: String,
    /// What goes on in it now.
    pub session_id: String,
    /// Where its events are said to happen.
    pub channel: String,
    /// The room's name.
    pub name: Arc<str>,
}

impl Names {
    pub fn new(room: RoomId, name: &Arc<str>) -> Self {
        let session_id = uuid::spell(room.0);
        let channel = format!("video.room.{session_id}");
        Names { room_id: uuid::spell(room_id(name)), session_id, channel, name: Arc::clone(name) }
    }

    pub fn room<'a>(&'a self, stage: &'a StageView, recorded: bool, clock: Clock) -> RoomObject<'a> {
        RoomObject {
            room_id: &self.room_id,
            id: &self.session_id,
            room_session_id: &self.session_id,
            event_channel: &self.channel,
            name: &self.name,
            display_name: if stage.display_name.is_empty() { &self.name } else { &stage.display_name },
            recording: recorded,
            recordings: clock.recordings(&stage.recordings),
            playbacks: clock.playbacks(&stage.playbacks),
            streams: [],
            streaming: false,
            hide_video_muted: stage.hide_video_muted,
            preview_url: None,
            layout_name: names::layout(stage.layout),
            locked: stage.locked,
            logos_visible: true,
            prioritize_handraise: stage.prioritize_hands,
            blind_mode: false,
            silent_mode: false,
            meeting_mode: false,
            audience_count: stage.audience,
            meta: unseal(&stage.meta),
            members: None,
            updated: None,
        }
    }

    pub fn member<'a>(&'a self, of: &'a Snapshot) -> Member<'a> {
        let member = &of.member;
        Member {
            id: uuid::spell(of.id.0),
            room_id: &self.room_id,
            room_session_id: &self.session_id,
            name: &of.identity,
            kind: role_name(member.role),
            parent_id: member.parent.map(|parent| uuid::spell(parent.0)),
            requested_position: names::position(member.wanted),
            current_position: names::position(member.position),
            visible: member.visible,
            audio_muted: member.audio_muted,
            video_muted: member.video_muted,
            deaf: member.deaf,
            input_volume: member.input_volume,
            output_volume: member.output_volume,
            input_sensitivity: member.sensitivity,
            handraised: member.hand_raised,
            talking: member.talking,
            meta: unseal(&member.meta),
        }
    }

    /// Everybody who is shown in lists.
    pub fn members<'a>(&'a self, all: &'a [Arc<Snapshot>]) -> Vec<Member<'a>> {
        all.iter().filter(|one| is_listed(one)).map(|one| self.member(one)).collect()
    }

    /// A member and the names of what changed of it. If not all of it, then with its id and those fields only.
    pub fn updated(&self, of: &Snapshot, changed: &[MemberField], all: bool) -> Value {
        let updated: Vec<&str> = changed.iter().flat_map(|field| field_names(*field)).copied().collect();
        let mut member = serde_json::to_value(self.member(of)).unwrap_or_default();
        if let Some(fields) = member.as_object_mut() {
            fields.retain(|name, _| all || name == "id" || updated.contains(&&**name));
            fields.insert("updated".to_owned(), updated.into());
        }
        member
    }

    pub fn layout(&self, of: &room::Layout) -> Layout<'_> {
        let name = names::layout(of.name);
        let layers = of.places.iter().enumerate().map(|(index, place)| layer(index, place, of.canvas));
        Layout { room_session_id: &self.session_id, room_id: &self.room_id, id: name, name, layers: layers.collect() }
    }
}

fn layer(index: usize, of: &room::Place, canvas: Canvas) -> Layer {
    let position = names::position(of.position);
    Layer {
        member_id: of.who.map(|who| uuid::spell(who.0)),
        place: percent(of.area, canvas),
        layer_index: index,
        z_index: of.above,
        reservation: if matches!(of.position, Position::Reserved(_)) { position.clone() } else { String::new() },
        position,
        playing_file: of.film.is_some(),
        visible: of.who.is_some() || of.film.is_some(),
    }
}

fn percent(area: Area, canvas: Canvas) -> Place {
    let share = |part: u16, whole: u16| f64::from(part) * 100.0 / f64::from(whole.max(1));
    Place {
        x: share(area.x, canvas.width),
        y: share(area.y, canvas.height),
        width: share(area.width, canvas.width),
        height: share(area.height, canvas.height),
    }
}

/// Whether others see somebody in lists.
pub fn is_listed(of: &Snapshot) -> bool {
    of.member.role != Role::Audience
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Person | Role::Audience => "member",
        Role::Screen => "screen",
        Role::Device => "device",
    }
}

fn field_names(field: MemberField) -> &'static [&'static str] {
    match field {
        MemberField::AudioMuted => &["audio_muted"],
        MemberField::VideoMuted => &["video_muted"],
        MemberField::Deaf => &["deaf"],
        MemberField::InputVolume => &["input_volume"],
        MemberField::OutputVolume => &["output_volume"],
        MemberField::Sensitivity => &["input_sensitivity"],
        MemberField::HandRaised => &["handraised"],
        MemberField::Position => &["requested_position", "current_position"],
        MemberField::Visible => &["visible"],
        MemberField::Meta => &["meta"],
    }
}

/// The name of a field of the room, if it has one of its own.
pub fn stage_field_name(field: StageField) -> Option<&'static str> {
    match field {
        StageField::Layout => Some("layout_name"),
        StageField::HideVideoMuted => Some("hide_video_muted"),
        StageField::Locked => Some("locked"),
        StageField::PrioritizeHands => Some("prioritize_handraise"),
        StageField::Meta => Some("meta"),
        StageField::Audience | StageField::Recordings | StageField::Playbacks => None,
    }
}

/// Words of an app, each value sealed as the JSON that it is.
pub fn seal(of: &Map<String, Value>) -> Meta {
    of.iter().map(|(key, value)| (key.as_str().into(), Sealed(value.to_string().into()))).collect()
}

/// Words of an app as JSON again; they were sealed by this door.
pub fn unseal(of: &Meta) -> BTreeMap<&str, Box<RawValue>> {
    let raw = |sealed: &Sealed| RawValue::from_string(sealed.0.to_string()).unwrap_or_default();
    of.iter().map(|(key, value)| (&**key, raw(value))).collect()
}

/// What a client may do, as it is told.
pub struct Allowed<'a> {
    pub grant: &'a Grant,
    pub audience: bool,
    pub media: MediaAllowed,
    /// If the rooms allow something else than the token says.
    pub instead: Option<Permissions>,
    pub signature: &'a str,
    pub resource: String,
}

impl<'a> Allowed<'a> {
    pub fn authorization(self) -> Authorization<'a> {
        let Allowed { grant, audience, media, instead, signature, resource } = self;
        let both = if audience { "receive" } else { "both" };
        let allowed = |yes: bool| if yes { both } else { "none" };
        let scopes = match instead {
            None => grant.scopes.iter().map(|scope| scope.into()).collect(),
            Some(permissions) => names::scopes(permissions).into_iter().map(Into::into).collect(),
        };
        Authorization {
            kind: "video",
            project: &grant.project,
            project_id: &grant.project,
            scope_id: &grant.project,
            scopes: ["video"],
            resource,
            user_name: &grant.user_name,
            join_as: if audience { "audience" } else { "member" },
            media_allowed: names::media(media),
            audio_allowed: allowed(media.has_audio()),
            video_allowed: allowed(media.has_video()),
            meta: Value::Object(grant.meta.clone()),
            room: RoomScopes {
                name: &grant.room,
                display_name: grant.room_display_name.as_deref().unwrap_or(&grant.room),
                scopes,
                meta: Value::Object(grant.room_meta.clone()),
            },
            signature,
            expires_at: grant.expires_unix_s,
        }
    }
}

/// The member that a client calls so. One that nobody is called is left to the rooms to look for in vain: they ask first whether the
/// caller may do what it wants.
pub fn participant(id: &str) -> ParticipantId {
    ParticipantId(uuid::parse(id).unwrap_or_default())
}
