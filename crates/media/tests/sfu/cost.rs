//! What a packet that is passed on costs, which is no memory, and who receives it, which is little.

use std::time::Duration;

use room::{Act, Kind};

use crate::client::{Join, Picture};
use crate::layers::{camera, hint, viewer};
use crate::taped::{Deck, called, record};
use crate::world::{Apart, Weather, World};

const SECOND: Duration = Duration::from_secs(1);

/// For each who receives one camera and one microphone.
const MOST_BYTES: i64 = 100_000;

/// Packets passed on in three seconds, and what that took in the calmest of them: a buffer that has grown to what it needs grows no more,
/// and whoever runs the tests takes memory now and then, in another thread.
fn passed(world: &mut World) -> (u64, Apart) {
    let passed = world.engine.counts().packets_out;
    let seconds = (0..3).map(|_| {
        world.apart = Some(Apart::default());
        world.run(SECOND);
        world.apart.take().unwrap_or_default()
    });
    let seconds: Vec<Apart> = seconds.collect();
    let packets = world.engine.counts().packets_out - passed;
    println!("{packets} packets, {seconds:?}");
    let calmest = seconds.into_iter().min_by_key(|apart| apart.passing.allocations + apart.repairing.allocations);
    (packets, calmest.unwrap_or_default())
}

#[test]
fn to_pass_sound_on_takes_no_memory() {
    let mut world = World::new(71);
    world.join(true, false, false);
    for _ in 0..30 {
        world.join(false, false, false);
    }
    world.run(6 * SECOND);
    let (packets, apart) = passed(&mut world);
    assert!(packets >= 30 * 149, "{packets}");
    assert_eq!(apart.passing.allocations, 0);
}

#[test]
fn to_pass_sound_and_pictures_on_takes_no_memory() {
    let mut world = World::new(72);
    world.join(true, true, false);
    for _ in 0..30 {
        world.join(false, false, false);
    }
    world.run(6 * SECOND);
    let (packets, apart) = passed(&mut world);
    assert!(packets > 10_000, "{packets}");
    assert_eq!(apart.passing.allocations, 0);
}

/// Where all send, what comes in is decrypted into memory of its own. That is all.
#[test]
fn to_pass_on_what_everybody_sends_takes_no_memory() {
    let mut world = World::new(73);
    for _ in 0..6 {
        world.join(true, true, false);
    }
    world.run(6 * SECOND);
    let (packets, apart) = passed(&mut world);
    assert!(packets > 10_000, "{packets}");
    assert_eq!(apart.passing.allocations, 0);
}

/// Each of three layers goes to somebody.
#[test]
fn to_pass_layers_on_takes_no_memory() {
    let mut world = World::new(74);
    let ann = world.join_as(&Join { audio: true, ..camera(Picture::Named) });
    let all = [(320, 180), (640, 360), (1280, 720)].map(|size| (world.join_as(&viewer()), size));
    let track = world.track(ann, Kind::Video);
    for (viewer, (width, height)) in all {
        hint(&mut world, viewer, track, width, height);
    }
    world.run(12 * SECOND);
    let layers = all.map(|(viewer, _)| world.watcher(viewer, track).layer());
    assert_eq!(layers, [Some(0), Some(1), Some(2)]);
    let (packets, apart) = passed(&mut world);
    assert!(packets > 3 * 300, "{packets}");
    assert_eq!(apart.passing.allocations, 0);
}

/// One of twenty packets is lost on its way to receivers: what they ask for is sent again.
#[test]
fn to_send_again_takes_no_memory() {
    let mut world = World::new(75);
    let ann = world.join(true, true, false);
    let receivers: Vec<usize> = (0..10).map(|_| world.join(false, false, false)).collect();
    world.run(6 * SECOND);
    for &receiver in &receivers {
        let address = world.clients[receiver].outside;
        world.local.insert(address, Weather { loss: 50, delay: Duration::from_millis(20), ..Weather::default() });
    }
    world.run(3 * SECOND);
    let frames =
        |world: &World| -> u64 { receivers.iter().map(|receiver| world.frames(*receiver, world.track(ann, Kind::Video))).sum() };
    let before = frames(&world);
    let (packets, apart) = passed(&mut world);
    let seen = frames(&world) - before;
    assert!(packets > 4_000 && seen > 10 * 3 * 25, "{packets} packets, {seen} frames");
    assert_eq!((apart.passing.allocations, apart.repairing.allocations), (0, 0));
}

