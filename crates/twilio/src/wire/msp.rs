//! Media signaling ("MSP"): what travels by the data channels of a room whose media passes the server.

use serde::{Deserialize, Serialize};

use super::Dimensions;

/// What a client says on a channel of media signaling ("MSP").
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChannelText {
    /// The channel is open at the client's end.
    Ready,
    /// Its own figures; wants ours in return.
    NetworkQuality {
        /// How much it wants to hear of itself: 1 the level, 2 by kind and direction, 3 with the reasons.
        #[serde(rename = "reportLevel")]
        report_level: Option<u8>,
        /// How much it wants to hear of the others: 0 nothing, 1 the level, and more.
        #[serde(rename = "remoteReportLevel")]
        remote_report_level: Option<u8>,
    },
    /// How much a track matters to it.
    TrackPriority {
        /// SID.
        track: String,
        /// `low`, `standard`, `high`; none: as its publisher says.
        subscribe: Option<String>,
    },
    /// How it shows tracks; wants a result for each.
    RenderHints {
        /// The hints.
        subscriber: RenderHints,
    },
    /// What became of our hints.
    PublisherHints {
        /// Of which of our messages.
        id: u64,
        /// For each track.
        #[serde(default)]
        hints: Vec<HintResult>,
    },
    /// A track carries something else now, and forgot our hints.
    ClientReset {
        /// SID.
        track: String,
    },
}

/// How a client shows tracks.
#[derive(Deserialize)]
pub struct RenderHints {
    /// Its count, to be repeated.
    pub id: u64,
    /// One for each track.
    #[serde(default)]
    pub hints: Vec<RenderHint>,
}

/// How a client shows a track.
#[derive(Deserialize)]
pub struct RenderHint {
    /// SID.
    pub track: String,
    /// False: it does not show it.
    pub enabled: Option<bool>,
    /// In this size.
    pub render_dimensions: Option<Dimensions>,
}

/// What became of a hint.
#[derive(Deserialize, Serialize)]
pub struct HintResult {
    /// SID.
    pub track: String,
    /// `OK`, or a word for what went wrong.
    pub result: std::borrow::Cow<'static, str>,
}

/// What we say on a channel of media signaling.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChannelReply {
    /// Who speaks.
    ActiveSpeaker {
        /// SID; null when nobody does.
        participant: Option<String>,
    },
    /// How good connections are.
    NetworkQuality {
        /// The client's own.
        local: LocalQuality,
        /// The others'.
        remotes: Vec<RemoteQuality>,
    },
    /// Which tracks are not sent any more, or again.
    TrackSwitchOff {
        /// SIDs.
        off: Vec<String>,
        /// SIDs.
        on: Vec<String>,
    },
    /// What became of the client's hints.
    RenderHints {
        /// The results.
        subscriber: RenderResults,
    },
    /// What the client should send.
    PublisherHints {
        /// The hints.
        publisher: PublisherHints,
    },
}

/// What became of a client's hints.
#[derive(Serialize)]
pub struct RenderResults {
    /// The client's count.
    pub id: u64,
    /// One for each hint.
    pub hints: Vec<HintResult>,
}

/// What a client should send.
#[derive(Serialize)]
pub struct PublisherHints {
    /// Our count, from 1.
    pub id: u64,
    /// One for each track.
    pub hints: Vec<PublisherHint>,
}

/// What a client should send of a track.
#[derive(Serialize)]
pub struct PublisherHint {
    /// SID.
    pub track: String,
    /// Each layer.
    pub encodings: Vec<Encoding>,
}

/// Whether to send a layer.
#[derive(Serialize)]
pub struct Encoding {
    /// From 0, the smallest.
    pub layer_index: usize,
    /// Whether to send it.
    pub enabled: bool,
}

/// How good the client's own connection is.
#[derive(Serialize)]
#[serde(untagged)]
pub enum LocalQuality {
    /// 0 none, 1 bad to 5 best.
    Level(u8),
    /// By kind and direction too.
    Levels(Box<Levels>),
}

/// How good the client's own connection is, by kind and direction.
#[derive(Serialize)]
pub struct Levels {
    /// The worst of the others.
    pub level: u8,
    /// Sound.
    pub audio: MediaQuality,
    /// Pictures.
    pub video: MediaQuality,
}

/// How good one kind travels.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaQuality {
    /// Level of what the client sends.
    pub send: u8,
    /// Level of what it receives.
    pub recv: u8,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_stats: Option<QualityStats>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recv_stats: Option<QualityStats>,
}

/// Why a level is what it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QualityStats {
    /// Bits per second.
    pub bandwidth: BandwidthStats,
    /// Seconds.
    pub latency: LatencyStats,
    /// Shares.
    pub fraction_lost: LossStats,
}

/// Bits per second.
#[derive(Serialize)]
pub struct BandwidthStats {
    /// That travel.
    pub actual: u64,
    /// That could travel, where known.
    pub available: Option<u64>,
    /// 1 bad to 5 best.
    pub level: u8,
}

/// Seconds.
#[derive(Serialize)]
pub struct LatencyStats {
    /// By which packets come unevenly.
    pub jitter: f32,
    /// There and back.
    pub rtt: f32,
    /// 1 bad to 5 best.
    pub level: u8,
}

/// Packets lost.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LossStats {
    /// 0 to 1.
    pub fraction_lost: f32,
    /// 1 bad to 5 best.
    pub level: u8,
}

/// How good somebody else's connection is.
#[derive(Serialize)]
pub struct RemoteQuality {
    /// Who.
    pub sid: String,
    /// 0 none, 1 bad to 5 best.
    pub level: u8,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<MediaQuality>,
    /// Pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<MediaQuality>,
}
