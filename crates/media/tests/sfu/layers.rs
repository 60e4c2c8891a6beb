//! Pictures in several layers, and links that have no room for all.

use std::time::Duration;

use room::{Act, Channel, Hint, Kind, News, ParticipantId, Profile, Report, TrackId, Wish};

use crate::client::{Join, Picture};
use crate::picture::LAYERS;
use crate::world::{Busy, Narrow, World};

const SECOND: Duration = Duration::from_secs(1);

pub fn camera(video: Picture) -> Join {
    Join { video, ..Join::default() }
}

pub fn viewer() -> Join {
    Join { profile: Profile { hinted: true, ..Profile::default() }, ..Join::default() }
}

pub fn hint(world: &mut World, viewer: usize, track: TrackId, width: u16, height: u16) {
    let who = world.clients[viewer].who;
    let wishes = [Wish::Shown(true), Wish::Size(width, height)];
    world.order(who, Act::Hint(wishes.map(|wish| Hint { track, wish }).to_vec()));
}

/// Obeys the server's word on which layers are needed, as the SDK does.
pub fn obey(world: &mut World, publisher: usize) -> Option<Vec<bool>> {
    let told = world.reports.iter().rev().find_map(|report| match report {
        Report::Of { who, news: News::Layers { needed, .. }, .. } if *who == world.clients[publisher].who => Some(needed.clone()),
        _ => None,
    })?;
    for (layer, on) in world.camera(publisher).layers.iter_mut().zip(&told) {
        layer.on = *on;
    }
    Some(told)
}

fn run_obeying(world: &mut World, publisher: usize, time: Duration) {
    let until = world.now + time;
    while world.now < until {
        world.run(Duration::from_millis(100));
        obey(world, publisher);
    }
}

/// A layer as large as the picture is shown, and others as that changes; the stream goes on without a seam, as its watcher checks.
fn sizes(video: Picture, seed: u64) {
    let mut world = World::new(crate::seed(seed));
    let ann = world.join_as(&camera(video));
    let (bo, cy) = (world.join_as(&viewer()), world.join_as(&viewer()));
    let track = world.track(ann, Kind::Video);
    hint(&mut world, bo, track, 320, 180);
    hint(&mut world, cy, track, 1280, 720);
    world.run(6 * SECOND);
    let layers = |world: &mut World| [bo, cy].map(|viewer| world.watcher(viewer, track).layer());
    assert_eq!(layers(&mut world), [Some(0), Some(2)]);
    hint(&mut world, bo, track, 640, 360);
    hint(&mut world, cy, track, 320, 180);
    run_obeying(&mut world, ann, 12 * SECOND);
    assert_eq!(layers(&mut world), [Some(1), Some(0)]);
    assert_eq!(obey(&mut world, ann), Some(vec![true, true, false]), "nobody needs the largest layer now");
    hint(&mut world, cy, track, 1280, 720);
    let since = world.now;
    while world.watcher(cy, track).layer() != Some(2) && world.now - since < 12 * SECOND {
        run_obeying(&mut world, ann, Duration::from_millis(100));
    }
    println!("largest layer again after {:?}", world.now - since);
    // The estimate of a link that carried little has to be found anew.
    assert_eq!(world.watcher(cy, track).layer(), Some(2));
    for viewer in [bo, cy] {
        let watcher = world.watcher(viewer, track);
        println!("{} frames, {} breaks, worst gap {:?}", watcher.frames, watcher.breaks, watcher.worst_gap);
        assert_eq!(watcher.breaks, 0);
        assert!(watcher.worst_gap < Duration::from_millis(100), "{:?}", watcher.worst_gap);
        assert!(watcher.frames > 16 * 29, "{}", watcher.frames);
    }
}

#[test]
fn layers_in_a_group_follow_the_size_at_which_a_picture_is_shown() {
    sizes(Picture::Group, 51);
}

#[test]
fn named_layers_follow_the_size_at_which_a_picture_is_shown() {
    sizes(Picture::Named, 52);
}

