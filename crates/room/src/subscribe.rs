use std::sync::Arc;

use crate::limit::{SERVED_AUDIO_MAX, SERVED_VIDEO_MAX, SUBSCRIPTIONS_MAX};
use crate::{Kind, Snapshot, Track, TrackId};

/// What a participant wants to receive, as it said when joining.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Every track of everyone else.
    #[default]
    All,
    /// Nothing until it asks.
    Nothing,
}

/// The tracks that a participant with this rule receives from these others: id, and the name its media carries.
pub(crate) fn subscriptions<'a>(rule: Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<(TrackId, Arc<str>)> {
    wanted(rule, others).into_iter().map(|track| (track.id, Arc::clone(&track.label))).collect()
}

/// The tracks that a participant with this rule receives from these others by the media server.
pub(crate) fn served_subscriptions<'a>(rule: Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<TrackId> {
    let mut tracks = wanted(rule, others);
    keep_newest(&mut tracks, Kind::Video, SERVED_VIDEO_MAX);
    keep_newest(&mut tracks, Kind::Audio, SERVED_AUDIO_MAX);
    tracks.into_iter().map(|track| track.id).collect()
}

fn wanted<'a>(rule: Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<&'a Track> {
    let mut tracks: Vec<_> = if rule == Rule::All { others.flat_map(|other| &other.tracks).collect() } else { Vec::new() };
    tracks.drain(..tracks.len().saturating_sub(SUBSCRIPTIONS_MAX));
    tracks
}

fn keep_newest(tracks: &mut Vec<&Track>, kind: Kind, count_max: usize) {
    let mut extra = tracks.iter().filter(|track| track.kind == kind).count().saturating_sub(count_max);
    tracks.retain(|track| {
        let drop = track.kind == kind && extra > 0;
        extra -= usize::from(drop);
        !drop
    });
}
