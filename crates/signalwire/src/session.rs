//! One WebSocket's life on the vendor's address, without the WebSocket.

mod children;
mod connect;
mod invite;
mod method;
mod play;
mod record;
mod tell;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use room::door::{Action, Session as Door};
use room::{
    Answer, Command, Event, Layout, MediaAllowed, Moment, Permission, Permissions, Refusal, Role, Snapshot, StageView, WhyLeft,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::{Allowance, Call, Child, Protocol, Waiting, Wanted};
use crate::limit::{CONNECT_TIMEOUT, GAP_TIMEOUT, NONSENSE_MAX, PING_EVERY, SILENCE_MAX};
use crate::problem::{Fault, Problem};
use crate::state::{self, Allowed, Names};
use crate::token::{self, Grant};
use crate::wire::{self, Authorization, Coded, Frame, IceServer, Request, RpcId};
use crate::{names, uuid};
use method::Method;

/// Close codes (RFC 6455, section 7.4.1). A browser sends 1001 when its page is closed; the SDK itself gives none.
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_GOING_AWAY: u16 = 1001;
const CLOSE_POLICY: u16 = 1008;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_LOST: u16 = 4001;
const CLOSE_REPLACED: u16 = 4002;

/// What this door needs from its shell: keys, the time of day, randomness and the relay's secret stay outside.
pub trait Desk: Send {
    /// Whether a token holds, and for what.
    ///
    /// # Errors
    /// Why it does not.
    fn verify(&self, token: &str) -> Result<Grant, token::Refusal>;

    /// STUN and TURN servers for the holder of this grant. Best none: with any, the SDK takes no other way than by them.
    fn ice_servers(&self, grant: &Grant) -> Vec<IceServer>;

    /// What this server calls itself.
    fn node(&self) -> &str;

    /// The time of day, in milliseconds since 1970 UTC.
    fn unix_ms(&self) -> u64;

    /// 128 random bits, never the same twice.
    fn fresh(&mut self) -> u128;

    /// Whether there is no room on the disk for a recording to begin.
    fn is_disk_full(&self) -> bool;
}

/// One connection of a client.
pub struct Session {
    desk: Box<dyn Desk>,
    /// What its token allows, once it has shown one that holds.
    line: Option<Line>,
    /// It wants to come back, and the rooms have not answered.
    coming: Option<(RpcId, Line)>,
    /// By which word it wanted to come back, in vain.
    stale: Option<String>,
    /// What its next offer is refused with, if it came back in a wrong way.
    doubt: Option<Doubt>,
    /// The connection of its own media, from when it asked for it.
    call: Option<Call>,
    /// How many it may still make.
    calls: Allowance,
    /// The room, from when it is in.
    inside: Option<Inside>,
    /// Its screens and devices.
    children: BTreeMap<u8, Child>,
    listens: Listens,
    /// Commands that wait for their answer, oldest first.
    waiting: VecDeque<Waiting>,
    actions: VecDeque<Action>,
    /// The id of our next request.
    next_id: u128,
    /// Of the last offer.
    revision: u64,
    clock: Clock,
    nonsense: u32,
    /// New clients are sent away.
    busy: bool,
    over: bool,
}

/// What a client is to us.
struct Line {
    /// What was shown, and what it says. It may have been withdrawn since.
    token: String,
    grant: Grant,
    protocol: Protocol,
    /// As it was spelled first.
    spelled: String,
}

/// Why a client that came back may be no heir to its seat. Only its first offer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// Its state is not the one that goes with the seat, which it was not given.
    State,
    /// It has the seat, and a connection that was up; its page may have been loaded anew and know its call.
    Call,
}

/// A client in its room.
struct Inside {
    names: Names,
    own: Arc<Snapshot>,
    stage: Arc<StageView>,
    layout: Arc<Layout>,
    /// Whether it is recorded.
    recorded: bool,
    /// What the rooms let it do.
    permissions: Permissions,
    /// What it may send and receive.
    media: MediaAllowed,
    /// Whether it was told the room.
    told: bool,
    /// Nobody was there before.
    first: bool,
}

