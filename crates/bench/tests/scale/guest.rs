//! What clients of both vendors say, as far as it takes to come in, mute and leave.

use room::Moment;
use room::door::Session;
use serde_json::{Value, json};

/// Seconds since 1970 at which all tokens are made and used.
const NOW: u64 = 1_700_000_000;
const SECRET: &str = "bench-secret-bench-secret-bench-";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000001";
const PROJECT: &str = "11111111-2222-3333-4444-555555555555";

/// By whose signaling somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Twilio,
    SignalWire,
}

/// A token, and what it is good for: cryptography is no part of what is measured.
pub enum Key {
    Twilio(String, twilio::token::Grant),
    SignalWire(String, Box<signalwire::token::Grant>),
}

impl Door {
    pub fn key(self, room: &str, name: &str) -> Key {
        match self {
            Door::Twilio => {
                let mint = twilio::token::Mint {
                    account_sid: ACCOUNT,
                    key_sid: KEY,
                    identity: name,
                    room: Some(room),
                    lifetime_s: 3600,
                    link_key: None,
                };
                let token = twilio::token::mint(&mint, SECRET, NOW);
                let grant = twilio::token::verify(&token, &Ring, NOW * 1000).expect("a good token");
                Key::Twilio(token, grant)
            }
            Door::SignalWire => {
                let scopes = ["room.self.audio_mute", "room.self.audio_unmute"];
                let mint = signalwire::token::Mint {
                    project: PROJECT,
                    jti: "1",
                    user_name: name,
                    room,
                    scopes: &scopes,
                    ..signalwire::token::Mint::default()
                };
                let token = signalwire::token::mint(&mint, SECRET, NOW);
                let grant = signalwire::token::verify(&token, &Ring, NOW * 1000).expect("a good token");
                Key::SignalWire(token, Box::new(grant))
            }
        }
    }

    /// A socket that was just accepted.
    pub fn open(self, now: Moment, key: &Key) -> Box<dyn Session> {
        match key {
            Key::Twilio(_, grant) => Box::new(twilio::Session::new(now, Box::new(Desk(grant.clone(), 0)))),
            Key::SignalWire(token, grant) => {
                // What each session draws by chance is unlike, and the same in each run.
                let seed = token.bytes().fold(0_u128, |sum, byte| sum.wrapping_mul(257).wrapping_add(u128::from(byte)));
                Box::new(signalwire::Session::new(now, Box::new(Desk((**grant).clone(), seed))))
            }
        }
    }

    /// What is said from there until everybody knows of the newcomer.
    pub fn entry(self, key: &Key, name: &str) -> Vec<String> {
        match key {
            Key::Twilio(token, _) => {
                let hello = json!({ "type": "hello", "version": 2, "id": name, "timeout": 5_000 });
                let tracks = ["audio", "video"].map(|kind| track(name, kind, true));
                let offer =
                    json!({ "id": format!("pc-{name}"), "description": { "type": "offer", "revision": 1, "sdp": offer(name) } });
                let connect = json!({
                    "type": "connect", "version": 2, "name": null, "token": token, "ice_servers": "acquire", "format": "unified",
                    "participant": { "revision": 1, "tracks": tracks }, "peer_connections": [offer], "media_signaling": {},
                    "subscribe": { "revision": 1, "rules": [{ "type": "include", "all": true }] },
                });
                vec![hello.to_string(), json!({ "type": "msg", "body": connect }).to_string()]
            }
            Key::SignalWire(token, _) => {
                let connect = json!({ "version": { "major": 3 }, "event_acks": true, "authentication": { "jwt_token": token } });
                let params = json!({ "dialogParams": { "callID": name }, "sdp": offer(name) });
                let invite = json!({ "jsonrpc": "2.0", "id": "1", "method": "verto.invite", "params": params });
                let listens = ["video.member.updated", "video.layout.changed"];
                let message = json!({ "message": invite, "callID": name, "subscribe": listens });
                vec![call("signalwire.connect", &connect), call("video.message", &message)]
            }
        }
    }
}

/// Somebody in a room.
pub struct Guest {
    pub session: Box<dyn Session>,
    door: Door,
    name: String,
    /// The word of its session, where there is one.
    word: String,
    muted: bool,
    revision: u64,
}

impl Guest {
    pub fn new(door: Door, name: &str, session: Box<dyn Session>) -> Self {
        Guest { session, door, name: name.to_owned(), word: String::new(), muted: false, revision: 1 }
    }