#[test]
fn layers_that_are_offered_no_more_do_not_count() {
    let mut world = World::new(84);
    let ann = world.join_as(&camera(Picture::Group));
    let bo = world.join_as(&viewer());
    let track = world.track(ann, Kind::Video);
    hint(&mut world, bo, track, 1280, 720);
    world.run(4 * SECOND);
    assert_eq!(world.watcher(bo, track).layer(), Some(2));
    let mut offer = world.clients[ann].restart_ice();
    let (smallest, _) = world.camera(ann).layers[0].ssrc.expect("one of a group");
    let pair = format!("a=ssrc-group:FID {smallest}");
    let alone = offer.sealed.0.replace(&pair, &format!("a=ssrc-group:SIM {smallest}\r\n{pair}"));
    assert_ne!(*alone, *offer.sealed.0);
    offer.sealed = World::text(&alone);
    world.say(ann, offer);
    world.camera(ann).layers.iter_mut().skip(1).for_each(|layer| layer.on = false);
    world.run(2 * SECOND);
    world.reports.clear();
    let before = world.frames(bo, track);
    hint(&mut world, bo, track, 320, 180);
    world.run(10 * SECOND);
    let about_layers = |report: &Report| matches!(report, Report::Of { news: News::Layers { .. }, .. });
    assert!(!world.reports.iter().any(about_layers), "there is nothing to choose from");
    let (more, layer) = (world.frames(bo, track) - before, world.watcher(bo, track).layer());
    assert!(more > 200 && layer == Some(0), "{more} frames of {layer:?}");
}

#[test]
fn a_narrow_link_gets_a_smaller_layer_and_no_delay_and_the_others_all() {
    let mut world = World::new(53);
    let ann = world.join_as(&camera(Picture::Group));
    let (bo, cy) = (world.join_as(&viewer()), world.join_as(&viewer()));
    let track = world.track(ann, Kind::Video);
    hint(&mut world, bo, track, 1280, 720);
    hint(&mut world, cy, track, 1280, 720);
    world.run(8 * SECOND);
    assert_eq!(world.watcher(bo, track).layer(), Some(2));
    let who = world.clients[bo].who;
    world.narrow.insert(who, Narrow::new(world.now, 700_000, 2 * SECOND));
    world.run(12 * SECOND);
    let watcher = world.watcher(bo, track);
    println!(
        "narrow: {:?}, {} frames, {} breaks, delay {:?}",
        watcher.layers, watcher.frames, watcher.breaks, watcher.worst_delay
    );
    watcher.worst_delay = Duration::ZERO;
    let before = watcher.frames;
    assert!(watcher.layer() < Some(2));
    world.run(8 * SECOND);
    let watcher = world.watcher(bo, track);
    println!(
        "later: {:?}, {} frames, {} breaks, delay {:?}",
        watcher.layers, watcher.frames, watcher.breaks, watcher.worst_delay
    );
    assert!(watcher.worst_delay < Duration::from_millis(600), "{:?}", watcher.worst_delay);
    assert!(watcher.frames - before > 8 * 20, "{}", watcher.frames - before);
    let watcher = world.watcher(cy, track);
    assert_eq!((watcher.layer(), watcher.breaks), (Some(2), 0));
    assert!(watcher.worst_delay < Duration::from_millis(100), "the other does not wait: {:?}", watcher.worst_delay);
}

fn switched_off(world: &World, who: ParticipantId) -> Vec<TrackId> {
    let mut all: Vec<TrackId> = Vec::new();
    for report in &world.reports {
        let Report::Of { who: own, news: News::Switched { off, on }, .. } = report else { continue };
        if *own == who {
            all.retain(|track| !on.contains(track));
            all.extend(off);
        }
    }
    all
}

