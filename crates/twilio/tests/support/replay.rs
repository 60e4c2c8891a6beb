//! Plays the client's side of a recording to our own door, and lets two models listen: one to what the recorder's server
//! said, one to what we say.

use super::door;
use super::hub::{Hub, Sent};
use super::sdk::Sdk;
use super::transcript::{Frame, Scene, What};
use room::{Act, Channel, Command, ConnId, Limits, LinkId, News, Report, RoomKind, Sealed, Signal, Step, TrackId};
use serde_json::Value;
use std::collections::BTreeMap;

/// A person of the recording, through all of its connections.
pub struct Person {
    /// Listens to us.
    pub ours: Sdk,
    /// Listens to the recorder's server.
    pub theirs: Sdk,
    /// Everything we said, with the time and the model's name, for snapshots.
    pub identity: String,
}

pub struct Replay {
    pub hub: Hub,
    pub people: Vec<Person>,
    /// Every frame of ours in order: who heard it, and what.
    pub sent: Vec<(String, Value)>,
    /// Recorder's connection name to the person and our connection.
    conns: BTreeMap<String, (usize, Option<ConnId>)>,
    /// What the recording calls things, and what we call them.
    names: Vec<(String, String)>,
    token: BTreeMap<String, String>,
    /// The recording's session words, and whose they are.
    sessions: BTreeMap<String, usize>,
    /// The recorder's server may say what the model refuses: then only ours is listened to.
    compare: bool,
    /// Tracks of the recording: SID to owner and name.
    tracks: BTreeMap<String, (String, String)>,
}

/// Plays a scene to the end. The recorder's model must agree with ours where `compare` is called later.
pub fn play(scene: &Scene, limits: Limits) -> Replay {
    Replay::new(limits, true).run(scene)
}

/// As [`play`], for scenes whose server says things on purpose that ours never would.
pub fn play_ours(scene: &Scene, limits: Limits) -> Replay {
    Replay::new(limits, false).run(scene)
}

impl Replay {
    fn new(limits: Limits, compare: bool) -> Self {
        Replay {
            hub: door::hub(limits),
            people: Vec::new(),
            sent: Vec::new(),
            conns: BTreeMap::new(),
            names: Vec::new(),
            token: BTreeMap::new(),
            sessions: BTreeMap::new(),
            compare,
            tracks: BTreeMap::new(),
        }
    }

    fn run(mut self, scene: &Scene) -> Self {
        for frame in &scene.frames {
            self.hub.advance_to(frame.at_ms);
            self.deliver();
            self.step(scene, frame);
            self.deliver();
        }
        self
    }

    pub fn person(&mut self, identity: &str) -> &mut Person {
        self.people.iter_mut().find(|person| person.identity == identity).expect("somebody of that name")
    }

    /// Both models noticed the same, in the same order within each subject.
    pub fn assert_same(&self) {
        for person in &self.people {
            let (ours, theirs) = (&person.ours.log, &person.theirs.log);
            assert_eq!(ours.life, theirs.life, "{}", person.identity);
            assert_eq!(ours.room, theirs.room, "{}", person.identity);
            assert_eq!(used(&person.ours), used(&person.theirs), "{}", person.identity);
            assert_eq!(person.ours.room.view(), person.theirs.room.view(), "{}", person.identity);
        }
    }

    /// The recorder's server is the media server, too: what it says of connections, the media server tells the rooms.
    fn be_media(&mut self, index: usize, message: &Value) {
        if self.hub.rooms.rooms().all(|room| room.kind.topology() == RoomKind::Go.topology()) {
            return;
        }
        let body = &message["body"];
        self.learn_tracks(body);
        if let Some(tracks) = body["subscribed"]["tracks"].as_array() {
            let placed =
                tracks.iter().filter_map(|track| Some((self.track(track["sid"].as_str()?)?, track["id"].as_str()?.into())));
            let placed = placed.collect();
            self.news(index, News::Placed(placed));
        }
        for state in body["peer_connections"].as_array().into_iter().flatten() {
            let Some(signal) = described_signal(&state["description"]) else { continue };
            let link = LinkId(state["id"].as_str().unwrap_or_default().into());
            self.news_of(index, Some(link), News::Signal(signal));
        }
        self.deliver();
    }