    /// What it heard until it was in.
    pub fn come_in(&mut self, heard: &[String]) {
        let heard: Vec<Value> = heard.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
        let inside = match self.door {
            Door::Twilio => heard.iter().find(|text| text["body"]["type"] == "connected"),
            Door::SignalWire => heard.iter().find(|text| text["params"]["event_type"] == "video.room.subscribed"),
        };
        let inside = inside.unwrap_or_else(|| panic!("{} is not in: {heard:#?}", self.name));
        self.word = inside["body"]["session"].as_str().unwrap_or_default().to_owned();
    }

    pub fn mute(&mut self) -> String {
        self.muted = !self.muted;
        self.revision += 1;
        match self.door {
            Door::Twilio => {
                let tracks = [track(&self.name, "audio", !self.muted), track(&self.name, "video", true)];
                let participant = json!({ "revision": self.revision, "tracks": tracks });
                let body = json!({ "type": "update", "version": 2, "session": self.word, "participant": participant });
                json!({ "type": "msg", "body": body }).to_string()
            }
            Door::SignalWire => {
                call(if self.muted { "video.member.audio_mute" } else { "video.member.audio_unmute" }, &json!({}))
            }
        }
    }

    pub fn live(&self) -> String {
        match self.door {
            Door::Twilio => json!({ "type": "heartbeat" }).to_string(),
            Door::SignalWire => call("signalwire.ping", &json!({ "timestamp": NOW })),
        }
    }

    pub fn leave(&self) -> String {
        match self.door {
            Door::Twilio => {
                json!({ "type": "msg", "body": { "type": "disconnect", "version": 2, "session": self.word } }).to_string()
            }
            Door::SignalWire => {
                let params = json!({ "dialogParams": { "callID": self.name } });
                let bye = json!({ "jsonrpc": "2.0", "id": "2", "method": "verto.bye", "params": params });
                call("video.message", &json!({ "message": bye, "callID": self.name }))
            }
        }
    }
}

fn call(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": "7", "method": method, "params": params }).to_string()
}

fn track(name: &str, kind: &str, enabled: bool) -> Value {
    json!({ "id": format!("{name}-{kind}"), "kind": kind, "name": kind, "enabled": enabled, "priority": "standard" })
}

/// An offer of sound and pictures, as long as those of a browser.
fn offer(name: &str) -> String {
    let section = |kind: &str, mid: u8| {
        format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=fingerprint:sha-256 01:23:45:67:89:AB:CD:EF:00\r\na=mid:{mid}\r\n\
             a=sendrecv\r\na=msid:s {name}-{kind}\r\n{}",
            "a=rtpmap:96 VP8/90000\r\n".repeat(100)
        )
    };
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n";
    format!("{head}{}{}", section("audio", 0), section("video", 1))
}

/// Knows every key there is.
struct Ring;

impl twilio::token::Keys for Ring {
    fn find(&self, _: &str) -> Option<twilio::token::ApiKey> {
        Some(twilio::token::ApiKey { account_sid: ACCOUNT.into(), secret: SECRET.into(), not_before_unix_s: 0 })
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}

impl signalwire::token::Keys for Ring {
    fn find(&self, _: &str) -> Option<signalwire::token::ProjectKey> {
        Some(signalwire::token::ProjectKey { secret: SECRET.into(), not_before_unix_s: 0 })
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}

/// What a session asks its shell, answered from memory. The number is the last that was drawn.
struct Desk<G>(G, u128);

impl twilio::Desk for Desk<twilio::token::Grant> {
    fn verify(&self, _: &str) -> Result<twilio::token::Grant, twilio::problem::Problem> {
        Ok(self.0.clone())
    }

    fn ice_servers(&self, _: &twilio::token::Grant) -> Vec<twilio::wire::IceServer> {
        Vec::new()
    }

    fn region(&self) -> &str {
        "local"
    }

    fn signaling_region(&self) -> &str {
        "local"
    }
}

impl signalwire::Desk for Desk<signalwire::token::Grant> {
    fn verify(&self, _: &str) -> Result<signalwire::token::Grant, signalwire::token::Refusal> {
        Ok(self.0.clone())
    }

    fn ice_servers(&self, _: &signalwire::token::Grant) -> Vec<signalwire::wire::IceServer> {
        Vec::new()
    }

    fn node(&self) -> &str {
        "node@bench"
    }

    fn unix_ms(&self) -> u64 {
        NOW * 1000
    }

    fn fresh(&mut self) -> u128 {
        self.1 = self.1.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.1
    }

    fn is_disk_full(&self) -> bool {
        false
    }
}
