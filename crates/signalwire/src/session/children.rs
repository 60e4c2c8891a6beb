//! Screens and devices that a client shares besides itself.

use std::sync::Arc;

use room::door::CHILDREN_MAX;
use room::{Command, Event, Joined, Moment, Part, Position, Resume, Role, Snapshot, StageAct, Step, Target, WhyLeft};
use serde_json::json;

use super::Session;
use super::invite::{Invite, child_part, join};
use super::method::places;
use crate::call::{Ask, Call, Child, Expected, Waiting, Wish, child_seat};
use crate::names;
use crate::problem::{self, Problem};
use crate::wire::VertoParams;

impl Session {
    pub(super) fn invite_child(&mut self, now: Moment, invite: Invite<'_>, params: &VertoParams) {
        if let Some(number) = self.child_of_call(invite.call) {
            return self.invite_again(now, Some(number), invite);
        }
        let Some(wish) = self.wish(params) else { return self.refuse(&invite.ask, Problem::BAD_REQUEST) };
        let own_call = self.call.as_ref().is_some_and(|own| own.id == invite.call);
        let free = (1..=CHILDREN_MAX).find(|number| !self.children.contains_key(number));
        let (Some(inside), Some(line), Some(number), false) = (&self.inside, &self.line, free, own_call) else {
            return self.refuse(&invite.ask, if own_call { Problem::CONFLICT } else { Problem::UNAUTHORIZED });
        };
        let role = if params.dialog.screen { Role::Screen } else { Role::Device };
        let mut call = Call::new(invite.call, &invite.offer, invite.revision);
        let part = Part {
            role,
            parent: Some(inside.own.id),
            seat: Some(child_seat(line.protocol.seat, number)),
            position: wish.own,
            ..child_part()
        };
        let mut join = join(&line.grant, &call, part, &invite);
        // What it may do is what its parent may now, not what was written in a token.
        (join.rights.permissions, join.rights.media) = (inside.permissions, inside.media);
        join.tracks.1 = call.tracks(inside.media);
        call.expect(now, Expected::Entry);
        self.children.insert(number, Child { wish: Some(wish), ..Child::new(role, call) });
        let waiting = Waiting::Join(invite.ask, invite.call.to_owned());
        self.give(Some(number), Command::Join(Box::new(join)), waiting);
    }

    /// How members are to stand; none if what is asked for makes no sense.
    fn wish(&self, params: &VertoParams) -> Option<Wish> {
        let layout = params.layout.as_deref().filter(|name| !name.is_empty());
        let layout = layout.map(|name| names::parse_layout(name).ok_or(())).transpose().ok()?;
        let mut others = params.positions.clone().unwrap_or_default();
        let own = match others.remove("self") {
            None => Position::Auto,
            Some(at) => names::parse_position(at.as_str()?)?,
        };
        let me = self.inside.as_ref().map(|inside| inside.own.id);
        Some(Wish { layout, places: places(Some(&others), me).ok()?, own })
    }

    pub(super) fn child_came_in(&mut self, number: u8, ask: &Ask, joined: &Joined) {
        let Some(child) = self.children.get_mut(&number).filter(|child| !child.over) else {
            return self.refuse(ask, Problem::CONFLICT);
        };
        child.me = Some(joined.me);
        let wish = child.wish.take();
        self.created(Some(number), ask);
        let Some(Wish { layout, mut places, own }) = wish else { return };
        let act = match layout {
            Some(layout) => {
                places.push((Target::One(joined.me), own));
                StageAct::Layout(layout, places)
            }
            None if places.is_empty() => return,
            None => StageAct::Places(places),
        };
        // Whoever may not do that shares its screen all the same.
        self.give(None, Command::Stage(act), Waiting::Rest);
    }

    /// A client came back and had screens or devices: nobody remembers their numbers, so each is tried.
    pub(super) fn find_children(&mut self, count: usize) {
        let Some(line) = self.line.as_ref().filter(|_| count > 0) else { return };
        let (seat, identity): (_, Arc<str>) = (line.protocol.seat, line.grant.user_name.as_str().into());
        for number in 1..=CHILDREN_MAX {
            let seat = child_seat(seat, number);
            let resume = Resume { seat, identity: Arc::clone(&identity), tracks: (0, Vec::new()), signals: Vec::new() };
            let call = Call::new("", &crate::sdp::Offer::none(), 0);
            self.children.insert(number, Child::new(Role::Screen, call));
            self.give(Some(number), Command::Resume(Box::new(resume)), Waiting::Resume);
        }
    }

