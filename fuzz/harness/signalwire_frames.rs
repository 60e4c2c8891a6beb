//! Any text from any number of clients through the SignalWire door and the rooms behind it, with a media server that answers.
//!
//! The input is a script. Each line begins with a letter for a connection, which is opened when it is first named; the rest of
//! the line is a frame. `a!1001` closes connection `a` with that code, `a~` breaks it, `+500` lets 500 ms pass, `-` lets every
//! connection to the media server die. In a frame a token is written `as NAME in ROOM`, the word by which connection `a` comes back
//! `@a`, its member's id `#a`, and an offer `~offer`. In the room `H`, where the honest one is, nobody may do anything with others;
//! elsewhere everybody may do everything.

use room::door::Session as Door;
use room::{Act, ConnId, Limits, Moment, News, Report, RoomKind, Rooms, Sealed, Signal, Step};
use serde_json::{Value, json};
use signalwire::token::{Grant, Keys, Mint, ProjectKey, Refusal, mint, verify};
use signalwire::wire::IceServer;
use signalwire::{Desk, Session};
use std::collections::BTreeMap;

use crate::support::hub::{Hub, Sent};

const PROJECT: &str = "project";
const SECRET: &str = "not-a-real-secret-only-for-tests";
const NOW: u64 = 1_700_000_000;

/// Somebody who follows the protocol in the room `H`, and whom nobody may disturb.
const HONEST: &str = "honest";

/// More lines than this find nothing new and cost time.
const LINES_MAX: usize = 200;

const OFFER: &str = "v=0\r\na=fingerprint:sha-256 00:11:22:33:44:55:66:77:88\r\nm=video 9 x 96\r\na=mid:0\r\na=msid:- v\r\nm=audio 9 x 111\r\na=mid:1\r\na=msid:- a\r\n";

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
    /// Orders that the media server has seen.
    seen: usize,
}

impl Play {
    fn new() -> Self {
        let mut last = 0u128;
        let ids = move || {
            last += 1;
            last
        };
        let limits = Limits { kind: RoomKind::Group, ..Limits::default() };
        let mut hub = Hub::new(Rooms::new(limits, true, Box::new(ids)));
        let honest = hub.open(|now| session(now, HONEST, 1));
        let mut play = Play { hub, honest, conns: BTreeMap::new(), words: BTreeMap::new(), seen: 0 };
        play.say(honest, "signalwire.connect", json!({ "authentication": { "jwt_token": "" } }));
        let params = json!({ "dialogParams": { "callID": HONEST }, "sdp": OFFER });
        let message = json!({ "id": "1", "method": "verto.invite", "params": params });
        play.say(honest, "video.message", json!({ "message": message, "callID": HONEST }));
        play.check_sent();
        assert_eq!(play.hub.rooms.count(), (1, 1), "the honest one is in");
        play
    }

    fn say(&mut self, conn: ConnId, method: &str, params: Value) {
        self.hub.text(conn, &json!({ "id": "1", "method": method, "params": params }).to_string());
        self.answer();
    }

    fn line(&mut self, line: &str) {
        let mut rest = line.chars();
        match rest.next() {
            Some('+') => self.wait(rest.as_str().parse::<u16>().unwrap_or(0).into()),
            Some('-') => self.break_media(),
            Some(name) => self.act(name, rest.as_str()),
            None => {}
        }
        self.answer();
    }

    fn act(&mut self, name: char, rest: &str) {
        let seed = u128::from(u32::from(name)) + 2;
        let conn = *self.conns.entry(name).or_insert_with(|| self.hub.open(|now| session(now, "", seed)));
        match (rest.strip_prefix('!'), rest) {
            (Some(code), _) => self.close(name, conn, code.parse().ok()),
            (None, "~") => self.close(name, conn, None),
            (None, frame) => self.hub.text(conn, &self.spelled(frame)),
        }
    }

    fn spelled(&self, frame: &str) -> String {
        let offer = OFFER.replace("\r\n", "\\r\\n");
        let text = frame.replace("~offer", &offer);
        self.words.iter().fold(text, |text, (word, meaning)| text.replace(word, meaning))
    }

