//! Clients that receive a mix: they alone make offers, and get one sound and one picture on the sections of these.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::mix::FromMixer;
use room::{Act, Area, Canvas, Cell, Ear, Kind, News, Report, Scene, TrackId, View, Voice};
use str0m::media::Direction;
use str0m::rtp::RtpPacket;

use crate::client::{Join, Picture};
use crate::mixer::{Mixer, PICTURE, SOUND};
use crate::world::{Narrow, ROOM, World};

const SECOND: Duration = Duration::from_secs(1);

pub fn member(audio: bool, video: bool) -> Join {
    let video = if video { Picture::One } else { Picture::None };
    Join { audio, video, view: View::Mix, ..Join::default() }
}

/// Everybody with a picture side by side, everybody with sound heard, and everybody with [`View::Mix`] hears.
pub fn scene(world: &World) -> Arc<Scene> {
    let track =
        |client: usize, kind: Kind| world.clients[client].tracks.iter().find(|track| track.kind == kind).map(|track| track.id);
    let all = 0..world.clients.len();
    let cells = all.clone().zip(0_u16..).map(|(client, n)| Cell {
        who: world.clients[client].who,
        area: Area { x: n * 320, y: 0, width: 320, height: 180 },
        track: track(client, Kind::Video),
        name: "somebody".into(),
        whole: false,
    });
    let voices = all.clone().filter_map(|client| {
        Some(Voice { who: world.clients[client].who, track: track(client, Kind::Audio)?, volume: 0, sensitivity: 50 })
    });
    let ear = |client: usize| Ear {
        who: world.clients[client].who,
        hears: true,
        sees: true,
        volume: 0,
        without: vec![world.clients[client].who],
    };
    let canvas = Canvas::default();
    let ears = all.clone().filter(|client| world.clients[*client].view == View::Mix).map(ear).collect();
    Arc::new(Scene { canvas, cells: cells.collect(), voices: voices.collect(), ears, entries: 0, exits: 0, films: Vec::new() })
}

/// A room whose mix everybody has who comes in with these, and keeps.
fn room(seed: u64, joins: &[Join]) -> World {
    let mut world = World::new(seed);
    world.mixer = Some(Mixer::default());
    for join in joins {
        come(&mut world, join);
    }
    world
}

fn come(world: &mut World, join: &Join) -> usize {
    let client = world.join_as(join);
    if join.view == View::Mix {
        world.clients[client].kept = Some(std::collections::BTreeMap::new());
    }
    show(world);
    client
}

fn show(world: &mut World) {
    let (who, scene) = (world.clients[0].who, scene(world));
    world.order(who, Act::Scene(Some(scene)));
}

fn mixer(world: &mut World) -> &mut Mixer {
    world.mixer.as_mut().unwrap()
}

/// The packets of pictures that a client received.
fn pictures(world: &World, client: usize) -> Vec<&RtpPacket> {
    world.clients[client].kept.as_ref().unwrap().values().flatten().collect()
}

/// The frames, put together: rendition, whether it is a key frame, its number, and when it came.
fn frames(world: &World, client: usize) -> Vec<(u8, bool, u32, Instant)> {
    let mut packets = pictures(world, client);
    packets.sort_by_key(|packet| packet.seq_no);
    let chunks = packets.chunk_by(|a, b| a.header.timestamp == b.header.timestamp);
    let whole = chunks.filter(|frame| frame.last().unwrap().header.marker && frame[0].payload[0] & 0x10 != 0);
    let read = whole.map(|frame| {
        let last = &frame.last().unwrap().payload;
        let number = u32::from_be_bytes(last[last.len() - 4..].try_into().unwrap());
        let (first, rendition) = (&frame[0].payload[4..], last[last.len() - 5]);
        (rendition, first[0] & 1 == 0, number, frame[0].timestamp)
    });
    read.collect()
}

fn answers(world: &World, client: usize) -> Vec<String> {
    let who = world.clients[client].who;
    let said = world.reports.iter().filter_map(|report| match report {
        Report::Of { who: of, news: News::Signal(signal), .. } if *of == who => Some(signal),
        _ => None,
    });
    said.inspect(|signal| assert_eq!(signal.step, room::Step::Answer, "nothing is offered"))
        .map(|s| s.sealed.0.to_string())
        .collect()
}