/// What the app listens to, of what is not told to everybody.
#[derive(Clone, Copy)]
struct Listens {
    talking: bool,
    /// To a list that the SDK begins empty and in which what was told last of a member stands for all of it: so it is to be told
    /// everybody, and all of whoever changes.
    list: bool,
    /// Whether a page that is loaded anew may come back to the call.
    returns: bool,
}

/// When something is to be done.
struct Clock {
    heard: Moment,
    /// Our last ping, once there is somebody to ping.
    pinged: Option<Moment>,
    /// When the connection is closed unless something happens.
    deadline: Option<(Moment, u16)>,
    /// When the layout is told once more.
    again: Vec<Moment>,
}

impl Session {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(now: Moment, mut desk: Box<dyn Desk>) -> Self {
        let next_id = desk.fresh();
        Session {
            desk,
            line: None,
            coming: None,
            stale: None,
            doubt: None,
            call: None,
            calls: Allowance::default(),
            inside: None,
            children: BTreeMap::new(),
            // Whoever comes back to a seat is told everything: nobody remembers what it wanted.
            listens: Listens { talking: true, list: true, returns: true },
            waiting: VecDeque::new(),
            actions: VecDeque::new(),
            next_id,
            revision: 0,
            clock: Clock { heard: now, pinged: None, deadline: Some((now + CONNECT_TIMEOUT, CLOSE_POLICY)), again: Vec::new() },
            nonsense: 0,
            busy: false,
            over: false,
        }
    }

    fn handle_frame(&mut self, now: Moment, frame: &Frame<'_>) {
        let Some(method) = frame.method.as_deref() else { return };
        let Some(id) = RpcId::new(frame.id) else { return self.fault(&RpcId::null(), Fault::NO_REQUEST) };
        match method {
            "signalwire.connect" => self.handle_connect(now, id, frame.params),
            _ if self.line.is_none() => self.fault(&id, Fault::STRANGER),
            "signalwire.reauthenticate" => self.handle_reauthenticate(&id, frame.params),
            "signalwire.ping" => self.result(&id, json!({ "timestamp": self.seconds() })),
            "video.message" => self.handle_message(now, id, frame.params),
            _ => self.handle_method(id, method, frame.params),
        }
    }

    /// A frame that is none.
    fn handle_nonsense(&mut self, fault: Fault) {
        self.fault(&RpcId::null(), fault);
        self.nonsense += 1;
        if self.nonsense >= NONSENSE_MAX {
            self.lose();
            self.close(CLOSE_POLICY, "nonsense");
        }
    }

    fn handle_method(&mut self, id: RpcId, name: &str, params: Option<&RawValue>) {
        let Ok(params) = parse::<Map<String, Value>>(params) else { return self.fault(&id, Fault::NO_PARAMS) };
        let me = self.inside.as_ref().map(|inside| inside.own.id);
        match method::read(name, &params, me) {
            Ok(Method::Do(command)) => self.give(None, command, Waiting::Done(id)),
            // Who may not is told that by the rooms.
            Ok(Method::Make(_, Wanted::Recording)) if self.may_record() && self.desk.is_disk_full() => {
                self.result(&id, Coded::refused(Problem::NO_SPACE));
            }
            Ok(Method::Make(command, wanted)) => self.give(None, command, Waiting::Told(id, wanted)),
            Ok(Method::Tell(question, wanted)) => self.give(None, Command::Ask(question), Waiting::Told(id, wanted)),
            Ok(Method::Say(coded)) => self.result(&id, coded),
            Ok(Method::Need(permission, answer)) => {
                let may = self.inside.as_ref().is_some_and(|inside| inside.permissions.has(permission));
                let answer = if may { answer } else { Err(Problem::UNAUTHORIZED) };
                self.result(&id, answer.unwrap_or_else(Coded::refused));
            }
            Ok(Method::Unknown) => {
                self.actions.push_back(Action::Ignored(1));
                self.fault(&id, Fault::NO_METHOD);
            }
            Err(problem) => {
                // Who may not ask for it at all is told no more.
                let needed = method::permission(name, &params, me);
                let lacks = self.inside.as_ref().zip(needed).is_some_and(|(inside, needed)| !inside.permissions.has(needed));
                self.result(&id, Coded::refused(if lacks { Problem::UNAUTHORIZED } else { problem }));
            }
        }
    }