    /// The media server tells this of a person's newest link.
    pub fn news(&mut self, index: usize, news: News) {
        self.news_of(index, None, news);
    }

    fn news_of(&mut self, index: usize, link: Option<LinkId>, news: News) {
        let identity = self.people[index].identity.clone();
        let inside = self.hub.rooms.rooms().find_map(|room| {
            let one = room.participants.iter().find(|one| *one.identity == *identity)?;
            Some((room.id, one.id))
        });
        let Some((room, who)) = inside else { return };
        let newest = self.hub.orders.iter().rev().find_map(|order| match &order.act {
            Act::Open(open) if order.who == who => Some(open.link.clone()),
            _ => None,
        });
        if let Some(link) = link.or(newest) {
            self.hub.report(Report::Of { room, who, link, news });
        }
    }

    /// The recording's tracks by owner and name.
    fn learn_tracks(&mut self, body: &Value) {
        for one in body["participants"].as_array().into_iter().flatten() {
            for track in one["tracks"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                self.tracks.insert(text(&track["sid"]), (text(&one["identity"]), text(&track["name"])));
            }
        }
    }

    /// Our track of the same owner and name.
    fn track(&self, theirs: &str) -> Option<TrackId> {
        let (identity, name) = self.tracks.get(theirs)?;
        let rooms: Vec<_> = self.hub.rooms.rooms().collect();
        let owner = rooms.iter().flat_map(|room| &room.participants).find(|one| *one.identity == **identity)?;
        owner.tracks.iter().find(|track| *track.name == **name).map(|track| track.id)
    }

    /// Somebody says something by a channel; SIDs of the recording become ours.
    fn say_on_channel(&mut self, identity: &str, name: &str, text: &str) {
        let Some(channel) = Channel::ALL.into_iter().find(|channel| twilio::msp::name(*channel) == name) else { return };
        let Some(index) = self.people.iter().position(|person| person.identity == identity) else { return };
        let mut text = text.to_owned();
        for theirs in self.tracks.keys() {
            if let Some(ours) = self.track(theirs) {
                text = text.replace(theirs.as_str(), &twilio::sid::track(ours));
            }
        }
        self.news(index, News::Said(channel, Sealed(text.into())));
        self.deliver();
    }

    /// As [`Replay::assert_same`], for rooms whose media server tells what it sends in messages of its own: the order between
    /// subjects may differ.
    pub fn assert_same_by_subject(&self) {
        for person in &self.people {
            let (ours, theirs) = (&person.ours, &person.theirs);
            assert_eq!(ours.log.life, theirs.log.life, "{}", person.identity);
            assert_eq!(by_subject(&ours.log.room), by_subject(&theirs.log.room), "{}", person.identity);
            assert_eq!(used(ours), used(theirs), "{}", person.identity);
            assert_eq!(ours.room.view(), theirs.room.view(), "{}", person.identity);
        }
    }

    fn step(&mut self, scene: &Scene, frame: &Frame) {
        match &frame.what {
            What::Opened => self.open(scene, frame),
            What::Said(message) => self.say(&frame.conn, message),
            What::Heard(message) => self.hear_theirs(&frame.conn, message),
            What::Channel(who, name, text) => self.say_on_channel(who, name, text),
            What::Closed(code) => self.close(&frame.conn, *code),
        }
    }

