//! What happens in the room, as the client is told.

use std::sync::Arc;

use room::{
    Change, Event, Lately, MemberField, Moment, ParticipantId, Permission, Role, Snapshot, StageField, StageView, Step, WhyLeft,
};
use serde_json::{Value, json};

use super::{CLOSE_NORMAL, CLOSE_REPLACED, Session, value};
use crate::call::Expected;
use crate::limit::{CAMERA_OPENS, GOODBYE_TIMEOUT, LAYOUT_AGAIN};
use crate::problem;
use crate::state::{is_listed, stage_field_name};
use crate::{uuid, wire};

impl Session {
    pub(super) fn tell_event(&mut self, now: Moment, event: Event) {
        match event {
            Event::Signal { link, signal } if signal.step == Step::Answer => {
                self.handle_media_answer(None, &link, &signal.sealed.0);
            }
            Event::Changed { participant, change, .. } => self.tell_changed(participant, change),
            Event::Member { participant, changed } => self.tell_fields(now, participant, &changed),
            Event::Talking(who, talks) => self.tell_talking(who, talks),
            Event::Stage { stage, changed } => self.tell_stage(now, stage, &changed),
            Event::Recording(state) => self.tell_recorded(now, state.on),
            Event::Layout(layout) => {
                self.inside.iter_mut().for_each(|inside| inside.layout = Arc::clone(&layout));
                self.tell_layout();
            }
            Event::Role { role, rights } => self.tell_role(role, rights),
            Event::Size { width, height, fps } => self.tell_size(None, Some((width, height, fps))),
            Event::Out(why) => self.tell_out(now, why),
            // Of tracks and links one by one, which this client has none of.
            _ => {}
        }
    }

    /// The client's call was answered: now it is told the room, and everything in it.
    pub(super) fn enter(&mut self, now: Moment, stage: Arc<StageView>, all: &[Arc<Snapshot>]) {
        let Some(inside) = self.inside.as_mut() else { return };
        let first = std::mem::take(&mut inside.first) && !inside.told;
        (inside.told, inside.stage) = (true, stage);
        if let Some(own) = all.iter().find(|one| one.id == inside.own.id) {
            inside.own = Arc::clone(own);
        }
        let (room, me) = (self.room(now, Some(all), None), self.inside.as_ref().map(|inside| uuid::spell(inside.own.id.0)));
        let call = self.call.as_ref().map(|call| call.id.clone());
        if first {
            self.tell("video.room.started", json!({ "room": room, "room_session": room }));
        }
        self.tell("video.room.subscribed", json!({ "room": room, "room_session": room, "call_id": call, "member_id": me }));
        if self.listens.list {
            self.tell_list(all);
        }
        self.tell_layout();
        self.tell_size(None, None);
        self.clock.again = vec![now + LAYOUT_AGAIN];
    }

    /// Everybody, for SDKs whose list begins empty and grows by what is told.
    fn tell_list(&mut self, all: &[Arc<Snapshot>]) {
        for one in all.iter().filter(|one| is_listed(one)) {
            self.tell_updated(one, &[], true);
        }
    }

    /// The client came back: who left and came while it was away, and what became of itself. Some of it may have reached it before.
    pub(super) fn tell_lately(&mut self, lately: &Lately, others: &[Arc<Snapshot>]) {
        for one in lately.left.iter().filter(|one| is_listed(one)) {
            self.tell_member("video.member.left", one);
        }
        let me = self.inside.as_ref().map(|inside| inside.own.id);
        let of_others =
            |one: &&Arc<Snapshot>| lately.came.contains(&one.id) && one.member.parent.is_none_or(|parent| Some(parent) != me);
        for one in others.iter().filter(of_others) {
            self.tell_member("video.member.joined", one);
        }
        let own = self.inside.as_ref().map(|inside| (inside.own.member.role, inside.rights()));
        if let Some((role, rights)) = own.filter(|_| lately.regraded) {
            self.tell_role(role, rights);
        }
    }

