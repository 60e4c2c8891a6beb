//! The door under test, as the shell would set it up.

use super::hub::Hub;
use room::{Limits, Moment, RoomKind, Rooms, door};
use signalwire::token::{Grant, Keys, Mint, ProjectKey, Refusal, mint, verify};
use signalwire::wire::IceServer;
use signalwire::{Desk, Session};

pub const PROJECT: &str = "11111111-2222-3333-4444-555555555555";
pub const SECRET: &str = "not-a-real-secret-only-for-tests";
pub const NOW: u64 = 1_700_000_000;

/// Every permission that is about oneself.
pub const GUEST: &[&str] = &[
    "room.self.audio_mute",
    "room.self.audio_unmute",
    "room.self.video_mute",
    "room.self.video_unmute",
    "room.self.screenshare",
];

pub struct Ring;

impl Keys for Ring {
    fn find(&self, project: &str) -> Option<ProjectKey> {
        (project == PROJECT).then(|| ProjectKey { secret: SECRET.into(), not_before_unix_s: 0 })
    }

    fn is_denied(&self, jti: &str) -> bool {
        jti == "denied"
    }
}

thread_local! {
    static WITHDRAWN: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// From now on this token is of no use.
pub fn withdraw(token: &str) {
    WITHDRAWN.with_borrow_mut(|all| all.push(token.to_owned()));
}

thread_local! {
    static FULL: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether the disk is full from now on.
pub fn fill_disk(full: bool) {
    FULL.set(full);
}

struct TestDesk {
    next: u128,
}

impl Desk for TestDesk {
    fn verify(&self, token: &str) -> Result<Grant, Refusal> {
        if WITHDRAWN.with_borrow(|all| all.iter().any(|one| one == token)) {
            return Err(Refusal::Withdrawn);
        }
        verify(token, &Ring, NOW * 1000)
    }

    fn ice_servers(&self, _: &Grant) -> Vec<IceServer> {
        Vec::new()
    }

    fn node(&self) -> &str {
        "node@test"
    }

    fn unix_ms(&self) -> u64 {
        NOW * 1000
    }

    fn fresh(&mut self) -> u128 {
        self.next += 1;
        self.next << 64
    }

    fn is_disk_full(&self) -> bool {
        FULL.get()
    }
}

/// A session whose random numbers begin here: no two of a test may begin alike.
pub fn session(seed: u64) -> impl FnOnce(Moment) -> Box<dyn door::Session> {
    move |now| Box::new(Session::new(now, Box::new(TestDesk { next: u128::from(seed) << 16 })))
}

pub fn hub() -> Hub {
    let mut last = 0;
    let ids = move || {
        last += 1;
        last
    };
    let limits = Limits { kind: RoomKind::Group, ..Limits::default() };
    Hub::new(Rooms::new(limits, true, Box::new(ids)))
}

/// A good token for this person in this room.
pub fn token(user_name: &str, room: &str, scopes: &[&str]) -> String {
    token_with(Mint { user_name, room, scopes, ..Mint::default() })
}

pub fn token_with(what: Mint<'_>) -> String {
    mint(&Mint { project: PROJECT, jti: "1", ..what }, SECRET, NOW)
}