    fn open(&mut self, scene: &Scene, frame: &Frame) {
        let conn = self.hub.open(door::session);
        let resumes = scene.frames.iter().find_map(|later| resumed_session(later, &frame.conn));
        let back = resumes.and_then(|session| self.sessions.get(&session).copied());
        let identity = scene.identity(&frame.conn);
        let index = back.unwrap_or_else(|| self.newcomer(identity.clone()));
        let identity = self.people[index].identity.clone();
        self.token.insert(frame.conn.clone(), door::token(&identity, Some(&scene.room(&frame.conn))));
        self.people[index].ours.opens();
        self.people[index].theirs.opens();
        self.conns.insert(frame.conn.clone(), (index, Some(conn)));
    }

    fn newcomer(&mut self, identity: String) -> usize {
        let name = format!("{identity} (person {})", self.people.len());
        self.people.push(Person { ours: Sdk::new(&name), theirs: Sdk::new(&format!("{name} of the recording")), identity });
        self.people.len() - 1
    }

    fn say(&mut self, conn: &str, message: &Value) {
        let (index, open) = self.conns[conn];
        let message = self.translate(conn, message);
        if self.compare {
            self.people[index].theirs.says(&message);
        }
        let Some(open) = open else { return };
        self.people[index].ours.says(&message);
        self.hub.text(open, &message.to_string());
    }

    fn hear_theirs(&mut self, conn: &str, message: &Value) {
        let (index, _) = self.conns[conn];
        if is_completed(message) {
            self.end_room();
        }
        self.be_media(index, message);
        self.learn_names(index, message);
        if self.compare {
            let message = self.translate(conn, message);
            self.people[index].theirs.hears(&message.to_string());
        }
    }

    fn close(&mut self, conn: &str, code: u16) {
        let (index, open) = self.conns[conn];
        if let Some(open) = open {
            self.people[index].ours.closes(code, false);
            self.hub.close(open, Some(code).filter(|code| ![1005, 1006].contains(code)));
        }
        self.people[index].theirs.closes(code, false);
        self.conns.insert(conn.to_owned(), (index, None));
    }

    /// The recorder's server ended the room here.
    fn end_room(&mut self) {
        let rooms: Vec<_> = self.hub.rooms.rooms().map(|room| room.id).collect();
        for room in rooms {
            self.hub.owner(Command::EndRoom(room));
        }
        self.deliver();
    }

    /// Session words, and connections that the server asked for, have names of the server's making.
    fn learn_names(&mut self, index: usize, message: &Value) {
        let body = &message["body"];
        if let (Some(theirs), Some(ours)) = (body["session"].as_str(), self.people[index].ours.session.clone()) {
            self.sessions.insert(theirs.to_owned(), index);
            self.learn(theirs, &ours);
        }
        let wanted = wanted(body);
        let ours: Vec<String> = self.sent_to(index).flat_map(wanted_of).collect();
        for (theirs, ours) in wanted.iter().zip(ours) {
            self.learn(theirs, &ours);
        }
    }

    fn sent_to(&self, index: usize) -> impl Iterator<Item = &Value> {
        let name = self.people[index].ours.name.clone();
        self.sent.iter().filter(move |(who, _)| *who == name).map(|(_, message)| message)
    }

    fn learn(&mut self, theirs: &str, ours: &str) {
        if !self.names.iter().any(|(known, _)| known == theirs) {
            self.names.push((theirs.to_owned(), ours.to_owned()));
        }
    }

    fn translate(&self, conn: &str, message: &Value) -> Value {
        let mut message = message.clone();
        self.translate_in(conn, "", &mut message);
        message
    }

