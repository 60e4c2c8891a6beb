//! What members and moderators change of the mix and of each other.

use std::sync::Arc;

use crate::limit::{META_BYTES_MAX, SENSITIVITY_MAX, VOLUME_MAX};
use crate::participant::Participant;
use crate::rights::{grantable, may_unmute, permit_member, permit_question, permit_stage};
use crate::room::{Means, Room};
use crate::{
    Answer, Change, Event, Kind, LayoutName, MemberAct, MemberField, Meta, MetaChange, Part, ParticipantId, Position, Question,
    Refusal, Rights, Role, Snapshot, StageAct, StageField, Target, View, WhyLeft,
};

impl Room {
    /// Who an act of a member is about, if it may do that. Whether it may is asked before whether they are there.
    pub fn targets(&self, me: ParticipantId, target: Target, act: &MemberAct) -> Result<Vec<ParticipantId>, Refusal> {
        let own = self.own(me);
        let is_own = match target {
            Target::Me => true,
            Target::One(who) => own.contains(&who),
            Target::All => false,
        };
        permit_member(self.rights(me), is_own, act)?;
        let removes = *act == MemberAct::Remove;
        Ok(match target {
            Target::Me => vec![me],
            Target::One(who) => vec![self.by_id(who).ok_or(Refusal::ParticipantNotFound)?.id()],
            // Whoever does it goes too, as the last: so it sees the others go. What belongs to it goes with it.
            Target::All if removes => self.ids().into_iter().filter(|who| !own.contains(who)).chain([me]).collect(),
            Target::All => {
                self.participants.iter().filter(|one| one.is_audience() == act.is_promotion()).map(Participant::id).collect()
            }
        })
    }

    /// Does this with a member. Putting it out is left to the caller.
    pub fn act(&mut self, by: ParticipantId, who: ParticipantId, act: &MemberAct, means: &mut Means<'_>) -> Result<(), Refusal> {
        use MemberField as F;
        let volume = |volume: &i8| (*volume).clamp(-VOLUME_MAX, VOLUME_MAX);
        match act {
            MemberAct::MuteAudio(muted) => self.hold_with_children(by, who, (Kind::Audio, *muted), means),
            MemberAct::MuteVideo(muted) => self.hold_with_children(by, who, (Kind::Video, *muted), means),
            MemberAct::Deafen(deaf) => self.alter(who, F::Deaf, |one| one.deaf = *deaf),
            MemberAct::InputVolume(to) => self.alter(who, F::InputVolume, |one| one.input_volume = volume(to)),
            MemberAct::OutputVolume(to) => self.alter(who, F::OutputVolume, |one| one.output_volume = volume(to)),
            MemberAct::Sensitivity(to) => self.alter(who, F::Sensitivity, |one| one.sensitivity = (*to).min(SENSITIVITY_MAX)),
            MemberAct::RaiseHand(raised) => self.alter(who, F::HandRaised, |one| one.hand_raised = *raised),
            MemberAct::Place(position) => self.alter(who, F::Position, |one| one.wanted = *position),
            MemberAct::Meta(change) => {
                let meta = changed(&self.place_of(who).snapshot.member.meta, change)?;
                self.alter(who, F::Meta, |one| one.meta = meta);
            }
            MemberAct::Promote { rights, audio_muted, video_muted, meta } => {
                let rights = grantable(self.rights(by), Rights { publish: true, ..*rights });
                self.regrade(who, Role::Person, rights, meta.as_ref(), means)?;
                self.hold(by, who, (Kind::Audio, *audio_muted), means);
                self.hold(by, who, (Kind::Video, *video_muted), means);
                self.appear(who, means);
            }
            MemberAct::Demote { rights, meta } => {
                let rights = grantable(self.rights(by), Rights { publish: false, ..*rights });
                self.regrade(who, Role::Audience, rights, meta.as_ref(), means)?;
            }
            MemberAct::Remove => {}
        }
        Ok(())
    }