    fn learn(&mut self, conn: ConnId, frame: &Value) {
        let Some((name, _)) = self.conns.iter().find(|(_, open)| **open == conn) else { return };
        if let Some(word) = frame["result"]["protocol"].as_str() {
            self.words.insert(format!("@{name}"), word.to_owned());
        }
        if let Some(member) = frame["params"]["params"]["member_id"].as_str() {
            self.words.insert(format!("#{name}"), member.to_owned());
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
            self.hub.text(self.honest, "{\"id\":\"1\",\"result\":{}}");
            let next = until.min(self.hub.now_ms() + 8_000);
            self.hub.advance_to(next);
        }
    }

    /// The media server answers every offer.
    fn answer(&mut self) {
        while let Some(order) = self.hub.orders.get(self.seen).cloned() {
            self.seen += 1;
            let (link, offer) = match order.act {
                Act::Open(open) => (open.link, open.offer),
                Act::Signal(link, signal) if signal.step == Step::Offer => (link, signal),
                _ => continue,
            };
            let answer = Signal { step: Step::Answer, revision: offer.revision, sealed: Sealed(offer.sealed.0) };
            self.hub.report(Report::Of { room: order.room, who: order.who, link, news: News::Signal(answer) });
        }
    }

    fn break_media(&mut self) {
        for order in self.hub.orders.clone() {
            if let Act::Open(open) = order.act
                && !open.link.0.starts_with(HONEST)
            {
                self.hub.report(Report::Of { room: order.room, who: order.who, link: open.link, news: News::Dead });
            }
        }
    }

    fn check_sent(&mut self) {
        while let Some(sent) = self.hub.poll() {
            match sent {
                Sent::Text(conn, text) => {
                    let frame: Value = serde_json::from_str(&text).expect("what we say is JSON");
                    let verto = &frame["params"]["params"]["method"];
                    let undisturbed = conn != self.honest || (*verto != "verto.bye" && frame["error"].is_null());
                    assert!(undisturbed && frame["jsonrpc"] == "2.0", "{text}");
                    self.learn(conn, &frame);
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
        let bye = json!({ "id": "1", "method": "verto.bye", "params": { "dialogParams": { "callID": HONEST } } });
        self.say(self.honest, "video.message", json!({ "message": bye, "callID": HONEST }));
        assert_eq!(self.hub.rooms.count(), (0, 0));
    }
}

fn session(now: Moment, holder: &'static str, seed: u128) -> Box<dyn Door> {
    Box::new(Session::new(now, Box::new(Written { holder, next: seed << 96 })))
}

/// Takes tokens as they are written in a script, and real ones; none in the honest one's name, but from itself.
struct Written {
    holder: &'static str,
    next: u128,
}

impl Desk for Written {
    fn verify(&self, token: &str) -> Result<Grant, Refusal> {
        if !self.holder.is_empty() {
            return grant(self.holder, "H");
        }
        let words = token.strip_prefix("as ").and_then(|rest| rest.split_once(" in "));
        let grant = match words {
            Some((user_name, room)) => grant(user_name, room)?,
            None => verify(token, &Ring, NOW * 1000)?,
        };
        if grant.user_name == HONEST { Err(Refusal::Names) } else { Ok(grant) }
    }

    fn ice_servers(&self, _: &Grant) -> Vec<IceServer> {
        Vec::new()
    }

    fn node(&self) -> &str {
        "node"
    }

    fn unix_ms(&self) -> u64 {
        NOW * 1000
    }

    fn fresh(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    fn is_disk_full(&self) -> bool {
        false
    }
}

/// A grant has no other maker than `verify`.
fn grant(user_name: &str, room: &str) -> Result<Grant, Refusal> {
    let all = signalwire::names::scopes(room::Permissions::ALL);
    let scopes: Vec<&str> = all.into_iter().filter(|scope| room != "H" || scope.starts_with("room.self.")).collect();
    let what = Mint { project: PROJECT, user_name, room, scopes: &scopes, ..Mint::default() };
    verify(&mint(&what, SECRET, NOW), &Ring, NOW * 1000)
}

struct Ring;

impl Keys for Ring {
    fn find(&self, project: &str) -> Option<ProjectKey> {
        (project == PROJECT).then(|| ProjectKey { secret: SECRET.into(), not_before_unix_s: 0 })
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}
