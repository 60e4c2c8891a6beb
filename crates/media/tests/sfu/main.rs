//! The engine with real transports over an emulated network, in virtual time.

#![allow(clippy::unwrap_used, reason = "a model of a client that fails is a failed test")]

mod client;
mod cost;
mod decoded;
mod film;
mod forge;
mod ground;
mod layers;
mod messages;
mod meter;
mod mixed;
mod mixer;
mod moments;
mod paths;
mod picture;
mod requests;
mod silence;
mod spoof;
mod spread;
mod storm;
mod studio;
mod taped;
mod weather;
mod world;

use std::time::Duration;

use client::{Join, Picture};
use room::{Channel, Kind, News, Report, Step, VideoCodec};
use world::World;

const SECOND: Duration = Duration::from_secs(1);

/// A test's own seed, or the one that is asked for: `KENNEL_TEST_SEED=7 cargo test ...` looks at another run.
pub fn seed(usual: u64) -> u64 {
    let asked = std::env::var("KENNEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    asked.unwrap_or(usual)
}

#[test]
fn two_see_and_hear_each_other() {
    let mut world = World::new(1);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(3 * SECOND);
    for (viewer, other) in [(ann, bo), (bo, ann)] {
        assert!(
            world.frames(viewer, world.track(other, Kind::Video)) > 50,
            "{}",
            world.frames(viewer, world.track(other, Kind::Video))
        );
        assert!(world.heard(viewer, world.track(other, Kind::Audio)) > 100);
    }
}

#[test]
fn room_for_pictures_is_not_looked_for_with_sound() {
    let mut world = World::new(4);
    let (ann, bo) = (world.join(true, false, false), world.join(true, true, false));
    world.run(5 * SECOND);
    assert!(world.heard(ann, world.track(bo, Kind::Audio)) > 200);
    // Her section stays open until she has answered that there is no picture any more.
    world.order(world.clients[ann].who, room::Act::Subscribe(vec![]));
    world.run(5 * SECOND);
    world.subscribe_all();
    world.run(5 * SECOND);
    assert!(world.frames(ann, world.track(bo, Kind::Video)) > 100);
}

#[test]
fn a_late_joiner_sees_a_picture_within_one_keyframe() {
    let mut world = World::new(2);
    let ann = world.join(true, true, false);
    world.run(5 * SECOND);
    let before = world.clients[ann].cameras.values().next().unwrap().keyframes;
    let joined = world.now;
    let bo = world.join(false, false, false);
    world.run(2 * SECOND);
    let label = world.label(bo, world.track(ann, Kind::Video)).unwrap();
    let first = world.clients[bo].watched[&label].first_at.expect("a picture");
    assert!(first - joined < Duration::from_millis(500), "{:?}", first - joined);
    let asked = world.clients[ann].cameras.values().next().unwrap().keyframes - before;
    assert!((1..=2).contains(&asked), "{asked} key frames");
}

#[test]
fn six_see_everyone() {
    let mut world = World::new(3);
    let all: Vec<usize> = (0..6).map(|_| world.join(true, true, false)).collect();
    world.run(4 * SECOND);
    for &viewer in &all {
        for &other in all.iter().filter(|other| **other != viewer) {
            let frames = world.frames(viewer, world.track(other, Kind::Video));
            assert!(frames > 60, "{viewer} saw {frames} frames of {other}");
        }
    }
}

#[test]
fn a_crowd_that_comes_at_once_gets_everything() {
    const CROWD: usize = 26;
    let mut world = World::new(10);
    world.quiet = true;
    for _ in 0..CROWD {
        world.join(true, false, false);
        world.run(Duration::from_millis(20));
    }
    world.run(3 * SECOND);
    let placed: Vec<usize> = world.placed.values().map(Vec::len).collect();
    assert_eq!(placed, [CROWD - 1; CROWD]);
}

/// What others send is passed on between two descriptions that take long.
#[test]
fn a_turn_negotiates_with_one_who_has_many_sections() {
    const CROWD: usize = 10;
    let mut world = World::new(11);
    world.quiet = true;
    for _ in 0..CROWD {
        world.join(true, true, false);
    }
    world.run(3 * SECOND);
    let long = |report: &Report| match report {
        Report::Of { news: News::Signal(said), .. } => said.sealed.0.matches("\r\nm=").count() > media::limit::SECTIONS_PER_TURN,
        _ => false,
    };
    // Each of them is told, and answers.
    world.join(true, true, false);
    let (mut offers, mut most) = (0, 0);
    for _ in 0..500 {
        world.reports.clear();
        world.step();
        let now = world.reports.iter().filter(|report| long(report)).count();
        (offers, most) = (offers + now, most.max(now));
    }
    assert!(offers >= CROWD && most == 1, "{offers} descriptions, {most} in one turn");
    let placed: Vec<usize> = world.placed.values().map(Vec::len).collect();
    assert_eq!(placed, [2 * CROWD; CROWD + 1]);
}

#[test]
fn what_is_wanted_while_an_offer_waits_comes_after_its_answer() {
    let mut world = World::new(9);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(2 * SECOND);
    let before = world.label(bo, world.track(ann, Kind::Video));
    world.order(world.clients[bo].who, room::Act::Subscribe(vec![]));
    // Long enough for our offer to leave, not for its answer to come.
    world.run(Duration::from_millis(5));
    world.subscribe_all();
    world.run(2 * SECOND);
    let track = world.track(ann, Kind::Video);
    assert_ne!(world.label(bo, track), before);
    assert!(world.frames(bo, track) > 30, "{}", world.frames(bo, track));
}

/// Numbers begin anew then, and must not be used twice with the same source and key.
#[test]
fn a_track_that_is_wanted_again_while_an_offer_waits_has_a_source_of_its_own() {
    let mut world = World::new(10);
    let (ann, bo) = (world.join(true, true, false), world.join(false, false, false));
    world.run(3 * SECOND);
    let (who, track) = (world.clients[bo].who, world.track(ann, room::Kind::Video));
    let (before, label) = (world.frames(bo, track), world.label(bo, track));
    assert!(before > 0 && label.is_some());
    // Somebody else comes, so that an offer waits.
    let cy = world.join(true, true, false);
    let all: Vec<_> = [ann, cy].iter().flat_map(|one| world.clients[*one].tracks.iter().map(|track| track.id)).collect();
    let without: Vec<_> = all.iter().copied().filter(|one| *one != track).collect();
    world.order(who, room::Act::Subscribe(all.clone()));
    world.step();
    world.order(who, room::Act::Subscribe(without));
    world.order(who, room::Act::Subscribe(all));
    world.run(3 * SECOND);
    assert_ne!(world.label(bo, track), label, "it is placed anew");
    assert!(world.frames(bo, track) > 30, "{}", world.frames(bo, track));
}

#[test]
fn the_first_codec_of_the_room_comes_first_in_the_answer() {
    for (codecs, first) in [
        ([VideoCodec::H264, VideoCodec::Vp8], "H264"),
        ([VideoCodec::Vp8, VideoCodec::H264], "VP8"),
        ([VideoCodec::Vp9, VideoCodec::Vp8], "VP9"),
    ] {
        let mut world = World::new(seed(74));
        world.join_as(&Join { video: Picture::One, codecs: codecs.to_vec(), ..Join::default() });
        world.run(SECOND);
        let answer = world.reports.iter().find_map(|report| match report {
            Report::Of { news: News::Signal(said), .. } if said.step == Step::Answer => Some(said.sealed.0.clone()),
            _ => None,
        });
        let answer = answer.unwrap();
        let section = answer.split("\r\nm=").find(|section| section.starts_with("video")).unwrap();
        let payload_type = section.lines().next().unwrap().split(' ').nth(3).unwrap();
        let named = section.lines().find_map(|line| line.strip_prefix(&format!("a=rtpmap:{payload_type} ")));
        assert_eq!(named.and_then(|name| name.split('/').next()), Some(first), "{section}");
    }
}

#[test]
fn messages_reach_everyone_and_channels_carry_words() {
    let mut world = World::new(5);
    let (ann, bo) = (world.join_with(false, false, true, &Channel::ALL), world.join(false, true, false));
    world.run(2 * SECOND);
    let track = world.track(ann, Kind::Data);
    let label = world.label(bo, track).expect("bo receives the data track");
    assert!(world.clients[bo].has_channel(&label));
    assert!(world.clients[ann].send(track, b"woof"));
    let who = world.clients[ann].who;
    world.order(who, room::Act::Say(Channel::Speaker, World::text("{}")));
    world.run(SECOND);
    assert_eq!(world.clients[bo].messages, [(label, b"woof".to_vec())]);
    let opened = world.reports.iter().filter(|report| matches!(report, Report::Of { news: News::Opened(_), .. })).count();
    assert_eq!(opened, Channel::ALL.len());
    let words = Channel::Speaker.label(&world.clients[ann].link);
    assert_eq!(world.clients[ann].messages, [(words, b"{}".to_vec())]);
}

#[test]
fn everything_is_forgotten_when_everybody_has_left() {
    let mut world = World::new(6);
    for _ in 0..3 {
        world.join(true, true, true);
    }
    world.run(2 * SECOND);
    let all: Vec<_> = world.clients.iter().map(|client| client.who).collect();
    for who in all {
        world.order(who, room::Act::Close);
    }
    world.run(SECOND);
    assert_eq!(world.engine.sizes(), (0, 0, 0));
    assert_eq!(world.engine.traces(), (0, 0, 0));
    assert_eq!(world.engine.poll_timeout(), None);
}

/// Estimates are made here from reports on single packets; clients that could send others are not asked to.
#[test]
fn only_reports_that_are_heeded_are_asked_for() {
    let mut world = World::new(12);
    let offered = |text: &mut String| assert!(text.contains("goog-remb") && text.contains("transport-cc"));
    let one = client::Join { audio: true, video: client::Picture::One, ..client::Join::default() };
    world.join_changed(&one, offered);
    world.run(Duration::from_millis(50));
    let said = world.reports.iter().find_map(|report| match report {
        Report::Of { news: News::Signal(signal), .. } => Some(signal.sealed.0.to_string()),
        _ => None,
    });
    let said = said.expect("an answer");
    assert!(said.contains("transport-cc") && said.contains("nack pli") && !said.contains("goog-remb"), "{said}");
}

/// Who speaks is said of those who can be heard.
#[test]
fn who_is_muted_and_sends_all_the_same_does_not_speak() {
    for muted in [false, true] {
        let mut world = World::new(11);
        let ann = world.join(true, false, false);
        world.join(false, false, false);
        let who = world.clients[ann].who;
        let tracks = world.clients[ann].tracks.iter().map(|track| room::Track { enabled: !muted, ..track.clone() }).collect();
        world.order(who, room::Act::Publish(tracks));
        world.run(3 * SECOND);
        let spoke = world.reports.iter().any(|report| matches!(report, Report::Speaker { who: Some(_), .. }));
        assert_eq!(spoke, !muted);
    }
}

#[test]
fn an_ice_restart_keeps_pictures_moving() {
    let mut world = World::new(8);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(3 * SECOND);
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    world.run(SECOND);
    let (before, since) = (world.frames(bo, world.track(ann, Kind::Video)), world.now);
    world.run(3 * SECOND);
    let frames = world.frames(bo, world.track(ann, Kind::Video)) - before;
    assert!(frames > 80, "{frames} frames in {:?} of {:?}", world.now - since, world.now - world.start);
}
