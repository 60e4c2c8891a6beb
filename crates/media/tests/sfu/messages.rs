//! Data tracks: how messages travel, and what too much of them does.

use std::sync::Arc;
use std::time::Duration;

use room::{Act, Kind, TrackId};
use str0m::channel::{ChannelConfig, Reliability};

use crate::client::{Join, Picture};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn publisher(ordered: bool, reliability: Reliability) -> Join {
    let config = ChannelConfig { ordered, reliability, ..ChannelConfig::default() };
    Join { video: Picture::One, data: Some(config), ..Join::default() }
}

/// Somebody with a data track of this kind and a camera, and two who receive it.
fn three(seed: u64, ordered: bool, reliability: Reliability) -> (World, [usize; 3], TrackId) {
    let mut world = World::new(seed);
    let all = [world.join_as(&publisher(ordered, reliability)), world.join(false, true, false), world.join(false, true, false)];
    world.run(3 * SECOND);
    let track = world.track(all[0], Kind::Data);
    (world, all, track)
}

/// How many messages of a track a client has.
fn received(world: &World, client: usize, track: TrackId) -> usize {
    let label = world.label(client, track);
    world.clients[client].messages.iter().filter(|(own, _)| Some(own) == label.as_ref()).count()
}

/// Pictures move between everybody, and nobody was dropped.
fn all_is_well(world: &mut World, all: &[usize]) {
    let pairs = |all: &[usize]| -> Vec<(usize, usize)> {
        all.iter().flat_map(|a| all.iter().filter(move |b| *b != a).map(move |b| (*a, *b))).collect()
    };
    let count = |world: &World| -> Vec<u64> {
        pairs(all).iter().map(|(viewer, other)| world.frames(*viewer, world.track(*other, Kind::Video))).collect()
    };
    let before = count(world);
    world.run(SECOND);
    let after = count(world);
    assert!(after.iter().zip(&before).all(|(after, before)| after - before >= 25), "{before:?} {after:?}");
    assert_eq!(world.dead(), []);
    assert_eq!(world.engine.counts().panics, 0);
}

#[test]
fn receivers_get_a_channel_of_the_publishers_kind() {
    for (n, (ordered, reliability)) in [
        (true, Reliability::Reliable),
        (false, Reliability::MaxRetransmits { retransmits: 3 }),
        (false, Reliability::MaxPacketLifetime { lifetime: 200 }),
        (true, Reliability::MaxRetransmits { retransmits: 0 }),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut world, [ann, bo, cy], track) = three(60 + n as u64, ordered, reliability);
        assert!(world.clients[ann].send(track, b"one"));
        world.run(SECOND);
        for viewer in [bo, cy] {
            let label = world.label(viewer, track).unwrap();
            assert_eq!(world.clients[viewer].manner(&label), Some((ordered, reliability)));
            assert_eq!(received(&world, viewer, track), 1);
        }
    }
}

/// The browser's association begins before the answer that says how much it takes has come through signaling.
#[test]
fn a_message_of_the_largest_size_passes_where_answers_are_late() {
    let mut world = World::new(66);
    world.answers_late = Duration::from_millis(300);
    let all = [world.join_as(&publisher(true, Reliability::Reliable)), world.join(false, true, false)];
    world.run(5 * SECOND);
    let track = world.track(all[0], Kind::Data);
    let size = usize::try_from(media::limit::MESSAGE_BYTES_MAX).unwrap();
    assert!(world.clients[all[0]].send(track, &vec![7; size]));
    world.run(3 * SECOND);
    assert_eq!(world.clients[all[1]].messages.iter().map(|(_, data)| data.len()).collect::<Vec<_>>(), [size]);
}

#[test]
fn a_message_of_the_largest_size_passes() {
    let (mut world, [ann, bo, cy], track) = three(65, true, Reliability::Reliable);
    let size = usize::try_from(media::limit::MESSAGE_BYTES_MAX).unwrap();
    assert!(world.clients[ann].send(track, &vec![7; size]));
    world.run(3 * SECOND);
    for viewer in [bo, cy] {
        assert_eq!(world.clients[viewer].messages.iter().map(|(_, data)| data.len()).collect::<Vec<_>>(), [size]);
    }
    all_is_well(&mut world, &[ann, bo, cy]);
}

/// Messages with nothing in them come between those with something, on channels of every kind.
#[test]
fn a_message_with_nothing_in_it_passes() {
    for (n, ordered) in [true, false].into_iter().enumerate() {
        let mut world = World::new(74 + n as u64);
        // What the library cannot send, its cryptography can.
        let crypto = Some(Arc::new(media::settings::cryptography()));
        let ann = world.join_as(&Join { crypto, ..publisher(ordered, Reliability::Reliable) });
        let bo = world.join(false, true, false);
        world.run(3 * SECOND);
        let track = world.track(ann, Kind::Data);
        let nothing = media::empty::stand_in().unwrap();
        for message in [b"one".as_slice(), nothing, nothing, b"two", nothing] {
            assert!(world.clients[ann].send(track, message));
        }
        world.run(SECOND);
        let got: Vec<&[u8]> = world.clients[bo].messages.iter().map(|(_, data)| &data[..]).collect();
        assert_eq!(got, [b"one".as_slice(), b"", b"", b"two", b""]);
        assert_eq!(world.engine.counts().messages_dropped, 0);
    }
}

