//! A media server that serves nobody: it keeps what it was asked for, and demands that each order makes sense after those before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use room::{Act, Kind, LinkId, MixTake, Order, ParticipantId, RecordingId, RoomId, Scene, Take, Track, TrackId, View};

#[derive(Default)]
pub struct Media {
    pub peers: BTreeMap<(RoomId, ParticipantId), Peer>,
    /// Peers that are gone and that the rooms do not know to be.
    lost: BTreeSet<(RoomId, ParticipantId)>,
    /// Rooms that have lost peers and were not told.
    pub untold: BTreeSet<RoomId>,
    /// What each room's mix is to be.
    pub scenes: BTreeMap<RoomId, Arc<Scene>>,
    /// What of each room's mix is recorded.
    pub mixes: BTreeMap<RoomId, Vec<MixTake>>,
    /// Recordings that ended, and of which the rooms were not told.
    pub ended: Vec<(RoomId, RecordingId)>,
    /// Recordings that ended by themselves.
    failed: BTreeSet<RecordingId>,
    /// In short words, since they were asked for last.
    orders: Vec<String>,
}

pub struct Peer {
    pub link: LinkId,
    /// It receives the mix.
    pub mixed: bool,
    /// None since the peer was opened.
    pub tracks: Option<Vec<Track>>,
    pub subscribed: Option<Vec<TrackId>>,
    pub takes: Vec<Take>,
}

impl Media {
    /// Takes an order; panics if it makes no sense.
    pub fn obey(&mut self, order: Order) {
        self.orders.push(short(&order));
        let Order { room, who, act } = order;
        let at = (room, who);
        if self.lost.contains(&at) && act == Act::Close {
            self.lost.remove(&at);
            return;
        }
        if self.lost.contains(&at) {
            assert!(self.untold.contains(&room), "{act:?} for a peer that is known to be lost");
            return;
        }
        if let Act::Open(open) = act {
            let mixed = open.view == View::Mix;
            let before =
                self.peers.insert(at, Peer { link: open.link, mixed, tracks: None, subscribed: None, takes: Vec::new() });
            assert!(before.as_ref().is_none_or(|_| mixed), "opened twice without a close");
            self.end_takes(room, before.map(|peer| peer.takes).unwrap_or_default(), &[]);
            return;
        }
        let published: Vec<TrackId> = self.published(room, who);
        let untold = self.untold.contains(&room);
        let peer = self.peers.get_mut(&at).unwrap_or_else(|| panic!("{act:?} before open"));
        match act {
            Act::Publish(tracks) => peer.tracks = Some(tracks),
            Act::Subscribe(tracks) => {
                assert!(!peer.mixed, "receives the mix");
                assert!(peer.tracks.is_some(), "subscribes before its own tracks are known");
                let known = untold || tracks.iter().all(|track| published.contains(track));
                assert!(known, "subscribes to what is not published");
                assert_ne!(peer.subscribed.as_ref(), Some(&tracks), "says the same again");
                peer.subscribed = Some(tracks);
            }
            Act::Signal(link, _) => assert_eq!(link, peer.link),
            Act::Hint(hints) => {
                let received = |hint: &room::Hint| peer.subscribed.as_ref().is_some_and(|tracks| tracks.contains(&hint.track));
                assert!(hints.iter().all(received));
            }
            Act::Record(takes) => {
                let sent = |take: &Take| peer.tracks.iter().flatten().any(|track| track.id == take.track && is_media(track));
                assert!(takes.iter().all(sent), "records what is not sent");
                assert_ne!(peer.takes, takes, "says the same again");
                let before = std::mem::replace(&mut peer.takes, takes.clone());
                self.end_takes(room, before, &takes);
            }
            Act::RecordMix(takes) => self.record_mix(room, takes),
            Act::Close => {
                let takes = self.peers.remove(&at).map(|peer| peer.takes).unwrap_or_default();
                self.end_takes(room, takes, &[]);
            }
            Act::Scene(scene) => self.set_scene(room, scene),
            Act::Away | Act::Repeat => assert!(!peer.mixed, "is never asked anything"),
            Act::Check | Act::Say(..) | Act::Open(_) => {}
        }
        self.end_empty(room);
    }

    /// With the last peer of a room its mix ends.
    fn end_empty(&mut self, room: RoomId) {
        if !self.peers.keys().any(|(of, _)| *of == room) {
            self.scenes.remove(&room);
            let mixes = self.mixes.remove(&room).unwrap_or_default();
            self.ended.extend(mixes.iter().map(|take| (room, take.recording)).filter(|(_, id)| !self.failed.contains(id)));
        }
    }

    /// This recording ended by itself, and the rooms know it.
    pub fn failed(&mut self, recording: RecordingId) {
        self.failed.insert(recording);
    }

