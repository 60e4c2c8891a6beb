//! A model of the SDK: what it does with each frame, and a panic wherever the real one would hang, throw, lose
//! something or show the app what never was. Written from the SDK's behaviour (`docs/wire/twilio.md`), stricter than it.
//!
//! The model is told what the client says, too, so that it knows which offers are pending; it says nothing itself.

mod peer;
mod room;

use self::room::Room;
use serde_json::Value;
use std::collections::BTreeMap;

pub struct Sdk {
    pub name: String,
    pub phase: Phase,
    /// What the app and its media notice, in order.
    pub log: Log,
    pub session: Option<String>,
    pub room: Room,
    socket: Socket,
    iced: bool,
    /// Bodies that came before their time, as the SDK keeps them.
    early: Vec<Value>,
    /// The frame that is looked at, for messages of panics.
    frame: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    Connected,
    Syncing,
    /// With the code of the error, if it was one.
    Ended(Option<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Closed,
    Opened,
    Welcomed,
}

/// What is noticed, by subject: the order between subjects does not matter to an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    pub life: Vec<String>,
    pub room: Vec<String>,
    pub peers: BTreeMap<String, Vec<String>>,
}

impl Sdk {
    pub fn new(name: &str) -> Self {
        Sdk {
            name: name.to_owned(),
            phase: Phase::Connecting,
            log: Log::default(),
            session: None,
            room: Room::default(),
            socket: Socket::Closed,
            iced: false,
            early: Vec::new(),
            frame: String::new(),
        }
    }

    pub fn opens(&mut self) {
        self.demand(self.socket == Socket::Closed, "one socket at a time");
        self.socket = Socket::Opened;
        self.iced = false;
    }

    /// The socket closed. After the first `connected` the SDK takes any code but 1000 as a reason to come back.
    pub fn closes(&mut self, code: u16, by_server: bool) {
        self.frame = format!("close {code}");
        self.socket = Socket::Closed;
        let ended = matches!(self.phase, Phase::Ended(_));
        self.demand(ended || !by_server || code != 1000, "a close with 1000 ends the room without a word");
        match self.phase {
            Phase::Connected => {
                self.phase = Phase::Syncing;
                self.log.life.push("reconnecting".into());
            }
            Phase::Connecting => self.end(Some(53000)),
            _ => {}
        }
    }

    /// The client says this.
    pub fn says(&mut self, frame: &Value) {
        self.frame = frame.to_string();
        let body = &frame["body"];
        self.demand(self.socket == Socket::Welcomed || frame["type"] != "msg", "the SDK waits for welcome before it says more");
        match body["type"].as_str() {
            Some("sync") => self.demand(self.phase == Phase::Syncing, "only a client that lost its socket syncs"),
            Some("disconnect") if !matches!(self.phase, Phase::Ended(_)) => self.phase = Phase::Ended(None),
            _ => {}
        }
        let result = self.room.says(body);
        self.demand_ok(result);
    }

    /// The client keeps this description of a connection for later, because its socket is away.
    pub fn hears_itself(&mut self, state: &Value) {
        let result = self.room.says(&serde_json::json!({ "peer_connections": [state] }));
        self.demand_ok(result);
    }

    /// The client says now what it kept for later: its descriptions were taken note of before.
    pub fn says_late(&mut self, frame: &Value) {
        let result = self.room.says(&serde_json::json!({ "participant": frame["body"]["participant"] }));
        self.demand_ok(result);
    }

    /// The server says this.
    pub fn hears(&mut self, text: &str) {
        self.frame = text.to_owned();
        let frame: Value = serde_json::from_str(text).unwrap_or_else(|error| self.fail(&format!("no JSON: {error}")));
        match frame["type"].as_str() {
            Some("welcome") => self.welcome(&frame),
            Some("msg") => {
                self.demand(self.socket == Socket::Welcomed, "a message before welcome is lost");
                self.body(frame["body"].clone());
            }
            Some("heartbeat") => self.demand(self.socket == Socket::Welcomed, "a heartbeat before welcome"),
            Some("busy") => self.busy(&frame),
            Some("bad") => self.bad(&frame),
            Some("bye") => {}
            _ => self.fail("unknown to the SDK"),
        }
    }

    /// The servers are known, and the room is not asked for yet: the SDK says `connect` now, once per socket.
    pub fn may_connect(&self) -> bool {
        self.iced && self.phase == Phase::Connecting && self.socket == Socket::Welcomed
    }

    /// Whether it may say anything but hello.
    pub fn is_welcomed(&self) -> bool {
        self.socket == Socket::Welcomed
    }

    /// Whether this client believes to be in its room.
    pub fn is_in(&self) -> bool {
        self.phase == Phase::Connected
    }