#[test]
fn everybody_gets_a_sound_of_its_own_and_the_same_picture() {
    let mut world = room(61, &[member(true, true), member(true, true), member(true, true)]);
    world.run(5 * SECOND);
    for client in 0..3 {
        let own = world.clients[client].who.0.to_be_bytes();
        assert!(world.clients[client].sounds.iter().all(|packet| *packet.payload == own));
        let heard = world.clients[client].sounds.len();
        assert!((230..=250).contains(&heard), "{heard} packets of sound");
        let frames = frames(&world, client);
        assert!(frames.len() > 92 && frames[0].1, "{} frames", frames.len());
        assert!(frames.windows(2).all(|pair| pair[1].2 == pair[0].2 + 1), "frames are missing");
        assert_eq!(answers(&world, client).len(), 1);
    }
    let scene = mixer(&mut world).scene.clone().unwrap();
    let tracks: Vec<TrackId> =
        scene.cells.iter().filter_map(|cell| cell.track).chain(scene.voices.iter().map(|v| v.track)).collect();
    for track in tracks {
        let packets = mixer(&mut world).taken.iter().filter(|(of, _)| *of == track).count();
        assert!(packets > 130, "{packets} of {track:?} reached the mixer");
    }
}

#[test]
fn an_answer_has_sound_first_and_goes_the_other_way() {
    let both = Join { pictures_first: true, ..member(true, true) };
    let screen = Join { pictures_first: true, only_sends: true, ..member(false, true) };
    let audience = Join { pictures_first: true, ..member(false, false) };
    let mut world = room(62, &[both, screen, audience]);
    world.run(3 * SECOND);
    for (client, sends, receives) in [(0, true, true), (1, false, true), (2, true, false)] {
        let text = &answers(&world, client)[0];
        let view = media::sdp::View::parse(text);
        let [sound, picture] = &view.sections[..] else { panic!("{text}") };
        assert_eq!((sound.kind, picture.kind), (media::sdp::SectionKind::Audio, media::sdp::SectionKind::Video));
        assert_eq!(vec![picture.mid.clone(), sound.mid.clone()], world.clients[client].offered);
        assert!(view.sections.iter().all(|section| (section.sends, section.receives) == (sends, receives)), "{text}");
        // Of a bundle, the section that its offer has first is the one with the transport.
        let first = text.split("\r\nm=").find(|part| part.contains(&format!("a=mid:{}\r", picture.mid))).unwrap();
        assert_eq!((text.matches("a=candidate:").count(), first.matches("a=candidate:").count()), (1, 1), "{text}");
        assert!(text.ends_with("\r\n") && !text.contains("\r\n\r\n"));
        let streams: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("a=msid:")?.split(' ').next()).collect();
        assert_eq!(streams, if sends { vec!["mix", "mix"] } else { vec![] });
    }
    assert!(frames(&world, 0).len() > 50 && frames(&world, 2).len() > 50);
    assert_eq!(frames(&world, 1).len(), 0);
    let shared = world.track(1, Kind::Video);
    assert!(mixer(&mut world).taken.iter().any(|(track, _)| *track == shared), "the screen does not reach the mixer");
}

#[test]
fn who_joins_late_has_a_key_frame_at_once() {
    let mut world = room(63, &[member(true, true)]);
    world.run(5 * SECOND);
    let asked = mixer(&mut world).asked.len();
    let bo = come(&mut world, &member(true, true));
    world.run(2 * SECOND);
    let connected = world.clients[bo].sounds[0].timestamp;
    let first = frames(&world, bo)[0];
    assert!(first.1, "a picture that is no key frame");
    let wait = first.3.saturating_duration_since(connected);
    println!("the first picture came {wait:?} after the first sound");
    assert!(wait <= PICTURE + 2 * SOUND, "{wait:?}");
    let more = mixer(&mut world).asked.len() - asked;
    assert!((1..=2).contains(&more), "{more} key frames");
}

