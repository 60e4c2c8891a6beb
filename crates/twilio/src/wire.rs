//! The messages as they stand on the wire. What a client may send is read strictly; fields that nobody needs are skipped.
//! Source: the real SDKs, see `docs/wire/twilio.md`.

mod msp;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use msp::{
    BandwidthStats, ChannelReply, ChannelText, Encoding, HintResult, LatencyStats, Levels, LocalQuality, LossStats, MediaQuality,
    PublisherHint, PublisherHints, QualityStats, RemoteQuality, RenderHint, RenderHints, RenderResults,
};

/// A frame from a client (the framing protocol, "TCMP").
#[derive(Deserialize)]
pub struct Frame<'a> {
    /// `hello`, `msg`, `heartbeat` or `bye`.
    #[serde(rename = "type", borrow)]
    pub kind: std::borrow::Cow<'a, str>,
    /// In `hello`: milliseconds of silence after which the client wants a sign of life.
    pub timeout: Option<f64>,
    /// In `hello` and `msg`.
    #[serde(borrow)]
    pub body: Option<&'a RawValue>,
}

/// What every body has (the room protocol, "RSP").
#[derive(Deserialize)]
pub struct BodyHead<'a> {
    /// `ice`, `connect`, `update`, `sync`, `disconnect`.
    #[serde(rename = "type", borrow)]
    pub kind: std::borrow::Cow<'a, str>,
}

/// Asks for STUN and TURN servers; the first message of every client but those that bring their own.
#[derive(Deserialize)]
pub struct Ice {
    /// The access token.
    pub token: String,
}

/// Comes into a room.
#[derive(Deserialize)]
pub struct Connect {
    /// Room name or SID; none: the token's.
    pub name: Option<String>,
    /// The access token.
    pub token: String,
    /// The client's tracks.
    pub participant: OwnParticipant,
    /// The one connection it has prepared.
    pub peer_connections: Vec<PeerConnection>,
    /// What it wants to receive.
    pub subscribe: Option<Subscribe>,
    /// How it wants its bandwidth shared.
    pub bandwidth_profile: Option<BandwidthProfile>,
    /// The channels that it wants, by name.
    pub media_signaling: Option<BTreeMap<String, IgnoredAny>>,
}

/// How a client wants its bandwidth shared.
#[derive(Deserialize)]
pub struct BandwidthProfile {
    /// Among the video tracks that it receives.
    pub video: Option<VideoProfile>,
}

/// How a client wants its bandwidth shared among the video tracks that it receives. Only what the app chose is there.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct VideoProfile {
    /// `grid`, `collaboration` or `presentation`.
    pub mode: Option<String>,
    /// `predicted`, `detected` or `disabled`.
    pub track_switch_off: Option<String>,
    /// Bits per second.
    pub max_subscription_bandwidth: Option<f64>,
    /// Tracks at a time.
    pub max_tracks: Option<f64>,
    /// `low`, `standard` or `high`.
    pub active_speaker_priority: Option<String>,
    /// For tracks of each priority.
    pub render_dimensions: Option<RenderDimensions>,
}

/// Sizes for tracks of each priority.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RenderDimensions {
    /// Of high priority.
    pub high: Option<Dimensions>,
    /// Of standard priority.
    pub standard: Option<Dimensions>,
    /// Of low priority.
    pub low: Option<Dimensions>,
}

/// A size in pixels. Scripts of a page may make these anything that is a number; what is none (0 / 0) comes as `null`.
#[derive(Clone, Copy, Deserialize)]
pub struct Dimensions {
    /// Pixels.
    pub width: Option<f64>,
    /// Pixels.
    pub height: Option<f64>,
}

/// Says what changed.
#[derive(Deserialize)]
pub struct Update {
    /// From `connected`.
    pub session: String,
    /// The client's tracks, changed or not.
    pub participant: Option<OwnParticipant>,
    /// A description or candidates.
    pub peer_connections: Option<Vec<PeerConnection>>,
}

/// Comes back after the connection was lost.
#[derive(Deserialize)]
pub struct Sync {
    /// From `connected`.
    pub session: String,
    /// The access token of the time of joining.
    pub token: String,
    /// The client's tracks.
    pub participant: OwnParticipant,
    /// The last description of each connection.
    pub peer_connections: Option<Vec<PeerConnection>>,
}

/// What a client says of its own tracks.
#[derive(Deserialize)]
pub struct OwnParticipant {
    /// Grows with each change.
    pub revision: u64,
    /// The complete list.
    pub tracks: Vec<OwnTrack>,
    /// In `connect`: what the client wants to be warned of. The one word for it is `recordings`.
    #[serde(default)]
    pub media_warnings: Option<Vec<String>>,
}

