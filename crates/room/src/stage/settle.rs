//! What follows from whatever happened in a room: where members stand, what is told of that, and what the media server is to mix. Done
//! after each step, and of the mix only while somebody receives it or it is recorded.

use std::sync::Arc;

use super::layout::{Division, Figure, Stander, arrange};
use crate::participant::Participant;
use crate::room::{Means, Room};
use crate::{Event, Layout, Member, MemberField, Output, ParticipantId, Position, Role, StageField, View};

impl Room {
    /// Whether somebody receives the mix, or it is recorded.
    pub fn is_mixed(&self) -> bool {
        self.participants.iter().any(|place| place.hears_mix()) || self.is_mix_recorded()
    }

    /// Tells what changed of the mix since the last time.
    pub fn settle(&mut self, means: &mut Means<'_>) {
        self.settle_takes(means);
        if self.is_mixed() {
            self.end_old_playbacks(means.now);
            self.settle_mix(means);
        } else {
            self.silence(means);
            self.end_playbacks(means.now);
            self.stage.altered.clear();
            self.stage.fields.clear();
            self.stage.sizes.clear();
            self.order_mix_takes(means);
            self.end_scene(means);
        }
        self.tell_recording(means);
    }

    fn settle_mix(&mut self, means: &mut Means<'_>) {
        self.silence(means);
        let layout = self.arrange(means);
        self.tell_members(means);
        self.tell_stage(means);
        if layout != *self.stage.layout {
            self.stage.layout = Arc::new(layout);
            self.tell_mix(&Event::Layout(Arc::clone(&self.stage.layout)), means);
        }
        self.tell_sizes(means);
        self.order_scene(means);
        self.order_mix_takes(means);
    }

    /// Places everybody, and notes what that changes of them. Leaves it to the caller to tell.
    pub fn arrange(&mut self, means: &Means<'_>) -> Layout {
        self.stage.talk.follow(means.now);
        let view = Arc::clone(&self.stage.view);
        let members = self.participants.iter().filter_map(|one| one.stander(view.hide_video_muted));
        let films = view.playbacks.iter().filter(|one| one.shown);
        let films = films.map(|one| Stander { who: Figure::Film(one.id), wanted: one.wanted, hand: false, shared: true });
        let standers: Vec<Stander> = members.chain(films).collect();
        let (name, canvas, hands_first) = (view.layout, view.canvas, view.prioritize_hands);
        let layout = arrange(Division { name, canvas, hands_first, speaker: self.stage.talk.speaker() }, &standers);
        for who in self.ids() {
            let place = layout.places.iter().find(|place| place.who == Some(who)).map(|place| place.position);
            self.follow(who, place);
        }
        let audience = self.participants.iter().filter(|one| one.is_audience()).count();
        let audience = u32::try_from(audience).unwrap_or(u32::MAX);
        self.stage.change(StageField::Audience, |view| view.audience = audience);
        layout
    }

    /// Changes what is seen of a member, and remembers that this field is to be told.
    pub fn alter(&mut self, who: ParticipantId, field: MemberField, edit: impl FnOnce(&mut Member)) {
        let place = self.place_of(who);
        let mut member = place.snapshot.member.clone();
        edit(&mut member);
        if member != place.snapshot.member {
            place.change(|shown| shown.member = member);
            self.stage.altered.entry(who).or_default().insert(field);
        }
    }

    /// Somebody came: that may be heard.
    pub fn note_entry(&mut self, who: ParticipantId) {
        let heard = self.stage.settings.tones && self.place_of(who).is_heard();
        self.stage.tones.0 = self.stage.tones.0.wrapping_add(u32::from(heard));
    }

    /// Somebody left: that may be heard.
    pub fn note_exit(&mut self, gone: &Participant) {
        let heard = self.stage.settings.tones && gone.is_heard();
        self.stage.tones.1 = self.stage.tones.1.wrapping_add(u32::from(heard));
    }

    /// Tells everybody who receives the mix.
    pub fn tell_mix(&self, event: &Event, means: &mut Means<'_>) {
        for conn in self.participants.iter().filter(|one| one.hears_mix()).filter_map(|one| one.conn) {
            means.out.push_back(Output::Tell(conn, event.clone()));
        }
    }

    /// Takes over into a member what follows from its place and its tracks.
    fn follow(&mut self, who: ParticipantId, position: Option<Position>) {
        let place = self.place_of(who);
        let visible = position.is_some() && place.picture().is_some();
        let (audio_muted, video_muted) = (place.is_muted(crate::Kind::Audio), place.is_muted(crate::Kind::Video));
        self.alter(who, MemberField::AudioMuted, |member| member.audio_muted = audio_muted);
        self.alter(who, MemberField::VideoMuted, |member| member.video_muted = video_muted);
        self.alter(who, MemberField::Visible, |member| member.visible = visible);
        self.alter(who, MemberField::Position, |member| member.position = position.unwrap_or(Position::OffCanvas));
    }

    fn tell_members(&mut self, means: &mut Means<'_>) {
        for (who, fields) in std::mem::take(&mut self.stage.altered) {
            let Some(place) = self.by_id(who) else { continue };
            let participant = Arc::clone(&place.snapshot);
            let event = Event::Member { participant, changed: fields.into_iter().collect() };
            if place.snapshot.member.role != Role::Audience {
                self.tell_mix(&event, means);
            } else if place.snapshot.member.view == View::Mix {
                self.tell(who, event, means);
            }
        }
    }

    fn tell_stage(&mut self, means: &mut Means<'_>) {
        let changed: Vec<StageField> = std::mem::take(&mut self.stage.fields).into_iter().collect();
        if !changed.is_empty() {
            self.tell_mix(&Event::Stage { stage: Arc::clone(&self.stage.view), changed }, means);
        }
    }
}