#[test]
fn those_who_come_one_after_the_other_do_not_wait_for_each_other() {
    let mut world = room(76, &[member(true, true)]);
    world.run(2 * SECOND);
    let came: Vec<usize> = [30, 60, 90, 130, 170, 330]
        .into_iter()
        .map(|pause| {
            world.run(Duration::from_millis(pause));
            come(&mut world, &member(true, true))
        })
        .collect();
    world.run(2 * SECOND);
    let waits = came
        .iter()
        .map(|client| frames(&world, *client)[0].3.saturating_duration_since(world.clients[*client].sounds[0].timestamp));
    let waits: Vec<Duration> = waits.collect();
    assert!(waits.iter().all(|wait| *wait <= PICTURE + 2 * SOUND), "{waits:?}");
    let asked = mixer(&mut world).asked.len();
    assert!(asked <= 2 + came.len(), "{asked} key frames");
}

#[test]
fn a_picture_that_the_engine_never_got_is_made_up_for_by_a_key_frame() {
    let mut world = room(77, &[member(true, true), member(true, true)]);
    world.run(2 * SECOND);
    let asked = mixer(&mut world).asked.len();
    mixer(&mut world).loses = 2;
    world.run(2 * SECOND);
    assert_eq!(mixer(&mut world).asked.len() - asked, 1);
    for client in 0..2 {
        let frames = frames(&world, client);
        let hole = frames.windows(2).position(|pair| pair[1].2 != pair[0].2 + 1).expect("two are missing");
        assert!(frames[hole..].iter().take(4).skip(1).any(|frame| frame.1), "no key frame soon after it");
    }
}

#[test]
fn sound_and_picture_are_of_one_moment() {
    let mut world = room(64, &[member(true, true)]);
    world.run(10 * SECOND);
    // By the sender reports: what a browser goes by.
    let shown = |packet: &RtpPacket, hz: f64| {
        let report = packet.last_sender_info.expect("a report");
        let base = report.ntp_time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        base + f64::from(packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32).cast_signed()) / hz
    };
    let (sound, picture) = (world.clients[0].sounds.last().unwrap(), *pictures(&world, 0).last().unwrap());
    let came = sound.timestamp.duration_since(picture.timestamp.min(sound.timestamp)).as_secs_f64()
        - picture.timestamp.duration_since(picture.timestamp.min(sound.timestamp)).as_secs_f64();
    let apart = shown(sound, 48_000.0) - shown(picture, 90_000.0) - came;
    println!("{:.1} ms", apart * 1_000.0);
    assert!(apart.abs() < 0.005, "{apart} s");
}

#[test]
fn losses_are_repaired_and_a_storm_of_requests_is_bounded() {
    let mut world = room(65, &[member(true, true), member(true, true)]);
    world.run(2 * SECOND);
    world.weather.loss = 30;
    world.run(10 * SECOND);
    world.weather.loss = 0;
    world.run(SECOND);
    let frames = frames(&world, 0);
    assert!(frames.len() > 210, "{} frames of 260", frames.len());
    let before = mixer(&mut world).asked.len();
    for _ in 0..5_000 {
        let sources: Vec<_> = world.clients[1].received.keys().copied().collect();
        sources.into_iter().for_each(|ssrc| world.clients[1].ask(ssrc));
        world.step();
    }
    let asked = mixer(&mut world).asked.len() - before;
    assert!((5..=11).contains(&asked), "{asked} key frames in 5 s");
}

#[test]
fn a_slow_viewer_gets_the_small_picture_and_the_others_keep_theirs() {
    let mut world = room(66, &[member(true, true), member(false, false)]);
    world.run(3 * SECOND);
    let slow = world.clients[1].who;
    world.narrow.insert(slow, Narrow::new(world.now, 600_000, Duration::from_millis(300)));
    world.run(20 * SECOND);
    let (fast, slow) = (renditions(&world, 0), renditions(&world, 1));
    assert!(fast.len() > 90 && fast.iter().all(|rendition| *rendition == 1), "{fast:?}");
    assert!(slow.len() > 60 && slow.iter().filter(|rendition| **rendition == 0).count() * 10 >= slow.len() * 9, "{slow:?}");
    assert!(!world.reports.iter().any(|report| matches!(report, Report::Of { news: News::Switched { .. }, .. })));
}

