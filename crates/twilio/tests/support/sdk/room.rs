//! The room as the SDK sees it.

use super::peer::Peer;
use super::{Log, is_sid};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Room {
    me: Option<String>,
    name: Option<String>,
    others: BTreeMap<String, Other>,
    /// Who left, at which revision.
    gone: BTreeMap<String, u64>,
    /// Track SID to the id that media carries.
    pub subscribed: BTreeMap<String, String>,
    subscribed_revision: u64,
    /// Own track id to its state: `ready SID` or `failed CODE`.
    pub published: BTreeMap<String, String>,
    published_revision: u64,
    /// Own tracks as last said.
    pub own: BTreeSet<String>,
    pub peers: BTreeMap<String, Peer>,
    closed: BTreeSet<String>,
    /// Closed by the client itself: what crosses with that is ignored.
    given_up: BTreeSet<String>,
    /// Others are known to call new connections by the names of old ones: the SDK ignores those.
    pub names_are_reused: bool,
    /// Revision and whether the room is recorded.
    recording: (u64, bool),
    warned: u64,
    /// Own tracks of which the server says that nothing comes.
    silent: BTreeSet<String>,
    /// What the app saw last.
    shown: BTreeMap<String, String>,
}

struct Other {
    identity: String,
    state: String,
    revision: u64,
    raw: Value,
    /// Track SID to what is known of it.
    tracks: BTreeMap<String, (String, String)>,
}

type Checked = Result<(), String>;

impl Room {
    /// The client says this body.
    pub fn says(&mut self, body: &Value) -> Checked {
        if let Some(tracks) = body["participant"]["tracks"].as_array() {
            self.own = tracks.iter().filter_map(|track| track["id"].as_str().map(str::to_owned)).collect();
            self.published.retain(|id, _| self.own.contains(id));
        }
        if body["type"] == "sync" {
            return Ok(());
        }
        for state in body["peer_connections"].as_array().into_iter().flatten() {
            self.says_description(state)?;
        }
        Ok(())
    }

    fn says_description(&mut self, state: &Value) -> Checked {
        let id = text(state, "id")?;
        if self.closed.contains(id) || self.given_up.contains(id) || state["description"].is_null() {
            return Ok(());
        }
        let (kind, revision) = (text(&state["description"], "type")?, number(&state["description"], "revision")?);
        self.peers.entry(id.to_owned()).or_default().says(kind, revision).map_err(|why| format!("{id}: {why}"))
    }

    /// The client closes the first of its connections that ever worked, because its media died: its id, and the count of the
    /// close.
    pub fn give_up(&mut self) -> Option<(String, u64)> {
        let (id, peer) = self.peers.iter().find(|(_, peer)| peer.is_settled())?;
        let (id, revision) = (id.clone(), peer.next_revision());
        self.peers.remove(&id);
        self.given_up.insert(id.clone());
        Some((id, revision))
    }

    /// The server says this: `connected`, `synced`, `update` or `warning`.
    pub fn update(&mut self, body: &Value, log: &mut Log) -> Checked {
        let synced = body["type"] == "synced";
        if let Some(name) = body["name"].as_str() {
            self.name = Some(name.to_owned());
        }
        if let Some(sid) = body["participant"]["sid"].as_str() {
            self.me = Some(sid.to_owned());
        }
        self.take_subscribed(&body["subscribed"])?;
        self.take_participants(&body["participants"], synced)?;
        self.check_subscribed()?;
        self.take_peers(&body["peer_connections"], synced, log)?;
        self.take_published(&body["published"])?;
        self.check_channels(&body["media_signaling"])?;
        self.take_recording(&body["recording"])?;
        self.take_warning(&body["states"])?;
        self.note_changes(log);
        Ok(())
    }

    fn take_subscribed(&mut self, block: &Value) -> Checked {
        if block.is_null() {
            return Ok(());
        }
        let mut list = BTreeMap::new();
        for track in array(block, "tracks")? {
            let (sid, id) = (text(track, "sid")?, text(track, "id")?);
            if !is_sid(sid, "MT") || list.insert(sid.to_owned(), id.to_owned()).is_some() {
                return Err(format!("subscribed {sid}"));
            }
        }
        let revision = number(block, "revision")?;
        if revision <= self.subscribed_revision && list != self.subscribed {
            return Err(format!("subscribed {revision} after {} is ignored", self.subscribed_revision));
        }
        self.subscribed_revision = self.subscribed_revision.max(revision);
        self.subscribed = list;
        Ok(())
    }

    fn take_participants(&mut self, block: &Value, synced: bool) -> Checked {
        if block.is_null() {
            return Ok(());
        }
        let list = block.as_array().ok_or("participants is a list")?;
        for state in list {
            self.take_participant(state)?;
        }
        if synced {
            let listed: BTreeSet<&str> = list.iter().filter_map(|state| state["sid"].as_str()).collect();
            let lost: Vec<String> = self.others.keys().filter(|sid| !listed.contains(sid.as_str())).cloned().collect();
            lost.iter().for_each(|sid| self.forget(sid));
        }
        Ok(())
    }

