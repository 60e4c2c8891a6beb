//! What we say: our requests, events, and the objects in them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A request of ours.
#[derive(Serialize)]
pub struct Request<'a, P: Serialize> {
    /// `2.0`.
    pub jsonrpc: &'static str,
    /// Ours.
    pub id: String,
    /// What.
    pub method: &'a str,
    /// How.
    pub params: P,
}

/// The parameters of `signalwire.event`.
#[derive(Serialize)]
pub struct Event<'a, P: Serialize> {
    /// What happened.
    pub event_type: &'a str,
    /// Where.
    pub event_channel: &'a str,
    /// When, in seconds since 1970 UTC.
    pub timestamp: f64,
    /// Whose room it is.
    pub project_id: &'a str,
    /// Which server says so.
    pub node_id: &'a str,
    /// To what.
    pub params: P,
}

/// The answer to a message about a call, in its wrapping.
#[derive(Serialize)]
pub struct Outer<'a> {
    /// `200`.
    pub code: &'static str,
    /// In words.
    pub message: &'static str,
    /// Which server has the call.
    pub node_id: &'a str,
    /// The answer.
    pub result: Value,
}

/// The answer to `signalwire.connect`.
#[derive(Serialize)]
pub struct Connected<'a> {
    /// What the server calls the connection.
    pub identity: String,
    /// The word by which a client comes back.
    pub protocol: &'a str,
    /// STUN and TURN servers. With any of them the SDK insists on a candidate by one of them.
    pub ice_servers: Vec<IceServer>,
    /// What the token allows.
    pub authorization: Authorization<'a>,
}

/// A STUN or TURN server, as browsers take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What a token allows. Without a `jti`: the SDK would take it for a token of another product.
#[derive(Serialize)]
pub struct Authorization<'a> {
    /// `video`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The project.
    pub project: &'a str,
    /// The project.
    pub project_id: &'a str,
    /// The project again: there is one scope.
    pub scope_id: &'a str,
    /// `video`.
    pub scopes: [&'static str; 1],
    /// This connection.
    pub resource: String,
    /// Who the holder is.
    pub user_name: &'a str,
    /// `member` or `audience`.
    pub join_as: &'static str,
    /// `all`, `audio-only`, `video-only`.
    pub media_allowed: &'static str,
    /// `none`, `receive`, `both`.
    pub audio_allowed: &'static str,
    /// `none`, `receive`, `both`.
    pub video_allowed: &'static str,
    /// Words of the app about the holder.
    pub meta: Value,
    /// The room.
    pub room: RoomScopes<'a>,
    /// The second word of the protocol.
    pub signature: &'a str,
    /// When the token ends, in seconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}

/// What a token allows in its room.
#[derive(Serialize)]
pub struct RoomScopes<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is called besides.
    pub display_name: &'a str,
    /// Permissions.
    pub scopes: Vec<Cow<'a, str>>,
    /// Words of the app about it.
    pub meta: Value,
}

/// A room that is going on.
#[derive(Clone, Serialize)]
#[allow(missing_docs, reason = "each is the field of the rooms' StageView that has its name, or what this server does not have")]
pub struct RoomObject<'a> {
    pub room_id: &'a str,
    pub id: &'a str,
    pub room_session_id: &'a str,
    pub event_channel: &'a str,
    pub name: &'a str,
    pub display_name: &'a str,
    pub recording: bool,
    pub recordings: Vec<Recording>,
    pub playbacks: Vec<Playback<'a>>,
    pub streams: [Value; 0],
    pub streaming: bool,
    pub hide_video_muted: bool,
    pub preview_url: Option<&'a str>,
    pub layout_name: &'static str,
    pub locked: bool,
    pub logos_visible: bool,
    pub prioritize_handraise: bool,
    pub blind_mode: bool,
    pub silent_mode: bool,
    pub meeting_mode: bool,
    pub audience_count: u32,
    pub meta: BTreeMap<&'a str, Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member<'a>>>,
    /// Names of the fields above that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Vec<&'static str>>,
}

/// A recording of the mix. Times are seconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recording {
    /// Which.
    pub id: String,
    /// `recording`, `paused` or `completed`.
    pub state: &'static str,
    /// When it began.
    pub started_at: f64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<f64>,
    /// How many seconds it plays, once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

/// A file that is played. Times of day are seconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Playback<'a> {
    /// Which.
    pub id: String,
    /// `playing`, `paused` or `completed`.
    pub state: &'static str,
    /// Where the file is.
    pub url: &'a str,
    /// −50 to 50.
    pub volume: i8,
    /// Where in the file it is, in milliseconds.
    pub position: u64,
    /// Whether it can be sent elsewhere in the file: every file can.
    pub seekable: bool,
    /// When it was asked for.
    pub started_at: f64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<f64>,
}

/// A member of a room.
#[derive(Clone, Serialize)]
#[allow(missing_docs, reason = "each is the field of the rooms' Member that has its name")]
pub struct Member<'a> {
    pub id: String,
    pub room_id: &'a str,
    pub room_session_id: &'a str,
    pub name: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    pub requested_position: String,
    pub current_position: String,
    pub visible: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    pub deaf: bool,
    pub input_volume: i8,
    pub output_volume: i8,
    pub input_sensitivity: u8,
    pub handraised: bool,
    pub talking: bool,
    pub meta: BTreeMap<&'a str, Box<RawValue>>,
}

/// How members stand.
#[derive(Serialize)]
pub struct Layout<'a> {
    /// The session.
    pub room_session_id: &'a str,
    /// The room.
    pub room_id: &'a str,
    /// The name.
    pub id: &'static str,
    /// By which name.
    pub name: &'static str,
    /// Every place.
    pub layers: Vec<Layer>,
}

/// One place, with whoever stands there.
#[derive(Serialize)]
pub struct Layer {
    /// Who, if anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// From 0.
    pub layer_index: usize,
    /// Lies over those with smaller numbers.
    pub z_index: u8,
    /// What it is kept for.
    pub reservation: String,
    /// What it is called.
    pub position: String,
    /// Whether it shows a file that is played.
    pub playing_file: bool,
    /// Whether somebody stands there, or a file is seen there.
    pub visible: bool,
}

/// A rectangle, in percent of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Across.
    pub width: f64,
    /// Down.
    pub height: f64,
}