/// The renditions that a client got in the last five seconds.
fn renditions(world: &World, client: usize) -> Vec<u8> {
    let since = world.now - 5 * SECOND;
    frames(world, client).into_iter().filter(|frame| frame.3 > since).map(|frame| frame.0).collect()
}

/// Bits per second that the main picture had in the last five seconds: the least, the most.
fn rates(world: &mut World) -> (u64, u64) {
    let since = world.now - 5 * SECOND;
    let wanted = &mixer(world).wanted;
    let before = wanted.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
    let rates = || wanted[before..].iter().filter_map(|(_, wanted)| wanted.main);
    (rates().min().unwrap(), rates().max().unwrap())
}

#[test]
fn the_main_picture_has_fewer_bits_while_the_worst_line_takes_less() {
    let (least, most) = (921_600, 1_474_560);
    let mut world = room(77, &[member(true, true), member(false, false)]);
    world.run(3 * SECOND);
    assert_eq!(rates(&mut world), (most, most));
    let slow = world.clients[1].who;
    world.narrow.insert(slow, Narrow::new(world.now, 1_300_000, Duration::from_millis(300)));
    world.run(15 * SECOND);
    let (low, high) = rates(&mut world);
    println!("{low} to {high} bits per second through 1,300,000");
    assert!(low >= least && high <= 1_300_000, "{low} to {high}");
    // Now and then the slow one may have the small picture for a moment: its line is filled to find out what it takes.
    let seen = [0, 1].map(|client| renditions(&world, client));
    assert!(seen[0].len() > 90 && seen[0].iter().all(|rendition| *rendition == 1), "{seen:?}");
    assert!(seen[1].iter().filter(|rendition| **rendition == 1).count() > 45, "{seen:?}");
    // Up again in steps.
    world.narrow.clear();
    world.run(100 * SECOND);
    assert_eq!(rates(&mut world), (most, most));
    assert!(renditions(&world, 1).iter().all(|rendition| *rendition == 1));
}

#[test]
fn who_has_less_than_the_least_is_not_followed() {
    let mut world = room(78, &[member(true, true), member(false, false)]);
    world.run(3 * SECOND);
    let before = rates(&mut world);
    let slow = world.clients[1].who;
    world.narrow.insert(slow, Narrow::new(world.now, 600_000, Duration::from_millis(300)));
    world.run(25 * SECOND);
    assert_eq!(rates(&mut world), before);
    let seen = [0, 1].map(|client| renditions(&world, client));
    assert!(seen[0].len() > 90 && seen[0].iter().all(|rendition| *rendition == 1), "{seen:?}");
    assert!(seen[1].iter().filter(|rendition| **rendition == 0).count() * 10 >= seen[1].len() * 9, "{seen:?}");
}

#[test]
fn who_may_not_see_gets_sound_and_no_pictures() {
    let mut world = room(79, &[member(true, true), member(true, false)]);
    world.run(2 * SECOND);
    let turn = |world: &mut World, sees: bool| {
        let mut other = Scene::clone(&scene(world));
        other.ears[1].sees = sees;
        let who = world.clients[0].who;
        world.order(who, Act::Scene(Some(Arc::new(other))));
        world.run(SECOND);
        let before = [0, 1].map(|client| frames(world, client).len());
        let sounds = world.clients[1].sounds.len();
        world.run(2 * SECOND);
        assert!(world.clients[1].sounds.len() > sounds + 90 && frames(world, 0).len() > before[0] + 35);
        frames(world, 1).len() - before[1]
    };
    assert_eq!(turn(&mut world, false), 0);
    assert!(turn(&mut world, true) > 35);
    assert!(!world.reports.iter().any(|report| matches!(report, Report::Of { news: News::Switched { .. }, .. })));
}