/// Sends as many messages of this size as fast as the channel takes them, and waits until they have come; the seconds it took.
fn burst(seed: u64, count: usize, size: usize) -> f64 {
    let (mut world, all, track) = three(seed, true, Reliability::Reliable);
    let message = |n: usize| [&n.to_be_bytes()[..], &vec![7; size - 8]].concat();
    let (mut sent, mut waited) = (0, Duration::ZERO);
    let step = Duration::from_millis(100);
    while [all[1], all[2]].iter().any(|viewer| received(&world, *viewer, track) < count) {
        while sent < count && world.clients[all[0]].send(track, &message(sent)) {
            sent += 1;
        }
        world.run(step);
        waited += step;
        assert!(waited < 60 * SECOND, "{sent} sent, {} received", received(&world, all[1], track));
    }
    for viewer in [all[1], all[2]] {
        let messages = world.clients[viewer].messages.iter().map(|(_, data)| data);
        assert!(messages.eq((0..count).map(message).collect::<Vec<_>>().iter()), "whole and in order");
        assert_eq!(world.clients[viewer].opened, 1, "never closed");
    }
    all_is_well(&mut world, &all);
    waited.as_secs_f64()
}

#[test]
fn a_burst_on_a_reliable_track_arrives_whole_and_in_order() {
    println!("5,000 small ones: {} s", burst(72, 5_000, 500));
    println!("a file of 1.2 MB: {} s", burst(73, 20, 60_000));
}

#[test]
fn ten_thousand_messages_a_second_harm_nobody() {
    for (n, reliability) in [Reliability::Reliable, Reliability::MaxRetransmits { retransmits: 0 }].into_iter().enumerate() {
        let (mut world, all, track) = three(66 + n as u64, true, reliability);
        let mut sent = 0;
        for _ in 0..2_000 {
            for _ in 0..10 {
                sent += usize::from(world.clients[all[0]].send(track, b"0123456789"));
            }
            world.step();
        }
        assert!(world.clients[all[1]].opened <= 2, "{} channels opened", world.clients[all[1]].opened);
        println!("{sent} sent, {} and {} received", received(&world, all[1], track), received(&world, all[2], track));
        let seconds = 2 + media::limit::MESSAGES_BURST_S;
        // Those of one more datagram come at once.
        let most = usize::try_from(seconds * media::limit::MESSAGES_PER_S).unwrap() + 100;
        assert!(sent > most && received(&world, all[1], track) <= most);
        assert!(world.engine.counts().flooded > 0);
        world.run(2 * SECOND);
        all_is_well(&mut world, &all);
    }
}

#[test]
fn a_channel_that_is_given_up_before_it_opens_is_closed() {
    let mut world = World::new(71);
    let ann = world.join_as(&publisher(true, Reliability::Reliable));
    world.run(2 * SECOND);
    let bo = world.join(true, false, true);
    let who = world.clients[bo].who;
    // They agree by way of the rooms, and nothing else gets through: the channel is asked for and cannot open.
    world.cut.push(who);
    world.run(SECOND);
    let track = world.track(ann, Kind::Data);
    assert!(world.label(bo, track).is_some());
    world.order(who, Act::Subscribe(vec![]));
    world.run(SECOND);
    world.cut.clear();
    world.run(4 * SECOND);
    assert_eq!((world.label(bo, track), world.clients[bo].opened, world.clients[bo].channels_open()), (None, 2, 1));
    world.subscribe_all();
    world.run(2 * SECOND);
    assert_eq!((world.clients[ann].channels_open(), world.clients[bo].channels_open()), (2, 2));
    assert!(world.clients[ann].send(track, b"woof"));
    world.run(SECOND);
    assert_eq!(received(&world, bo, track), 1);
}

#[test]
fn a_thousand_channels_are_cut_down_to_the_limit() {
    let (mut world, all, _) = three(68, true, Reliability::Reliable);
    for n in 0..1_000 {
        world.clients[all[0]].open_channel(&format!("many-{n}"));
        if n % 10 == 0 {
            world.step();
        }
    }
    world.run(5 * SECOND);
    let open = world.clients[all[0]].channels_open();
    println!("{open} open");
    assert!(open <= media::limit::CHANNELS_MAX, "{open}");
    all_is_well(&mut world, &all);
}

#[test]
fn a_reader_that_reads_nothing_holds_nobody_up() {
    let (mut world, all, track) = three(69, true, Reliability::Reliable);
    let (who, cut) = (world.clients[all[1]].who, all[1]);
    world.cut.push(who);
    let before = world.label(cut, track);
    // Within what the publisher may send, but more than is kept for one reader.
    for n in 0..600 {
        world.clients[all[0]].send(track, &[n as u8; 4_500]);
        world.run(Duration::from_millis(11));
    }
    world.run(SECOND);
    assert_eq!(received(&world, all[2], track), 600, "the other has everything");
    let label = world.label(cut, track);
    assert_ne!(label, before, "what cannot be kept is closed, not shortened");
    world.cut.clear();
    world.run(4 * SECOND);
    all_is_well(&mut world, &[all[0], all[2]]);
    let who = world.clients[all[0]].who;
    world.order(who, Act::Close);
}
