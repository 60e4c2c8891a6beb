use std::sync::Arc;

use crate::limit::{SERVED_AUDIO_MAX, SERVED_VIDEO_MAX, SUBSCRIPTIONS_MAX};
use crate::{Kind, ParticipantId, Priority, Snapshot, Track, TrackId};

/// What a participant receives: as it said when joining, or as its owner said after that. Never its own tracks. Also what of a room is
/// recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Every track of everyone else.
    #[default]
    All,
    /// Nothing until it asks.
    Nothing,
    /// Beginning with nothing, each line adds or takes away.
    Listed(Arc<[RuleLine]>),
}

/// One line of a rule: the tracks for which everything holds that is given. With nothing given, all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// Whether these are added; else they are taken away.
    pub include: bool,
    /// Published by this one.
    pub publisher: Option<Whom>,
    /// This one.
    pub track: Option<Which>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// As important to their publisher as this.
    pub priority: Option<Priority>,
}

/// How a rule names a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// By its identity.
    Identity(Arc<str>),
    /// By its id, spelled so that it might also be meant as an identity.
    Id(ParticipantId, Arc<str>),
}

/// How a rule names a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its name.
    Name(Arc<str>),
    /// By its id, spelled so that it might also be meant as a name.
    Id(TrackId, Arc<str>),
}

impl Rule {
    pub(crate) fn takes(&self, publisher: &Snapshot, track: &Track) -> bool {
        match self {
            Rule::All => true,
            Rule::Nothing => false,
            Rule::Listed(lines) => lines.iter().rev().find(|line| line.fits(publisher, track)).is_some_and(|line| line.include),
        }
    }

    /// Whether there may be a track that it takes.
    #[must_use]
    pub fn takes_any(&self) -> bool {
        match self {
            Rule::All => true,
            Rule::Nothing => false,
            Rule::Listed(lines) => lines.iter().fold(false, |any, line| line.include || (any && !line.is_any())),
        }
    }
}

impl RuleLine {
    fn is_any(&self) -> bool {
        self.publisher.is_none() && self.track.is_none() && self.kind.is_none() && self.priority.is_none()
    }

    fn fits(&self, publisher: &Snapshot, track: &Track) -> bool {
        self.publisher.as_ref().is_none_or(|whom| whom.is(publisher))
            && self.track.as_ref().is_none_or(|which| which.is(track))
            && self.kind.is_none_or(|kind| kind == track.kind)
            && self.priority.is_none_or(|priority| priority == track.priority)
    }
}

impl Whom {
    fn is(&self, one: &Snapshot) -> bool {
        match self {
            Whom::Identity(identity) => *identity == one.identity,
            Whom::Id(id, spelled) => *id == one.id || *spelled == one.identity,
        }
    }
}

impl Which {
    fn is(&self, track: &Track) -> bool {
        match self {
            Which::Name(name) => *name == track.name,
            Which::Id(id, spelled) => *id == track.id || *spelled == track.name,
        }
    }
}

/// The tracks that a participant with this rule receives from these others: id, and the name its media carries.
pub(crate) fn subscriptions<'a>(rule: &Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<(TrackId, Arc<str>)> {
    wanted(rule, others).into_iter().map(|track| (track.id, Arc::clone(&track.label))).collect()
}

/// The tracks that a participant with this rule receives from these others by the media server.
pub(crate) fn served_subscriptions<'a>(rule: &Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<TrackId> {
    let mut tracks = wanted(rule, others);
    keep_newest(&mut tracks, Kind::Video, SERVED_VIDEO_MAX);
    keep_newest(&mut tracks, Kind::Audio, SERVED_AUDIO_MAX);
    tracks.into_iter().map(|track| track.id).collect()
}

fn wanted<'a>(rule: &Rule, others: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<&'a Track> {
    let all = others.flat_map(|other| other.tracks.iter().map(move |track| (other, track)));
    let mut tracks: Vec<_> = all.filter(|(other, track)| rule.takes(other, track)).map(|(_, track)| track).collect();
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