    fn end_takes(&mut self, room: RoomId, before: Vec<Take>, now: &[Take]) {
        let gone = before.iter().map(|take| take.recording).filter(|id| !now.iter().any(|take| take.recording == *id));
        self.ended.extend(gone.filter(|id| !self.failed.contains(id)).map(|id| (room, id)));
    }

    fn record_mix(&mut self, room: RoomId, takes: Vec<MixTake>) {
        assert!(takes.is_empty() || self.scenes.contains_key(&room), "records a mix that is none");
        let before = self.mixes.insert(room, takes.clone()).unwrap_or_default();
        assert_ne!(before, takes, "says the same again");
        let gone = before.iter().map(|take| take.recording).filter(|id| !takes.iter().any(|take| take.recording == *id));
        self.ended.extend(gone.filter(|id| !self.failed.contains(id)).map(|id| (room, id)));
    }

    /// Takes what a room's mix is to be: of those who are there and of what they publish, and nothing over anything else.
    fn set_scene(&mut self, room: RoomId, scene: Option<Arc<Scene>>) {
        assert_ne!(self.scenes.get(&room), scene.as_ref(), "says the same again");
        let Some(scene) = scene else { return drop(self.scenes.remove(&room)) };
        let tracks = |who| self.peers.get(&(room, who)).and_then(|peer| peer.tracks.as_ref());
        let sends = |who, id| tracks(who).into_iter().flatten().any(|track| track.id == id && track.enabled);
        assert!(scene.cells.iter().all(|cell| cell.track.is_none_or(|track| sends(cell.who, track))));
        assert!(scene.voices.iter().all(|voice| sends(voice.who, voice.track)));
        assert!(scene.ears.iter().all(|ear| self.peers.get(&(room, ear.who)).is_some_and(|peer| peer.mixed)));
        self.scenes.insert(room, scene);
    }

    /// A worker is gone with all its peers. The rooms hear of it later.
    pub fn lose(&mut self, room: RoomId) {
        let gone: Vec<_> = self.peers.keys().filter(|(of, _)| *of == room).copied().collect();
        for at in &gone {
            let takes = self.peers.remove(at).map(|peer| peer.takes).unwrap_or_default();
            self.end_takes(room, takes, &[]);
        }
        self.end_empty(room);
        self.lost.extend(gone);
        self.scenes.remove(&room);
        self.untold.insert(room);
    }

    /// What others in this room publish.
    pub fn published(&self, room: RoomId, hearer: ParticipantId) -> Vec<TrackId> {
        let others = self.peers.iter().filter(|((of, who), _)| *of == room && *who != hearer);
        others.flat_map(|(_, peer)| peer.tracks.iter().flatten()).map(|track| track.id).collect()
    }

    /// When all is said, everybody is subscribed to everything that the others publish.
    pub fn check_settled(&self) {
        for ((room, who), peer) in self.peers.iter().filter(|(_, peer)| !peer.mixed) {
            let mut wanted = self.published(*room, *who);
            let mut has = peer.subscribed.clone().expect("every open is followed by a subscribe");
            wanted.sort_unstable();
            has.sort_unstable();
            assert_eq!(has, wanted);
        }
    }

    /// The orders since the last time, in short words.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.orders)
    }
}

fn short(order: &Order) -> String {
    match &order.act {
        Act::Open(open) => format!("open {} at {}", open.link.0, open.offer.revision),
        Act::Signal(link, signal) => format!("{:?} {} on {}", signal.step, signal.revision, link.0),
        Act::Away => "away".into(),
        Act::Repeat => "repeat".into(),
        Act::Check => "check".into(),
        Act::Publish(tracks) => {
            let names = tracks.iter().map(|t| format!("{}{}", t.name, if t.enabled { "" } else { " off" }));
            format!("publish [{}]", names.collect::<Vec<_>>().join(", "))
        }
        Act::Subscribe(tracks) => format!("subscribe {}", tracks.len()),
        Act::Hint(hints) => format!("hint {:?}", hints.iter().map(|hint| hint.wish).collect::<Vec<_>>()),
        Act::Say(channel, text) => format!("say {} on {channel:?}", text.0),
        Act::Scene(scene) => format!("scene of {}", scene.as_ref().map_or(0, |scene| scene.cells.len())),
        Act::Record(takes) => format!("record {}", takes.len()),
        Act::RecordMix(takes) => {
            let states: Vec<&str> = takes.iter().map(|take| if take.paused { "paused" } else { "running" }).collect();
            format!("record the mix [{}]", states.join(", "))
        }
        Act::Close => "close".into(),
    }
}

fn is_media(track: &Track) -> bool {
    track.kind != Kind::Data
}

/// How many of a kind are in a list of tracks.
pub fn count(tracks: &[Track], kind: Kind) -> usize {
    tracks.iter().filter(|track| track.kind == kind).count()
}
