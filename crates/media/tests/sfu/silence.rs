//! Clients of which nothing is heard.

use std::time::Duration;

use media::demux::Class;
use room::Kind;

use crate::client::{Join, Picture};
use crate::layers::{camera, hint, viewer};
use crate::world::{Sieve, World};

const SECOND: Duration = Duration::from_secs(1);

/// Bits a second that a viewer of large pictures is sent before its datagrams are dropped, and after; then everything is as before.
fn check(seed: u64, drops: fn(bool, Class) -> bool) {
    let mut world = World::new(crate::seed(seed));
    let ann = world.join_as(&Join { audio: true, ..camera(Picture::Group) });
    let (bo, cy) = (world.join_as(&viewer()), world.join_as(&viewer()));
    let track = world.track(ann, Kind::Video);
    [bo, cy].into_iter().for_each(|viewer| hint(&mut world, viewer, track, 1280, 720));
    world.run(8 * SECOND);
    let rate = |world: &mut World, viewer: usize, seconds: u32| {
        let bytes = |world: &World| world.bytes_to.get(&world.clients[viewer].outside).copied().unwrap_or(0);
        let before = bytes(world);
        world.run(seconds * SECOND);
        (bytes(world) - before) * 8 / u64::from(seconds)
    };
    let before = rate(&mut world, bo, 4);
    let who = world.clients[bo].who;
    let sieve: Sieve = Box::new(move |own, to, class| own == who && drops(to, class));
    world.sieve = Some(sieve);
    world.run(8 * SECOND);
    let meanwhile = rate(&mut world, bo, 4);
    println!("{before} bit/s, and {meanwhile} bit/s of which nothing is told");
    assert!(before > 1_200_000 && meanwhile < 400_000, "{before} and {meanwhile}");
    assert_eq!(world.dead(), []);
    let other = world.watcher(cy, track);
    assert_eq!((other.layer(), other.breaks), (Some(2), 0), "the other's pictures are what they were");
    world.sieve = None;
    let since = world.now;
    while world.watcher(bo, track).layer() != Some(2) && world.now - since < 30 * SECOND {
        world.run(SECOND / 10);
    }
    world.run(2 * SECOND);
    let frames = world.frames(bo, track);
    world.run(2 * SECOND);
    println!("large pictures again after {:?}", world.now - since - 4 * SECOND);
    assert!(world.watcher(bo, track).layer() == Some(2) && world.frames(bo, track) - frames > 50);
}

#[test]
fn who_reports_no_arrival_is_sent_less() {
    check(91, |to, class| !to && class == Class::Rtcp);
}

#[test]
fn who_gets_nothing_but_checks_is_sent_less() {
    check(92, |to, class| to && class != Class::Stun);
}
