//! A client that acts: the model of the SDK, and what the real one says of itself, in the same order. Its descriptions are
//! made up, but each answer names the offer that it answers, so that mixing them up shows.

use super::door;
use super::sdk::{Phase, Sdk};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

pub struct Client {
    pub sdk: Sdk,
    pub identity: String,
    pub tracks: Vec<Track>,
    /// Frames that are on their way to the server.
    pub up: VecDeque<String>,
    /// Last local and last remote description of each connection.
    pub local: BTreeMap<String, Description>,
    pub remote: BTreeMap<String, Description>,
    room: String,
    revision: u64,
    made: u64,
    asked: bool,
    /// Said while the socket was away: merged into one update after `synced`, as the SDK does it.
    waiting: Waiting,
    /// Connections whose answerer has not offered its own tracks yet.
    shy: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub kind: String,
    pub revision: u64,
    pub sdp: String,
}

#[derive(Default)]
struct Waiting {
    participant: bool,
    peers: BTreeMap<String, Value>,
}

impl Client {
    pub fn new(name: &str, identity: &str, room: &str) -> Self {
        let mut client = Client {
            sdk: Sdk::new(name),
            identity: identity.to_owned(),
            tracks: Vec::new(),
            up: VecDeque::new(),
            local: BTreeMap::new(),
            remote: BTreeMap::new(),
            room: room.to_owned(),
            revision: 1,
            made: 0,
            asked: false,
            waiting: Waiting::default(),
            shy: Vec::new(),
        };
        client.tracks = vec![client.track("video"), client.track("audio")];
        client.revision += 2;
        client
    }

    /// A socket is there: says hello.
    pub fn greet(&mut self) {
        self.sdk.opens();
        let body = match self.sdk.phase {
            Phase::Syncing => self.sync(),
            _ => json!({ "type": "ice", "version": 1, "edge": "roaming", "token": self.token() }),
        };
        self.made += 1;
        let id = format!("hello-{}", self.made);
        self.say(json!({ "type": "hello", "id": id, "version": 2, "timeout": 5000, "body": body }));
    }

    /// A frame came.
    pub fn hear(&mut self, text: &str) {
        let before = self.sdk.phase.clone();
        self.note_descriptions(text);
        self.sdk.hears(text);
        let peers = &self.sdk.room.peers;
        self.local.retain(|id, _| peers.contains_key(id));
        self.remote.retain(|id, _| peers.contains_key(id));
        match (&before, &self.sdk.phase) {
            (Phase::Connecting | Phase::Syncing, Phase::Connected) => self.say_what_waited(),
            (Phase::Ended(_), _) => {}
            (_, Phase::Ended(_)) => self.say_goodbye(),
            _ => {}
        }
    }

    /// Says one thing that is due; false if nothing is.
    pub fn act(&mut self) -> bool {
        if self.sdk.may_connect() && !self.asked {
            self.asked = true;
            self.connect();
            return true;
        }
        let (Phase::Connected | Phase::Syncing) = self.sdk.phase else { return false };
        let due = self.sdk.room.peers.iter().find(|(_, peer)| peer.to_answer.is_some() || peer.to_offer && !peer.offering);
        let Some((id, answers)) = due.map(|(id, peer)| (id.clone(), peer.to_answer)) else { return self.offer_own() };
        match answers {
            Some(revision) => self.answer(&id, revision),
            None => self.offer(&id),
        }
        true
    }

    pub fn is_idle(&self) -> bool {
        self.up.is_empty()
    }

    pub fn heartbeat(&mut self) {
        self.say(json!({ "type": "heartbeat" }));
    }

    pub fn publish(&mut self, kind: &'static str) {
        let track = self.track(kind);
        self.tracks.push(track);
        self.tell_tracks();
    }

    pub fn unpublish(&mut self, index: usize) {
        if index < self.tracks.len() {
            self.tracks.remove(index);
            self.tell_tracks();
        }
    }