    fn may_record(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.permissions.has(Permission::Recording))
    }

    /// The rooms answered something.
    fn handle_answer(&mut self, now: Moment, child: Option<u8>, waiting: Waiting, result: Result<Answer, Refusal>) {
        match (waiting, result) {
            (Waiting::Join(ask, call), Ok(Answer::Joined(joined))) => self.come_in(child, &ask, &call, *joined),
            (Waiting::Join(ask, call), Err(refusal)) => self.refuse_join(child, &ask, &call, refusal),
            (Waiting::Resume, Ok(Answer::Joined(joined))) => self.come_back(now, child, *joined),
            (Waiting::Resume, Err(_)) => self.refuse_return(now, child),
            (Waiting::Again(ask), Ok(_)) => self.created(child, &ask),
            (Waiting::Again(ask), Err(refusal)) => self.result(&ask.frame, Coded::refused(refusal.into())),
            (Waiting::Entry, Ok(Answer::Stage(stage, all))) => self.enter(now, stage, &all),
            (Waiting::Done(id), Ok(_)) => self.result(&id, Coded::ok()),
            (Waiting::Told(id, wanted), Ok(answer)) => self.tell_wanted(now, &id, wanted, &answer),
            (Waiting::Done(id) | Waiting::Told(id, _), Err(refusal)) => self.result(&id, Coded::refused(refusal.into())),
            (Waiting::Join(ask, _), Ok(_)) => self.result(&ask.frame, Coded::refused(Problem::CONFLICT)),
            // What crossed with the end of the room.
            (Waiting::Rest | Waiting::Entry | Waiting::Resume, _) => {}
        }
    }

    fn tell_wanted(&mut self, now: Moment, id: &RpcId, wanted: Wanted, answer: &Answer) {
        let Some(inside) = &self.inside else { return self.result(id, Coded::refused(Problem::NOT_FOUND)) };
        let coded = match (wanted, answer) {
            (Wanted::Layouts, Answer::Layouts(all)) => {
                Coded::with("layouts", all.iter().map(|one| names::layout(*one)).collect())
            }
            (Wanted::Members, Answer::Stage(_, all)) => Coded::with("members", value(&inside.names.members(all))),
            (Wanted::RoomMeta, Answer::Stage(stage, _)) => Coded::with("meta", value(&state::unseal(&stage.meta))),
            (Wanted::Recording, Answer::Recording(one)) => Coded::with("recording", value(&self.clock_at(now).recording(one))),
            (Wanted::Recordings, Answer::Recordings(all)) => {
                Coded::with("recordings", value(&self.clock_at(now).recordings(all)))
            }
            (Wanted::Playback, Answer::Playback(one)) => Coded::with("playback", value(&self.clock_at(now).playback(one))),
            (Wanted::Playbacks, Answer::Playbacks(all)) => Coded::with("playbacks", value(&self.clock_at(now).playbacks(all))),
            (Wanted::MemberMeta, Answer::Member(of)) => Coded::with("meta", value(&state::unseal(&of.member.meta))),
            _ => Coded::refused(Problem::NOT_FOUND),
        };
        self.result(id, coded);
    }

    /// What the client may do now.
    fn authorization<'a>(&'a self, line: &'a Line, resource: u128) -> Authorization<'a> {
        let inside = self.inside.as_ref();
        let role = inside.map(|inside| inside.own.member.role);
        let written = names::permissions(line.grant.scopes.iter().map(String::as_str));
        Allowed {
            grant: &line.grant,
            audience: role.map_or(line.grant.audience, |role| role == Role::Audience),
            media: inside.map_or(line.grant.media, |inside| inside.media),
            instead: inside.map(|inside| inside.permissions).filter(|now| *now != written),
            signature: &line.protocol.signature,
            resource: uuid::spell(resource),
        }
        .authorization()
    }

    /// Gives the rooms a command, for the client itself or for a child of its.
    fn give(&mut self, child: Option<u8>, command: Command, waiting: Waiting) {
        match child {
            None => {
                self.waiting.push_back(waiting);
                self.actions.push_back(Action::Command(command));
            }
            Some(number) => {
                if let Some(child) = self.children.get_mut(&number) {
                    child.waiting.push_back(waiting);
                    self.actions.push_back(Action::Child(number, command));
                }
            }
        }
    }

    /// The connection is gone or about to be, the seats are kept.
    fn lose(&mut self) {
        self.forsake(|| Command::Lose);
    }

    /// Gives up every seat by this command.
    fn forsake(&mut self, command: impl Fn() -> Command) {
        for number in self.children_here() {
            self.give(Some(number), command(), Waiting::Rest);
        }
        if self.call.is_some() || self.inside.is_some() || self.coming.is_some() {
            self.give(None, command(), Waiting::Rest);
        }
        self.forget();
    }

    /// The client is in no room any more.
    fn forget(&mut self) {
        (self.call, self.inside, self.coming, self.doubt) = (None, None, None, None);
        self.clock.again.clear();
        self.children.values_mut().for_each(|child| child.over = true);
        self.sweep();
    }

    fn result(&mut self, id: &RpcId, result: impl Serialize) {
        self.send(&wire::Answer::result(id, result));
    }

    fn fault(&mut self, id: &RpcId, fault: Fault) {
        self.send(&wire::Answer::error(id, fault));
    }

    fn request(&mut self, method: &str, params: Value) {
        let id = self.id();
        self.send(&Request { jsonrpc: "2.0", id, method, params });
    }

    fn id(&mut self) -> String {
        self.next_id = self.next_id.wrapping_add(1);
        uuid::spell(self.next_id)
    }

    fn send(&mut self, message: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(message) {
            self.actions.push_back(Action::Send(text));
        }
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        self.over = true;
        self.actions.push_back(Action::Close(code, reason));
    }

    /// The time of day, in seconds since 1970 UTC.
    fn seconds(&self) -> f64 {
        self.desk.unix_ms() as f64 / 1000.0
    }

    /// A count that grows with each offer, over connections too: the clock does.
    fn next_revision(&mut self, now: Moment) -> u64 {
        let clock = u64::try_from(now.since(Moment::START).as_millis()).unwrap_or(u64::MAX / 2);
        self.revision = clock.max(self.revision) + 1;
        self.revision
    }

    fn ping(&mut self, now: Moment) {
        self.clock.pinged = Some(now);
        self.request("signalwire.ping", json!({ "timestamp": self.seconds() }));
    }

    fn ping_due(&self) -> Option<Moment> {
        self.clock.pinged.map(|at| at + PING_EVERY)
    }

    fn lost_at(&self) -> Option<Moment> {
        self.line.is_some().then(|| self.clock.heard + SILENCE_MAX)
    }
}

