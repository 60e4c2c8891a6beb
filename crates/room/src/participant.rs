use std::sync::Arc;
use std::time::Duration;

use crate::lists::Lists;
use crate::rights::may_publish;
use crate::rights::permit_position;
use crate::saved::{REVISION_GAP, SavedParticipant};
use crate::served::Served;
use crate::takes::{Takes, Warnings};
use crate::{
    ConnId, Ids, Join, Member, Moment, Origin, Part, ParticipantId, Published, Rights, Role, Rule, SeatKey, TrackDraft, TrackId,
    TrackRefusal, View, limit,
};

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Messages.
    Data,
}

/// How much a track matters to its publisher when there is not room for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Goes first.
    Low,
    /// What tracks have unless said otherwise.
    #[default]
    Standard,
    /// Goes last.
    High,
}

/// One published stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Ours, the same for everyone.
    pub id: TrackId,
    /// What the publisher's media calls it.
    pub label: Arc<str>,
    /// What it carries.
    pub kind: Kind,
    /// What the app calls it; unique for its participant.
    pub name: Arc<str>,
    /// False while muted.
    pub enabled: bool,
    /// How much it matters.
    pub priority: Priority,
}

/// Whether a participant is really there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has a connection.
    Connected,
    /// It lost its connection; its seat is kept for a while.
    Reconnecting,
    /// It left. Said once, with the highest revision.
    Disconnected,
}

/// A participant as everybody else sees it at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Ours.
    pub id: ParticipantId,
    /// The client's name, unique in its room among those who do not share it.
    pub identity: Arc<str>,
    /// Whether it is there.
    pub presence: Presence,
    /// Grows by one with each change, from 1.
    pub revision: u64,
    /// What it publishes, in the order it was published.
    pub tracks: Vec<Track>,
    /// How it takes part in the mix.
    pub member: Member,
}

/// A participant as its room keeps it.
#[derive(Debug)]
pub(crate) struct Participant {
    pub snapshot: Arc<Snapshot>,
    pub seat: SeatKey,
    /// None while reconnecting, and until it knows that it is in.
    pub conn: Option<ConnId>,
    /// When the seat is given up; set while reconnecting.
    pub deadline: Option<Moment>,
    pub came: Moment,
    /// When it joined or came back last.
    pub here_since: Moment,
    /// When it became what it is, a member or audience.
    pub graded: Moment,
    pub rights: Rights,
    pub rule: Rule,
    pub origin: Option<Origin>,
    /// The highest revision of its own track list that the client sent.
    pub list_revision: u64,
    pub lists: Lists,
    pub published_revision: u64,
    pub subscribed_revision: u64,
    /// Names of tracks that were refused, so that the answer stays the same when the list is sent again.
    pub refused: Vec<(Arc<str>, TrackRefusal)>,
    /// What it was told last that it receives.
    pub shown: Vec<(TrackId, Arc<str>)>,
    pub served: Served,
    pub takes: Takes,
    pub warnings: Warnings,
    pub wants_warnings: bool,
    /// Its tracks that it does not send for now.
    pub off: Vec<TrackId>,
    /// The kinds that are kept from everybody whether it sends them or not.
    pub held: Vec<Kind>,
    /// Those of them that somebody else keeps: what its client sends of them all the same goes to nobody.
    pub barred: Vec<Kind>,
    pub shares_name: bool,
    /// When it is put out, whatever the room's terms are.
    pub expires: Option<Moment>,
    pub ends_room: bool,
    /// When it is put out for want of a link to the media server.
    pub link_deadline: Option<Moment>,
    /// How much later than it was said first its seat is given up.
    pub forgiven: Duration,
}

/// What a new track list changed.
#[derive(Debug, Default)]
pub(crate) struct ListChange {
    pub added: Vec<TrackId>,
    pub removed: Vec<Track>,
    /// Still there, and not as before.
    pub altered: Vec<TrackId>,
}