    pub fn mute(&mut self, index: usize) {
        if let Some(track) = self.tracks.get_mut(index).filter(|track| track.kind != "data") {
            track.enabled = !track.enabled;
            self.tell_tracks();
        }
    }

    /// Its tracks changed: negotiates again on a connection that is quiet.
    pub fn renegotiate(&mut self) {
        let quiet = self.sdk.room.peers.iter().find(|(_, peer)| peer.is_settled()).map(|(id, _)| id.clone());
        if let Some(id) = quiet {
            self.offer(&id);
        }
    }

    /// A connection of its died: gives it up.
    pub fn lose_media(&mut self) {
        let Some((id, revision)) = self.sdk.room.give_up() else { return };
        self.local.remove(&id);
        self.remote.remove(&id);
        self.tell_peer(&id, json!({ "id": id, "description": { "type": "close", "revision": revision } }));
    }

    /// The app leaves, or cancels its connect.
    pub fn leave(&mut self) {
        if !matches!(self.sdk.phase, Phase::Ended(_)) {
            self.sdk.phase = Phase::Ended(None);
            self.say_goodbye();
        }
    }

    /// Without an open socket nobody hears of it.
    fn say_goodbye(&mut self) {
        if !self.sdk.is_welcomed() {
            return;
        }
        self.say(json!({ "type": "msg", "body": { "type": "disconnect", "version": 2, "session": self.sdk.session } }));
        self.say(json!({ "type": "bye" }));
    }

    fn connect(&mut self) {
        self.made += 1;
        let id = format!("{}-pc-{}", self.sdk.name, self.made);
        let sdp = self.offer_text(&id, 1);
        self.local.insert(id.clone(), Description { kind: "offer".into(), revision: 1, sdp: sdp.clone() });
        let body = json!({
            "type": "connect", "version": 2, "name": null, "token": self.token(), "participant": self.participant(),
            "peer_connections": [{ "id": id, "description": { "type": "offer", "revision": 1, "sdp": sdp } }],
            "ice_servers": "acquire", "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] }, "format": "unified",
        });
        self.say(json!({ "type": "msg", "body": body }));
    }

    fn sync(&mut self) -> Value {
        let peers: Vec<Value> =
            self.local.iter().map(|(id, description)| json!({ "id": id, "description": state(description) })).collect();
        json!({
            "type": "sync", "version": 2, "name": null, "token": self.token(), "session": self.sdk.session,
            "participant": self.participant(), "peer_connections": peers,
        })
    }

    /// Tracks of an answerer never sit in the offerer's sections: it offers them itself, once.
    fn offer_own(&mut self) -> bool {
        let settled = |id: &String| self.sdk.room.peers.get(id).is_some_and(|peer| peer.is_settled());
        let Some(at) = self.shy.iter().position(settled) else { return false };
        let id = self.shy.remove(at);
        self.offer(&id);
        true
    }

    fn offer(&mut self, id: &str) {
        let revision = self.sdk.room.peers[id].next_revision();
        let sdp = self.offer_text(id, revision);
        self.describe(id, "offer", revision, sdp);
    }

    fn answer(&mut self, id: &str, revision: u64) {
        let offer = &self.remote[id].sdp;
        let sdp = format!("v=0\r\ns=answer of {} to [{}]\r\n", self.sdk.name, offer.trim_end().replace("\r\n", "|"));
        let first = self.sdk.room.peers[id].stable() == 0;
        if first && !self.tracks.is_empty() && !self.shy.iter().any(|known| known == id) {
            self.shy.push(id.to_owned());
        }
        self.describe(id, "answer", revision, sdp);
    }

    fn describe(&mut self, id: &str, kind: &str, revision: u64, sdp: String) {
        let description = Description { kind: kind.into(), revision, sdp };
        self.local.insert(id.to_owned(), description.clone());
        self.tell_peer(id, json!({ "id": id, "description": state(&description) }));
        self.made += 1;
        let ufrag = format!("u{}{}", self.sdk.name.len(), self.made);
        let candidate = json!({ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0 });
        for revision in 1..=2 {
            let block = json!({ "ufrag": ufrag, "revision": revision, "candidates": vec![&candidate; revision] });
            self.tell_peer(id, json!({ "id": id, "ice": block }));
        }
    }

