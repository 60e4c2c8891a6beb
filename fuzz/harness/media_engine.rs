//! Orders and datagrams into a whole engine. The input is a script: each step is a byte for what happens, one for whom, two for a
//! length, and so many bytes: a description, a datagram, a scene, or something from the mixer.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use media::engine::Engine;
use media::mix::{FromMixer, Rendition, ToMixer};
use media::net::{Datagram, Protocol};
use media::settings::{Identity, Settings};
use room::{
    Act, Area, Cell, Ear, Kind, LinkId, Open, Order, ParticipantId, Priority, Profile, RoomId, Scene, Sealed, Signal, Step,
};
use room::{Track, TrackId, View, Voice};

/// Made once: a certificate takes longer than all the rest.
static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::generate((Instant::now(), Duration::ZERO)).expect("a certificate"));

pub fn run(data: &[u8]) {
    let server = SocketAddr::from(([203, 0, 113, 1], 8444));
    let mut now = Instant::now();
    let settings = Settings::new(&[server], &IDENTITY, Arc::default(), 1);
    let mut engine = Engine::new(now, settings, 1);
    let (mut rest, mut mixed) = (data, false);
    while let [what, whom, high, low, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (bytes, after) = more.split_at(length);
        rest = after;
        now += Duration::from_millis(u64::from(*what));
        let (room, who) = (RoomId(1), ParticipantId(u128::from(*whom % 4)));
        match act(*what, *whom, bytes) {
            None if *what % 8 == 6 => engine.handle_mixer(now, made(now, *whom, bytes)),
            Some(act) => engine.handle_order(now, Order::new(room, who, act)),
            None => {
                let source = SocketAddr::from(([198, 51, 100, whom % 8], 5_000));
                engine.handle_datagram(now, Datagram { protocol: Protocol::Udp, source, destination: server, bytes });
            }
        }
        settle(&mut engine, now, &mut mixed);
    }
    for who in 0..4 {
        engine.handle_order(now, Order::new(RoomId(1), ParticipantId(who), Act::Close));
    }
    settle(&mut engine, now, &mut mixed);
    assert!(!mixed, "a mixer that nobody has told of the end");
    assert_eq!(engine.sizes(), (0, 0, 0));
    assert_eq!(engine.counts().panics, 0);
}

fn settle(engine: &mut Engine, now: Instant, mixed: &mut bool) {
    engine.flush(now);
    while let Some(told) = engine.poll_mixer() {
        match told {
            ToMixer::Scene(_, scene) => *mixed = scene.is_some(),
            ToMixer::Packet(..) | ToMixer::Keyframe(..) | ToMixer::Wanted { .. } => assert!(*mixed, "words for no mixer"),
        }
    }
    while engine.poll_transmit().is_some() {}
    while engine.poll_batch().is_some() {}
    while engine.poll_report().is_some() {}
}

fn act(what: u8, whom: u8, bytes: &[u8]) -> Option<Act> {
    let sealed = Sealed(String::from_utf8_lossy(bytes).into());
    let link = LinkId("link".into());
    let revision = u64::from(what / 8);
    Some(match what % 8 {
        0 => {
            let offer = Signal { step: Step::Offer, revision: 1, sealed };
            Act::Open(Box::new(Open {
                link,
                offer,
                channels: vec![],
                profile: Profile::default(),
                codecs: vec![],
                view: if whom & 16 == 0 { View::Tracks } else { View::Mix },
            }))
        }
        1 => Act::Signal(link, Signal { step: Step::Offer, revision, sealed }),
        2 => Act::Signal(link, Signal { step: Step::Answer, revision, sealed }),
        3 => Act::Publish(bytes.iter().take(4).map(|byte| track(whom % 4, *byte)).collect()),
        4 => Act::Subscribe(bytes.iter().take(16).map(|byte| TrackId(u128::from(*byte % 16))).collect()),
        5 if bytes.is_empty() => Act::Repeat,
        5 => Act::Scene((whom & 16 == 0).then(|| Arc::new(scene(bytes)))),
        6 if bytes.is_empty() => Act::Away,
        _ => return None,
    })
}

/// Every byte is a track of somebody's, seen and heard.
fn scene(bytes: &[u8]) -> Scene {
    let mut scene = Scene::default();
    for byte in bytes.iter().take(8) {
        let (who, track) = (ParticipantId(u128::from(byte % 4)), TrackId(u128::from(byte % 16)));
        let area = Area { x: 0, y: 0, width: u16::from(*byte) * 8, height: u16::from(*byte) * 4 };
        scene.cells.push(Cell { who, area, track: Some(track), name: "".into(), whole: false });
        scene.voices.push(Voice { who, track, volume: 0, sensitivity: 30 });
        scene.ears.push(Ear { who, hears: true, sees: true, volume: 0, without: vec![who] });
    }
    scene
}

fn made(now: Instant, whom: u8, bytes: &[u8]) -> FromMixer {
    let (room, who) = (RoomId(1), ParticipantId(u128::from(whom % 4)));
    let rendition = if whom & 4 == 0 { Rendition::Main } else { Rendition::Small };
    match whom >> 4 {
        0 | 1 => FromMixer::Picture { room, rendition, number: u64::from(whom), shown: now, frame: bytes.to_vec() },
        2 | 3 => FromMixer::Sound { room, shown: now, packets: vec![(who, bytes.into())] },
        4 => FromMixer::Talking(room, who, whom & 4 == 0),
        _ => FromMixer::Keyframe(room, TrackId(u128::from(whom % 16))),
    }
}

fn track(whom: u8, byte: u8) -> Track {
    let kind = [Kind::Audio, Kind::Video, Kind::Data][usize::from(byte % 3)];
    let label: Arc<str> = format!("t{}", byte % 4).into();
    let id = TrackId(u128::from(whom * 4 + byte % 4));
    Track { id, label: label.clone(), kind, name: label, enabled: true, priority: Priority::Standard }
}