/// What a participant may publish because of its room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub kinds: &'static [Kind],
    /// Tracks of all kinds, as many as the others leave.
    pub tracks_max: usize,
}

impl ListChange {
    /// Whether the others can see it.
    pub fn visible(&self) -> bool {
        !self.altered.is_empty() || self.moved()
    }

    /// Whether there are other tracks to receive than before.
    pub fn moved(&self) -> bool {
        !self.added.is_empty() || !self.removed.is_empty()
    }
}

impl Participant {
    pub fn new(id: ParticipantId, seat: SeatKey, join: &Join, now: Moment) -> Self {
        let snapshot = Snapshot {
            id,
            identity: Arc::clone(&join.identity),
            presence: Presence::Connected,
            revision: 1,
            tracks: Vec::new(),
            member: Member { wanted: permit_position(join.rights, join.part.position), ..Member::new(&join.part) },
        };
        let Part { role, expires, stays_max, ends_room, .. } = join.part;
        let stays = stays_max.map(|time| now + time);
        Participant {
            snapshot: Arc::new(snapshot),
            seat,
            conn: None,
            deadline: None,
            came: now,
            here_since: now,
            graded: now,
            rights: Rights { publish: join.rights.publish && role != Role::Audience, ..join.rights },
            rule: join.rule.clone(),
            origin: join.origin.clone(),
            list_revision: 0,
            lists: Lists::default(),
            published_revision: 1,
            subscribed_revision: 1,
            refused: Vec::new(),
            shown: Vec::new(),
            served: Served::new(join.channels.clone(), join.profile),
            takes: Takes::default(),
            warnings: Warnings::default(),
            wants_warnings: join.part.warned,
            off: Vec::new(),
            held: held(join.part.audio_muted, join.part.video_muted),
            barred: Vec::new(),
            shares_name: join.part.shares_name(),
            expires: expires.into_iter().chain(stays).min(),
            ends_room,
            link_deadline: None,
            forgiven: Duration::ZERO,
        }
    }

    /// As it can be written down.
    pub fn save(&self, now: Moment) -> SavedParticipant {
        SavedParticipant {
            id: self.snapshot.id,
            identity: Arc::clone(&self.snapshot.identity),
            seat: self.seat,
            rights: self.rights,
            rule: self.rule.clone(),
            age: now.since(self.came),
            origin: self.origin.clone(),
            channels: self.served.channels.clone(),
            profile: self.served.profile,
            tracks: self.wished(),
            barred: self.barred.clone(),
            revision: self.snapshot.revision,
            list_revision: self.list_revision,
            published_revision: self.published_revision,
            subscribed_revision: self.subscribed_revision,
            warned_revision: self.wants_warnings.then_some(self.warnings.revision),
        }
    }

    /// Somebody who lost the connection to us, and may come back until `deadline`.
    pub fn restore(saved: SavedParticipant, deadline: Moment, now: Moment) -> Self {
        let revision = saved.revision + REVISION_GAP;
        let off = saved.tracks.iter().filter(|track| !track.enabled).map(|track| track.id).collect();
        let seen = |track: Track| Track { enabled: track.enabled && !saved.barred.contains(&track.kind), ..track };
        let snapshot = Snapshot {
            id: saved.id,
            identity: saved.identity,
            presence: Presence::Reconnecting,
            revision,
            tracks: saved.tracks.into_iter().map(seen).collect(),
            member: Member::default(),
        };
        Participant {
            snapshot: Arc::new(snapshot),
            seat: saved.seat,
            conn: None,
            deadline: Some(deadline),
            came: now - saved.age,
            here_since: now,
            graded: now - saved.age,
            rights: saved.rights,
            rule: saved.rule,
            origin: saved.origin,
            list_revision: saved.list_revision,
            lists: Lists::default(),
            published_revision: saved.published_revision + REVISION_GAP,
            subscribed_revision: saved.subscribed_revision + REVISION_GAP,
            refused: Vec::new(),
            shown: Vec::new(),
            served: Served::new(saved.channels, saved.profile),
            takes: Takes::default(),
            warnings: Warnings::after(saved.warned_revision.unwrap_or_default() + REVISION_GAP),
            wants_warnings: saved.warned_revision.is_some(),
            off,
            held: saved.barred.clone(),
            barred: saved.barred,
            shares_name: false,
            expires: None,
            ends_room: false,
            link_deadline: None,
            forgiven: Duration::ZERO,
        }
    }