    fn take_participant(&mut self, state: &Value) -> Checked {
        let sid = text(state, "sid")?;
        let other = Other::read(state)?;
        if Some(sid) == self.me.as_deref() {
            return Err("the client's own participant among the others".into());
        }
        if let Some(left) = self.gone.get(sid) {
            return if other.revision <= *left { Err(format!("{} comes back unseen", other.identity)) } else { Ok(()) };
        }
        match self.others.get(sid) {
            None if other.state == "disconnected" => return Err(format!("{} would flash up and go", other.identity)),
            Some(known) if other.revision < known.revision => return Err(format!("{} of the past", other.identity)),
            Some(known) if other.revision == known.revision && known.raw != other.raw => {
                return Err(format!("{} changed at the same revision, which is ignored", other.identity));
            }
            _ => {}
        }
        let gone = other.state == "disconnected";
        self.others.insert(sid.to_owned(), other);
        if gone {
            self.forget(sid);
        }
        Ok(())
    }

    fn forget(&mut self, sid: &str) {
        if let Some(other) = self.others.remove(sid) {
            self.gone.insert(sid.to_owned(), other.revision);
        }
    }

    /// A subscription to what nobody publishes never becomes anything.
    fn check_subscribed(&self) -> Checked {
        let published: BTreeSet<&String> = self.others.values().flat_map(|other| other.tracks.keys()).collect();
        match self.subscribed.keys().find(|sid| !published.contains(sid)) {
            Some(sid) => Err(format!("subscribed to {sid}, which nobody publishes")),
            None => Ok(()),
        }
    }

    fn take_peers(&mut self, block: &Value, synced: bool, log: &mut Log) -> Checked {
        if block.is_null() {
            return Ok(());
        }
        let list = block.as_array().ok_or("peer_connections is a list")?;
        if synced {
            let listed: BTreeSet<&str> = list.iter().filter_map(|state| state["id"].as_str()).collect();
            let lost: Vec<String> = self.peers.keys().filter(|id| !listed.contains(id.as_str())).cloned().collect();
            lost.iter().for_each(|id| self.close(id, log));
        }
        for state in list {
            let id = text(state, "id")?.to_owned();
            self.take_peer(&id, state, synced, log).map_err(|why| format!("{id}: {why}"))?;
        }
        Ok(())
    }

    fn take_peer(&mut self, id: &str, state: &Value, synced: bool, log: &mut Log) -> Checked {
        if self.given_up.contains(id) || self.names_are_reused && self.closed.contains(id) {
            return Ok(());
        }
        if self.closed.contains(id) {
            return Err("is closed: ignored for ever".into());
        }
        let (description, ice) = (&state["description"], &state["ice"]);
        let kind = description["type"].as_str();
        let opening = matches!(kind, Some("offer" | "create-offer"));
        if !self.peers.contains_key(id) && !opening {
            return Err("makes a connection that leads nowhere".into());
        }
        if kind == Some("close") {
            self.close(id, log);
            return Ok(());
        }
        let peer = self.peers.entry(id.to_owned()).or_default();
        let lines = log.peers.entry(id.to_owned()).or_default();
        if let Some(kind) = kind {
            let revision = number(description, "revision")?;
            let sdp = description["sdp"].as_str();
            if sdp.is_none() != (kind == "create-offer") {
                return Err(format!("{kind} and its sdp"));
            }
            if peer.hears(kind, revision, synced)? {
                lines.push(format!("{kind} {revision} {}", sdp.unwrap_or_default()));
            }
        }
        if !ice.is_null() && peer.hears_ice(ice, synced)? {
            lines.push(format!("ice {} {} {} {}", ice["ufrag"], ice["revision"], ice["complete"], ice["candidates"]));
        }
        Ok(())
    }

    fn close(&mut self, id: &str, log: &mut Log) {
        if self.peers.remove(id).is_some() {
            self.closed.insert(id.to_owned());
            log.peers.entry(id.to_owned()).or_default().push("close".into());
        }
    }

    fn take_published(&mut self, block: &Value) -> Checked {
        if block.is_null() {
            return Ok(());
        }
        let mut next = self.published.clone();
        for track in array(block, "tracks")? {
            let id = text(track, "id")?;
            let state = publication(track)?;
            let before = next.insert(id.to_owned(), state.clone());
            if before.is_some_and(|before| before.starts_with("ready") && before != state) {
                return Err(format!("{id} was ready with another SID"));
            }
        }
        let revision = number(block, "revision")?;
        if revision <= self.published_revision && next != self.published {
            return Err(format!("published {revision} after {} is ignored", self.published_revision));
        }
        self.published_revision = self.published_revision.max(revision);
        self.published = next;
        self.published.retain(|id, _| self.own.contains(id));
        Ok(())
    }