    /// The client came back, and may have missed anything.
    pub(super) fn tell_all_again(&mut self, now: Moment, others: &[Arc<Snapshot>]) {
        self.tell_room(now, vec!["layout_name", "hide_video_muted", "locked", "prioritize_handraise", "meta", "recording"]);
        self.tell_list(others);
        if let Some(own) = self.inside.as_ref().map(|inside| Arc::clone(&inside.own)) {
            self.tell_list(&[own]);
        }
        self.tell_layout();
    }

    fn tell_changed(&mut self, of: Arc<Snapshot>, change: Change) {
        if !is_listed(&of) || !self.is_told() {
            // A child's call may have been answered, but nobody has been told the room before the client itself.
            return;
        }
        match change {
            Change::Joined => {
                if let Some(of) = self.hold_arrival(of) {
                    self.tell_member("video.member.joined", &of);
                }
            }
            Change::Left(_) => self.tell_member("video.member.left", &of),
            // It is there until it has left; and its tracks are nobody's concern.
            Change::Lost | Change::Resumed | Change::Tracks => {}
        }
    }

    pub(super) fn tell_member(&mut self, event: &str, of: &Snapshot) {
        let Some(inside) = &self.inside else { return };
        let member = value(&inside.names.member(of));
        self.tell(event, json!({ "member": member }));
    }

    fn tell_fields(&mut self, now: Moment, of: Arc<Snapshot>, changed: &[MemberField]) {
        if let Some(inside) = self.inside.as_mut().filter(|inside| inside.own.id == of.id) {
            inside.own = Arc::clone(&of);
        }
        if is_listed(&of) && self.is_told() && !changed.is_empty() {
            self.tell_updated(&of, changed, self.listens.list);
            // The SDK looks only then whether to show somebody its own picture or the card in the mix.
            if changed.contains(&MemberField::VideoMuted) {
                self.tell_layout();
                let own = self.inside.as_ref().is_some_and(|inside| inside.own.id == of.id);
                if own && !of.member.video_muted {
                    self.clock.again = CAMERA_OPENS.map(|after| now + after).to_vec();
                }
            }
        }
    }

    fn tell_updated(&mut self, of: &Snapshot, changed: &[MemberField], all: bool) {
        let Some(inside) = &self.inside else { return };
        let member = inside.names.updated(of, changed, all);
        self.tell("video.member.updated", json!({ "member": member }));
    }

    fn tell_talking(&mut self, who: ParticipantId, talks: bool) {
        if self.listens.talking && self.is_told() {
            self.tell("video.member.talking", json!({ "member": { "id": uuid::spell(who.0), "talking": talks } }));
        }
    }

    fn tell_stage(&mut self, now: Moment, stage: Arc<StageView>, changed: &[StageField]) {
        let audience = stage.audience;
        let before = self.inside.as_mut().map(|inside| std::mem::replace(&mut inside.stage, stage));
        let Some(before) = before.filter(|_| self.is_told()) else { return };
        self.tell_recordings(now, &before.recordings);
        self.tell_playbacks(now, &before.playbacks);
        if changed.contains(&StageField::Audience) {
            self.tell("video.room.audience_count", json!({ "total": audience }));
        }
        let updated: Vec<&'static str> = changed.iter().filter_map(|field| stage_field_name(*field)).collect();
        if !updated.is_empty() {
            self.tell_room(now, updated);
        }
    }

    /// The room and the names of what changed of it.
    pub(super) fn tell_room(&mut self, now: Moment, updated: Vec<&'static str>) {
        let room = self.room(now, None, Some(updated));
        self.tell("video.room.updated", json!({ "room": room, "room_session": room }));
    }

    pub(super) fn tell_layout(&mut self) {
        let Some(inside) = self.inside.as_ref().filter(|inside| inside.told) else { return };
        let layout = value(&inside.names.layout(&inside.layout));
        self.tell("video.layout.changed", json!({ "layout": layout }));
    }

    /// The client is audience now, or not any more: it makes another call in answer.
    fn tell_role(&mut self, role: Role, rights: room::Rights) {
        let resource = self.desk.fresh();
        self.doubt = None;
        let Some(inside) = self.inside.as_mut() else { return };
        (inside.permissions, inside.media) = (rights.permissions, rights.media);
        Arc::make_mut(&mut inside.own).member.role = role;
        let me = uuid::spell(inside.own.id.0);
        let Some(line) = &self.line else { return };
        let authorization = value(&self.authorization(line, resource));
        let event = if role == Role::Audience { "video.member.demoted" } else { "video.member.promoted" };
        self.tell(event, json!({ "member_id": me, "authorization": authorization }));
    }

