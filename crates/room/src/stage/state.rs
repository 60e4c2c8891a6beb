//! The mix of a room as the room keeps it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::layout::{Figure, Stander};
use super::play::{Starts, last};
use super::talk::Talk;
use crate::limit::{CANVAS_FPS_MAX, CANVAS_MAX, CANVAS_MIN, GONE_KEPT_MAX, SIZE_HOLD};
use crate::participant::Participant;
use crate::room::Window;
use crate::saved::SavedStage;
use crate::takes::MixTakes;
use crate::{
    Canvas, Kind, Layout, MemberField, Moment, Part, ParticipantId, Position, Role, Scene, Snapshot, StageField, StageSettings,
    StageView, Track, View,
};

/// What is kept of the mix of one room.
#[derive(Debug)]
pub(crate) struct Stage {
    pub view: Arc<StageView>,
    /// As told last.
    pub layout: Arc<Layout>,
    pub settings: StageSettings,
    pub talk: Talk,
    /// Members' fields that changed and were not told yet.
    pub altered: BTreeMap<ParticipantId, BTreeSet<MemberField>>,
    /// The mix's own.
    pub fields: BTreeSet<StageField>,
    /// As the media server was told last.
    pub scene: Option<Arc<Scene>>,
    /// Entries and exits that were to be heard.
    pub tones: (u32, u32),
    /// In which size each member's pictures are shown, as it was told last.
    pub sizes: BTreeMap<ParticipantId, Size>,
    pub takes: MixTakes,
    pub starts: Starts,
    /// Members who left, and when, the newest last: at most [`GONE_KEPT_MAX`](crate::limit::GONE_KEPT_MAX).
    pub gone: VecDeque<(Moment, Arc<Snapshot>)>,
}

/// A size that a publisher was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub told: (u16, u16),
    /// Since when a smaller one would do.
    pub large_since: Option<Moment>,
}

impl Size {
    /// When a smaller one is told.
    pub fn due(&self) -> Option<Moment> {
        self.large_since.map(|since| since + SIZE_HOLD)
    }
}

impl Stage {
    pub fn new(settings: StageSettings) -> Self {
        let view = StageView {
            canvas: settings.canvas,
            layout: settings.layout,
            hide_video_muted: false,
            locked: false,
            prioritize_hands: settings.prioritize_hands,
            display_name: Arc::clone(&settings.display_name),
            meta: settings.meta.clone(),
            audience: 0,
            recordings: Vec::new(),
            playbacks: Vec::new(),
        };
        let takes = MixTakes::new(settings.record_on_start);
        Stage {
            view: Arc::new(view),
            layout: Arc::new(Layout { name: settings.layout, canvas: settings.canvas, places: Vec::new() }),
            settings,
            talk: Talk::default(),
            altered: BTreeMap::new(),
            fields: BTreeSet::new(),
            scene: None,
            tones: (0, 0),
            sizes: BTreeMap::new(),
            takes,
            starts: Starts::default(),
            gone: VecDeque::new(),
        }
    }

    /// When time alone changes something.
    pub fn due(&self) -> Option<Moment> {
        let played = self.view.playbacks.iter().filter(|one| !one.is_over()).map(last);
        self.talk.due().into_iter().chain(self.sizes.values().filter_map(Size::due)).chain(played).min()
    }

    /// Remembers a member who left.
    pub fn note_gone(&mut self, now: Moment, one: &Arc<Snapshot>) {
        if one.member.role != Role::Audience {
            self.gone.push_back((now, Arc::clone(one)));
            self.gone.drain(..self.gone.len().saturating_sub(GONE_KEPT_MAX));
        }
    }

    /// In some rooms people begin muted. Who receives tracks could not take that back.
    pub fn mute_newcomer(&self, part: &mut Part) {
        if part.view == View::Mix && part.role == Role::Person {
            part.audio_muted |= self.settings.join_audio_muted;
            part.video_muted |= self.settings.join_video_muted;
        }
    }

    /// As it can be written down. With those who receive the mix the lock goes too: they do not find the way back, and nobody who is left
    /// might open the door for them.
    pub fn save(&self, window: Window, now: Moment, is_mix: bool) -> SavedStage {
        let left = |at: Option<Moment>| at.map(|at| at.since(now));
        let StageView { canvas, layout, hide_video_muted, locked, prioritize_hands, display_name, meta, .. } =
            StageView::clone(&self.view);
        // One that runs goes on as another.
        let record = self.takes.due || self.view.recordings.iter().any(|one| one.ended.is_none());
        let settings = StageSettings { canvas, layout, prioritize_hands, display_name, meta, ..self.settings.clone() };
        let (opens, closes, ends) = (left(window.opens), left(window.closes), left(window.ends));
        SavedStage { settings, record, hide_video_muted, locked: locked && !is_mix, opens, closes, ends }
    }