    fn translate_in(&self, conn: &str, name: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.translate_text(conn, name, text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.translate_in(conn, name, item)),
            Value::Object(map) => map.iter_mut().for_each(|(name, item)| self.translate_in(conn, name, item)),
            _ => {}
        }
    }

    fn translate_text(&self, conn: &str, name: &str, text: &mut String) {
        if name == "token" {
            self.token[conn].clone_into(text);
        } else if name == "sdp" && !text.starts_with("v=0") {
            *text = described(text);
        } else if let Some((_, ours)) = self.names.iter().find(|(theirs, _)| theirs == text) {
            ours.clone_into(text);
        }
    }

    fn deliver(&mut self) {
        while let Some(sent) = self.hub.poll() {
            match sent {
                Sent::Text(conn, text) => self.hear_ours(conn, &text),
                Sent::Closed(conn, code) => self.cut(conn, code),
            }
        }
        self.check_media();
    }

    fn hear_ours(&mut self, conn: ConnId, text: &str) {
        let Some(index) = self.owner_of(conn) else { return };
        let person = &mut self.people[index];
        person.ours.hears(text);
        self.sent.push((person.ours.name.clone(), serde_json::from_str(text).expect("JSON")));
    }

    /// We closed; the recording goes on without us.
    fn cut(&mut self, conn: ConnId, code: u16) {
        let Some(index) = self.owner_of(conn) else { return };
        self.people[index].ours.closes(code, true);
        let entry = self.conns.values_mut().find(|(_, open)| *open == Some(conn)).expect("it was open");
        entry.1 = None;
    }

    fn owner_of(&self, conn: ConnId) -> Option<usize> {
        self.conns.values().find(|(_, open)| *open == Some(conn)).map(|(index, _)| *index)
    }

    /// What a client is told to listen for is what the publisher's media is called.
    fn check_media(&self) {
        // The media server calls tracks what it likes.
        if self.hub.rooms.rooms().any(|room| room.kind.topology() == RoomKind::Group.topology()) {
            return;
        }
        let published: BTreeMap<&str, &str> = self
            .people
            .iter()
            .flat_map(|person| &person.ours.room.published)
            .filter_map(|(id, state)| Some((state.strip_prefix("ready ")?, id.as_str())))
            .collect();
        for person in &self.people {
            for (sid, id) in &person.ours.room.subscribed {
                let label = published.get(sid.as_str());
                assert!(label.is_none_or(|label| label == id), "{}: {sid} is {label:?}, not {id}", person.identity);
            }
        }
    }
}

fn by_subject(lines: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut subjects: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (subject, line) in lines.iter().filter_map(|line| line.split_once(": ")) {
        subjects.entry(subject).or_default().push(line);
    }
    subjects
}

/// Connections that lead somewhere: a spare that nobody ever heard of may be closed sooner or later.
fn used(sdk: &Sdk) -> BTreeMap<&str, &Vec<String>> {
    let led = |lines: &&Vec<String>| lines.iter().any(|line| line != "close");
    sdk.log.peers.iter().map(|(id, lines)| (id.as_str(), lines)).filter(|(_, lines)| led(lines)).collect()
}

fn described_signal(description: &Value) -> Option<Signal> {
    let step = match description["type"].as_str()? {
        "offer" => Step::Offer,
        "answer" => Step::Answer,
        _ => return None,
    };
    let sdp = description["sdp"].as_str()?;
    let sealed = Sealed(if sdp.starts_with("v=0") { sdp.into() } else { described(sdp).into() });
    Some(Signal { step, revision: description["revision"].as_u64()?, sealed })
}

fn described(text: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns={text}\r\nt=0 0\r\n")
}

fn resumed_session(frame: &Frame, conn: &str) -> Option<String> {
    match &frame.what {
        What::Said(message) if frame.conn == conn && message["body"]["type"] == "sync" => {
            message["body"]["session"].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn is_completed(message: &Value) -> bool {
    message["body"]["type"] == "disconnected" && message["body"]["status"] == "completed"
}

fn wanted_of(message: &Value) -> Vec<String> {
    wanted(&message["body"])
}

fn wanted(body: &Value) -> Vec<String> {
    let states = body["peer_connections"].as_array().into_iter().flatten();
    let asked = states.filter(|state| state["description"]["type"] == "create-offer");
    asked.filter_map(|state| state["id"].as_str().map(str::to_owned)).collect()
}