/// The level of its own connection that a client was told last.
fn quality(world: &World, who: ParticipantId) -> u8 {
    let told = world.reports.iter().rev().find_map(|report| match report {
        Report::Of { who: own, news: News::Quality(quality), .. } if *own == who => Some(quality.own.level),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn a_link_too_narrow_for_all_shows_as_tracks_switched_off() {
    let mut world = World::new(54);
    let cameras: Vec<usize> = (0..4).map(|_| world.join_as(&camera(Picture::One))).collect();
    let (bo, cy) = (world.join_as(&Join::default()), world.join_as(&Join::default()));
    world.run(3 * SECOND);
    let who = world.clients[bo].who;
    // Room for two of four.
    world.narrow.insert(who, Narrow::new(world.now, 1_100_000, 2 * SECOND));
    world.run(15 * SECOND);
    let off = switched_off(&world, who);
    println!("off: {off:?}");
    assert!((1..=3).contains(&off.len()), "{off:?}");
    let tracks: Vec<TrackId> = cameras.iter().map(|camera| world.track(*camera, Kind::Video)).collect();
    let before: Vec<u64> = tracks.iter().map(|track| world.frames(bo, *track)).collect();
    tracks.iter().for_each(|track| world.watcher(bo, *track).worst_delay = Duration::ZERO);
    world.run(5 * SECOND);
    for (track, before) in tracks.iter().zip(before) {
        let (frames, delay) = (world.frames(bo, *track) - before, world.watcher(bo, *track).worst_delay);
        println!("{track:?}: {frames} frames, delay {delay:?}");
        assert!(delay < Duration::from_millis(800), "{delay:?}");
    }
    for track in tracks {
        let watcher = world.watcher(cy, track);
        assert!(watcher.breaks == 0 && watcher.worst_delay < Duration::from_millis(100), "the other sees all");
        assert!(watcher.worst_gap < Duration::from_millis(100), "{:?}", watcher.worst_gap);
    }
}

#[test]
fn a_link_too_narrow_for_the_smallest_picture_carries_sound_alone_and_in_time() {
    let mut world = World::new(crate::seed(55));
    let ann = world.join_as(&Join { audio: true, ..camera(Picture::Group) });
    let bo = world.join_as(&Join { channels: vec![Channel::Quality], ..Join::default() });
    let (track, sound) = (world.track(ann, Kind::Video), world.track(ann, Kind::Audio));
    world.run(6 * SECOND);
    let who = world.clients[bo].who;
    // The smallest picture takes 120 kbit/s by itself.
    world.narrow.insert(who, Narrow::new(world.now, 100_000, 2 * SECOND));
    world.run(40 * SECOND);
    assert_eq!(switched_off(&world, who), [track]);
    let level = quality(&world, who);
    assert!((1..=2).contains(&level), "level {level} while no picture comes");
    let heard = world.heard(bo, sound);
    for _ in 0..20 {
        world.run(SECOND);
        let waits = world.narrow[&who].wait(world.now);
        assert!(waits < Duration::from_millis(500), "the next packet waits {waits:?}");
    }
    let heard = world.heard(bo, sound) - heard;
    assert!(heard > 20 * 48, "{heard} packets of sound");
    assert_eq!(switched_off(&world, who), [track]);
    world.narrow.clear();
    let (since, frames) = (world.now, world.frames(bo, track));
    while world.frames(bo, track) == frames && world.now - since < 130 * SECOND {
        world.run(SECOND);
    }
    println!("pictures again after {:?}", world.now - since);
    assert!(world.frames(bo, track) > frames);
}

/// For how long at a time pictures are off, at most.
fn longest_off(world: &mut World, viewer: usize, time: Duration) -> Duration {
    let who = world.clients[viewer].who;
    let (mut since, mut longest) = (None, Duration::ZERO);
    for _ in 0..time.as_millis() / 100 {
        world.run(Duration::from_millis(100));
        let off = !switched_off(world, who).is_empty();
        since = off.then_some(since.unwrap_or(world.now));
        longest = longest.max(since.map_or(Duration::ZERO, |since| world.now - since));
    }
    longest
}

/// Everything comes in the end, some of it late, and nothing is lost: the server is late too, as it is on the same computer.
#[test]
fn a_computer_with_too_much_to_do_costs_no_picture() {
    let ms = Duration::from_millis;
    for (between, server_too) in [(ms(1_000), false), (ms(300), true)] {
        let mut world = World::new(crate::seed(63));
        let cameras: Vec<usize> = (0..3).map(|_| world.join_as(&Join { audio: true, ..camera(Picture::One) })).collect();
        cameras.iter().for_each(|one| world.camera(*one).layers[0].shape = LAYERS[2]);
        let bo = world.join_as(&Join::default());
        for client in cameras.iter().chain([&bo]).filter(|client| server_too || **client == bo) {
            let who = world.clients[*client].who;
            world.busy.insert(who, Busy::new(world.now, between, (ms(50), ms(200))));
        }
        world.server_busy = server_too.then(|| Busy::new(world.now, between, (ms(50), ms(200))));
        let longest = longest_off(&mut world, bo, 45 * SECOND);
        println!("server too: {server_too}: off for {longest:?}");
        assert!(longest <= 5 * SECOND, "{longest:?}");
    }
}

/// Where what waits too long is dropped, a full way looks much like a busy computer.
#[test]
fn a_narrow_link_with_a_short_queue_is_no_busy_computer() {
    let mut world = World::new(crate::seed(56));
    let ann = world.join_as(&Join { audio: true, ..camera(Picture::Group) });
    let bo = world.join_as(&viewer());
    let track = world.track(ann, Kind::Video);
    hint(&mut world, bo, track, 1280, 720);
    world.run(6 * SECOND);
    assert_eq!(world.watcher(bo, track).layer(), Some(2));
    let who = world.clients[bo].who;
    world.narrow.insert(who, Narrow::new(world.now, 1_000_000, Duration::from_millis(250)));
    world.run(12 * SECOND);
    let watcher = world.watcher(bo, track);
    println!("{:?}, {} frames, {} breaks", watcher.layers, watcher.frames, watcher.breaks);
    assert!(watcher.layer() < Some(2));
    watcher.worst_delay = Duration::ZERO;
    let before = watcher.frames;
    world.run(8 * SECOND);
    let watcher = world.watcher(bo, track);
    println!("later {:?}, {} frames, delay {:?}", watcher.layer(), watcher.frames - before, watcher.worst_delay);
    assert!(watcher.frames - before > 8 * 25 && watcher.worst_delay < Duration::from_millis(300));
}

/// When pictures that were off are on again.
fn back_after(world: &mut World, viewer: usize, mut off: Vec<TrackId>, most: Duration) -> Duration {
    let (who, since) = (world.clients[viewer].who, world.now);
    while !off.is_empty() && world.now - since < most {
        world.run(Duration::from_millis(100));
        for report in &world.reports {
            if let Report::Of { who: own, news: News::Switched { on, .. }, .. } = report
                && *own == who
            {
                off.retain(|track| !on.contains(track));
            }
        }
    }
    world.now - since
}

/// What little is sent meanwhile says nothing of how much the way takes by now.
#[test]
fn after_a_narrow_time_everything_is_back_soon() {
    let mut world = World::new(crate::seed(57));
    let cameras: Vec<usize> = (0..6).map(|_| world.join_as(&camera(Picture::One))).collect();
    cameras.iter().for_each(|one| world.camera(*one).layers[0].shape = LAYERS[2]);
    let bo = world.join_as(&Join { audio: true, ..Join::default() });
    let who = world.clients[bo].who;
    while !switched_off(&world, who).is_empty() || world.now - world.start < 4 * SECOND {
        world.run(SECOND);
        assert!(world.now - world.start < 20 * SECOND);
    }
    world.narrow.insert(who, Narrow::new(world.now, 1_500_000, SECOND));
    world.run(10 * SECOND);
    // That it is looked for does not make pictures come and go, nor wait.
    let off = switched_off(&world, who);
    assert!(!off.is_empty());
    world.reports.clear();
    let mut waits = Duration::ZERO;
    for _ in 0..300 {
        world.run(Duration::from_millis(100));
        waits = waits.max(world.narrow[&who].wait(world.now));
    }
    let switches = world.reports.iter().filter(|report| matches!(report, Report::Of { news: News::Switched { .. }, .. })).count();
    println!("{} off, {switches} switches, packets wait for {waits:?}", off.len());
    assert!(switches <= 3 && waits < Duration::from_millis(400), "{switches} switches, packets wait for {waits:?}");
    world.narrow.clear();
    let longest = back_after(&mut world, bo, off, 40 * SECOND);
    println!("everything is back after {longest:?}");
    assert!(longest < 10 * SECOND, "{longest:?}");
}