    pub fn id(&self) -> ParticipantId {
        self.snapshot.id
    }

    /// Changes what the others see, at the next revision.
    pub fn change(&mut self, edit: impl FnOnce(&mut Snapshot)) -> Arc<Snapshot> {
        let snapshot = Arc::make_mut(&mut self.snapshot);
        snapshot.revision += 1;
        edit(snapshot);
        Arc::clone(&self.snapshot)
    }

    /// Makes the tracks what the client says they are, unless it said something newer before. What is not allowed is refused.
    /// Leaves the revision that others see to the caller.
    pub fn take_list(&mut self, revision: u64, drafts: &[TrackDraft], allowed: Allowed, ids: &mut dyn Ids) -> ListChange {
        if revision <= self.list_revision {
            return ListChange::default();
        }
        self.list_revision = revision;
        let drafts = &drafts[..drafts.len().min(limit::TRACKS_LISTED_MAX)];
        let refused = std::mem::take(&mut self.refused);
        let mut change = self.keep_listed(drafts);
        for draft in drafts {
            self.take_new(draft, allowed, ids, &mut change);
        }
        self.note_off(drafts);
        if change.moved() || refused != self.refused {
            self.published_revision += 1;
        }
        change
    }

    /// What became of the client's tracks.
    pub fn published(&self) -> Published {
        let taken = self.snapshot.tracks.iter().map(|t| (Arc::clone(&t.label), Ok(t.id)));
        let refused = self.refused.iter().map(|(label, why)| (Arc::clone(label), Err(*why)));
        Published { revision: self.published_revision, tracks: taken.chain(refused).collect() }
    }

    /// Keeps its tracks of a kind from everybody, or not any more. What it muted itself it stops to send itself.
    pub fn hold(&mut self, kind: Kind, held: bool, by_itself: bool) -> ListChange {
        self.held.retain(|one| *one != kind);
        self.held.extend(held.then_some(kind));
        self.barred.retain(|one| *one != kind || (held && by_itself));
        self.barred.extend((held && !by_itself).then_some(kind));
        let mut change = ListChange::default();
        let off = self.off.clone();
        for track in Arc::make_mut(&mut self.snapshot).tracks.iter_mut().filter(|track| track.kind == kind) {
            let enabled = !held && !off.contains(&track.id);
            if std::mem::replace(&mut track.enabled, enabled) != enabled {
                change.altered.push(track.id);
            }
        }
        change
    }

    /// Whether somebody else keeps its tracks of this kind from everybody.
    pub fn is_barred(&self, kind: Kind) -> bool {
        self.barred.contains(&kind)
    }

    /// Its tracks that somebody else keeps from everybody.
    pub fn barred(&self) -> Vec<TrackId> {
        self.snapshot.tracks.iter().filter(|track| self.barred.contains(&track.kind)).map(|track| track.id).collect()
    }

    /// Takes back all its tracks.
    pub fn unpublish(&mut self) -> ListChange {
        self.refused.clear();
        self.published_revision += 1;
        self.keep_listed(&[])
    }

    /// Whether tracks of this kind are kept from everybody; of who receives tracks and knows nothing of that, whether none comes.
    pub fn is_muted(&self, kind: Kind) -> bool {
        self.held.contains(&kind) || (self.snapshot.member.view == View::Tracks && self.live(kind).next().is_none())
    }