#[test]
fn who_receives_tracks_gets_those_of_everybody() {
    let viewer = Join { audio: true, video: Picture::One, ..Join::default() };
    let mut world = room(67, &[member(true, true), viewer]);
    world.run(4 * SECOND);
    assert!(world.frames(1, world.track(0, Kind::Video)) > 80);
    assert!(world.heard(1, world.track(0, Kind::Audio)) > 150);
    assert_eq!(answers(&world, 0).len(), 1);
    let placed = world.placed.get(&world.clients[1].who).unwrap();
    assert_eq!(placed.len(), 2, "the mix is no track of anybody's: {placed:?}");
    assert!(!world.placed.contains_key(&world.clients[0].who));
    let own = world.track(1, Kind::Video);
    assert!(mixer(&mut world).taken.iter().any(|(track, _)| *track == own), "tracks of others are mixed too");
}

#[test]
fn the_mixer_gets_what_is_shown_and_nothing_else() {
    let mut world = room(68, &[member(true, true), member(true, true)]);
    world.run(2 * SECOND);
    let (hidden, who) = (world.track(1, Kind::Video), world.clients[0].who);
    let mut less = Scene::clone(mixer(&mut world).scene.as_ref().unwrap());
    less.cells.retain(|cell| cell.track != Some(hidden));
    world.order(who, Act::Scene(Some(Arc::new(less))));
    world.step();
    mixer(&mut world).taken.clear();
    world.run(SECOND);
    assert!(mixer(&mut world).taken.iter().all(|(track, _)| *track != hidden));
    // Back again: with a key frame, since the decoder is gone.
    let before = world.clients[1].keyframes_asked;
    show(&mut world);
    world.run(SECOND);
    assert!(mixer(&mut world).taken.iter().any(|(track, _)| *track == hidden));
    assert_eq!(world.clients[1].keyframes_asked - before, 1);
    // And when its decoder cannot go on.
    mixer(&mut world).says.push(FromMixer::Keyframe(ROOM, hidden));
    world.run(SECOND);
    assert_eq!(world.clients[1].keyframes_asked - before, 2);
}

#[test]
fn what_a_moderator_has_muted_reaches_nobody() {
    let viewer = Join { audio: true, ..Join::default() };
    let mut world = room(69, &[member(true, false), viewer]);
    world.run(2 * SECOND);
    let (track, who) = (world.track(0, Kind::Audio), world.clients[0].who);
    let tracks: Vec<_> = world.clients[0].tracks.iter().map(|track| room::Track { enabled: false, ..track.clone() }).collect();
    world.order(who, Act::Publish(tracks));
    world.run(Duration::from_millis(100));
    let heard = world.heard(1, track);
    mixer(&mut world).taken.clear();
    world.run(SECOND);
    assert_eq!(world.heard(1, track), heard);
    assert!(mixer(&mut world).taken.iter().all(|(of, _)| *of != track));
    let tracks = world.clients[0].tracks.clone();
    world.order(who, Act::Publish(tracks));
    world.run(SECOND);
    assert!(world.heard(1, track) > heard + 40);
}

#[test]
fn a_client_may_change_what_it_sends_and_receives() {
    let mut world = room(70, &[member(true, true)]);
    world.run(2 * SECOND);
    let [sound, picture] = [0, 1].map(|n| world.clients[0].offered[n].clone());
    let offer = world.clients[0].turn(&picture, Direction::SendOnly);
    world.say(0, offer);
    world.run(SECOND);
    let (seen, heard) = (frames(&world, 0).len(), world.clients[0].sounds.len());
    world.run(SECOND);
    assert_eq!(frames(&world, 0).len(), seen, "it does not want pictures");
    assert!(world.clients[0].sounds.len() >= heard + 48);
    let directions = |world: &World| {
        let view = media::sdp::View::parse(answers(world, 0).last().unwrap());
        view.sections.iter().map(|section| (section.sends, section.receives)).collect::<Vec<_>>()
    };
    assert_eq!(directions(&world), [(true, true), (false, true)]);
    for _ in 0..5 {
        for direction in [Direction::Inactive, Direction::SendRecv] {
            let offer = world.clients[0].turn(&picture, direction);
            world.say(0, offer);
            world.run(SECOND);
        }
    }
    assert_eq!(directions(&world), [(true, true), (true, true)]);
    let seen = frames(&world, 0).len();
    world.run(SECOND);
    assert!(frames(&world, 0).len() > seen + 15, "pictures are back");
    let offer = world.clients[0].turn(&sound, Direction::RecvOnly);
    world.say(0, offer);
    world.run(SECOND);
    assert_eq!(directions(&world), [(true, false), (true, true)]);
}