    /// What was changed of it after it began.
    pub fn restore(&mut self, saved: &SavedStage) {
        let view = Arc::make_mut(&mut self.view);
        (view.hide_video_muted, view.locked) = (saved.hide_video_muted, saved.locked);
        self.takes.due = saved.record;
    }

    /// Changes the mix, and remembers that this field is to be told.
    pub fn change(&mut self, field: StageField, edit: impl FnOnce(&mut StageView)) {
        let mut view = StageView::clone(&self.view);
        edit(&mut view);
        if view != *self.view {
            self.view = Arc::new(view);
            self.fields.insert(field);
        }
    }
}

impl Part {
    /// Whether others may have its name. What belongs to somebody has no name of its own.
    pub(crate) fn shares_name(&self) -> bool {
        self.shares_name || matches!(self.role, Role::Screen | Role::Device)
    }
}

impl Window {
    /// As it was written down.
    pub fn restore(saved: &SavedStage, now: Moment) -> Self {
        let at = |left: Option<Duration>| left.map(|left| now + left);
        Window { opens: at(saved.opens), closes: at(saved.closes), ends: at(saved.ends) }
    }
}

impl StageSettings {
    /// Within what can be mixed.
    pub fn possible(mut self) -> Self {
        let Canvas { width, height, fps } = self.canvas;
        let width = width.clamp(CANVAS_MIN.0, CANVAS_MAX.0) & !1;
        let height = height.clamp(CANVAS_MIN.1, CANVAS_MAX.1) & !1;
        self.canvas = Canvas { width, height, fps: fps.clamp(1, CANVAS_FPS_MAX) };
        self
    }
}

impl Participant {
    /// Whether it receives the mix: not the screens and devices of somebody, which only send.
    pub fn hears_mix(&self) -> bool {
        self.is_mix() && !self.is_child()
    }

    /// Whether it receives no tracks one by one.
    pub fn is_mix(&self) -> bool {
        self.snapshot.member.view == View::Mix
    }

    /// Whether it belongs to somebody.
    pub fn is_child(&self) -> bool {
        matches!(self.snapshot.member.role, Role::Screen | Role::Device)
    }

    /// Whether its coming and going is worth a sound.
    pub fn is_heard(&self) -> bool {
        self.snapshot.member.role == Role::Person
    }

    pub fn is_audience(&self) -> bool {
        self.snapshot.member.role == Role::Audience
    }

    /// Which of its pictures are shown: of several the one that matters most to it, the newest first.
    pub fn picture(&self) -> Option<&Track> {
        self.live(Kind::Video).max_by_key(|track| track.priority)
    }

    /// Whether anything can be heard of it.
    pub fn is_audible(&self) -> bool {
        !self.is_audience() && self.live(Kind::Audio).next().is_some()
    }

    /// Whether its sound can reach the mixer.
    pub fn is_heard_now(&self) -> bool {
        self.is_audible() && self.served.is_open()
    }

    /// Its tracks of a kind that are not muted.
    pub fn live(&self, kind: Kind) -> impl Iterator<Item = &Track> {
        self.snapshot.tracks.iter().filter(move |track| track.kind == kind && track.enabled)
    }

    /// It in the picture, if it is to be there. Whoever sends neither sound nor pictures only looks on, and a microphone has no face.
    pub fn stander(&self, hide_video_muted: bool) -> Option<Stander> {
        let sends = |kind| self.snapshot.tracks.iter().any(|track| track.kind == kind);
        let member = &self.snapshot.member;
        let stands = match member.role {
            Role::Audience => false,
            Role::Person => sends(Kind::Video) || sends(Kind::Audio),
            Role::Screen | Role::Device => sends(Kind::Video),
        };
        let hidden = hide_video_muted && self.picture().is_none();
        let (wanted, hand) = (member.wanted, member.hand_raised);
        (stands && !hidden && wanted != Position::OffCanvas).then_some(Stander {
            who: Figure::Member(self.id()),
            wanted,
            hand,
            shared: member.role == Role::Screen,
        })
    }
}