    /// Changes the mix.
    pub fn act_stage(&mut self, me: ParticipantId, act: StageAct, means: &mut Means<'_>) -> Result<Answer, Refusal> {
        permit_stage(self.rights(me), &act)?;
        match act {
            StageAct::Layout(name, places) => {
                self.stage.change(StageField::Layout, |view| view.layout = name);
                self.send(me, &places);
            }
            StageAct::Places(places) => self.send(me, &places),
            StageAct::HideVideoMuted(hide) => {
                self.stage.change(StageField::HideVideoMuted, |view| view.hide_video_muted = hide);
            }
            StageAct::Lock(locked) => self.stage.change(StageField::Locked, |view| view.locked = locked),
            StageAct::PrioritizeHands(first) => {
                self.stage.change(StageField::PrioritizeHands, |view| view.prioritize_hands = first);
            }
            StageAct::Meta(change) => {
                let meta = changed(&self.stage.view.meta, &change)?;
                self.stage.change(StageField::Meta, |view| view.meta = meta);
            }
            StageAct::Play(act) => return self.act_play(me, act, means).map(Answer::Playback),
            StageAct::Record(act) => return self.act_record(act, means).map(Answer::Recording),
        }
        Ok(Answer::Done)
    }

    /// Answers a question.
    pub fn ask(&self, me: ParticipantId, question: Question) -> Result<Answer, Refusal> {
        permit_question(self.rights(me), question)?;
        let snapshot = |who| self.by_id(who).map(|one| Arc::clone(&one.snapshot)).ok_or(Refusal::ParticipantNotFound);
        match question {
            Question::Layouts => Ok(Answer::Layouts(LayoutName::ALL.to_vec())),
            Question::Stage => Ok(Answer::Stage(Arc::clone(&self.stage.view), self.members())),
            Question::Member(Target::Me) => snapshot(me).map(Answer::Member),
            Question::Member(Target::One(who)) => snapshot(who).map(Answer::Member),
            Question::Member(Target::All) => Err(Refusal::Malformed),
            Question::Playbacks => Ok(Answer::Playbacks(self.playbacks().cloned().collect())),
            Question::Recordings => Ok(Answer::Recordings(self.stage.view.recordings.clone())),
        }
    }

    /// Somebody began or ceased to talk, as the mixer hears it. What it says of those who are muted crossed with that.
    pub fn handle_talking(&mut self, who: ParticipantId, talking: bool, means: &mut Means<'_>) {
        let talking = talking && self.is_mixed() && self.place_of(who).is_heard_now();
        self.stage.talk.note(means.now, who, talking);
        let place = self.place_of(who);
        if place.snapshot.member.talking != talking {
            place.change(|shown| shown.member.talking = talking);
            self.tell_mix(&Event::Talking(who, talking), means);
        }
    }

    /// Whoever cannot be heard any more does not talk, as nobody does whom nobody hears: nothing would tell that it ceased.
    pub fn silence(&mut self, means: &mut Means<'_>) {
        let mixed = self.is_mixed();
        let silent = self.participants.iter().filter(|one| one.snapshot.member.talking && !(mixed && one.is_heard_now()));
        for who in silent.map(Participant::id).collect::<Vec<_>>() {
            self.handle_talking(who, false, means);
        }
    }

    /// Everybody who is in the list, in the order they came.
    pub fn members(&self) -> Vec<Arc<Snapshot>> {
        self.participants.iter().filter(|one| !one.is_audience()).map(|one| Arc::clone(&one.snapshot)).collect()
    }

    /// What a moderator muted of a person who may not take that back begins muted of its screens and devices too: they are no way around
    /// it. These kinds.
    pub fn mute_child(&self, part: &mut Part) -> Vec<Kind> {
        let Some(parent) = part.parent.and_then(|parent| self.by_id(parent)) else { return Vec::new() };
        let bound = |kind: &Kind| parent.is_barred(*kind) && !may_unmute(parent.rights, *kind);
        let bound: Vec<Kind> = [Kind::Audio, Kind::Video].into_iter().filter(bound).collect();
        part.audio_muted |= bound.contains(&Kind::Audio);
        part.video_muted |= bound.contains(&Kind::Video);
        bound
    }

    /// The same for the screens and devices of a person who may not take it back.
    fn hold_with_children(&mut self, by: ParticipantId, who: ParticipantId, what: (Kind, bool), means: &mut Means<'_>) {
        self.hold(by, who, what, means);
        if may_unmute(self.rights(who), what.0) || self.own(by).contains(&who) {
            return;
        }
        for child in self.own(who).into_iter().filter(|child| *child != who) {
            self.hold(by, child, what, means);
        }
    }