/// One track of a client.
#[derive(Deserialize)]
pub struct OwnTrack {
    /// The id in the description's msid, or the data channel's label.
    pub id: String,
    /// `audio`, `video` or `data`.
    pub kind: String,
    /// The app's name for it.
    pub name: String,
    /// False while muted.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// `low`, `standard` or `high`.
    #[serde(default)]
    pub priority: Option<String>,
}

/// What a client wants to receive.
#[derive(Deserialize)]
pub struct Subscribe {
    /// In the SDKs one rule: include or exclude all.
    #[serde(default)]
    pub rules: Vec<SubscribeRule>,
}

/// One rule.
#[derive(Deserialize)]
pub struct SubscribeRule {
    /// `include` or `exclude`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a client says about one of its connections.
#[derive(Deserialize)]
pub struct PeerConnection {
    /// Shared by both ends.
    pub id: String,
    /// An offer, an answer, or the end.
    pub description: Option<Description>,
    /// Its candidates.
    pub ice: Option<IceBlock>,
}

/// A description (JSEP, RFC 9429) with the SDK's count.
#[derive(Deserialize)]
pub struct Description {
    /// `offer`, `answer`, `pranswer` or `close`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One count per connection, shared by both ends.
    pub revision: u64,
    /// The text.
    pub sdp: Option<String>,
}

/// Every candidate of one end so far (trickle ICE, RFC 8838).
#[derive(Deserialize, Serialize)]
pub struct IceBlock {
    /// Of the description that they belong to.
    pub ufrag: Option<String>,
    /// Grows with each block.
    pub revision: u64,
    /// All of them, not only the new ones.
    pub candidates: Vec<Candidate>,
    /// No more will come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
}

/// An `RTCIceCandidateInit` dictionary.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The candidate-attribute of RFC 8839.
    pub candidate: String,
    /// Media section by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp_mid: Option<String>,
    /// Media section by number.
    #[serde(rename = "sdpMLineIndex", skip_serializing_if = "Option::is_none")]
    pub sdp_m_line_index: Option<u16>,
    /// Of the description that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_fragment: Option<String>,
}

fn yes() -> bool {
    true
}

/// A frame to a client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Reply<'a> {
    /// The handshake is done.
    Welcome {
        /// Milliseconds; the client gives up after three times that without a frame of ours.
        #[serde(rename = "negotiatedTimeout")]
        negotiated_timeout: u64,
    },
    /// A message.
    Msg {
        /// Of the room protocol.
        body: &'a Body<'a>,
    },
    /// A sign of life.
    Heartbeat,
    /// Come back later.
    Busy {
        /// Milliseconds.
        #[serde(rename = "retryAfter")]
        retry_after: u64,
        /// Whether to wait on this socket.
        #[serde(rename = "keepAlive")]
        keep_alive: bool,
    },
    /// What you sent makes no sense.
    Bad {
        /// For whoever reads the client's log.
        reason: &'a str,
    },
}

/// A message to a client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Body<'a> {
    /// Answers `ice`.
    Iced {
        /// 1.
        version: u8,
        /// For the client's `RTCPeerConnection`s.
        ice_servers: &'a [IceServer],
    },
    /// Answers `connect`.
    Connected(RoomState<'a>),
    /// Answers `sync`.
    Synced(RoomState<'a>),
    /// What changed.
    Update(Changes<'a>),
    /// Something is wrong with the client's tracks, or not any more.
    Warning {
        /// 2.
        version: u8,
        /// What.
        states: MediaStates,
    },
    /// The room is over for this client.
    Disconnected {
        /// 2.
        version: u8,
        /// `completed` when the room ended for all.
        status: &'a str,
    },
    /// Something was refused. Ends the client's room.
    Error {
        /// 2.
        version: u8,
        /// One of the vendor's codes.
        code: u32,
        /// Shown when the SDK does not know the code.
        message: &'a str,
    },
}

/// An `RTCIceServer` dictionary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` addresses.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// The whole room, as a client needs it on coming in or back. The SDK hangs or throws when `options`, `participant` or
/// a track list is missing.
#[derive(Serialize)]
pub struct RoomState<'a> {
    /// 2.
    pub version: u8,
    /// The room's SID.
    pub sid: String,
    /// The room's name.
    pub name: &'a str,
    /// To be echoed in every later message.
    pub session: &'a str,
    /// Who the client is.
    pub participant: Me<'a>,
    /// What holds for this session.
    pub options: Options<'a>,
    /// Everyone else.
    pub participants: Vec<Participant<'a>>,
    /// What became of the client's tracks.
    pub published: Published<'a>,
    /// What it receives.
    pub subscribed: Subscribed<'a>,
    /// Its connections. In `synced`, one that is not listed is closed.
    pub peer_connections: Vec<PeerState<'a>>,
    /// Whether the room is being recorded.
    pub recording: Recording,
    /// Channels granted; none where media does not pass the server.
    pub media_signaling: Grants,
}

/// Channels granted, by name.
pub type Grants = BTreeMap<&'static str, ChannelGrant>;

/// A channel that the client may use.
#[derive(Serialize)]
pub struct ChannelGrant {
    /// How it travels.
    pub transport: Transport,
}

/// How a channel travels.
#[derive(Serialize)]
pub struct Transport {
    /// `data-channel`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The label of the data channel, which the server opens.
    pub label: String,
}

/// What changed, any part of it.
#[derive(Default, Serialize)]
pub struct Changes<'a> {
    /// 2.
    pub version: u8,
    /// From `connected`.
    pub session: String,
    /// Only those that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant<'a>>,
    /// What became of the client's tracks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Published<'a>>,
    /// The complete list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribed: Option<Subscribed<'a>>,
    /// Only those that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peer_connections: Vec<PeerState<'a>>,
    /// Whether the room is being recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// Channels granted. The SDK takes those that it does not have, or whose data channel was closed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub media_signaling: Grants,
}

