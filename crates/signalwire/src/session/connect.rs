//! How a client shows its token, and how it comes back to its seat.

use room::{Command, Joined, Moment, Resume};
use serde_json::json;
use serde_json::value::RawValue;

use super::{Doubt, Inside, Line, Session, parse};
use crate::call::{Call, Protocol, Waiting};
use crate::limit::CONNECT_TIMEOUT;
use crate::problem::Fault;
use crate::state::Names;
use crate::token::Grant;
use crate::wire::{self, Connected, RpcId};

use room::door::Action;

impl Session {
    pub(super) fn handle_connect(&mut self, now: Moment, id: RpcId, params: Option<&RawValue>) {
        let Ok(connect) = parse::<wire::Connect>(params) else { return self.fault(&id, Fault::NO_PARAMS) };
        if self.line.is_some() || self.coming.is_some() {
            return self.handle_reauthenticate(&id, params);
        }
        if self.busy && connect.protocol.is_none() {
            return self.fault(&id, Fault::BUSY);
        }
        let grant = match self.desk.verify(&connect.authentication.jwt_token) {
            Ok(grant) => grant,
            Err(refusal) => return self.turn_away(&id, refusal.into()),
        };
        // A page that was loaded anew forgets a word that is refused. One that is still there, after a restart or a long sleep, says it
        // again at once and for ever: what it needs is to be connected, and to find that its call is over.
        let token = connect.authentication.jwt_token;
        let word = connect.protocol.filter(|word| self.stale.as_ref() != Some(word));
        match word {
            None => self.connected_anew(now, &id, token, grant),
            Some(spelled) => match Protocol::parse(&spelled) {
                Some(protocol) if connect.authorization_state.is_some_and(|state| state != protocol.state()) => {
                    self.doubt = Some(Doubt::State);
                    self.connected_anew(now, &id, token, grant);
                }
                Some(protocol) => self.ask_return(id, Line { token, grant, protocol, spelled }),
                None => self.refuse_word(&id, spelled),
            },
        }
    }

    fn connected_anew(&mut self, now: Moment, id: &RpcId, token: String, grant: Grant) {
        let protocol = Protocol::new(self.desk.fresh(), self.desk.fresh());
        let spelled = protocol.spell();
        self.connected(now, id, Line { token, grant, protocol, spelled });
    }

    fn refuse_word(&mut self, id: &RpcId, word: String) {
        self.stale = Some(word);
        self.turn_away(id, Fault::STALE);
    }

    fn turn_away(&mut self, id: &RpcId, fault: Fault) {
        self.actions.push_back(Action::Refused(fault.code.unsigned_abs()));
        self.fault(id, fault);
    }

    /// A token that replaces the one before it. It must be for the same; what its holder may do in the room stays as it is.
    pub(super) fn handle_reauthenticate(&mut self, id: &RpcId, params: Option<&RawValue>) {
        let Ok(wire::Connect { authentication, .. }) = parse::<wire::Connect>(params) else {
            return self.fault(id, Fault::NO_PARAMS);
        };
        match self.desk.verify(&authentication.jwt_token) {
            Err(refusal) => self.turn_away(id, refusal.into()),
            Ok(grant) => {
                let same = |line: &&mut Line| line.grant.user_name == grant.user_name && line.grant.room == grant.room;
                match self.line.as_mut().filter(same) {
                    None => self.turn_away(id, Fault::OTHER),
                    Some(line) => {
                        (line.token, line.grant) = (authentication.jwt_token, grant);
                        self.tell_connected(id);
                    }
                }
            }
        }
    }

    fn ask_return(&mut self, id: RpcId, line: Line) {
        let seat = line.protocol.seat;
        let identity = line.grant.user_name.as_str().into();
        self.coming = Some((id, line));
        let resume = Resume { seat, identity, tracks: (0, Vec::new()), signals: Vec::new() };
        self.give(None, Command::Resume(Box::new(resume)), Waiting::Resume);
    }

    pub(super) fn refuse_return(&mut self, now: Moment, child: Option<u8>) {
        if let Some(number) = child {
            self.end_child(number);
        } else if let Some((id, line)) = self.coming.take() {
            // It connects again at once.
            self.clock.deadline = Some((now + CONNECT_TIMEOUT, super::CLOSE_POLICY));
            self.refuse_word(&id, line.spelled);
        }
    }

    pub(super) fn come_back(&mut self, now: Moment, child: Option<u8>, joined: Joined) {
        if let Some(number) = child {
            return self.child_came_back(number, &joined);
        }
        let Some((id, line)) = self.coming.take() else { return };
        if *joined.name != *line.grant.room {
            self.give(None, Command::Lose, Waiting::Rest);
            return self.refuse_word(&id, line.spelled);
        }
        let link = joined.links.iter().find(|state| state.server);
        self.call = link.and_then(|state| Call::found(&state.link));
        self.doubt = link.filter(|state| state.connected).map(|_| Doubt::Call);
        let children = joined.others.iter().filter(|other| other.member.parent == Some(joined.me)).count();
        let (others, seat_kept, lately) = (joined.others.clone(), joined.session_timeout, joined.lately.clone());
        self.inside = Some(Inside { told: true, ..Inside::new(joined) });
        self.connected(now, &id, line);
        self.find_children(children);
        self.tell_lately(&lately, &others);
        self.tell_all_again(now, &others);
        self.tell_recordings_again(now, seat_kept);
        self.tell_playbacks_again(now, seat_kept);
    }

    fn connected(&mut self, now: Moment, id: &RpcId, line: Line) {
        let state = line.protocol.state();
        self.line = Some(line);
        self.clock.deadline = None;
        self.clock.pinged = Some(now);
        self.tell_connected(id);
        self.event("signalwire.authorization.state", "signalwire", json!({ "authorization_state": state }));
    }

    fn tell_connected(&mut self, id: &RpcId) {
        let resource = self.desk.fresh();
        let Some(line) = &self.line else { return };
        let answer = Connected {
            identity: format!("{}@{}", crate::uuid::spell(resource), self.desk.node()),
            protocol: &line.spelled,
            ice_servers: self.desk.ice_servers(&line.grant),
            authorization: self.authorization(line, resource),
        };
        let answer = super::value(&answer);
        self.result(id, answer);
    }
}

impl Inside {
    /// What the rooms let it do.
    pub(super) fn rights(&self) -> room::Rights {
        room::Rights { permissions: self.permissions, media: self.media, publish: self.own.member.role != room::Role::Audience }
    }

    pub(super) fn new(joined: Joined) -> Self {
        Inside {
            names: Names::new(joined.room, &joined.name),
            own: joined.own,
            stage: joined.stage,
            layout: joined.layout,
            recorded: joined.recording.on,
            permissions: joined.rights.permissions,
            media: joined.rights.media,
            told: false,
            first: joined.others.is_empty(),
        }
    }
}