    /// Its tracks as it would have them.
    fn wished(&self) -> Vec<Track> {
        let wished = |track: &Track| Track { enabled: !self.off.contains(&track.id), ..track.clone() };
        self.snapshot.tracks.iter().map(wished).collect()
    }

    fn note_off(&mut self, drafts: &[TrackDraft]) {
        let draft = |track: &Track| drafts.iter().find(|draft| draft.label == track.label && draft.kind == track.kind);
        let off = |track: &&Track| draft(track).is_some_and(|draft| !draft.enabled);
        self.off = self.snapshot.tracks.iter().filter(off).map(|track| track.id).collect();
    }

    /// Drops the tracks that are not listed any more and brings the others up to date.
    fn keep_listed(&mut self, drafts: &[TrackDraft]) -> ListChange {
        let mut change = ListChange::default();
        let held = self.held.clone();
        Arc::make_mut(&mut self.snapshot).tracks.retain_mut(|track| {
            let Some(draft) = drafts.iter().find(|d| d.label == track.label && d.kind == track.kind) else {
                change.removed.push(track.clone());
                return false;
            };
            let enabled = draft.enabled && !held.contains(&track.kind);
            if (track.enabled, track.priority) != (enabled, draft.priority) {
                (track.enabled, track.priority) = (enabled, draft.priority);
                change.altered.push(track.id);
            }
            true
        });
        change
    }

    fn take_new(&mut self, draft: &TrackDraft, allowed: Allowed, ids: &mut dyn Ids, change: &mut ListChange) {
        if self.snapshot.tracks.iter().any(|t| t.label == draft.label) {
            return;
        }
        if let Err(why) = self.admit(draft, allowed) {
            self.refused.push((Arc::clone(&draft.label), why));
            return;
        }
        let id = TrackId(ids.fresh());
        change.added.push(id);
        let enabled = draft.enabled && !self.held.contains(&draft.kind);
        Arc::make_mut(&mut self.snapshot).tracks.push(Track {
            id,
            label: Arc::clone(&draft.label),
            kind: draft.kind,
            name: Arc::clone(&draft.name),
            enabled,
            priority: draft.priority,
        });
    }

    fn admit(&self, draft: &TrackDraft, allowed: Allowed) -> Result<(), TrackRefusal> {
        let tracks = &self.snapshot.tracks;
        let data = |kind| kind == Kind::Data;
        let alike = tracks.iter().filter(|t| data(t.kind) == data(draft.kind)).count();
        let seats = if data(draft.kind) { limit::DATA_TRACKS_MAX } else { limit::MEDIA_TRACKS_MAX };
        if !may_publish(self.rights) {
            Err(TrackRefusal::NotPermitted)
        } else if !allowed.kinds.contains(&draft.kind) || !self.rights.media.has(draft.kind) {
            Err(TrackRefusal::KindNotAllowed)
        } else if draft.name.chars().count() > limit::TRACK_NAME_CHARS_MAX {
            Err(TrackRefusal::NameTooLong)
        } else if draft.name.is_empty() || draft.name.chars().any(char::is_control) || wire_name_bad(&draft.label) {
            Err(TrackRefusal::NameInvalid)
        } else if tracks.iter().any(|t| t.name == draft.name) {
            Err(TrackRefusal::NameTaken)
        } else if alike >= seats {
            Err(TrackRefusal::TooMany)
        } else if tracks.len() >= allowed.tracks_max {
            Err(TrackRefusal::TooManyInRoom)
        } else {
            Ok(())
        }
    }
}

fn held(audio: bool, video: bool) -> Vec<Kind> {
    audio.then_some(Kind::Audio).into_iter().chain(video.then_some(Kind::Video)).collect()
}

fn wire_name_bad(label: &str) -> bool {
    label.is_empty() || label.len() > limit::WIRE_NAME_BYTES_MAX
}
