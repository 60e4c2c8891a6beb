//! Clients that act, a network between them and the hub that keeps the order on each socket and nothing else, and what must
//! be true when everything has arrived.

use super::client::Client;
use super::door;
use super::hub::{Hub, Sent};
use super::random::Random;
use super::sdk::Phase;
use room::{ConnId, Limits, SavedRoom};
use std::collections::{BTreeMap, VecDeque};

pub struct Party {
    pub hub: Hub,
    pub guests: Vec<Guest>,
    /// What was said on connections that are no guest's.
    pub strangers: Vec<(ConnId, String)>,
    room: String,
    named: usize,
    limits: Limits,
    /// The rooms as they were written down last, for a crash.
    saved: Vec<SavedRoom>,
    lives: u32,
}

pub struct Guest {
    pub client: Client,
    conn: Option<ConnId>,
    down: VecDeque<Down>,
}

enum Down {
    Text(String),
    Close(u16),
}

impl Party {
    pub fn new(room: &str, limits: Limits) -> Self {
        Party {
            guests: Vec::new(),
            strangers: Vec::new(),
            room: room.to_owned(),
            named: 0,
            saved: Vec::new(),
            lives: 0,
            hub: door::hub(limits.clone()),
            limits,
        }
    }

    /// Somebody new opens a socket.
    pub fn invite(&mut self, identity: &str) -> usize {
        self.named += 1;
        let client = Client::new(&format!("{identity}{}", self.named), identity, &self.room);
        self.guests.push(Guest { client, conn: None, down: VecDeque::new() });
        self.reconnect(self.guests.len() - 1);
        self.guests.len() - 1
    }

    /// A guest without a socket opens one.
    pub fn reconnect(&mut self, who: usize) {
        if self.guests[who].conn.is_none() && !matches!(self.guests[who].client.sdk.phase, Phase::Ended(_)) {
            self.guests[who].conn = Some(self.hub.open(door::session));
            self.guests[who].client.greet();
        }
    }

    /// The socket is gone, and with it what was on its way.
    pub fn cut(&mut self, who: usize, code: Option<u16>) {
        let Some(conn) = self.guests[who].conn.take() else { return };
        trace(&self.guests[who].client.sdk.name, "is cut", &format!("{code:?}"));
        self.guests[who].down.clear();
        self.guests[who].client.up.clear();
        self.guests[who].client.sdk.closes(code.unwrap_or(1006), false);
        self.hub.close(conn, code);
        self.collect();
    }

    /// One frame of this guest reaches the server.
    pub fn deliver_up(&mut self, who: usize) -> bool {
        let guest = &mut self.guests[who];
        let (Some(conn), Some(text)) = (guest.conn, guest.client.up.pop_front()) else { return false };
        trace(&guest.client.sdk.name, "says", &text);
        self.hub.text(conn, &text);
        self.collect();
        if text.contains("\"bye\"") {
            self.cut(who, Some(1000));
        }
        true
    }

    /// One frame of ours reaches this guest.
    pub fn deliver_down(&mut self, who: usize) -> bool {
        let guest = &mut self.guests[who];
        match guest.down.pop_front() {
            Some(Down::Text(text)) => {
                trace(&guest.client.sdk.name, "hears", &text);
                guest.client.hear(&text);
            }
            Some(Down::Close(code)) => {
                trace(&guest.client.sdk.name, "is closed by us", &code.to_string());
                guest.conn = None;
                guest.down.clear();
                guest.client.up.clear();
                guest.client.sdk.closes(code, true);
            }
            None => return false,
        }
        true
    }

    /// What we said last to this guest and it has not heard.
    pub fn on_its_way(&self, who: usize) -> Option<&str> {
        match self.guests[who].down.back()? {
            Down::Text(text) => Some(text),
            Down::Close(_) => None,
        }
    }

    /// Everything arrives, everybody who was lost comes back, and the seats of those who did not are given up. Then everything
    /// must be as it should.
    pub fn settle(&mut self) {
        self.run_dry();
        for _ in 0..10 {
            self.wait(4_000);
            self.run_dry();
        }
        self.guests.retain(|guest| !matches!(guest.client.sdk.phase, Phase::Ended(_)));
        self.check();
    }

