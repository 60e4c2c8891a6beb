use std::sync::Arc;

use crate::limit::SUBSCRIPTIONS_MAX;
use crate::{Snapshot, TrackId};

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
    let all = || others.flat_map(|other| &other.tracks).map(|track| (track.id, Arc::clone(&track.label)));
    let mut tracks: Vec<_> = if rule == Rule::All { all().collect() } else { Vec::new() };
    tracks.drain(..tracks.len().saturating_sub(SUBSCRIPTIONS_MAX));
    tracks
}
