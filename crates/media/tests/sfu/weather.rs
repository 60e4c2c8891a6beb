//! Bad networks.

use std::sync::Arc;
use std::time::Duration;

use room::{Channel, Kind, News, OwnQuality, Report, TrackId};

use crate::world::{Weather, World};

const SECOND: Duration = Duration::from_secs(1);

/// Three who send pictures and sound, connected.
fn three(seed: u64) -> (World, [usize; 3]) {
    let mut world = World::new(crate::seed(seed));
    let all = [world.join(true, true, false), world.join(true, true, false), world.join(true, true, false)];
    world.run(3 * SECOND);
    (world, all)
}

fn pairs(world: &World, all: &[usize]) -> Vec<(usize, TrackId, TrackId)> {
    let others = |viewer: usize| all.iter().copied().filter(move |other| *other != viewer).map(move |other| (viewer, other));
    let all = all.iter().flat_map(|viewer| others(*viewer));
    all.map(|(viewer, other)| (viewer, world.track(other, Kind::Video), world.track(other, Kind::Audio))).collect()
}

/// Frames that each sees, and packets of sound that each hears, of each other in so many seconds.
fn in_seconds(world: &mut World, all: &[usize], seconds: u32) -> Vec<(u64, u64)> {
    let pairs = pairs(world, all);
    let count = |world: &World| -> Vec<(u64, u64)> {
        pairs.iter().map(|(viewer, video, audio)| (world.frames(*viewer, *video), world.heard(*viewer, *audio))).collect()
    };
    let before = count(world);
    world.run(seconds * SECOND);
    let after = count(world);
    let got: Vec<_> = after.iter().zip(before).map(|(after, before)| (after.0 - before.0, after.1 - before.1)).collect();
    println!("{got:?}");
    got
}

#[test]
fn loss_reordering_and_duplicates_cost_next_to_nothing() {
    let ms = Duration::from_millis;
    let (mut world, all) = three(4);
    world.weather = Weather { loss: 50, delay: ms(30), jitter: ms(20), twice: 50 };
    world.run(2 * SECOND);
    let got = in_seconds(&mut world, &all, 6);
    assert!(got.iter().all(|(frames, sounds)| *frames > 170 && *sounds > 250), "{got:?}");
}

#[test]
fn three_of_ten_lost_by_one_still_play_and_the_others_do_not_notice() {
    let (mut world, all) = three(7);
    let address = world.clients[all[0]].outside;
    world.local.insert(address, Weather { loss: 300, delay: Duration::from_millis(30), ..Weather::default() });
    world.run(3 * SECOND);
    // Long enough for chance to count little: in 10 s somebody sees 200 pictures or 45, in 30 s 300 at the least.
    let got = in_seconds(&mut world, &all, 30);
    let own = world.track(all[0], Kind::Video);
    let marked = pairs(&world, &all).into_iter().map(|(viewer, track, _)| viewer == all[0] || track == own);
    let (bad, good): (Vec<_>, Vec<_>) = marked.zip(got).partition(|(bad, _)| *bad);
    let mean = bad.iter().map(|(_, (frames, _))| frames).sum::<u64>() / bad.len() as u64;
    assert!(mean >= 240, "8 pictures a second: {bad:?}");
    assert!(bad.iter().all(|(_, (frames, sounds))| *frames >= 120 && *sounds >= 900), "{bad:?}");
    assert!(good.iter().all(|(_, (frames, sounds))| *frames >= 895 && *sounds >= 1_490), "{good:?}");
    assert_eq!((world.dead(), world.engine.counts().flooded), (vec![], 0), "what honest clients ask for is heard");
    // Back to everything within 5 s.
    world.local.clear();
    world.run(5 * SECOND);
    let got = in_seconds(&mut world, &all, 2);
    assert!(got.iter().all(|(frames, sounds)| *frames >= 57 && *sounds >= 97), "{got:?}");
}

#[test]
fn with_a_third_lost_on_every_hop_nobody_is_dropped() {
    let (mut world, all) = three(8);
    world.weather = Weather { loss: 300, delay: Duration::from_millis(30), ..Weather::default() };
    world.run(2 * SECOND);
    let got = in_seconds(&mut world, &all, 10);
    assert!(got.iter().all(|(_, sounds)| *sounds > 200), "{got:?}");
    assert_eq!((world.dead(), world.engine.counts().flooded), (vec![], 0));
    world.weather = Weather { delay: Duration::from_millis(5), ..Weather::default() };
    world.run(5 * SECOND);
    let got = in_seconds(&mut world, &all, 2);
    assert!(got.iter().all(|(frames, _)| *frames >= 57), "{got:?}");
}

#[test]
fn who_joins_over_three_hundred_milliseconds_sees_pictures_within_four_seconds() {
    let mut world = World::new(10);
    world.weather = Weather { delay: Duration::from_millis(150), jitter: Duration::from_millis(20), ..Weather::default() };
    let ann = world.join(true, true, false);
    world.run(4 * SECOND);
    let since = world.now;
    let bo = world.join(true, true, false);
    world.run(6 * SECOND);
    for (viewer, other) in [(ann, bo), (bo, ann)] {
        let track = world.track(other, Kind::Video);
        let first = world.watcher(viewer, track).first_at.expect("a picture");
        println!("first picture after {:?}", first - since);
        // Who received nothing until now has no estimate to speak of, and more is sent only after there was room for a while.
        let most = if viewer == bo { 4 } else { 6 };
        assert!(first - since <= most * SECOND, "{:?}", first - since);
    }
    let got = in_seconds(&mut world, &[ann, bo], 3);
    assert!(got.iter().all(|(frames, sounds)| *frames >= 85 && *sounds >= 140), "{got:?}");
}

/// The others' figures are what the server measured of their own packets, on their own line.
#[test]
fn everybody_is_told_how_the_others_connections_are() {
    let mut world = World::new(43);
    let ann = world.join_with(true, true, false, &[Channel::Quality]);
    let (bo, cy) = (world.join(true, true, false), world.join(true, true, false));
    world.local.insert(world.clients[bo].outside, Weather { loss: 150, delay: Duration::from_millis(60), ..Weather::default() });
    world.run(20 * SECOND);
    let who = world.clients[ann].who;
    let told = world.reports.iter().rev().find_map(|report| match report {
        Report::Of { who: to, news: News::Quality(quality), .. } if *to == who => Some(quality.clone()),
        _ => None,
    });
    let told = told.expect("she asked for it");
    let of = |client: usize| {
        let its = told.others.iter().find(|(other, _)| *other == world.clients[client].who).map(|(_, its)| Arc::clone(its));
        its.expect("somebody else")
    };
    assert_eq!(told.others.len(), 2, "she is not one of the others");
    let (bad, good) = (of(bo), of(cy));
    assert!(bad.level < good.level && good.level == 5, "{bad:?} {good:?}");
    let lost = |its: &OwnQuality| its.audio_send.expect("it sends").lost;
    assert!((0.05..0.3).contains(&lost(&bad)) && lost(&good) < 0.01, "{bad:?} {good:?}");
    for (bad, good) in [(bad.audio_send, good.audio_send), (bad.video_send, good.video_send)] {
        let (bad, good) = (bad.expect("it sends"), good.expect("it sends"));
        assert!(bad.rtt_ms > 100.0 && good.rtt_ms < 60.0, "{bad:?} {good:?}");
        assert!(bad.bitrate > 10_000 && good.bitrate > 10_000, "{bad:?} {good:?}");
    }
    assert!(good.audio_recv.is_some() && good.video_recv.is_some(), "what it receives is measured too");
}