    /// The SDK looks at a recording unless its revision is less than before.
    fn take_recording(&mut self, block: &Value) -> Checked {
        if block.is_null() {
            return Ok(());
        }
        let (revision, on) = (number(block, "revision")?, block["is_recording"].as_bool().ok_or("is_recording")?);
        let (before, was_on) = self.recording;
        if revision < before.max(1) || revision == before && on != was_on {
            return Err(format!("recording {revision} after {before} is ignored, or once was otherwise"));
        }
        self.recording = (revision, on);
        Ok(())
    }

    /// Of the client's own tracks, and newer than before.
    fn take_warning(&mut self, states: &Value) -> Checked {
        if states.is_null() {
            return Ok(());
        }
        let revision = number(states, "revision")?;
        if revision < self.warned {
            return Err(format!("warning {revision} after {}", self.warned));
        }
        self.warned = revision;
        for (sid, state) in states["tracks"].as_object().ok_or("tracks by SID")? {
            let word = text(state, "recordings")?;
            let id = self.published.iter().find(|(_, state)| **state == format!("ready {sid}")).map(|(id, _)| id.clone());
            match (id, word) {
                (Some(id), "NO_MEDIA") => drop(self.silent.insert(id)),
                (Some(id), "OK") => drop(self.silent.remove(&id)),
                (None, _) => return Err(format!("a warning about {sid}, which is not the client's")),
                (_, word) => return Err(format!("recordings {word}")),
            }
        }
        Ok(())
    }

    /// The SDK waits for a data channel of that label.
    fn check_channels(&self, block: &Value) -> Checked {
        let usable = |transport: &Value| transport["type"] == "data-channel" && transport["label"].is_string();
        let good = block.as_object().into_iter().flatten().all(|(_, channel)| usable(&channel["transport"]));
        if good { Ok(()) } else { Err("a media signaling channel that cannot be set up".into()) }
    }

    /// Compares what the app can see with what it saw before.
    fn note_changes(&mut self, log: &mut Log) {
        let now = self.view();
        for (key, value) in &now {
            match self.shown.get(key) {
                None => log.room.push(format!("{key}: {value}")),
                Some(before) if before != value => log.room.push(format!("{key}: {before} -> {value}")),
                Some(_) => {}
            }
        }
        let lost = self.shown.keys().filter(|key| !now.contains_key(*key));
        log.room.extend(lost.map(|key| format!("{key}: gone")));
        self.shown = now;
    }

    /// What the app can see, with names instead of SIDs.
    pub fn view(&self) -> BTreeMap<String, String> {
        let mut view = BTreeMap::new();
        for other in self.others.values() {
            view.insert(other.identity.clone(), other.state.clone());
            for (sid, (name, state)) in &other.tracks {
                view.insert(format!("{}/{name}", other.identity), state.clone());
                if let Some(id) = self.subscribed.get(sid) {
                    view.insert(format!("{}/{name}/media", other.identity), id.clone());
                }
            }
        }
        if self.recording.1 {
            view.insert("recording".into(), "on".into());
        }
        view.extend(self.silent.iter().map(|id| (format!("my {id}/media"), "lost".into())));
        for (id, state) in &self.published {
            let word = if state.starts_with("ready") { "ready" } else { state.as_str() };
            view.insert(format!("my {id}"), word.to_owned());
        }
        view
    }
}

impl Other {
    fn read(state: &Value) -> Result<Self, String> {
        let sid = text(state, "sid")?;
        let shown = text(state, "state")?;
        if !is_sid(sid, "PA") || !["connected", "reconnecting", "disconnected"].contains(&shown) {
            return Err(format!("participant {sid} {shown}"));
        }
        let mut tracks = BTreeMap::new();
        for track in array(state, "tracks")? {
            let line =
                format!("{} {} {}", text(track, "kind")?, track["enabled"].as_bool().ok_or("enabled")?, text(track, "priority")?);
            let sid = text(track, "sid")?;
            if !is_sid(sid, "MT") || tracks.insert(sid.to_owned(), (text(track, "name")?.to_owned(), line)).is_some() {
                return Err(format!("track {sid}"));
            }
        }
        let revision = number(state, "revision")?;
        if revision == 0 {
            return Err("revisions begin with 1".into());
        }
        Ok(Other { identity: text(state, "identity")?.to_owned(), state: shown.to_owned(), revision, raw: state.clone(), tracks })
    }
}

fn publication(track: &Value) -> Result<String, String> {
    match text(track, "state")? {
        "ready" => match text(track, "sid")? {
            sid if is_sid(sid, "MT") => Ok(format!("ready {sid}")),
            sid => Err(format!("published {sid}")),
        },
        "failed" => {
            text(&track["error"], "message")?;
            Ok(format!("failed {}", number(&track["error"], "code")?))
        }
        "created" => Ok("created".into()),
        state => Err(format!("state {state}")),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().ok_or_else(|| format!("{name} is a text"))
}

fn number(value: &Value, name: &str) -> Result<u64, String> {
    value[name].as_u64().ok_or_else(|| format!("{name} is a count"))
}

fn array<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    value[name].as_array().ok_or_else(|| format!("{name} is a list"))
}