/// Parameters of this shape; none at all are like an empty object.
fn parse<'a, T: serde::Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, Fault> {
    serde_json::from_str(raw.map_or("{}", RawValue::get)).map_err(|_| Fault::NO_PARAMS)
}

/// As JSON that is put into something larger.
fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

impl Door for Session {
    fn handle_text(&mut self, now: Moment, text: &str) {
        if self.over {
            return;
        }
        self.clock.heard = now;
        match serde_json::from_str::<Frame<'_>>(text) {
            Ok(frame) if frame.method.is_some() || frame.id.is_some() => self.handle_frame(now, &frame),
            Ok(_) => self.handle_nonsense(Fault::NO_REQUEST),
            Err(error) if error.is_data() => self.handle_nonsense(Fault::NO_REQUEST),
            Err(_) => self.handle_nonsense(Fault::NOT_JSON),
        }
    }

    fn handle_result(&mut self, now: Moment, result: Result<Answer, Refusal>) {
        let Some(waiting) = self.waiting.pop_front() else { return };
        if !self.over {
            self.handle_answer(now, None, waiting, result);
        }
    }

    fn handle_event(&mut self, now: Moment, event: Event) {
        if !self.over {
            self.tell_event(now, event);
        }
    }

    fn handle_child_result(&mut self, now: Moment, child: u8, result: Result<Answer, Refusal>) {
        let waiting = self.children.get_mut(&child).and_then(|child| child.waiting.pop_front());
        if let Some(waiting) = waiting.filter(|_| !self.over) {
            self.handle_answer(now, Some(child), waiting, result);
            self.sweep();
        }
    }

    fn handle_child_event(&mut self, _now: Moment, child: u8, event: Event) {
        if !self.over {
            self.tell_child(child, event);
        }
    }

    fn handle_replaced(&mut self, now: Moment) -> bool {
        if !self.over {
            self.tell_out(now, WhyLeft::Displaced);
        }
        !self.over
    }

    fn handle_close(&mut self, code: Option<u16>) {
        if self.over {
            return;
        }
        let closed = code == Some(CLOSE_GOING_AWAY);
        if closed {
            self.end_children();
        }
        // A page that cannot find its call again is gone for good when it is closed.
        if closed && !self.listens.returns {
            self.forsake(|| Command::Leave);
        } else {
            self.lose();
        }
        self.over = true;
    }

    fn handle_overload(&mut self, _now: Moment, _retry_after: Duration) {
        self.busy = true;
    }

    fn handle_shutdown(&mut self, _now: Moment) {
        if !self.over {
            // It then keeps what it wants to say until it is connected again.
            self.request("signalwire.disconnect", json!({}));
            self.close(CLOSE_RESTART, "restart");
        }
    }

    fn handle_gap(&mut self, now: Moment) {
        if self.over {
            return;
        }
        self.clock.deadline = self.clock.deadline.map(|(due, code)| (due.max(now + GAP_TIMEOUT), code));
        for call in self.call.iter_mut().chain(self.children.values_mut().map(|child| &mut child.call)) {
            call.due = call.due.map(|due| due.max(now + GAP_TIMEOUT));
        }
        self.clock.heard = now + GAP_TIMEOUT - SILENCE_MAX;
        if self.clock.pinged.is_some() {
            self.ping(now);
        }
    }

    fn handle_timeout(&mut self, now: Moment) {
        let over = |due: Option<Moment>| due.is_some_and(|due| due <= now);
        if self.over {
            return;
        }
        if let Some((_, code)) = self.clock.deadline.filter(|(due, _)| *due <= now) {
            self.lose();
            return self.close(code, "took too long");
        }
        if over(self.lost_at()) {
            self.lose();
            return self.close(CLOSE_LOST, "silence");
        }
        if over(self.ping_due()) {
            self.ping(now);
        }
        if over(self.clock.again.iter().min().copied()) {
            self.clock.again.retain(|again| *again > now);
            self.tell_layout();
        }
        self.give_up_unanswered(now);
    }

    fn trusted(&self) -> bool {
        self.line.is_some()
    }

    fn poll_output(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Moment> {
        if self.over {
            return None;
        }
        let calls = self.call.iter().chain(self.children.values().map(|child| &child.call));
        let fixed = [self.clock.deadline.map(|(due, _)| due), self.lost_at(), self.ping_due()];
        let again = self.clock.again.iter().copied();
        fixed.into_iter().flatten().chain(again).chain(calls.filter_map(|call| call.due)).min()
    }
}