#[test]
fn an_ice_restart_keeps_the_mix_moving() {
    let mut world = room(71, &[member(true, true)]);
    world.run(2 * SECOND);
    let who = world.clients[0].who;
    world.cut.push(who);
    world.run(3 * SECOND);
    world.cut.clear();
    world.clients[0].outside = std::net::SocketAddr::from(([10, 9, 0, 9], 31_009));
    let offer = world.clients[0].restart_ice();
    world.say(0, offer);
    world.run(4 * SECOND);
    let (seen, heard) = (frames(&world, 0).len(), world.clients[0].sounds.len());
    world.run(SECOND);
    assert!(frames(&world, 0).len() >= seen + 18 && world.clients[0].sounds.len() >= heard + 48);
    assert_eq!(world.dead(), []);
}

#[test]
fn talking_is_told_of_who_talks() {
    let mut world = room(72, &[member(true, true)]);
    world.run(SECOND);
    let who = world.clients[0].who;
    mixer(&mut world).says.push(FromMixer::Talking(ROOM, who, true));
    world.run(SECOND);
    let told =
        world.reports.iter().any(|report| matches!(report, Report::Of { who: of, news: News::Talking(true), .. } if *of == who));
    assert!(told);
}

#[test]
fn nothing_is_left_when_everybody_has_left() {
    let mut world = room(73, &[member(true, true), member(false, false)]);
    world.run(2 * SECOND);
    for client in [1, 0] {
        let who = world.clients[client].who;
        world.order(who, Act::Close);
        world.run(SECOND);
    }
    assert!(mixer(&mut world).scene.is_none());
    assert_eq!(world.engine.sizes(), (0, 0, 0));
    assert_eq!(world.engine.traces(), (0, 0, 0));
    assert_eq!(world.engine.poll_timeout(), None);
}

#[test]
fn the_last_viewer_may_leave_before_the_others() {
    let viewer = Join { audio: true, ..Join::default() };
    let mut world = room(74, &[viewer, member(true, true)]);
    world.run(2 * SECOND);
    let (stays, goes) = (world.clients[0].who, world.clients[1].who);
    world.order(goes, Act::Close);
    world.order(stays, Act::Scene(None));
    world.run(SECOND);
    assert!(mixer(&mut world).scene.is_none());
    assert_eq!(world.engine.sizes(), (1, 1, 1));
}

#[test]
fn of_several_layers_the_mixer_gets_the_one_that_fills_its_place() {
    let many = Join { video: Picture::Group, ..Join::default() };
    let mut world = room(75, &[many, member(false, false)]);
    let track = world.track(0, Kind::Video);
    for (width, height, expected) in [(320, 180, 0), (640, 360, 1), (1280, 720, 2), (320, 180, 0)] {
        let (who, mut scene) = (world.clients[0].who, Scene::clone(&scene(&world)));
        scene.cells[0].area = Area { x: 0, y: 0, width, height };
        world.order(who, Act::Scene(Some(Arc::new(scene))));
        world.run(4 * SECOND);
        mixer(&mut world).taken.clear();
        world.run(SECOND);
        let taken = &mixer(&mut world).taken;
        let mut sources: Vec<u32> = taken.iter().filter(|(of, _)| *of == track).map(|(_, packet)| packet.stream).collect();
        sources.dedup();
        let camera = world.camera(0);
        let layer = camera.layers[expected].ssrc.map(|(ssrc, _)| *ssrc);
        assert_eq!(sources, layer.into_iter().collect::<Vec<_>>(), "{width}x{height}");
    }
}
