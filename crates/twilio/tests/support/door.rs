//! The door under test, as the shell would set it up.

use super::forge::{ACCOUNT, KEY, NOW, Ring, SECRET};
use super::hub::Hub;
use room::{Limits, Moment, RoomKind, Rooms, Topology, door};
use twilio::problem::Problem;
use twilio::token::{Grant, Mint, mint, verify};
use twilio::wire::IceServer;
use twilio::{Desk, Session};

struct TestDesk;

impl Desk for TestDesk {
    fn verify(&self, token: &str) -> Result<Grant, Problem> {
        Ok(verify(token, &Ring { not_before_unix_s: 0 }, NOW * 1000)?)
    }

    fn ice_servers(&self, _: &Grant) -> Vec<IceServer> {
        let stun = |url: &str| IceServer { urls: vec![url.to_owned()], username: None, credential: None };
        vec![stun("stun:127.0.0.1:3478")]
    }

    fn region(&self) -> &str {
        "local"
    }

    fn signaling_region(&self) -> &str {
        "local"
    }
}

pub fn session(now: Moment) -> Box<dyn door::Session> {
    Box::new(Session::new(now, Box::new(TestDesk)))
}

pub fn hub(limits: Limits) -> Hub {
    Hub::new(rooms(limits, 0))
}

/// Rooms whose ids count from 1, so that every run is the same; `life` keeps those of several lives of
/// the program apart.
pub fn rooms(limits: Limits, life: u32) -> Rooms {
    let mut last = u128::from(life) << 64;
    let ids = move || {
        last += 1;
        last
    };
    let media = limits.kind == RoomKind::Auto || limits.kind.topology() == Topology::Server;
    Rooms::new(limits, media, Box::new(ids))
}

/// A good token for this person in this room; any room if there is none.
pub fn token(identity: &str, room: Option<&str>) -> String {
    mint(&Mint { account_sid: ACCOUNT, key_sid: KEY, identity, room, lifetime_s: 3600, link_key: None }, SECRET, NOW)
}