    pub(super) fn child_came_back(&mut self, number: u8, joined: &Joined) {
        let call = joined.links.iter().find(|state| state.server).and_then(|state| Call::found(&state.link));
        let Some(child) = self.children.get_mut(&number).filter(|child| !child.over) else { return };
        match call {
            Some(call) => (child.call, child.me, child.role) = (call, Some(joined.me), joined.own.member.role),
            None => self.give(Some(number), Command::Leave, Waiting::Rest),
        }
    }

    /// What the rooms tell a child: only what is of its own connection; the rest its client hears for itself.
    pub(super) fn tell_child(&mut self, number: u8, event: Event) {
        if self.children.get(&number).is_none_or(|child| child.over) {
            return;
        }
        match event {
            Event::Signal { link, signal } if signal.step == Step::Answer => {
                self.handle_media_answer(Some(number), &link, &signal.sealed.0);
            }
            Event::Size { width, height, fps } if self.children.get(&number).is_some_and(|c| c.role == Role::Device) => {
                self.tell_size(Some(number), Some((width, height, fps)));
            }
            Event::Out(why) => self.put_out_child(number, why),
            _ => {}
        }
    }

    /// A call was answered: the client's own is told the room, a child's that the child has come.
    pub(super) fn call_is_up(&mut self, child: Option<u8>) {
        match child {
            None => self.give(None, Command::Ask(room::Question::Stage), Waiting::Entry),
            Some(number) => {
                let arrival = self.children.get_mut(&number).and_then(|child| child.arrival.take());
                if let Some(arrival) = arrival {
                    self.tell_member("video.member.joined", &arrival);
                }
                self.tell_size(child, None);
            }
        }
    }

    /// Keeps the arrival of a child until its call is answered. Gives it back if it is to be told now.
    pub(super) fn hold_arrival(&mut self, of: Arc<Snapshot>) -> Option<Arc<Snapshot>> {
        let own = self.inside.as_ref().is_some_and(|inside| of.member.parent == Some(inside.own.id));
        let waits = |child: &&mut Child| {
            let mine = child.me == Some(of.id) || child.me.is_none() && child.role == of.member.role;
            mine && !child.over && matches!(child.call.expected, Expected::Entry)
        };
        match self.children.values_mut().find(waits).filter(|_| own) {
            Some(child) => {
                child.arrival = Some(of);
                None
            }
            None => Some(of),
        }
    }

    pub(super) fn put_out_child(&mut self, number: u8, why: WhyLeft) {
        let (code, word) = problem::cause(why);
        if let Some(child) = self.children.get(&number) {
            let call = child.call.id.clone();
            self.verto("verto.bye", json!({ "callID": call, "cause": word, "causeCode": code }));
        }
        self.end_child(number);
    }

    /// The page that shared them is closed or was loaded anew. Nothing of what it shared can go on: their pictures would stand still.
    pub(super) fn end_children(&mut self) {
        for number in self.children_here() {
            self.give(Some(number), Command::Leave, Waiting::Rest);
            self.end_child(number);
        }
    }

    pub(super) fn end_child(&mut self, number: u8) {
        if let Some(child) = self.children.get_mut(&number) {
            (child.over, child.call.due) = (true, None);
        }
        self.sweep();
    }

    /// Frees the numbers of children that are gone and for which nothing is on its way any more.
    pub(super) fn sweep(&mut self) {
        self.children.retain(|_, child| !child.over || !child.waiting.is_empty());
    }

    pub(super) fn child_of_call(&self, call: &str) -> Option<u8> {
        self.children.iter().find(|(_, child)| !child.over && child.call.id == call).map(|(number, _)| *number)
    }

    /// The numbers of all that are not gone.
    pub(super) fn children_here(&self) -> Vec<u8> {
        self.children.iter().filter(|(_, child)| !child.over).map(|(number, _)| *number).collect()
    }
}
