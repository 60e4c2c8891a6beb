//! Calls: how a client offers its media, changes it and takes it away.

use std::time::Duration;

use room::{
    Command, Join, Joined, Moment, Part, Profile, Refusal, Rights, Role, RoomRef, Rule, Sealed, Signal, Step, View, WhyLeft,
};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Doubt, Inside, Listens, Session, parse};
use crate::call::{Ask, Call, Expected, Waiting};
use crate::limit::ANSWER_TIMEOUT;
use crate::names;
use crate::problem::{Fault, NORMAL, Problem};
use crate::sdp::{self, Offer};
use crate::state::{self, seal};
use crate::token::Grant;
use crate::wire::{Coded, Outer, RpcId, VertoParams, VideoMessage};

use room::door::Action;

impl Session {
    pub(super) fn handle_message(&mut self, now: Moment, frame: RpcId, params: Option<&RawValue>) {
        let Ok(message) = parse::<VideoMessage<'_>>(params) else { return self.fault(&frame, Fault::NO_PARAMS) };
        let Some(method) = message.message.method.as_deref() else { return self.result(&frame, Coded::ok()) };
        let (Some(verto), Some(call)) = (RpcId::new(message.message.id), message.call()) else {
            return self.result(&frame, Coded::refused(Problem::BAD_REQUEST));
        };
        let ask = Ask { frame, verto };
        match method {
            "verto.invite" => self.handle_invite(now, ask, call, &message),
            "verto.bye" => self.handle_bye(&ask, call),
            "verto.modify" => self.handle_modify(now, ask, call, message.message.params.as_ref()),
            _ => self.answer_verto(&ask, json!({ "method": method })),
        }
    }

    fn handle_invite(&mut self, now: Moment, ask: Ask, call: &str, message: &VideoMessage<'_>) {
        // Each makes a connection for media, most a member whom all are told of.
        if !self.calls.take(now) {
            return self.refuse(&ask, Problem::TOO_MANY);
        }
        let Some(params) = &message.message.params else { return self.refuse(&ask, Problem::BAD_REQUEST) };
        let Some((text, offer)) = params.sdp.as_deref().and_then(|text| Some((text, sdp::read(text)?))) else {
            return self.refuse(&ask, Problem::BAD_REQUEST);
        };
        let revision = self.next_revision(now);
        let invite = Invite { ask, call, text, offer, revision };
        if params.dialog.screen || params.dialog.device {
            return self.invite_child(now, invite, params);
        }
        if let Some(problem) = self.doubted(&invite, params) {
            return self.refuse(&invite.ask, problem);
        }
        self.listens = Listens {
            talking: message.listens(&["member.talking"]),
            list: message.listens(&["memberList", "member_list"]),
            returns: params.dialog.destination_number.is_none(),
        };
        if self.inside.is_some() {
            if self.call.as_ref().is_some_and(|call| call.is_of_another_page(invite.call, &invite.offer)) {
                self.end_children();
            }
            // Whoever came back may have no connection that anybody remembers.
            self.call.get_or_insert_with(|| Call::new(invite.call, &Offer::none(), 0));
            self.invite_again(now, None, invite);
        } else if self.call.is_some() {
            self.refuse(&invite.ask, Problem::CONFLICT);
        } else {
            self.join(now, invite);
        }
    }

    /// What the first offer of a client that came back is refused with. Nothing is kept from it for good: its next one comes in as new.
    fn doubted(&mut self, invite: &Invite<'_>, params: &VertoParams) -> Option<Problem> {
        match self.doubt.take()? {
            Doubt::State => Some(Problem::OUT_OF_ORDER),
            // A page that was made with `createRoomObject` never knows its call.
            Doubt::Call if params.dialog.destination_number.is_some() => None,
            Doubt::Call if self.call.as_ref().is_some_and(|call| call.is_of_nobody(invite.call, &invite.offer)) => {
                self.give(None, Command::Leave, Waiting::Rest);
                self.forget();
                Some(Problem::INVALID_CALL)
            }
            Doubt::Call => None,
        }
    }

    fn join(&mut self, now: Moment, invite: Invite<'_>) {
        let Some(line) = &self.line else { return };
        let unix_s = self.desk.unix_ms() / 1000;
        // Whoever was let in to talk may have waited for days, or have been put out with its link.
        if !is_time(&line.grant, unix_s) || self.desk.verify(&line.token).is_err() {
            return self.refuse(&invite.ask, Problem::UNAUTHORIZED);
        }
        let mut call = Call::new(invite.call, &invite.offer, invite.revision);
        let grant = &line.grant;
        let role = if grant.audience { Role::Audience } else { Role::Person };
        let part = Part {
            role,
            seat: Some(line.protocol.seat),
            audio_muted: grant.audio_muted,
            video_muted: grant.video_muted,
            meta: seal(&grant.meta),
            expires: grant.removed_unix_s.map(|end| now + Duration::from_secs(end.saturating_sub(unix_s))),
            stays_max: grant.stays_max,
            ends_room: grant.ends_room,
            makes: grant.makes_room.then(|| Box::new(state::definition(grant))),
            ..child_part()
        };
        let join = join(grant, &call, part, &invite);
        self.clock.deadline = None;
        call.expect(now, Expected::Entry);
        self.call = Some(call);
        let waiting = Waiting::Join(invite.ask, invite.call.to_owned());
        self.give(None, Command::Join(Box::new(join)), waiting);
    }