/// Who the client is.
#[derive(Serialize)]
pub struct Me<'a> {
    /// Its SID.
    pub sid: String,
    /// Its name.
    pub identity: &'a str,
}

/// What holds for this session.
#[derive(Serialize)]
pub struct Options<'a> {
    /// Seconds for which a lost client's seat is kept.
    pub session_timeout: u64,
    /// Where media is relayed; none when it is not.
    pub media_region: Option<Cow<'a, str>>,
    /// Plug-ins of the app's own for its microphone that the SDK may use. Without this word it turns them off for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_processors: Option<[&'static str; 1]>,
    /// Where the client is connected.
    pub signaling_region: &'a str,
}

/// Somebody else.
#[derive(Serialize)]
pub struct Participant<'a> {
    /// SID.
    pub sid: String,
    /// Name.
    pub identity: &'a str,
    /// `connected`, `reconnecting` or `disconnected`.
    pub state: &'static str,
    /// Ignored by the SDK unless it grew.
    pub revision: u64,
    /// The complete list; must be there.
    pub tracks: Vec<Track<'a>>,
}

/// A track of somebody else.
#[derive(Serialize)]
pub struct Track<'a> {
    /// SID.
    pub sid: String,
    /// The app's name for it.
    pub name: &'a str,
    /// `audio`, `video` or `data`.
    pub kind: &'static str,
    /// False while muted.
    pub enabled: bool,
    /// `low`, `standard` or `high`.
    pub priority: &'static str,
}

/// What became of the client's tracks.
#[derive(Serialize)]
pub struct Published<'a> {
    /// Ignored by the SDK unless it grew.
    pub revision: u64,
    /// Each listed track.
    pub tracks: Vec<PublishedTrack<'a>>,
}

/// What became of one track.
#[derive(Serialize)]
pub struct PublishedTrack<'a> {
    /// As the client listed it.
    pub id: &'a str,
    /// `ready` or `failed`.
    pub state: &'static str,
    /// SID, if ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TrackError>,
}

/// Why a track was not taken.
#[derive(Serialize)]
pub struct TrackError {
    /// One of the vendor's codes.
    pub code: u32,
    /// In words.
    pub message: &'static str,
}

/// What the client receives.
#[derive(Serialize)]
pub struct Subscribed<'a> {
    /// Ignored by the SDK unless it grew.
    pub revision: u64,
    /// The complete list.
    pub tracks: Vec<SubscribedTrack<'a>>,
}

/// One track that the client receives.
#[derive(Serialize)]
pub struct SubscribedTrack<'a> {
    /// SID.
    pub sid: String,
    /// How to find it in the media: second word of the msid, or the data channel's label.
    pub id: &'a str,
}

/// One connection as the client should have it.
#[derive(Serialize)]
pub struct PeerState<'a> {
    /// Shared by both ends.
    pub id: &'a str,
    /// What the other end says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<DescriptionState<'a>>,
    /// Its candidates, as it sent them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice: Option<&'a RawValue>,
}

/// A description to a client.
#[derive(Serialize)]
pub struct DescriptionState<'a> {
    /// `offer`, `answer`, `create-offer` or `close`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Shared count.
    pub revision: u64,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdp: Option<&'a str>,
}

/// How it is with a client's tracks.
#[derive(Serialize)]
pub struct MediaStates {
    /// Ignored by the SDK unless it grew.
    pub revision: u64,
    /// By SID. The SDK leaves others as they were.
    pub tracks: BTreeMap<String, MediaState>,
}

/// How it is with one track.
#[derive(Serialize)]
pub struct MediaState {
    /// `NO_MEDIA` if it is being recorded and nothing comes, else `OK`.
    pub recordings: &'static str,
}

/// Whether the room is being recorded.
#[derive(Serialize)]
pub struct Recording {
    /// Grows with each change. Ignored by the SDK if it is less than before.
    pub revision: u64,
    /// Now.
    pub is_recording: bool,
}