    fn offer_text(&mut self, id: &str, revision: u64) -> String {
        self.made += 1;
        format!("v=0\r\ns=offer {revision} of {} on {id}, {}\r\n", self.sdk.name, self.made)
    }

    fn tell_tracks(&mut self) {
        self.revision += 1;
        match self.sdk.phase {
            Phase::Connected => self.update(json!({ "participant": self.participant() })),
            Phase::Connecting | Phase::Syncing => self.waiting.participant = true,
            _ => {}
        }
    }

    /// Says something of a connection; while the socket is away, keeps the newest description.
    fn tell_peer(&mut self, id: &str, state: Value) {
        match self.sdk.phase {
            Phase::Connected => self.update(json!({ "peer_connections": [state], "participant": self.participant() })),
            _ if state["description"].is_object() => {
                self.sdk.hears_itself(&state);
                self.waiting.peers.insert(id.to_owned(), state);
            }
            _ => {}
        }
    }

    fn say_what_waited(&mut self) {
        let Waiting { participant, peers } = std::mem::take(&mut self.waiting);
        if participant || !peers.is_empty() {
            let peers: Vec<Value> = peers.into_values().collect();
            let body = json!({ "type": "update", "version": 2, "session": self.sdk.session, "participant": self.participant(), "peer_connections": peers });
            let frame = json!({ "type": "msg", "body": body });
            self.sdk.says_late(&frame);
            self.up.push_back(frame.to_string());
        }
    }

    fn update(&mut self, mut body: Value) {
        body["type"] = json!("update");
        body["version"] = json!(2);
        body["session"] = json!(self.sdk.session);
        self.say(json!({ "type": "msg", "body": body }));
    }

    fn say(&mut self, frame: Value) {
        self.sdk.says(&frame);
        self.up.push_back(frame.to_string());
    }

    fn participant(&self) -> Value {
        let tracks: Vec<Value> = self.tracks.iter().map(listed).collect();
        json!({ "revision": self.revision, "tracks": tracks })
    }

    fn track(&mut self, kind: &'static str) -> Track {
        self.made += 1;
        let number = self.made;
        Track { id: format!("{}-{kind}-{number}", self.sdk.name), name: format!("{kind} {number}"), kind, enabled: true }
    }

    fn token(&self) -> String {
        door::token(&self.identity, Some(&self.room))
    }

    /// Keeps the other end's last description, and demands that an answer is to the offer that is out.
    fn note_descriptions(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        for state in frame["body"]["peer_connections"].as_array().into_iter().flatten() {
            let (Some(id), Some(sdp)) = (state["id"].as_str(), state["description"]["sdp"].as_str()) else { continue };
            let kind = state["description"]["type"].as_str().unwrap_or_default();
            let revision = state["description"]["revision"].as_u64().unwrap_or_default();
            let peer = self.sdk.room.peers.get(id);
            if kind == "answer" && peer.is_some_and(|peer| peer.offering && peer.next_revision() == revision + 1) {
                let offer = self.local[id].sdp.trim_end().replace("\r\n", "|");
                assert!(sdp.contains(&format!("[{offer}]")), "{}: {sdp} is no answer to {offer}", self.sdk.name);
            }
            let newer = self.remote.get(id).is_none_or(|known| revision >= known.revision);
            if newer && peer.is_none_or(|peer| revision > peer.stable()) {
                self.remote.insert(id.to_owned(), Description { kind: kind.into(), revision, sdp: sdp.to_owned() });
            }
        }
    }
}

fn state(description: &Description) -> Value {
    json!({ "type": description.kind, "revision": description.revision, "sdp": description.sdp })
}

fn listed(track: &Track) -> Value {
    json!({ "id": track.id, "name": track.name, "kind": track.kind, "enabled": track.enabled, "priority": "standard" })
}