    /// Somebody who is in offers another time: on the same connection, or on a new one in its place.
    pub(super) fn invite_again(&mut self, now: Moment, child: Option<u8>, invite: Invite<'_>) {
        let ask = invite.ask.clone();
        self.offer_again(now, child, &invite, Expected::Entry, Waiting::Again(ask));
    }

    fn offer_again(&mut self, now: Moment, child: Option<u8>, invite: &Invite<'_>, expected: Expected, waiting: Waiting) {
        if let Expected::Change(ask) = self.call_of(child).map(|call| std::mem::take(&mut call.expected)).unwrap_or_default() {
            self.refuse(&ask, Problem::CONFLICT);
        }
        let Some(call) = self.call_of(child) else { return };
        let same = call.offer(invite.call, &invite.offer, invite.revision);
        call.expect(now, expected);
        let (link, revision) = (call.link.clone(), call.revision);
        self.publish(child);
        let signal = Signal { step: Step::Offer, revision, sealed: Sealed(invite.text.into()) };
        let command = if same { Command::Signal { link, signal } } else { Command::Open { link, offer: signal } };
        self.give(child, command, waiting);
    }

    /// Tells the rooms what a call sends now.
    fn publish(&mut self, child: Option<u8>) {
        let media = self.inside.as_ref().map(|inside| inside.media).unwrap_or_default();
        let Some(call) = self.call_of(child) else { return };
        let (revision, tracks) = (call.revision, call.tracks(media));
        self.give(child, Command::Publish { revision, tracks }, Waiting::Rest);
    }

    pub(super) fn call_of(&mut self, child: Option<u8>) -> Option<&mut Call> {
        match child {
            None => self.call.as_mut(),
            Some(number) => self.children.get_mut(&number).map(|child| &mut child.call),
        }
    }

    pub(super) fn come_in(&mut self, child: Option<u8>, ask: &Ask, call: &str, joined: Joined) {
        if let Some(number) = child {
            return self.child_came_in(number, ask, &joined);
        }
        // It may have gone while it came.
        if self.call.as_ref().is_none_or(|own| own.id != call) {
            return self.refuse(ask, Problem::CONFLICT);
        }
        self.inside = Some(Inside::new(joined));
        self.created(None, ask);
    }

    pub(super) fn refuse_join(&mut self, child: Option<u8>, ask: &Ask, call: &str, refusal: Refusal) {
        let problem = Problem::from(refusal);
        self.actions.push_back(Action::Refused(problem.code.parse().unwrap_or_default()));
        self.refuse(ask, problem);
        match child {
            Some(number) => self.end_child(number),
            None if self.call.as_ref().is_some_and(|own| own.id == call) => self.call = None,
            None => {}
        }
    }

    pub(super) fn created(&mut self, child: Option<u8>, ask: &Ask) {
        let session = crate::uuid::spell(self.desk.fresh());
        let call = self.call_of(child).map(|call| call.id.clone()).unwrap_or_default();
        self.answer_verto(ask, json!({ "message": "CALL CREATED", "callID": call, "sessid": session }));
    }

    fn handle_bye(&mut self, ask: &Ask, call: &str) {
        if let Some(number) = self.child_of_call(call) {
            self.give(Some(number), Command::Leave, Waiting::Rest);
            self.end_child(number);
        } else if self.call.as_ref().is_some_and(|own| own.id == call) {
            // Children go with it.
            self.give(None, Command::Leave, Waiting::Rest);
            self.forget();
        }
        // Any other is a call that another one replaced, or that is over on our side already.
        let (code, word) = NORMAL;
        self.answer_verto(ask, json!({ "message": "CALL ENDED", "callID": call, "causeCode": code, "cause": word }));
    }

    fn handle_modify(&mut self, now: Moment, ask: Ask, call: &str, params: Option<&VertoParams>) {
        let child = self.child_of_call(call);
        let known = child.is_some() || self.inside.is_some() && self.call.as_ref().is_some_and(|own| own.id == call);
        let action = params.and_then(|params| params.action.as_deref()).unwrap_or_default();
        if !known {
            return self.refuse(&ask, Problem::NOT_FOUND);
        }
        match (action, params.and_then(|params| params.sdp.as_deref())) {
            ("hold" | "unhold", _) => self.hold(now, child, &ask, call, action),
            ("updateMedia", Some(text)) => match sdp::read(text) {
                Some(offer) => {
                    let revision = self.next_revision(now);
                    let invite = Invite { ask: ask.clone(), call, text, offer, revision };
                    self.offer_again(now, child, &invite, Expected::Change(ask), Waiting::Rest);
                }
                None => self.refuse(&ask, Problem::BAD_REQUEST),
            },
            _ => self.refuse(&ask, Problem::BAD_REQUEST),
        }
    }

