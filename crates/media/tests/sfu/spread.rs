//! A room on several workers.

use std::time::Duration;

use room::{Act, Channel, Kind, News, ParticipantId, Report, Track, View};
use str0m::channel::{ChannelConfig, Reliability};

use crate::client::{Join, Picture};
use crate::layers::{camera, hint, obey, viewer};
use crate::mixed::{member, scene};
use crate::mixer::Mixer;
use crate::taped::Deck;
use crate::world::{Apart, ROOM, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// So many who send sound and pictures to each other, by turns on the first worker and on the second.
fn room(seed: u64, people: usize) -> World {
    let mut world = World::spread(crate::seed(seed), 2, 1);
    for _ in 0..people {
        world.join(true, true, true);
    }
    let workers: Vec<usize> = (0..people).map(|client| world.worker_of(client)).collect();
    assert_eq!(workers, (0..people).map(|client| client % 2).collect::<Vec<_>>());
    world
}

/// Everybody sees and hears everybody in the next second.
fn all_is_well(world: &mut World) {
    let pairs: Vec<(usize, usize)> = (0..world.clients.len())
        .flat_map(|viewer| (0..world.clients.len()).map(move |other| (viewer, other)))
        .filter(|(viewer, other)| viewer != other)
        .collect();
    let sends = |world: &World, client: usize, kind: Kind| world.clients[client].tracks.iter().any(|track| track.kind == kind);
    let count = |world: &World| -> Vec<(u64, u64)> {
        let of = |viewer: usize, other: usize, kind: Kind| match kind {
            kind if !sends(world, other, kind) => 0,
            Kind::Video => world.frames(viewer, world.track(other, kind)),
            _ => world.heard(viewer, world.track(other, kind)),
        };
        pairs.iter().map(|(viewer, other)| (of(*viewer, *other, Kind::Video), of(*viewer, *other, Kind::Audio))).collect()
    };
    let before = count(world);
    world.run(SECOND);
    for (((viewer, other), before), after) in pairs.iter().zip(before).zip(count(world)) {
        let (frames, sounds) = (after.0 - before.0, after.1 - before.1);
        let (seen, heard) =
            (frames >= 25 || !sends(world, *other, Kind::Video), sounds >= 45 || !sends(world, *other, Kind::Audio));
        assert!(seen && heard, "{viewer} saw {frames} frames and heard {sounds} packets of {other}");
    }
}

fn nobody_is_remembered(world: &mut World, workers: usize) {
    for worker in 0..workers {
        assert_eq!(world.engine_of(worker).sizes(), (0, 0, 0), "worker {worker}");
        assert_eq!(world.engine_of(worker).poll_timeout(), None, "worker {worker}");
    }
}

fn leave_all(world: &mut World) {
    let all: Vec<ParticipantId> = world.clients.iter().map(|client| client.who).collect();
    all.into_iter().for_each(|who| world.order(who, Act::Close));
    world.run(SECOND);
}

#[test]
fn pictures_and_sound_go_both_ways() {
    let mut world = room(301, 6);
    world.run(4 * SECOND);
    all_is_well(&mut world);
    let counts = world.engine.counts();
    // Each of the three here goes to the other worker once, for three receivers there.
    let each = counts.piped as f64 / counts.packets_in as f64;
    assert!((0.9..=1.0).contains(&each), "{counts:?}");
    assert_eq!((counts.pipe_dropped, world.dead()), (0, vec![]));
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

#[test]
fn three_workers_see_each_other() {
    let mut world = World::spread(crate::seed(302), 3, 1);
    for _ in 0..6 {
        world.join(true, true, false);
    }
    assert_eq!((0..6).map(|client| world.worker_of(client)).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
    world.run(4 * SECOND);
    all_is_well(&mut world);
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 3);
}

#[test]
fn a_room_below_the_threshold_meets_no_pipe() {
    let mut world = World::spread(crate::seed(303), 2, 3);
    for _ in 0..3 {
        world.join(true, true, false);
    }
    world.run(3 * SECOND);
    all_is_well(&mut world);
    assert_eq!((world.engine.counts().piped, world.ground().passed), (0, 0));
    assert_eq!(world.engine_of(1).sizes(), (0, 0, 0));
    // One more, and one more part.
    world.join(true, true, false);
    world.run(3 * SECOND);
    all_is_well(&mut world);
    assert!(world.ground().passed > 1_000);
    // The last of the wing leaves: the room is where it was before.
    world.leave(3);
    world.run(SECOND);
    let passed = world.ground().passed;
    all_is_well(&mut world);
    assert_eq!(world.ground().passed, passed);
    assert_eq!(world.engine_of(1).sizes(), (0, 0, 0));
}

#[test]
fn who_leaves_is_gone_on_both_workers() {
    let mut world = room(304, 4);
    world.run(3 * SECOND);
    // Of the wing, and then of home, where the first came.
    for leaver in [1, 0] {
        world.leave(leaver);
        world.run(2 * SECOND);
        all_is_well(&mut world);
        let tracks = 3 * world.clients.len();
        for worker in [0, 1] {
            assert_eq!(world.engine_of(worker).sizes().2, tracks);
        }
    }
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

#[test]
fn a_home_that_everybody_has_left_stays_home_until_the_room_is_over() {
    let mut world = room(305, 4);
    world.run(2 * SECOND);
    world.leave(2);
    world.leave(0);
    world.run(2 * SECOND);
    all_is_well(&mut world);
    assert!(world.reports.iter().any(|report| matches!(report, Report::Speaker { .. })) || world.engine.sizes().0 == 1);
    world.join(true, true, false);
    assert_eq!(world.worker_of(2), 0);
    world.run(3 * SECOND);
    all_is_well(&mut world);
    world.leave(2);
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

/// From the order to come in until the first picture of somebody at home.
fn first_picture(spread: usize) -> (Duration, u32) {
    let mut world = World::spread(crate::seed(306), 2, spread);
    let ann = world.join(true, true, false);
    world.run(5 * SECOND);
    let before = world.camera(ann).keyframes;
    let joined = world.now;
    let bo = world.join(false, false, false);
    world.run(3 * SECOND);
    let track = world.track(ann, Kind::Video);
    let first = world.watcher(bo, track).first_at.expect("a picture") - joined;
    (first, world.camera(ann).keyframes - before)
}

#[test]
fn who_comes_to_the_wing_sees_a_picture_as_soon_as_at_home() {
    let ((home, _), (wing, asked)) = (first_picture(2), first_picture(1));
    println!("first picture after {home:?} at home, {wing:?} on the wing");
    assert!(wing < Duration::from_millis(500) && wing <= home + 40 * MS, "{home:?} at home, {wing:?} on the wing");
    assert!((1..=2).contains(&asked), "{asked} key frames");
}

/// A decoder that cannot go on has a key frame after the time that it takes at home.
#[test]
fn a_key_frame_is_asked_for_from_the_wing() {
    let took = [2, 1].map(|spread| {
        let mut world = World::spread(crate::seed(307), 2, spread);
        let (ann, bo) = (world.join(true, true, false), world.join(false, false, false));
        world.run(4 * SECOND);
        let (before, since) = (world.camera(ann).keyframes, world.now);
        let ssrc = world.clients[bo].received.keys().copied().collect::<Vec<_>>();
        ssrc.into_iter().for_each(|ssrc| world.clients[bo].ask(ssrc));
        while world.camera(ann).keyframes == before && world.now - since < 2 * SECOND {
            world.run(MS);
        }
        world.now - since
    });
    println!("a key frame is made after {took:?}");
    assert!(took[1] <= took[0] + 5 * MS && took[1] < SECOND, "{took:?}");
}

fn run_obeying(world: &mut World, publisher: usize, time: Duration) {
    let until = world.now + time;
    while world.now < until {
        world.run(100 * MS);
        obey(world, publisher);
    }
}

#[test]
fn layers_are_sent_as_the_wing_needs_them() {
    for video in [Picture::Group, Picture::Named] {
        let mut world = World::spread(crate::seed(308), 2, 1);
        let ann = world.join_as(&camera(video));
        let bo = world.join_as(&viewer());
        let cy = world.join_as(&viewer());
        assert_eq!([ann, bo, cy].map(|client| world.worker_of(client)), [0, 1, 0]);
        let track = world.track(ann, Kind::Video);
        hint(&mut world, bo, track, 1280, 720);
        hint(&mut world, cy, track, 320, 180);
        world.run(8 * SECOND);
        assert_eq!([bo, cy].map(|viewer| world.watcher(viewer, track).layer()), [Some(2), Some(0)]);
        // Nobody needs more than the smallest now.
        hint(&mut world, bo, track, 320, 180);
        run_obeying(&mut world, ann, 14 * SECOND);
        assert_eq!(obey(&mut world, ann), Some(vec![true, false, false]));
        assert_eq!(world.watcher(bo, track).layer(), Some(0));
        // And again, from the wing alone.
        hint(&mut world, bo, track, 1280, 720);
        let since = world.now;
        while world.watcher(bo, track).layer() != Some(2) && world.now - since < 14 * SECOND {
            run_obeying(&mut world, ann, 100 * MS);
        }
        assert_eq!(world.watcher(bo, track).layer(), Some(2));
        assert_eq!(world.watcher(cy, track).layer(), Some(0));
        for viewer in [bo, cy] {
            assert_eq!(world.watcher(viewer, track).breaks, 0);
        }
    }
}

#[test]
fn a_camera_that_sends_nothing_is_woken_from_the_wing() {
    for video in [Picture::Group, Picture::Named] {
        let mut world = World::spread(crate::seed(324), 2, 1);
        let ann = world.join_as(&camera(video));
        // Nobody looks, so it is told to stop.
        run_obeying(&mut world, ann, 25 * SECOND);
        assert_eq!(obey(&mut world, ann), Some(vec![false; 3]));
        let bo = world.join_as(&viewer());
        assert_eq!([ann, bo].map(|client| world.worker_of(client)), [0, 1]);
        let track = world.track(ann, Kind::Video);
        run_obeying(&mut world, ann, 3 * SECOND);
        assert!(world.frames(bo, track) > 10);
        run_obeying(&mut world, ann, 12 * SECOND);
        assert_eq!((world.watcher(bo, track).layer(), world.watcher(bo, track).breaks), (Some(2), 0));
    }
}

#[test]
fn what_nobody_receives_is_not_piped() {
    let mut world = World::spread(crate::seed(309), 2, 1);
    let (_ann, bo) = (world.join(true, true, false), world.join(false, false, false));
    world.run(3 * SECOND);
    let who = world.clients[bo].who;
    world.order(who, Act::Subscribe(Vec::new()));
    world.run(SECOND);
    let passed = world.ground().passed;
    world.run(SECOND);
    assert_eq!(world.ground().passed, passed);
    world.subscribe_all();
    world.run(2 * SECOND);
    assert!(world.frames(bo, world.track(0, Kind::Video)) > 25);
}

#[test]
fn a_full_pipe_costs_pictures_until_the_next_key_frame() {
    let mut world = room(310, 4);
    world.run(4 * SECOND);
    all_is_well(&mut world);
    let keyframes = world.camera(0).keyframes;
    world.ground().room = 1;
    world.run(500 * MS);
    let dropped = world.engine.counts().pipe_dropped;
    assert!(dropped > 0 && usize::try_from(dropped).unwrap() <= world.ground().refused);
    world.ground().room = media::limit::PIPE_PACKETS_MAX;
    world.run(SECOND);
    all_is_well(&mut world);
    let track = world.track(0, Kind::Video);
    for viewer in [1, 3] {
        // Frames are missing, and a key frame was waited for; what is left of others is not taken for pictures.
        let breaks = world.watcher(viewer, track).breaks;
        assert!((1..=3).contains(&breaks), "{breaks}");
    }
    let asked = world.camera(0).keyframes - keyframes;
    assert!((1..=5).contains(&asked), "{asked} key frames");
    assert_eq!(world.dead(), []);
}

/// Who is said to speak, one after the other.
fn speakers(world: &World) -> Vec<Option<ParticipantId>> {
    let who = |report: &Report| match report {
        Report::Speaker { who, .. } => Some(*who),
        _ => None,
    };
    world.reports.iter().filter_map(who).collect()
}

#[test]
fn the_speaker_of_either_side_is_told_once() {
    let mut world = room(311, 2);
    let (ann, bo) = (world.clients[0].who, world.clients[1].who);
    for (loud, quiet, expected) in [(0, 1, ann), (1, 0, bo), (0, 1, ann)] {
        (world.clients[loud].level, world.clients[quiet].level) = (-30, -110);
        world.reports.clear();
        world.run(6 * SECOND);
        assert_eq!(speakers(&world), [Some(expected)]);
    }
    // Who is muted on the wing speaks no more.
    (world.clients[1].level, world.clients[0].level) = (-30, -110);
    world.run(6 * SECOND);
    let tracks = world.clients[1].tracks.iter().map(|track| Track { enabled: false, ..track.clone() }).collect();
    world.reports.clear();
    world.order(bo, Act::Publish(tracks));
    world.run(SECOND);
    assert_eq!(speakers(&world), [None]);
}

#[test]
fn how_connections_are_is_known_in_all_parts() {
    let mut world = World::spread(crate::seed(312), 2, 1);
    for _ in 0..4 {
        world.join_with(true, true, false, &[Channel::Quality]);
    }
    world.run(20 * SECOND);
    for client in 0..4 {
        let me = world.clients[client].who;
        let told = world.reports.iter().rev().find_map(|report| match report {
            Report::Of { who, news: News::Quality(quality), .. } if *who == me => Some(quality.clone()),
            _ => None,
        });
        let mut others: Vec<ParticipantId> = told.expect("a report").others.iter().map(|(who, _)| *who).collect();
        others.sort_unstable();
        let expected: Vec<_> = world.clients.iter().map(|other| other.who).filter(|who| *who != me).collect();
        assert_eq!(others, expected);
    }
}

/// Somebody with a data track of this kind at home, and one who receives it on the wing and at home.
fn messengers(seed: u64, reliability: Reliability) -> World {
    let mut world = World::spread(crate::seed(seed), 2, 1);
    for _ in 0..3 {
        let config = ChannelConfig { ordered: true, reliability, ..ChannelConfig::default() };
        world.join_as(&Join { video: Picture::One, data: Some(config), ..Join::default() });
    }
    world.run(3 * SECOND);
    world
}

fn messages(world: &World, client: usize, from: usize) -> Vec<Vec<u8>> {
    let label = world.label(client, world.track(from, Kind::Data));
    let own = world.clients[client].messages.iter().filter(|(own, _)| Some(own) == label.as_ref());
    own.map(|(_, data)| data.clone()).collect()
}

#[test]
fn messages_reach_both_workers_in_order() {
    for (seed, reliability) in [(313, Reliability::Reliable), (314, Reliability::MaxRetransmits { retransmits: 2 })] {
        let mut world = messengers(seed, reliability);
        let sent: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; 50]).collect();
        for from in [0, 1] {
            let track = world.track(from, Kind::Data);
            sent.iter().for_each(|data| assert!(world.clients[from].send(track, data)));
            world.run(2 * SECOND);
            for to in (0..3).filter(|to| *to != from) {
                assert_eq!(messages(&world, to, from), sent, "from {from} to {to}");
                let label = world.label(to, track).unwrap();
                assert_eq!(world.clients[to].manner(&label), Some((true, reliability)));
            }
        }
    }
}

/// A hole in a reliable track would be a broken promise: those at the other end get it anew.
#[test]
fn messages_that_find_no_room_close_a_reliable_track_on_the_wing_alone() {
    let mut world = messengers(320, Reliability::Reliable);
    let track = world.track(0, Kind::Data);
    let before = [1, 2].map(|client| world.label(client, track).unwrap());
    let send = |world: &mut World, numbers: std::ops::Range<u8>| {
        numbers.for_each(|n| assert!(world.clients[0].send(track, &[n])));
        world.run(500 * MS);
    };
    send(&mut world, 0..10);
    world.ground().full = true;
    send(&mut world, 10..20);
    world.ground().full = false;
    send(&mut world, 20..30);
    assert!(!world.clients[1].has_channel(&before[0]) && world.clients[2].has_channel(&before[1]));
    world.run(media::limit::DATA_REOPEN_PAUSE + SECOND);
    send(&mut world, 30..40);
    let heard = |client: usize| -> Vec<u8> { world.clients[client].messages.iter().map(|(_, data)| data[0]).collect() };
    assert_eq!(heard(1), (0..10).chain(30..40).collect::<Vec<_>>());
    assert_eq!(heard(2), (0..40).collect::<Vec<_>>());
    assert_ne!(world.label(1, track).unwrap(), before[0]);
}

#[test]
fn a_recording_is_made_where_its_publisher_is() {
    let mut world = room(315, 4);
    world.run(3 * SECOND);
    let decks = [Deck::attach(&mut world), Deck::attach_other(&mut world, 1)];
    let tracks = [0, 1].map(|client| crate::taped::record(&mut world, client));
    let passed = world.ground().passed;
    world.run(5 * SECOND);
    assert!(world.ground().passed > passed);
    for (client, (deck, tracks)) in decks.iter().zip(tracks).enumerate() {
        let who = world.clients[client].who;
        world.order(who, Act::Record(Vec::new()));
        world.run(SECOND);
        for track in tracks.into_iter().take(2) {
            let recording = crate::taped::called(track);
            assert!(deck.borrow().outcome(recording).is_some(), "{track:?} of {client} ends");
            let (tracks, blocks) = deck.borrow().play(recording);
            assert!(tracks.len() == 1 && blocks.len() > 100, "{} blocks of {track:?}", blocks.len());
        }
    }
}

#[test]
fn the_mix_is_made_at_home_of_everybody() {
    let mut world = World::spread(crate::seed(316), 2, 1);
    world.mixer = Some(Mixer::default());
    // Who receives it is at home, too.
    let joins = [member(true, true), Join { audio: true, ..camera(Picture::One) }, member(true, true), member(true, true)];
    for join in &joins {
        let client = world.join_as(join);
        if join.view == View::Mix {
            world.clients[client].kept = Some(Default::default());
        }
    }
    assert_eq!((0..4).map(|client| world.worker_of(client)).collect::<Vec<_>>(), [0, 1, 0, 0]);
    let (who, scene) = (world.clients[1].who, scene(&world));
    world.order(who, Act::Scene(Some(scene)));
    world.run(5 * SECOND);
    for kind in [Kind::Audio, Kind::Video] {
        for client in 0..4 {
            let track = world.track(client, kind);
            let taken = world.mixer.as_ref().unwrap().taken.iter().filter(|(own, _)| *own == track).count();
            assert!(taken > 100, "{taken} packets of {kind:?} of {client}");
        }
    }
    for client in [0, 2, 3] {
        let pictures = world.clients[client].kept.as_ref().unwrap().values().map(Vec::len).sum::<usize>();
        assert!(pictures > 100, "{pictures}");
    }
    // And those who receive tracks have those of everybody.
    for other in [0, 2, 3] {
        assert!(world.frames(1, world.track(other, Kind::Video)) > 50);
    }
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

#[test]
fn a_lost_wing_takes_its_own_clients_with_it() {
    let mut world = room(317, 6);
    world.run(3 * SECOND);
    let (rooms, dead) = world.lose(1);
    let gone: Vec<ParticipantId> = [1, 3, 5].map(|client| world.clients[client].who).to_vec();
    assert_eq!(
        (rooms, dead.into_iter().map(|(room, who, _)| (room, who)).collect::<Vec<_>>()),
        (vec![], gone.iter().map(|who| (ROOM, *who)).collect())
    );
    assert_eq!(world.dead(), gone);
    for client in [5, 3, 1] {
        let who = world.clients.remove(client).who;
        // As the rooms do: they end what is lost already.
        world.order(who, Act::Close);
    }
    world.subscribe_all();
    all_is_well(&mut world);
    assert_eq!(world.engine.sizes(), (1, 3, 9));
    // They come back, on the engine that took the place of the lost one.
    for _ in 0..3 {
        world.join(true, true, true);
    }
    assert_eq!((3..6).map(|client| world.worker_of(client)).collect::<Vec<_>>(), [1, 1, 1]);
    world.run(3 * SECOND);
    all_is_well(&mut world);
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

#[test]
fn a_lost_home_takes_the_room_with_it_and_nothing_else() {
    let mut world = room(318, 4);
    world.run(3 * SECOND);
    assert_eq!(world.lose(0), (vec![ROOM], vec![]));
    world.clients.clear();
    world.run(SECOND);
    nobody_is_remembered(&mut world, 2);
    for _ in 0..4 {
        world.join(true, true, false);
    }
    world.run(4 * SECOND);
    all_is_well(&mut world);
    leave_all(&mut world);
    nobody_is_remembered(&mut world, 2);
}

#[test]
fn to_pass_a_packet_through_a_pipe_takes_no_memory() {
    let mut world = room(319, 8);
    world.run(6 * SECOND);
    let mut calmest = (u64::MAX, u64::MAX, u64::MAX);
    let passed = world.ground().passed;
    for _ in 0..3 {
        let ground = world.ground();
        (ground.putting, ground.passing) = Default::default();
        world.apart = Some(Apart::default());
        world.run(SECOND);
        let apart = world.apart.take().unwrap_or_default();
        let ground = world.ground();
        let spent = (apart.passing.allocations, ground.putting.allocations, ground.passing.allocations);
        println!("{spent:?}");
        calmest = calmest.min(spent);
    }
    assert!(world.ground().passed - passed > 3 * 8 * 100);
    assert_eq!(calmest, (0, 0, 0));
}

/// Orders in any order, over three workers, some of which are lost: who is there in the end sees and hears who is there.
#[test]
fn whatever_happens_who_is_there_sees_who_is_there() {
    for seed in [321, 322, 323] {
        let mut world = World::spread(crate::seed(seed), 3, 1);
        for _ in 0..40 {
            let (what, pick) = (world.random() % 10, world.random() as usize);
            let people = world.clients.len();
            match what {
                0..=3 if people < 7 => drop(world.join(true, true, what == 0)),
                4..=5 if people > 0 => world.leave(pick % people),
                6 if people > 0 => {
                    let (who, enabled) = (world.clients[pick % people].who, world.random().is_multiple_of(2));
                    let tracks = world.clients[pick % people].tracks.iter();
                    let tracks = tracks.map(|track| Track { enabled, ..track.clone() }).collect();
                    world.order(who, Act::Publish(tracks));
                }
                7 if people > 0 => {
                    let who = world.clients[pick % people].who;
                    world.order(who, Act::Subscribe(Vec::new()));
                    let pause = Duration::from_millis(world.random() % 50);
                    world.run(pause);
                    world.subscribe_all();
                }
                8 if pick % 3 == 0 => lose_any(&mut world, pick % 7 % 3),
                9 => world.ground().room = if pick % 2 == 0 { 2 } else { media::limit::PIPE_PACKETS_MAX },
                _ => {}
            }
            let pause = Duration::from_millis(world.random() % 300);
            world.run(pause);
        }
        world.ground().room = media::limit::PIPE_PACKETS_MAX;
        while world.clients.len() < 4 {
            world.join(true, true, false);
        }
        world.subscribe_all();
        world.run(5 * SECOND);
        all_is_well(&mut world);
        leave_all(&mut world);
        nobody_is_remembered(&mut world, 3);
    }
}

/// A worker is lost, and the rooms end what it had.
fn lose_any(world: &mut World, worker: usize) {
    let (rooms, dead) = world.lose(worker);
    let gone = |who: &ParticipantId| !rooms.is_empty() || dead.iter().any(|(_, other, _)| other == who);
    let gone: Vec<ParticipantId> = world.clients.iter().map(|client| client.who).filter(gone).collect();
    world.clients.retain(|client| !gone.contains(&client.who));
    gone.into_iter().for_each(|who| world.order(who, Act::Close));
    world.subscribe_all();
}
