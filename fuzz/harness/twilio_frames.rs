//! Any text from any number of clients through the Twilio door and the rooms behind it.
//!
//! The input is a script. Each line begins with a letter for a connection, which is opened when it is first named; the rest of
//! the line is a frame. `a!1001` closes connection `a` with that code, `a~` breaks it, `+500` lets 500 ms pass. A token is
//! written `as NAME in ROOM`, the session word that connection `a` was given `@a`, the connection that it was last asked to offer
//! on `#a`.

use room::door::Session as Door;
use room::{ConnId, Limits, Moment, Rooms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use twilio::problem::Problem;
use twilio::token::{ApiKey, Grant, Keys, Mint, mint, verify};
use twilio::wire::IceServer;
use twilio::{Desk, Session};

use crate::support::hub::{Hub, Sent};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000002";
const SECRET: &str = "not-a-real-secret-only-for-tests";
const NOW: u64 = 1_700_000_000;

/// Somebody who follows the protocol in the room `R`, and whom nobody may disturb.
const HONEST: &str = "honest";

/// More lines than this find nothing new and cost time.
const LINES_MAX: usize = 200;

pub fn run(data: &[u8]) {
    let mut play = Play::new();
    for line in String::from_utf8_lossy(data).split('\n').take(LINES_MAX) {
        play.line(line);
        play.check_sent();
    }
    play.end();
}

struct Play {
    hub: Hub,
    honest: ConnId,
    conns: BTreeMap<char, ConnId>,
    /// `@a` and `#a`, and what they stand for.
    words: BTreeMap<String, String>,
}

impl Play {
    fn new() -> Self {
        let mut last = 0u128;
        let ids = move || {
            last += 1;
            last
        };
        let mut hub = Hub::new(Rooms::new(Limits::default(), false, Box::new(ids)));
        let honest = hub.open(honest_session);
        let connect = json!({
            "type": "connect", "name": null, "token": "", "participant": { "revision": 1, "tracks": [] },
            "peer_connections": [{ "id": HONEST, "description": { "type": "offer", "revision": 1, "sdp": "v=0\r\n" } }],
        });
        hub.text(honest, &json!({ "type": "hello", "body": connect }).to_string());
        assert_eq!(hub.rooms.count(), (1, 1), "the honest one is in");
        Play { hub, honest, conns: BTreeMap::new(), words: BTreeMap::new() }
    }

    fn line(&mut self, line: &str) {
        let mut rest = line.chars();
        match rest.next() {
            Some('+') => self.wait(rest.as_str().parse::<u16>().unwrap_or(0).into()),
            Some(name) => self.act(name, rest.as_str()),
            None => {}
        }
    }

    fn act(&mut self, name: char, rest: &str) {
        let conn = *self.conns.entry(name).or_insert_with(|| self.hub.open(session));
        match (rest.strip_prefix('!'), rest) {
            (Some(code), _) => self.close(name, conn, code.parse().ok()),
            (None, "~") => self.close(name, conn, None),
            (None, frame) => self.hub.text(conn, &self.spelled(frame)),
        }
    }

    fn spelled(&self, frame: &str) -> String {
        self.words.iter().fold(frame.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
    }

    fn learn(&mut self, conn: ConnId, body: &Value) {
        let Some((name, _)) = self.conns.iter().find(|(_, open)| **open == conn) else { return };
        if let Some(session) = body["session"].as_str() {
            self.words.insert(format!("@{name}"), session.to_owned());
        }
        let states = body["peer_connections"].as_array().into_iter().flatten();
        for state in states.filter(|state| state["description"]["type"] == "create-offer") {
            self.words.insert(format!("#{name}"), state["id"].as_str().unwrap_or_default().to_owned());
        }
    }

    fn close(&mut self, name: char, conn: ConnId, code: Option<u16>) {
        self.hub.close(conn, code);
        self.conns.remove(&name);
    }

    /// The honest one gives its signs of life.
    fn wait(&mut self, ms: u64) {
        let until = self.hub.now_ms() + ms;
        while self.hub.now_ms() < until {
            self.hub.text(self.honest, "{\"type\":\"heartbeat\"}");
            let next = until.min(self.hub.now_ms() + 4_000);
            self.hub.advance_to(next);
        }
    }

    fn check_sent(&mut self) {
        while let Some(sent) = self.hub.poll() {
            match sent {
                Sent::Text(conn, text) => {
                    let frame: Value = serde_json::from_str(&text).expect("what we say is JSON");
                    let kind = frame["body"]["type"].as_str().unwrap_or_default();
                    let undisturbed = conn != self.honest || !["error", "disconnected"].contains(&kind);
                    assert!(undisturbed && frame["type"].is_string(), "{text}");
                    self.learn(conn, &frame["body"]);
                }
                Sent::Closed(conn, code) => {
                    assert!(conn != self.honest, "the honest one is cut with {code}");
                    self.conns.retain(|_, open| *open != conn);
                }
            }
        }
    }

    /// Everybody goes: no seat and no room is left behind.
    fn end(mut self) {
        for conn in self.conns.clone().into_values() {
            self.hub.close(conn, None);
        }
        self.wait(40_000);
        self.check_sent();
        let left: Vec<String> = self.hub.rooms.rooms().flat_map(|r| r.participants).map(|p| p.identity.to_string()).collect();
        assert_eq!(left, [HONEST]);
        self.hub.close(self.honest, Some(1001));
        assert_eq!(self.hub.rooms.count(), (0, 0));
    }
}

fn session(now: Moment) -> Box<dyn Door> {
    Box::new(Session::new(now, Box::new(Written)))
}

fn honest_session(now: Moment) -> Box<dyn Door> {
    Box::new(Session::new(now, Box::new(Honest)))
}

/// Takes tokens as they are written in a script, and real ones; none in the honest one's name.
struct Written;

impl Desk for Written {
    fn verify(&self, token: &str) -> Result<Grant, Problem> {
        let words = token.strip_prefix("as ").and_then(|rest| rest.split_once(" in "));
        let grant = match words {
            Some((identity, room)) => grant(identity, room)?,
            None => verify(token, &Ring, NOW * 1000)?,
        };
        if grant.identity == HONEST { Err(Problem::MALFORMED) } else { Ok(grant) }
    }

    fn ice_servers(&self, _: &Grant) -> Vec<IceServer> {
        Vec::new()
    }

    fn region(&self) -> &str {
        "local"
    }

    fn signaling_region(&self) -> &str {
        "local"
    }
}

struct Honest;

impl Desk for Honest {
    fn verify(&self, _: &str) -> Result<Grant, Problem> {
        grant(HONEST, "R")
    }

    fn ice_servers(&self, _: &Grant) -> Vec<IceServer> {
        Vec::new()
    }

    fn region(&self) -> &str {
        "local"
    }

    fn signaling_region(&self) -> &str {
        "local"
    }
}

/// A grant has no other maker than `verify`.
fn grant(identity: &str, room: &str) -> Result<Grant, Problem> {
    let room = Some(room).filter(|room| !room.is_empty());
    let what = Mint { account_sid: ACCOUNT, key_sid: KEY, identity, room, lifetime_s: 60, link_key: None };
    Ok(verify(&mint(&what, SECRET, NOW), &Ring, NOW * 1000)?)
}

struct Ring;

impl Keys for Ring {
    fn find(&self, key_sid: &str) -> Option<ApiKey> {
        let key = ApiKey { account_sid: ACCOUNT.into(), secret: SECRET.into(), not_before_unix_s: 0 };
        (key_sid == KEY).then_some(key)
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}