    /// Everything arrives and everything due is said, until nothing is.
    fn run_dry(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "they never come to an end");
            let mut busy = false;
            while self.hub.work(0) {
                busy = true;
            }
            self.collect();
            for who in 0..self.guests.len() {
                self.reconnect(who);
                busy |= self.deliver_up(who) | self.deliver_down(who) || self.guests[who].client.act();
            }
            if !busy {
                return;
            }
        }
    }

    /// One thing at random.
    pub fn step(&mut self, random: &mut Random) {
        if self.guests.is_empty() {
            self.invite("ann");
        }
        let who = random.below(self.guests.len());
        let guest = &mut self.guests[who].client;
        match random.below(110) {
            100.. => drop(self.hub.work(random.below(100))),
            0..30 => drop(self.deliver_up(who)),
            30..60 => drop(self.deliver_down(who)),
            60..80 => drop(guest.act()),
            80..83 => guest.mute(random.below(3)),
            83..85 if guest.tracks.len() < 4 => guest.publish(["audio", "video", "data"][random.below(3)]),
            85..87 => guest.unpublish(random.below(3)),
            87..90 if guest.sdk.is_in() => guest.renegotiate(),
            90..92 => self.cut(who, None),
            92..95 => self.reconnect(who),
            // Media takes half a minute to die: by then what was said before has arrived.
            95 if self.all_arrived(who) => self.guests[who].client.lose_media(),
            96 => self.leave(who),
            97 if random.below(4) == 0 => self.restart(false),
            97 => self.cut_and_forget(who),
            98 => drop(self.guests.len() < 5 && self.invite(["ann", "bo", "cy", "di"][random.below(4)]) > 0),
            _ => self.wait(random.below(1500) as u64),
        }
    }

    fn leave(&mut self, who: usize) {
        let unheard = !self.guests[who].client.sdk.is_welcomed();
        self.guests[who].client.leave();
        if unheard {
            self.cut(who, Some(1000));
        }
    }

    /// Whether the rooms know all that this guest said.
    fn all_arrived(&self, who: usize) -> bool {
        let Guest { client, conn, .. } = &self.guests[who];
        client.sdk.is_in() && client.up.is_empty() && self.hub.is_idle() && conn.is_some_and(|conn| self.hub.is_open(conn))
    }

    /// Writes the rooms down, for a crash.
    pub fn save(&mut self) {
        self.saved = self.hub.rooms.save(self.hub.now());
    }

    /// The program is started anew, with the rooms as they are or, after a crash, as they were written down last.
    pub fn restart(&mut self, crashed: bool) {
        trace("everything", "restarts", "");
        self.lives += 1;
        if !crashed {
            self.hub.stop();
            self.save();
        }
        let mut rooms = door::rooms(self.limits.clone(), self.lives);
        rooms.restore(self.hub.now(), self.saved.clone());
        self.hub.restart(rooms);
        self.collect();
    }

    /// A closed tab.
    fn cut_and_forget(&mut self, who: usize) {
        self.cut(who, Some(1001));
        self.guests.remove(who);
    }

    pub fn wait(&mut self, ms: u64) {
        for guest in &mut self.guests {
            if guest.client.sdk.is_in() {
                guest.client.heartbeat();
            }
        }
        for who in 0..self.guests.len() {
            while self.deliver_up(who) {}
        }
        self.hub.advance_to(self.hub.now_ms() + ms);
        self.collect();
    }

    pub fn collect(&mut self) {
        while let Some(sent) = self.hub.poll() {
            let (conn, down) = match sent {
                Sent::Text(conn, text) => (conn, Down::Text(text)),
                Sent::Closed(conn, code) => (conn, Down::Close(code)),
            };
            if let Some(guest) = self.guests.iter_mut().find(|guest| guest.conn == Some(conn)) {
                guest.down.push_back(down);
            } else if let Down::Text(text) = down {
                self.strangers.push((conn, text));
            }
        }
    }

    /// What must be true when nothing is on its way.
    pub fn check(&self) {
        let inside: Vec<&Client> = self.guests.iter().map(|guest| &guest.client).filter(|client| client.sdk.is_in()).collect();
        assert_eq!(self.hub.rooms.count().1, inside.len(), "seats and those who sit");
        for client in &inside {
            assert_eq!(client.sdk.room.view(), expected_view(client, &inside), "{} sees", client.sdk.name);
            let others = inside.len() - 1;
            let links = client.sdk.room.peers.len();
            assert!(links == others || others == 0 && links == 1, "{} has {links} connections to {others}", client.sdk.name);
        }
        for (index, one) in inside.iter().enumerate() {
            inside[index + 1..].iter().for_each(|other| check_link(one, other));
        }
    }
}

fn expected_view(client: &Client, inside: &[&Client]) -> BTreeMap<String, String> {
    let mut view = BTreeMap::new();
    for other in inside.iter().filter(|other| other.sdk.name != client.sdk.name) {
        view.insert(other.identity.clone(), "connected".to_owned());
        for track in &other.tracks {
            let key = format!("{}/{}", other.identity, track.name);
            view.insert(format!("{key}/media"), track.id.clone());
            view.insert(key, format!("{} {} standard", track.kind, track.enabled));
        }
    }
    view.extend(client.tracks.iter().map(|track| (format!("my {}", track.id), "ready".to_owned())));
    view
}

/// Two share one connection, agree how far it is, and each has what the other said last.
fn check_link(one: &Client, other: &Client) {
    let pair = format!("{} and {}", one.sdk.name, other.sdk.name);
    let shared: Vec<&String> = one.sdk.room.peers.keys().filter(|id| other.sdk.room.peers.contains_key(*id)).collect();
    assert_eq!(shared.len(), 1, "{pair} share {shared:?}");
    let id = shared[0];
    let (here, there) = (&one.sdk.room.peers[id], &other.sdk.room.peers[id]);
    assert!(here.is_settled() && there.is_settled(), "{pair}: {here:?} {there:?}");
    assert_eq!(here.stable(), there.stable(), "{pair}");
    assert_eq!(one.remote.get(id), other.local.get(id), "{pair}");
    assert_eq!(other.remote.get(id), one.local.get(id), "{pair}");
}

/// `TRACE=1` shows how a seed went.
fn trace(who: &str, what: &str, text: &str) {
    if std::env::var_os("TRACE").is_some() {
        println!("{who} {what} {text}");
    }
}
