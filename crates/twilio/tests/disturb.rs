//! Two honest clients in a room, and others that send anything at all: whatever the others send, the two stay connected, see
//! each other, and keep their connection.

mod support;

use room::{ConnId, Limits};
use serde_json::{Value, json};
use support::door;
use support::party::Party;
use support::random::Random;
use support::transcript::{self, What};

/// Ann and bo, settled, and what they must not lose.
struct Room {
    party: Party,
    link: String,
}

impl Room {
    fn new() -> Self {
        let mut party = Party::new("den", Limits::default());
        party.invite("ann");
        party.invite("bo");
        party.settle();
        party.guests.iter_mut().for_each(|guest| guest.client.sdk.room.names_are_reused = true);
        let link = party.guests[0].client.sdk.room.peers.keys().next().expect("their connection").clone();
        Room { party, link }
    }

    fn open(&mut self) -> ConnId {
        self.party.hub.open(door::session)
    }

    /// Somebody says these frames, then is gone; meanwhile the two hear what they are told and answer it.
    fn send(&mut self, frames: &[String]) {
        let conn = self.open();
        for frame in frames {
            self.party.hub.text(conn, frame);
            self.go_on();
        }
        self.leave(conn);
    }

    fn leave(&mut self, conn: ConnId) {
        self.party.hub.close(conn, Some(1001));
        self.go_on();
    }

    fn go_on(&mut self) {
        self.party.collect();
        let party = &mut self.party;
        let mut step = |who| party.deliver_down(who) | party.guests[who].client.act() | party.deliver_up(who);
        while step(0) | step(1) {}
    }

    /// Neither was disconnected for a moment, and their connection is the one that they had.
    fn check(&mut self) {
        self.party.settle();
        assert_eq!(self.party.guests.len(), 2);
        for guest in &self.party.guests {
            let sdk = &guest.client.sdk;
            assert_eq!(sdk.log.life.len(), 1, "{}: {:?}", sdk.name, sdk.log.life);
            assert!(sdk.room.peers.contains_key(&self.link), "{}: {:?}", sdk.name, sdk.room.peers);
        }
    }
}

fn hello(body: &Value) -> String {
    json!({ "type": "hello", "id": "1", "version": 2, "timeout": 5000, "body": body }).to_string()
}

fn msg(body: &Value) -> String {
    json!({ "type": "msg", "body": body }).to_string()
}

fn connect(id: &str, revision: u64) -> Value {
    json!({
        "type": "connect", "version": 2, "name": "den", "token": door::token("eve", None),
        "participant": { "revision": 1, "tracks": [{ "id": "t", "kind": "data", "name": "chat" }] },
        "peer_connections": [{ "id": id, "description": { "type": "offer", "revision": revision, "sdp": "v=0\r\n" } }],
    })
}

#[test]
fn random_bytes_disturb_nobody() {
    let mut room = Room::new();
    let mut random = Random::new(1);
    for _ in 0..2_500 {
        let mut frames = vec![hello(&connect("eve", 1))];
        frames.truncate(random.below(2));
        frames.extend((0..4).map(|_| String::from_utf8_lossy(&random.bytes(200)).into_owned()));
        room.send(&frames);
    }
    room.check();
}

/// Frames of the real SDK, as recorded, and with bytes changed: 10,000, a third of them from inside the room.
#[test]
fn mutated_frames_of_the_real_sdk_disturb_nobody() {
    let frames = recorded();
    let mut room = Room::new();
    let mut random = Random::new(2);
    for round in 0..2_500 {
        let start = match random.below(3) {
            0 => json!({ "type": "ice", "token": door::token("eve", None) }),
            1 => connect(&format!("eve-{round}"), 1),
            _ => Value::Null,
        };
        let mut batch = vec![hello(&start)];
        for _ in 0..4 {
            let frame = &frames[random.below(frames.len())];
            let mangled = random.mangled(frame.as_bytes());
            batch.push(String::from_utf8_lossy(&mangled).into_owned());
        }
        room.send(&batch);
    }
    room.check();
}

/// What the SDK said in all recordings, with a good token, in the session that the next stranger has.
fn recorded() -> Vec<String> {
    let scenes = transcript::names().into_iter().flat_map(|name| transcript::scenes(&name));
    let said = scenes.flat_map(|scene| scene.frames).filter_map(|frame| match frame.what {
        What::Said(message) => Some(message.to_string()),
        _ => None,
    });
    let token = door::token("eve", Some("den"));
    said.map(|text| text.replace("[JWT elided]", &token).replace("[SDP elided", "v=0 [").replace("[elided]", &token)).collect()
}

#[test]
fn nobody_takes_over_a_connection_of_others() {
    let mut room = Room::new();
    let link = room.link.clone();
    room.send(&[hello(&connect(&link, 1))]);
    for step in ["offer", "answer", "pranswer", "close", "create-offer", "rollback"] {
        for revision in [0, 1, 2, 3, 4, 1000] {
            let conn = room.open();
            room.party.hub.text(conn, &hello(&connect("eve", 1)));
            let session = session_of(&mut room, conn);
            let state = json!([{ "id": link, "description": { "type": step, "revision": revision, "sdp": "v=0\r\n" },
                "ice": { "ufrag": "evil", "revision": 99, "candidates": [] } }]);
            let update = json!({ "type": "update", "session": session, "peer_connections": state });
            room.party.hub.text(conn, &msg(&update));
            room.leave(conn);
        }
    }
    room.check();
}

/// An offer that counts as far as a client can count would make the answerer's next offer count further than anybody can.
#[test]
fn nobody_makes_another_count_too_far() {
    let mut room = Room::new();
    for revision in [2, 17, 1000, 9_007_199_254_740_991] {
        let conn = room.open();
        room.party.hub.text(conn, &hello(&connect(&format!("eve-{revision}"), revision)));
        room.go_on();
        room.leave(conn);
        room.check();
    }
}

/// The last session word that the hub sent to this connection.
fn session_of(room: &mut Room, conn: ConnId) -> String {
    room.party.collect();
    let texts = room.party.strangers.iter().filter(|(to, _)| *to == conn).map(|(_, text)| text);
    let bodies = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
    let mut sessions = bodies.filter_map(|frame| frame["body"]["session"].as_str().map(str::to_owned));
    sessions.next_back().unwrap_or_default()
}
