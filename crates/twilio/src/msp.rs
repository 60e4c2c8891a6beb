//! Media signaling: what clients and we say on the channels of a room whose media passes the server, as text and as what it means.
//! Source: the real SDKs, see `docs/wire/twilio.md`.

use room::{Channel, Hint, LinkId, LinkQuality, OwnQuality, ParticipantId, Quality, Sealed, TrackId, Wish};

use crate::parse;
use crate::sid;
use crate::wire::{
    BandwidthStats, ChannelGrant, ChannelReply, ChannelText, Encoding, Grants, HintResult, LatencyStats, Levels, LocalQuality,
    LossStats, MediaQuality, PublisherHint, PublisherHints, QualityStats, RemoteQuality, RenderHints, RenderResults, Transport,
};

/// The level of what nothing is wrong with.
const BEST: u8 = 5;

/// Bytes of one text. A client's hints for a hundred tracks take 12 kB. A longer text is passed over.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;

/// What a client said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The channel is open at its end.
    Ready,
    /// It wants to know how good connections are, in this detail.
    Asks(Detail),
    /// How it wants to receive tracks; and what to reply.
    Hints(Vec<Hint>, Option<Sealed>),
    /// How many of our hints it could not follow.
    Failed(usize),
    /// This track of its own carries something else now and forgot our hints.
    Reset(TrackId),
}

/// How much a client wants to know about connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Of its own: 1 the level, 2 by kind and direction, 3 with the reasons.
    pub own: u8,
    /// Of the others: 0 nothing, and then the same.
    pub others: u8,
}

/// The vendor's name for a channel.
#[must_use]
pub fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Speaker => "active_speaker",
        Channel::Quality => "network_quality",
        Channel::Priority => "track_priority",
        Channel::SwitchOff => "track_switch_off",
        Channel::Render => "render_hints",
        Channel::Layers => "publisher_hints",
    }
}

/// Grants these channels on a link.
pub(crate) fn grants(channels: &[Channel], link: &LinkId) -> Grants {
    let grant = |channel: &Channel| {
        let transport = Transport { kind: "data-channel", label: channel.label(link) };
        (name(*channel), ChannelGrant { transport })
    };
    channels.iter().map(grant).collect()
}

/// What a text on a channel means; none if it means nothing there.
#[must_use]
pub fn read(channel: Channel, text: &str) -> Option<Heard> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    match (channel, serde_json::from_str(text).ok()?) {
        (_, ChannelText::Ready) => Some(Heard::Ready),
        (Channel::Quality, ChannelText::NetworkQuality { report_level, remote_report_level }) => {
            Some(Heard::Asks(Detail { own: report_level.unwrap_or(1), others: remote_report_level.unwrap_or(1) }))
        }
        (Channel::Priority, ChannelText::TrackPriority { track, subscribe }) => read_priority(&track, subscribe.as_deref()),
        (Channel::Render, ChannelText::RenderHints { subscriber }) => Some(read_hints(subscriber)),
        (Channel::Layers, ChannelText::PublisherHints { hints, .. }) => {
            Some(Heard::Failed(hints.iter().filter(|hint| hint.result != "OK").count()))
        }
        (Channel::Layers, ChannelText::ClientReset { track }) => sid::parse_track(&track).map(Heard::Reset),
        _ => None,
    }
}

fn read_priority(track: &str, word: Option<&str>) -> Option<Heard> {
    let wish = match word {
        Some(word) => Wish::Priority(Some(parse::priority(word)?)),
        None => Wish::Priority(None),
    };
    Some(Heard::Hints(vec![Hint { track: sid::parse_track(track)?, wish }], None))
}