    fn welcome(&mut self, frame: &Value) {
        let timeout = frame["negotiatedTimeout"].as_u64().unwrap_or(0);
        self.demand((1000..=60_000).contains(&timeout), "negotiatedTimeout is milliseconds");
        self.socket = Socket::Welcomed;
    }

    fn busy(&mut self, frame: &Value) {
        self.demand(self.socket == Socket::Opened, "busy is not understood after welcome");
        self.demand(frame["retryAfter"].is_i64() && frame["keepAlive"].is_boolean(), "retryAfter and keepAlive");
        self.log.life.push(format!("busy {}", frame["retryAfter"]));
    }

    fn bad(&mut self, frame: &Value) {
        self.demand(frame["reason"].is_string(), "bad has a reason");
        if self.socket == Socket::Opened {
            self.end(Some(53000));
        }
    }

    fn body(&mut self, body: Value) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        match (body["type"].as_str(), &self.phase) {
            (Some("error"), _) => self.error(&body),
            (Some("disconnected"), _) => self.disconnected(&body),
            (Some("iced"), Phase::Connecting) => self.ice(&body),
            (Some("connected"), Phase::Connecting) => self.connected(body),
            (Some("synced"), Phase::Syncing) => self.synced(body),
            (Some("update"), Phase::Connecting | Phase::Syncing) => self.early.push(body),
            (Some("update" | "warning"), Phase::Connected) => self.update(&body),
            (kind, phase) => self.fail(&format!("{kind:?} while {phase:?} is lost or wrong")),
        }
    }

    fn error(&mut self, body: &Value) {
        self.demand(body["message"].is_string(), "an error has words");
        let Some(code) = body["code"].as_u64() else { self.fail("an error has a code") };
        self.end(Some(code));
    }

    fn disconnected(&mut self, body: &Value) {
        self.demand(body["status"].is_string(), "disconnected has a status");
        self.end((body["status"] == "completed").then_some(53118));
    }

    fn ice(&mut self, body: &Value) {
        self.demand(!self.iced, "a second iced makes the SDK connect twice");
        self.demand(
            body["ice_servers"].as_array().is_some_and(|list| list.iter().all(|server| !server["urls"].is_null())),
            "servers",
        );
        self.iced = true;
    }

    fn connected(&mut self, body: Value) {
        self.demand(body["options"]["session_timeout"].is_number(), "without options connect() hangs for ever");
        for path in ["/session", "/sid", "/name", "/participant/sid", "/participant/identity"] {
            self.demand(body.pointer(path).is_some_and(Value::is_string), path);
        }
        self.demand(body["sid"].as_str().is_some_and(|sid| is_sid(sid, "RM")), "a room's SID");
        self.demand(body["participant"]["sid"].as_str().is_some_and(|sid| is_sid(sid, "PA")), "a participant's SID");
        self.session = body["session"].as_str().map(str::to_owned);
        self.phase = Phase::Connected;
        self.log.life.push(format!("connected as {} to {}", body["participant"]["identity"], body["name"]));
        self.update(&body);
        self.late();
    }

    fn synced(&mut self, body: Value) {
        self.demand(body["session"].as_str() == self.session.as_deref(), "the session stays the same");
        self.demand(body["participants"].is_array(), "participants that are not listed are disconnected: all or a good reason");
        self.phase = Phase::Connected;
        self.log.life.push("reconnected".into());
        self.update(&body);
        self.late();
    }

    fn late(&mut self) {
        for body in std::mem::take(&mut self.early) {
            self.update(&body);
        }
    }

    fn update(&mut self, body: &Value) {
        let session = &body["session"];
        self.demand(session.is_null() || session.as_str() == self.session.as_deref(), "somebody else's session");
        let result = self.room.update(body, &mut self.log);
        self.demand_ok(result);
    }

    fn end(&mut self, code: Option<u64>) {
        self.log.life.push(code.map_or("ended".into(), |code| format!("ended {code}")));
        self.phase = Phase::Ended(code);
    }

    fn demand_ok(&self, result: Result<(), String>) {
        if let Err(why) = result {
            self.fail(&why);
        }
    }

    fn demand(&self, holds: bool, why: &str) {
        if !holds {
            self.fail(why);
        }
    }

    fn fail(&self, why: &str) -> ! {
        let frame: String = self.frame.chars().take(2000).collect();
        panic!("{} ({:?}, {:?}): {why}\n{frame}\nlife: {:?}", self.name, self.phase, self.socket, self.log.life)
    }
}

/// Two letters and 32 hex digits.
pub fn is_sid(text: &str, letters: &str) -> bool {
    text.strip_prefix(letters).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