    /// Keeps tracks of this kind from everybody, or not any more.
    fn hold(&mut self, by: ParticipantId, who: ParticipantId, (kind, held): (Kind, bool), means: &mut Means<'_>) {
        let change = self.place_of(who).hold(kind, held, by == who);
        let muted = self.place_of(who).is_muted(kind);
        match kind {
            Kind::Audio => self.alter(who, MemberField::AudioMuted, |one| one.audio_muted = muted),
            Kind::Video => self.alter(who, MemberField::VideoMuted, |one| one.video_muted = muted),
            Kind::Data => {}
        }
        self.take_change(who, change, means);
        self.resubscribe(means);
        self.show(means);
    }

    /// Sends members to places. Those who are not there have just left.
    pub fn send(&mut self, me: ParticipantId, places: &[(Target, Position)]) {
        for (target, position) in places {
            let whom = match target {
                Target::Me => vec![me],
                Target::One(who) => self.by_id(*who).map(Participant::id).into_iter().collect(),
                Target::All => self.ids(),
            };
            for who in whom {
                self.alter(who, MemberField::Position, |one| one.wanted = *position);
            }
        }
    }

    /// Makes a member audience, or audience a member.
    fn regrade(
        &mut self,
        who: ParticipantId,
        role: Role,
        rights: Rights,
        meta: Option<&Meta>,
        means: &mut Means<'_>,
    ) -> Result<(), Refusal> {
        let meta = meta.map(|meta| changed(&Meta::new(), &MetaChange::Set(meta.clone()))).transpose()?;
        let member = &self.place_of(who).snapshot.member;
        match (member.view == View::Mix, member.role, role) {
            (true, Role::Person, Role::Audience) | (true, Role::Audience, Role::Person) => {}
            (true, Role::Person, Role::Person) => return Err(Refusal::AlreadyMember),
            // Audiences are no members of which there could be one less.
            (true, Role::Audience, Role::Audience) => return Err(Refusal::ParticipantNotFound),
            _ => return Err(Refusal::Malformed),
        }
        if role == Role::Audience {
            let change = self.place_of(who).unpublish();
            self.take_change(who, change, means);
            self.silence(means);
            self.disappear(who, means);
        }
        let place = self.place_of(who);
        (place.rights, place.graded) = (rights, means.now);
        place.change(|shown| {
            shown.member.role = role;
            shown.member.hand_raised = false;
            shown.member.meta = meta.unwrap_or_else(|| std::mem::take(&mut shown.member.meta));
        });
        self.tell(who, Event::Role { role, rights }, means);
        Ok(())
    }

    /// Shows the others somebody who was audience. Nothing came or left, so the history hears nothing.
    fn appear(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        self.arrange(means);
        self.stage.altered.remove(&who);
        let snapshot = Arc::clone(&self.place_of(who).snapshot);
        self.tell_others(&snapshot, Change::Joined, means);
    }

    /// Hides somebody who becomes audience.
    fn disappear(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        let snapshot = self.place_of(who).change(|_| {});
        let gone = Arc::new(Snapshot { presence: crate::Presence::Disconnected, ..Snapshot::clone(&snapshot) });
        self.stage.note_gone(means.now, &gone);
        self.tell_others(&gone, Change::Left(WhyLeft::Left), means);
    }

    fn rights(&self, who: ParticipantId) -> Rights {
        self.by_id(who).map(|one| one.rights).unwrap_or_default()
    }
}

impl MemberAct {
    fn is_promotion(&self) -> bool {
        matches!(self, MemberAct::Promote { .. })
    }
}

/// Words after a change, if they are not too many.
fn changed(meta: &Meta, change: &MetaChange) -> Result<Meta, Refusal> {
    let meta = match change {
        MetaChange::Set(new) => new.clone(),
        MetaChange::Update(new) => meta.clone().into_iter().chain(new.clone()).collect(),
        MetaChange::Delete(keys) => {
            meta.iter().filter(|(key, _)| !keys.contains(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
        }
    };
    check_meta(&meta)?;
    Ok(meta)
}

/// Whether these words are not too many.
pub(crate) fn check_meta(meta: &Meta) -> Result<(), Refusal> {
    let bytes: usize = meta.iter().map(|(key, value)| key.len() + value.0.len()).sum();
    if bytes > META_BYTES_MAX { Err(Refusal::Malformed) } else { Ok(()) }
}
