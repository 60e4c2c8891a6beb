//! Recordings of the real SDK: `tests/transcripts/README.md`.

use super::client::Client;
use super::door;
use super::room::Room;
use room::ConnId;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One line of a recording.
pub struct Line {
    pub ms: u64,
    pub conn: String,
    pub dir: String,
    pub msg: Value,
}

pub fn lines(name: &str) -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files = fs::read_dir(folder).expect("transcripts").flatten().map(|entry| entry.path());
    let path = files.find(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name))).expect(name);
    let text = fs::read_to_string(path).expect("a transcript");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .filter(|line| line.get("about").is_none())
        .map(|line| Line {
            ms: line["ms"].as_u64().unwrap_or_default(),
            conn: text(&line["conn"]),
            dir: text(&line["dir"]),
            msg: line["msg"].clone(),
        })
        .collect()
}

/// A recording played to our own door: what the clients said is said again, with the names that our side gave in place of the
/// recorder's; the recorder's answers and events are kept for comparison.
pub struct Replay {
    pub room: Room,
    pub conns: BTreeMap<String, ConnId>,
    /// What the recorder's server said, by connection.
    pub theirs: BTreeMap<String, Vec<Value>>,
    /// Whether connections were closed by the recorder's server, which to us is the network.
    lost: bool,
    /// Scopes that every token gets besides its own.
    extra: Vec<&'static str>,
    /// Names of the recorder's making and ours.
    names: BTreeMap<String, String>,
}

impl Replay {
    /// Plays a whole recording. In some the recorder's server asked for no permissions; `extra` are those that it takes here.
    pub fn play(name: &str, extra: &[&'static str]) -> Replay {
        let mut replay = Replay {
            room: Room::new(),
            conns: BTreeMap::new(),
            theirs: BTreeMap::new(),
            lost: ["07", "08"].contains(&name),
            extra: extra.to_vec(),
            names: BTreeMap::new(),
        };
        for line in lines(name) {
            replay.step(&line);
        }
        replay
    }

    pub fn client(&mut self, name: &str) -> &mut Client {
        let conn = self.conns[name];
        self.room.client(conn)
    }

    /// The result, or the error, that a request got from the recorder's server and from us.
    pub fn answers(&mut self, name: &str) -> Vec<(Value, Value)> {
        let theirs = self.theirs[name].clone();
        let ours = self.client(name).answers.clone();
        let answers = theirs.into_iter().filter(|frame| frame.get("method").is_none());
        answers.map(|their| (ours.get(their["id"].as_str().unwrap_or_default()).cloned().unwrap_or_default(), their)).collect()
    }

    /// The types of events that the recorder's server told a client, in order.
    pub fn told(&self, name: &str) -> Vec<String> {
        self.theirs[name].iter().filter_map(kind).collect()
    }

    fn step(&mut self, line: &Line) {
        self.room.wait(line.ms.saturating_sub(self.room.hub.now_ms()));
        match &*line.dir {
            "client->server" => self.say(&line.conn, &line.msg),
            "server->client" => {
                self.learn(&line.conn, &line.msg);
                self.theirs.entry(line.conn.clone()).or_default().push(line.msg.clone());
            }
            _ => self.note(&line.conn, &line.msg),
        }
    }

    fn note(&mut self, conn: &str, note: &Value) {
        if note.get("ws_url").is_some() {
            let open = self.room.open();
            self.conns.insert(conn.to_owned(), open);
        } else if let Some(code) = note.as_str().and_then(|note| note.strip_prefix("close ")) {
            let code = code.trim().parse().ok().filter(|code| *code != 1005 && !self.lost);
            let open = self.conns[conn];
            self.room.close(open, code);
        }
    }

    fn say(&mut self, conn: &str, message: &Value) {
        // What the client answers to our requests our own model says; ids of the recorder's requests are nobody's here.
        if message.get("method").is_none() {
            return;
        }
        let mut message = message.clone();
        self.translate(conn, "", &mut message);
        let open = self.conns[conn];
        self.room.say(open, &message.to_string());
    }

    fn translate(&self, conn: &str, name: &str, value: &mut Value) {
        match value {
            Value::Object(claims) if name == "jwt_token" => {
                let text = |name: &str| claims[name].as_str().unwrap_or_default();
                let own = claims["s"].as_array().expect("scopes").iter().filter_map(Value::as_str);
                let scopes: Vec<&str> = own.chain(self.extra.iter().copied()).collect();
                *value = door::token(text("u"), text("r"), &scopes).into();
            }
            Value::Object(map) => {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(name, mut item)| {
                        self.translate(conn, &name, &mut item);
                        (self.names.get(&name).cloned().unwrap_or(name), item)
                    })
                    .collect();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.translate(conn, name, item)),
            Value::String(text) if name == "sdp" && text.starts_with("SDP[") => {
                *text = unabridged(if self.lost { "A" } else { conn }, text)
            }
            Value::String(text) => {
                if let Some(ours) = self.names.get(text) {
                    ours.clone_into(text);
                }
            }
            _ => {}
        }
    }

    /// Members, rooms, recordings and words to come back by have names of the server's making.
    fn learn(&mut self, conn: &str, theirs: &Value) {
        let ours = self.client(conn);
        if let Some(word) = theirs["result"]["protocol"].as_str() {
            let own = ours.protocol.clone();
            self.names.insert(word.to_owned(), own);
            return;
        }
        let params = &theirs["params"]["params"];
        let mut pairs = Vec::new();
        match theirs["params"]["event_type"].as_str() {
            Some("signalwire.authorization.state") => {
                pairs.push((params["authorization_state"].clone(), ours.state.clone().into()));
            }
            Some("video.room.subscribed") => {
                if let Some(own) = ours.events("video.room.subscribed").last() {
                    for path in ["/member_id", "/room_session/id", "/room/room_id"] {
                        pairs.extend(params.pointer(path).cloned().zip(own.pointer(path).cloned()));
                    }
                }
            }
            Some("video.recording.started") => {
                let own = ours.events("video.recording.started").pop();
                pairs.extend(own.map(|own| (params["recording"]["id"].clone(), own["recording"]["id"].clone())));
            }
            Some("video.member.joined") if params["member"]["type"] != "member" => {
                let kind = &params["member"]["type"];
                let all = ours.events("video.member.joined");
                let own = all.iter().rev().find(|own| own["member"]["type"] == *kind);
                pairs.extend(own.map(|own| (params["member"]["id"].clone(), own["member"]["id"].clone())));
            }
            _ => {}
        }
        for (theirs, ours) in pairs {
            let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
            self.names.insert(text(theirs), text(ours));
        }
    }
}

/// The type of an event, or the method of what is said of a call.
pub fn kind(frame: &Value) -> Option<String> {
    let event = &frame["params"];
    match event["event_type"].as_str()? {
        "webrtc.message" => event["params"]["method"].as_str().map(str::to_owned),
        kind => Some(kind.to_owned()),
    }
}

/// The lines of a description that the recording kept, and a certificate: each connection of a page has its own.
fn unabridged(conn: &str, text: &str) -> String {
    let lines = text.trim_start_matches("SDP[abridged]: ").replace(" | ", "\r\n");
    let print = format!("a=fingerprint:sha-256 {}\r\n", "0A:".repeat(9).replace('A', if conn == "A" { "A" } else { "B" }));
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{print}{lines}\r\n")
}
