//! From what a client sent to what the rooms understand. Whatever does not fit is a [`Problem`]; nothing is repaired.

use std::sync::Arc;

use room::{Channel, Kind, LinkId, Mode, Priority, Profile, RoomRef, Rule, Sealed, Signal, Sizes, Step, SwitchOff, TrackDraft};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::wire::{
    Connect, Description, Dimensions, IceBlock, OwnParticipant, OwnTrack, PeerConnection, RenderDimensions, Subscribe,
};
use crate::{msp, sdp, sid};

/// The largest count that a client can keep exactly, 2^53 - 1 (ECMA-262, Number.MAX_SAFE_INTEGER).
const COUNT_MAX: u64 = (1 << 53) - 1;

/// Connections that one message may speak of. A client has one to each other participant of a mesh room, and a spare.
const CONNECTIONS_MAX: usize = 64;

/// One message of this shape.
pub fn body<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get()).map_err(|_| Problem::MALFORMED)
}

/// The room that a name, an SID or nothing means.
pub fn room_ref(name: Option<&str>) -> RoomRef {
    match name {
        None => RoomRef::Unnamed(sid::room),
        Some(name) => match sid::parse_room(name) {
            Some(id) => RoomRef::Id(id, name.into()),
            None => RoomRef::Name(name.into()),
        },
    }
}

/// Revision and complete list of a client's tracks.
pub fn tracks(own: OwnParticipant) -> Result<(u64, Vec<TrackDraft>), Problem> {
    let drafts = own.tracks.into_iter().map(draft).collect::<Result<_, _>>()?;
    Ok((count(own.revision)?, drafts))
}

/// What a client wants to receive: nothing if its first rule leaves everything out.
pub fn rule(subscribe: Option<&Subscribe>) -> Rule {
    let first = subscribe.and_then(|subscribe| subscribe.rules.first());
    if first.is_some_and(|rule| rule.kind == "exclude") { Rule::Nothing } else { Rule::All }
}

/// Whether a client wants to be told when its tracks are recorded and nothing comes of them.
pub fn warned(own: &OwnParticipant) -> bool {
    own.media_warnings.iter().flatten().any(|word| word == "recordings")
}

/// The channels that a client wants, those that we know.
pub fn channels(connect: &Connect) -> Vec<Channel> {
    let wanted = |channel: &Channel| connect.media_signaling.as_ref().is_some_and(|all| all.contains_key(msp::name(*channel)));
    Channel::ALL.into_iter().filter(wanted).collect()
}

/// How a client wants its bandwidth shared. Words and numbers that mean nothing count as not said.
pub fn profile(connect: &Connect) -> Profile {
    let channels = channels(connect);
    let hinted = channels.contains(&Channel::Render);
    let usual = channels.contains(&Channel::Speaker).then_some(Priority::Standard);
    let Some(video) = connect.bandwidth_profile.as_ref().and_then(|profile| profile.video.as_ref()) else {
        return Profile { hinted, ..Profile::default() };
    };
    Profile {
        mode: match video.mode.as_deref() {
            Some("collaboration") => Mode::Collaboration,
            Some("presentation") => Mode::Presentation,
            _ => Mode::Grid,
        },
        switch_off: match video.track_switch_off.as_deref() {
            Some("predicted") => SwitchOff::Predicted,
            Some("disabled") => SwitchOff::Disabled,
            _ => SwitchOff::Detected,
        },
        bitrate_max: video.max_subscription_bandwidth.filter(|bits| *bits >= 1.0).map(|bits| bits as u64),
        tracks_max: video.max_tracks.filter(|count| *count >= 1.0).map(|count| count as u16),
        speaker_priority: video.active_speaker_priority.as_deref().and_then(priority).or(usual),
        sizes: video.render_dimensions.as_ref().map(sizes).unwrap_or_default(),
        hinted,
    }
}

fn sizes(of: &RenderDimensions) -> Sizes {
    let size = |of: Option<Dimensions>| of.and_then(size);
    Sizes { high: size(of.high), standard: size(of.standard), low: size(of.low) }
}

