//! What the rooms say, in this vendor's shapes. Revisions are the rooms' own, so a client that was away needs no memory of ours.

use std::borrow::Cow;

use room::{
    Joined, Kind, LinkState, Presence, Priority, RecordingState, RoomKind, Signal, Snapshot, Step, TrackId, TrackRefusal,
};
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::rest::Memo;
use crate::sid;
use crate::wire::{
    DescriptionState, Grants, Me, MediaState, MediaStates, Options, Participant, PeerState, Published, PublishedTrack, Recording,
    RoomState, Subscribed, SubscribedTrack, Track, TrackError,
};

/// The version of the room protocol.
pub const VERSION: u8 = 2;

/// The whole room, with these channels. The regions are that of media, unless the room was made with another, and that of signaling.
pub fn room<'a>(
    joined: &'a Joined,
    session: &'a str,
    [region, signaling_region]: [&'a str; 2],
    candidates: &'a [Vec<Box<RawValue>>],
    media_signaling: Grants,
) -> RoomState<'a> {
    let memo = Memo::read(&joined.memo.0);
    let region = memo.media_region.map_or(Cow::Borrowed(region), Cow::Owned);
    let media_region = joined.links.iter().any(|link| link.server).then_some(region);
    let audio_processors = media_region.is_some().then_some(["krisp"]);
    RoomState {
        version: VERSION,
        sid: sid::room(joined.room),
        name: &joined.name,
        session,
        participant: Me { sid: sid::participant(joined.me), identity: &joined.identity },
        options: Options {
            session_timeout: joined.session_timeout.as_secs().max(1),
            media_region,
            audio_processors,
            signaling_region,
        },
        participants: joined.others.iter().map(|other| participant(other)).collect(),
        published: published(&joined.published),
        subscribed: subscribed(&joined.subscribed),
        peer_connections: joined.links.iter().zip(candidates).flat_map(|(state, raw)| link(state, raw)).collect(),
        recording: recording(joined.recording),
        media_signaling,
    }
}

/// The candidates of a link's other end as JSON again; they were sealed by this door.
pub fn unseal(signals: &[Signal]) -> Vec<Box<RawValue>> {
    signals.iter().filter(|signal| signal.step == Step::Candidates).filter_map(raw).collect()
}

/// One signal's candidates.
pub fn raw(signal: &Signal) -> Option<Box<RawValue>> {
    RawValue::from_string(signal.sealed.0.to_string()).ok()
}

/// Somebody else.
pub fn participant(of: &Snapshot) -> Participant<'_> {
    Participant {
        sid: sid::participant(of.id),
        identity: &of.identity,
        state: match of.presence {
            Presence::Connected => "connected",
            Presence::Reconnecting => "reconnecting",
            Presence::Disconnected => "disconnected",
        },
        revision: of.revision,
        tracks: of.tracks.iter().map(track).collect(),
    }
}

/// What became of a client's tracks.
pub fn published(of: &room::Published) -> Published<'_> {
    Published { revision: of.revision, tracks: of.tracks.iter().map(|(id, outcome)| outcome_of(id, *outcome)).collect() }
}

fn outcome_of(id: &str, outcome: Result<TrackId, TrackRefusal>) -> PublishedTrack<'_> {
    match outcome {
        Ok(track) => PublishedTrack { id, state: "ready", sid: Some(sid::track(track)), error: None },
        Err(why) => {
            let Problem { code, message } = why.into();
            PublishedTrack { id, state: "failed", sid: None, error: Some(TrackError { code, message }) }
        }
    }
}

/// What a client receives.
pub fn subscribed(of: &room::Subscribed) -> Subscribed<'_> {
    let tracks = of.tracks.iter().map(|(track, label)| SubscribedTrack { sid: sid::track(*track), id: label });
    Subscribed { revision: of.revision, tracks: tracks.collect() }
}

/// Whether the room is being recorded.
pub fn recording(of: RecordingState) -> Recording {
    Recording { revision: of.revision, is_recording: of.on }
}

/// Of which tracks of a client that are being recorded nothing comes.
pub fn media_states(revision: u64, tracks: &[(TrackId, bool)]) -> MediaStates {
    let state = |silent: bool| MediaState { recordings: if silent { "NO_MEDIA" } else { "OK" } };
    MediaStates { revision, tracks: tracks.iter().map(|(track, silent)| (sid::track(*track), state(*silent))).collect() }
}

/// One signal from the other end. Candidates come with their JSON.
pub fn signal<'a>(id: &'a str, of: &'a Signal, candidates: Option<&'a RawValue>) -> PeerState<'a> {
    let kind = match of.step {
        Step::Offer => "offer",
        Step::Answer => "answer",
        Step::Close => "close",
        Step::Candidates => return PeerState { id, description: None, ice: candidates },
    };
    let sdp = (of.step != Step::Close).then_some(&*of.sealed.0);
    PeerState { id, description: Some(DescriptionState { kind, revision: of.revision, sdp }), ice: None }
}

/// Tells a client to close a connection, or to make an offer on one.
pub fn order<'a>(id: &'a str, kind: &'static str, revision: u64) -> PeerState<'a> {
    PeerState { id, description: Some(DescriptionState { kind, revision, sdp: None }), ice: None }
}

/// A connection as a client should have it: one element for each thing to know, or the bare id to keep it.
fn link<'a>(state: &'a LinkState, candidates: &'a [Box<RawValue>]) -> Vec<PeerState<'a>> {
    let id = &*state.link.0;
    let wanted = state.wanted.map(|revision| order(id, "create-offer", revision));
    let descriptions = state.signals.iter().filter(|s| s.step != Step::Candidates).map(|s| signal(id, s, None));
    let ice = candidates.iter().map(|raw| PeerState { id, description: None, ice: Some(raw) });
    let mut elements: Vec<_> = wanted.into_iter().chain(descriptions).chain(ice).collect();
    if elements.is_empty() {
        elements.push(PeerState { id, description: None, ice: None });
    }
    elements
}

fn track(of: &room::Track) -> Track<'_> {
    Track {
        sid: sid::track(of.id),
        name: &of.name,
        kind: track_kind_name(of.kind),
        enabled: of.enabled,
        priority: priority_name(of.priority),
    }
}

/// The vendor's name for what a track carries.
pub(crate) fn track_kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Data => "data",
    }
}

/// The vendor's name for a priority.
pub(crate) fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Standard => "standard",
        Priority::High => "high",
    }
}

/// The vendor's name for a kind of room; `auto` is a word of our own.
#[must_use]
pub fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Go => "go",
        RoomKind::Auto => "auto",
        RoomKind::PeerToPeer => "peer-to-peer",
        RoomKind::Group => "group",
        RoomKind::GroupSmall => "group-small",
    }
}

/// The kind of room that the vendor calls so.
#[must_use]
pub fn kind_of(name: &str) -> Option<RoomKind> {
    RoomKind::ALL.into_iter().find(|kind| kind_name(*kind) == name)
}