    /// On hold nothing is heard or seen of a client; its connection stays.
    fn hold(&mut self, now: Moment, child: Option<u8>, ask: &Ask, id: &str, action: &str) {
        let (on_hold, revision) = (action == "hold", self.next_revision(now));
        if let Some(call) = self.call_of(child) {
            (call.on_hold, call.revision) = (on_hold, revision.max(call.revision + 1));
        }
        self.publish(child);
        self.answer_verto(ask, json!({ "action": action, "callID": id, "holdState": hold_state(on_hold) }));
    }

    /// The media server answered an offer.
    pub(super) fn handle_media_answer(&mut self, child: Option<u8>, link: &room::LinkId, answer: &str) {
        let Some(call) = self.call_of(child).filter(|call| call.link == *link) else { return };
        call.due = None;
        let (expected, id, on_hold) = (std::mem::take(&mut call.expected), call.id.clone(), call.on_hold);
        let answer = sdp::sound_first(answer).into_owned();
        match expected {
            Expected::Nothing => {}
            Expected::Change(ask) => {
                let hold = hold_state(on_hold);
                let done = json!({ "action": "updateMedia", "callID": id, "holdState": hold, "sdp": answer });
                self.answer_verto(&ask, done);
            }
            Expected::Entry => {
                self.verto("verto.answer", json!({ "callID": id, "sdp": answer }));
                self.call_is_up(child);
            }
        }
    }

    /// Ends calls whose offers the media server left unanswered.
    pub(super) fn give_up_unanswered(&mut self, now: Moment) {
        let late = |call: &Call| call.due.is_some_and(|due| due <= now);
        let children: Vec<u8> = self.children.iter().filter(|(_, child)| late(&child.call)).map(|(number, _)| *number).collect();
        for number in children {
            self.give(Some(number), Command::Leave, Waiting::Rest);
            self.put_out_child(number, WhyLeft::Unreachable);
        }
        if self.call.as_ref().is_some_and(late) {
            self.give(None, Command::Leave, Waiting::Rest);
            self.tell_out(now, WhyLeft::Unreachable);
        }
    }

    pub(super) fn answer_verto(&mut self, ask: &Ask, result: Value) {
        let inner = super::value(&crate::wire::Answer::result(&ask.verto, result));
        let node_id = self.desk.node().to_owned();
        self.result(&ask.frame, Outer { code: "200", message: "OK", node_id: &node_id, result: inner });
    }

    pub(super) fn refuse(&mut self, ask: &Ask, problem: Problem) {
        self.result(&ask.frame, Coded::refused(problem));
    }
}

/// A call that a client asks for.
pub(super) struct Invite<'a> {
    pub ask: Ask,
    pub call: &'a str,
    pub text: &'a str,
    pub offer: Offer,
    pub revision: u64,
}

impl Call {
    pub(super) fn expect(&mut self, now: Moment, expected: Expected) {
        (self.expected, self.due) = (expected, Some(now + ANSWER_TIMEOUT));
    }
}

/// How every client of this vendor takes part.
pub(super) fn child_part() -> Part {
    Part { view: View::Mix, shares_name: true, ..Part::default() }
}

/// Coming in with this grant, as this.
pub(super) fn join(grant: &Grant, call: &Call, part: Part, invite: &Invite<'_>) -> Join {
    let room = RoomRef::Name(grant.room.as_str().into());
    let permissions = names::permissions(grant.scopes.iter().map(String::as_str));
    let signal = Signal { step: Step::Offer, revision: invite.revision, sealed: Sealed(invite.text.into()) };
    Join {
        room: room.clone(),
        allowed: Some(room),
        identity: grant.user_name.as_str().into(),
        rights: Rights { publish: part.role != Role::Audience, permissions, media: grant.media },
        // Withdrawing either ends what was joined by it.
        origin: Some(grant.link_key.as_deref().unwrap_or(&grant.project).into()),
        tracks: (invite.revision, call.tracks(grant.media)),
        rule: Rule::Nothing,
        offer: Some((call.link.clone(), signal)),
        channels: Vec::new(),
        profile: Profile::default(),
        part,
    }
}

/// Whether the holder of a grant may come in now, and is not put out at once.
fn is_time(grant: &Grant, unix_s: u64) -> bool {
    let open = grant.opens_unix_s.is_none_or(|opens| opens <= unix_s);
    let ends = [grant.closes_unix_s, grant.removed_unix_s];
    open && ends.into_iter().flatten().all(|end| unix_s < end)
}

fn hold_state(on_hold: bool) -> &'static str {
    if on_hold { "held" } else { "active" }
}