/// A size in whole pixels, unless there is nothing of it.
pub fn size(of: Dimensions) -> Option<(u16, u16)> {
    let (width, height) = (of.width?.round() as u16, of.height?.round() as u16);
    (width > 0 && height > 0).then_some((width, height))
}

/// The priority that is called so.
pub fn priority(word: &str) -> Option<Priority> {
    match word {
        "low" => Some(Priority::Low),
        "standard" => Some(Priority::Standard),
        "high" => Some(Priority::High),
        _ => None,
    }
}

/// The one connection that a client has prepared when it comes in.
pub fn first_offer(mut connections: Vec<PeerConnection>) -> Result<Option<(LinkId, Signal)>, Problem> {
    let Some(connection) = connections.pop() else { return Ok(None) };
    let offer = signals(connection)?.into_iter().find(|(_, signal)| signal.step == Step::Offer);
    if connections.is_empty() && offer.is_some() { Ok(offer) } else { Err(Problem::MALFORMED) }
}

/// What a client says about its connections, each in order: description, then candidates.
pub fn all_signals(connections: Option<Vec<PeerConnection>>) -> Result<Vec<(LinkId, Signal)>, Problem> {
    let connections = connections.unwrap_or_default();
    if connections.len() > CONNECTIONS_MAX {
        return Err(Problem::MALFORMED);
    }
    let each: Vec<Vec<_>> = connections.into_iter().map(signals).collect::<Result<_, _>>()?;
    Ok(each.into_iter().flatten().collect())
}

fn signals(connection: PeerConnection) -> Result<Vec<(LinkId, Signal)>, Problem> {
    let link = LinkId(connection.id.into());
    let description = connection.description.map(description).transpose()?.flatten();
    let candidates = connection.ice.map(candidates).transpose()?;
    Ok(description.into_iter().chain(candidates).map(|signal| (link.clone(), signal)).collect())
}

/// A description that the other end should hear, or none: what later SDKs may add is not passed on.
fn description(description: Description) -> Result<Option<Signal>, Problem> {
    let step = match &*description.kind {
        "offer" => Step::Offer,
        "answer" => Step::Answer,
        "close" => Step::Close,
        _ => return Ok(None),
    };
    let sdp = description.sdp.unwrap_or_default();
    if let Some(flaw) = sdp::flaw(&sdp).filter(|_| step != Step::Close) {
        return Err(Problem::description(flaw));
    }
    Ok(Some(Signal { step, revision: count(description.revision)?, sealed: Sealed(sdp.into()) }))
}

fn candidates(block: IceBlock) -> Result<Signal, Problem> {
    if block.candidates.len() > sdp::CANDIDATES_MAX {
        return Err(Problem::description(sdp::TOO_MANY_CANDIDATES));
    }
    let revision = count(block.revision)?;
    let text = serde_json::to_string(&block).map_err(|_| Problem::MALFORMED)?;
    if text.len() > sdp::CANDIDATE_BLOCK_BYTES_MAX {
        return Err(Problem::description("The candidates are too large"));
    }
    Ok(Signal { step: Step::Candidates, revision, sealed: Sealed(text.into()) })
}

fn draft(track: OwnTrack) -> Result<TrackDraft, Problem> {
    let kind = match &*track.kind {
        "audio" => Kind::Audio,
        "video" => Kind::Video,
        "data" => Kind::Data,
        _ => return Err(Problem::MALFORMED),
    };
    let priority = track.priority.as_deref().and_then(priority).unwrap_or_default();
    let (label, name): (Arc<str>, Arc<str>) = (track.id.into(), track.name.into());
    Ok(TrackDraft { label, kind, name, enabled: track.enabled, priority })
}

fn count(revision: u64) -> Result<u64, Problem> {
    if revision <= COUNT_MAX { Ok(revision) } else { Err(Problem::MALFORMED) }
}