/// What the recorder is told waits for it in the engine, and its turn is not measured here.
#[test]
fn to_pass_on_what_is_recorded_takes_no_memory() {
    let mut world = World::new(76);
    let deck = Deck::attach(&mut world);
    let ann = world.join(true, true, false);
    for _ in 0..10 {
        world.join(false, false, false);
    }
    let tracks = record(&mut world, ann);
    world.run(6 * SECOND);
    let (packets, apart) = passed(&mut world);
    assert!(packets > 4_000, "{packets}");
    assert_eq!(apart.passing.allocations, 0);
    let who = world.clients[ann].who;
    world.order(who, Act::Record(Vec::new()));
    world.run(SECOND);
    assert!(tracks.iter().all(|track| deck.borrow().outcome(called(*track)).is_some_and(|end| end.duration > 8 * SECOND)));
}

/// An offer without sources for repairs, as the vendor's SDK makes it of Firefox's.
fn without_repairs(offer: &mut String) {
    let repairs: Vec<String> =
        offer.lines().filter_map(|line| line.strip_prefix("a=rtpmap:")?.strip_suffix(" rtx/90000")).map(str::to_owned).collect();
    assert!(!repairs.is_empty(), "{offer}");
    let of = |line: &str, number: &String| {
        ["rtpmap", "fmtp", "rtcp-fb"].iter().any(|name| line.starts_with(&format!("a={name}:{number} ")))
    };
    let lines = offer.lines().filter(|line| !repairs.iter().any(|number| of(line, number)));
    let lines = lines.map(|line| match line.starts_with("m=video") {
        true => line.split(' ').filter(|word| !repairs.iter().any(|number| number == word)).collect::<Vec<_>>().join(" "),
        false => line.to_owned(),
    });
    *offer = lines.map(|line| line + "\r\n").collect();
}

/// What they are sent again is what left, for which only its header and signature are kept.
#[test]
fn to_send_again_as_it_left_takes_no_memory() {
    let mut world = World::new(77);
    let ann = world.join(true, true, false);
    world.run(2 * SECOND);
    let before = world.cost;
    let receivers: Vec<usize> = (0..10).map(|_| world.join_changed(&Join::default(), without_repairs)).collect();
    world.run(6 * SECOND);
    let each = world.cost.since(&before).live / 10;
    println!("{each} bytes for each");
    // 88 for each of the 256 packets that there is room for.
    assert!((10_000..MOST_BYTES + 25_000).contains(&each), "{each} bytes for each");
    for &receiver in &receivers {
        let client = &mut world.clients[receiver];
        for ssrc in client.received.keys() {
            client.rtc.direct_api().stream_rx(ssrc).into_iter().for_each(|stream| stream.suppress_nack(false));
        }
        let address = client.outside;
        world.local.insert(address, Weather { loss: 50, delay: Duration::from_millis(20), ..Weather::default() });
    }
    world.run(3 * SECOND);
    let video = world.track(ann, Kind::Video);
    let frames = |world: &World| -> u64 { receivers.iter().map(|receiver| world.frames(*receiver, video)).sum() };
    let before = frames(&world);
    let (packets, apart) = passed(&mut world);
    let seen = frames(&world) - before;
    assert!(packets > 4_000 && seen > 10 * 3 * 25, "{packets} packets, {seen} frames");
    let sources: Vec<usize> = receivers.iter().map(|receiver| world.clients[*receiver].received.len()).collect();
    assert_eq!(sources, [2; 10], "sound and pictures, and nothing under another source");
    assert_eq!((apart.passing.allocations, apart.repairing.allocations), (0, 0));
}

/// Most of it is the library's: what is ours of it is what may be sent again, of a camera 10 kB, and what was written for one turn.
#[test]
fn who_receives_one_camera_takes_little_memory() {
    const RECEIVERS: i64 = 30;
    let mut world = World::new(72);
    world.join(true, true, false);
    world.run(Duration::from_secs(2));
    let before = world.cost;
    for _ in 0..RECEIVERS {
        world.join(false, false, false);
    }
    world.run(Duration::from_secs(6));
    let each = world.cost.since(&before).live / RECEIVERS;
    println!("{each} bytes for each");
    assert!((10_000..MOST_BYTES).contains(&each), "{each} bytes for each");
}