/// Every hint gets its `OK`, those for tracks that nobody knows too: without an answer the SDK repeats itself for ever.
fn read_hints(said: RenderHints) -> Heard {
    let mut hints = Vec::new();
    for hint in &said.hints {
        let Some(track) = sid::parse_track(&hint.track) else { continue };
        let size = hint.render_dimensions.and_then(parse::size).map(|(width, height)| Wish::Size(width, height));
        hints.extend(size.into_iter().chain(hint.enabled.map(Wish::Shown)).map(|wish| Hint { track, wish }));
    }
    let results = said.hints.into_iter().map(|hint| HintResult { track: hint.track, result: "OK".into() }).collect();
    let reply = ChannelReply::RenderHints { subscriber: RenderResults { id: said.id, hints: results } };
    Heard::Hints(hints, spell(&reply))
}

/// Who speaks.
#[must_use]
pub fn speaker(who: Option<ParticipantId>) -> Option<Sealed> {
    spell(&ChannelReply::ActiveSpeaker { participant: who.map(sid::participant) })
}

/// Tracks that are not sent any more, or again.
#[must_use]
pub fn switched(off: &[TrackId], on: &[TrackId]) -> Option<Sealed> {
    let sids = |tracks: &[TrackId]| tracks.iter().map(|track| sid::track(*track)).collect();
    spell(&ChannelReply::TrackSwitchOff { off: sids(off), on: sids(on) })
}

/// Which layers of a track to send. `id` is our count, from 1.
#[must_use]
pub fn layers(id: u64, track: TrackId, needed: &[bool]) -> Option<Sealed> {
    let encodings = needed.iter().enumerate().map(|(layer_index, enabled)| Encoding { layer_index, enabled: *enabled });
    let hint = PublisherHint { track: sid::track(track), encodings: encodings.collect() };
    spell(&ChannelReply::PublisherHints { publisher: PublisherHints { id, hints: vec![hint] } })
}

/// How good connections are, in the detail that was asked for.
#[must_use]
pub fn quality(of: &Quality, detail: Detail) -> Option<Sealed> {
    let own = &of.own;
    let local = match kinds(own, detail.own) {
        None => LocalQuality::Level(own.level),
        Some((audio, video)) => LocalQuality::Levels(Box::new(Levels { level: own.level, audio, video })),
    };
    let others = if detail.others == 0 { &[][..] } else { &of.others };
    let remotes = others.iter().map(|(who, its)| {
        let (audio, video) = kinds(its, detail.others).unzip();
        RemoteQuality { sid: sid::participant(*who), level: its.level, audio, video }
    });
    spell(&ChannelReply::NetworkQuality { local, remotes: remotes.collect() })
}

/// Sound and pictures, if so much is to be told. Of who has no connection nothing is.
fn kinds(of: &OwnQuality, detail: u8) -> Option<(MediaQuality, MediaQuality)> {
    let stats = detail >= 3;
    let audio = || media(of.audio_send.as_ref(), of.audio_recv.as_ref(), stats);
    let video = || media(of.video_send.as_ref(), of.video_recv.as_ref(), stats);
    (detail >= 2 && of.level > 0).then(|| (audio(), video()))
}

fn media(send: Option<&LinkQuality>, recv: Option<&LinkQuality>, stats: bool) -> MediaQuality {
    // Of a way on which nothing comes nothing is wrong. The SDK's own objects of statistics are there only if both ways have some.
    let idle = LinkQuality { level: BEST, ..LinkQuality::default() };
    let [send, recv] = [send, recv].map(|of| of.unwrap_or(&idle));
    let why = |of: &LinkQuality| stats.then(|| reasons(of));
    MediaQuality { send: send.level, recv: recv.level, send_stats: why(send), recv_stats: why(recv) }
}

fn reasons(of: &LinkQuality) -> QualityStats {
    let level = of.level;
    QualityStats {
        bandwidth: BandwidthStats { actual: of.bitrate, available: of.available, level },
        latency: LatencyStats { jitter: of.jitter_ms / 1000.0, rtt: of.rtt_ms / 1000.0, level },
        fraction_lost: LossStats { fraction_lost: of.lost, level },
    }
}

fn spell(reply: &ChannelReply) -> Option<Sealed> {
    serde_json::to_string(reply).ok().map(|text| Sealed(text.into()))
}

#[cfg(test)]
mod tests;