    /// Asks the client's camera for pictures of this size: larger ones are wasted. Not before its call is answered, and not for all of
    /// the picture as long as it was asked for nothing else: what the app chose is good enough.
    pub(super) fn tell_size(&mut self, child: Option<u8>, wanted: Option<(u16, u16, u8)>) {
        let whole = self.inside.as_ref().map(|inside| (inside.stage.canvas.width, inside.stage.canvas.height));
        let Some(call) = self.call_of(child) else { return };
        call.size.wanted = wanted.or(call.size.wanted);
        let Some((width, height, fps)) = call.size.wanted.filter(|_| !matches!(call.expected, Expected::Entry)) else { return };
        call.size.wanted = None;
        if call.size.told || whole != Some((width, height)) {
            call.size.told = true;
            let video = json!({ "width": width, "height": height, "frameRate": fps });
            let params = json!({ "callID": call.id, "mediaParams": { "video": video } });
            self.verto("verto.mediaParams", params);
        }
    }

    /// The client is out. Its page may listen for the end of the room, of its call, or for itself among those who left.
    pub(super) fn tell_out(&mut self, now: Moment, why: WhyLeft) {
        // Now, and so not while the SDK disconnects: it could not answer then, and its page would have an error that nobody catches.
        if self.line.is_some() {
            self.ping(now);
        }
        if why == WhyLeft::RoomEnded {
            let room = self.room(now, None, None);
            self.tell("video.room.ended", json!({ "room": room, "room_session": room }));
        }
        for number in self.children_here() {
            self.put_out_child(number, why);
        }
        let (code, word) = problem::cause(why);
        if let Some(call) = self.call.as_ref().map(|call| call.id.clone()) {
            self.verto("verto.bye", json!({ "callID": call, "cause": word, "causeCode": code }));
        }
        // Who only went on elsewhere has not left. Without these words its page would take the seat back, for ever.
        let replaced = why == WhyLeft::Displaced;
        let own = self.inside.as_ref().filter(|inside| inside.told && !replaced).map(|inside| Arc::clone(&inside.own));
        if let Some(own) = own {
            self.tell_member("video.member.left", &own);
        }
        self.forget();
        self.clock.deadline = Some((now + GOODBYE_TIMEOUT, if replaced { CLOSE_REPLACED } else { CLOSE_NORMAL }));
    }

    pub(super) fn is_told(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.told)
    }

    fn room(&self, now: Moment, members: Option<&[Arc<Snapshot>]>, updated: Option<Vec<&'static str>>) -> Value {
        let Some(inside) = &self.inside else { return Value::Null };
        let mut room = inside.names.room(&inside.stage, inside.recorded, self.clock_at(now));
        room.members = members.map(|all| inside.names.members(all));
        room.updated = updated;
        // An address may have a key in it.
        if !inside.permissions.has(Permission::Playback) {
            room.playbacks.clear();
        }
        value(&room)
    }

    /// Something about the room; its ids go with it.
    pub(super) fn tell(&mut self, event: &str, mut params: Value) {
        let Some(inside) = &self.inside else { return };
        params["room_id"] = inside.names.room_id.as_str().into();
        params["room_session_id"] = inside.names.session_id.as_str().into();
        let channel = inside.names.channel.clone();
        self.event(event, &channel, params);
    }

    /// Something about a call, as a request that the client answers.
    pub(super) fn verto(&mut self, method: &str, params: Value) {
        let id = self.id();
        self.event("webrtc.message", "webrtc", value(&wire::Request { jsonrpc: "2.0", id, method, params }));
    }

    pub(super) fn event(&mut self, event_type: &str, event_channel: &str, params: Value) {
        let (timestamp, node_id) = (self.seconds(), self.desk.node());
        let project_id = self.line.as_ref().map_or("", |line| &line.grant.project);
        let event = value(&wire::Event { event_type, event_channel, timestamp, project_id, node_id, params });
        self.request("signalwire.event", event);
    }
}
