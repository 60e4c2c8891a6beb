//! Clients whose way to the server changes, fails, or was never good.

use std::net::SocketAddr;
use std::time::Duration;

use room::{Act, Hint, Kind, News, Report, Step, TrackId, Wish};
use str0m::IceConnectionState;

use crate::client::{Join, Picture};
use crate::layers::{camera, hint, obey, viewer};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn elsewhere(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 9, 0, n], 31_000 + u16::from(n)))
}

/// Two who send pictures and sound, connected.
fn two(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(3 * SECOND);
    (world, ann, bo)
}

/// How long until this client and the other see each other's pictures again.
fn until_both_see(world: &mut World, ann: usize, bo: usize, most: Duration) -> Duration {
    let since = world.now;
    let pairs: [(usize, TrackId); 2] = [(ann, world.track(bo, Kind::Video)), (bo, world.track(ann, Kind::Video))];
    let before = pairs.map(|(viewer, track)| world.frames(viewer, track));
    while world.now - since < most {
        world.run(Duration::from_millis(50));
        if pairs.iter().zip(before).all(|((viewer, track), before)| world.frames(*viewer, *track) > before + 3) {
            return world.now - since;
        }
    }
    panic!("no pictures after {most:?}");
}

#[test]
fn a_new_source_port_costs_a_moment() {
    let mut gaps = Vec::new();
    let (mut world, ann, bo) = two(21);
    for n in 1..=5 {
        world.clients[ann].outside = elsewhere(n);
        gaps.push(until_both_see(&mut world, ann, bo, 8 * SECOND));
        world.run(Duration::from_millis(700 * u64::from(n)));
    }
    gaps.sort();
    println!("gaps {gaps:?}");
    assert!(gaps[2] <= 3 * SECOND && gaps[4] <= 6 * SECOND, "{gaps:?}");
    assert_eq!(world.dead(), []);
}

/// Who nominates once, as Firefox does, is followed by what it sends: pictures, and what the library has to say.
#[test]
fn a_new_source_port_of_who_nominates_nothing_anew() {
    let mut world = World::new(58);
    let (ann, bo) = (world.join(true, true, true), world.join(true, true, true));
    world.run(3 * SECOND);
    world.clients[ann].nominates = false;
    let (who, words) = (world.clients[ann].who, world.track(bo, Kind::Data));
    let mut gaps = Vec::new();
    for n in 1..=4 {
        world.clients[ann].outside = elsewhere(n);
        gaps.push(until_both_see(&mut world, ann, bo, 8 * SECOND));
        // Until the library gives up the place before, and then some.
        let (until, frames) = (world.now + 26 * SECOND, world.frames(ann, world.track(bo, Kind::Video)));
        for word in 0.. {
            let text = format!("{n} {word}").into_bytes();
            assert!(world.clients[bo].send(words, &text));
            world.run(SECOND);
            assert!(world.clients[ann].messages.iter().any(|(_, message)| *message == text), "{n} {word}");
            if world.now >= until {
                break;
            }
        }
        let seen = world.frames(ann, world.track(bo, Kind::Video)) - frames;
        assert!(seen >= 26 * 27, "{seen} frames of {}", 26 * 30);
        // It is the library that asks her for key frames.
        let asked = world.clients[ann].keyframes_asked;
        world.clients[bo].ask_all();
        world.run(SECOND);
        assert!(world.clients[ann].keyframes_asked > asked);
    }
    println!("gaps {gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= 6 * SECOND), "{gaps:?}");
    assert!(!world.dead().contains(&who));
}

/// Two routers that take turns, or a phone between two networks that are both there.
#[test]
fn there_and_back_again_costs_a_moment_each_time() {
    for nominates in [true, false] {
        let (mut world, ann, bo) = two(59);
        world.clients[ann].nominates = nominates;
        let (here, there) = (world.clients[ann].outside, elsewhere(1));
        let mut gaps = Vec::new();
        for n in 0..12_u64 {
            world.clients[ann].outside = if n % 2 == 0 { there } else { here };
            gaps.push(until_both_see(&mut world, ann, bo, 8 * SECOND));
            world.run(Duration::from_millis([700, 1_500, 3_000, 25_000][n as usize / 3]));
        }
        println!("gaps {gaps:?}");
        // The first time a check has to come; later what is sent is taken at once.
        assert!(gaps.iter().all(|gap| *gap <= 6 * SECOND), "{gaps:?}");
        assert_eq!(world.dead(), []);
    }
}

/// A guest writes the address that somebody left on a check of its own, again and again.
#[test]
fn a_place_that_was_left_is_taken_by_no_request() {
    let (mut world, ann, bo) = two(63);
    let (eve, here, there) = (world.clients[bo].who, world.clients[ann].outside, elsewhere(1));
    world.tapped = Some((eve, Vec::new()));
    world.run(5 * SECOND);
    let check = world.tapped.take().unwrap().1.into_iter().rfind(|bytes| bytes.starts_with(&[0, 1])).unwrap();
    let mut gaps = Vec::new();
    for n in 0..10_u64 {
        let left = std::mem::replace(&mut world.clients[ann].outside, if n % 2 == 0 { there } else { here });
        gaps.push(until_both_see(&mut world, ann, bo, 8 * SECOND));
        for _ in 0..8 + n {
            world.inject(left, &check);
            world.run(Duration::from_millis(230));
        }
    }
    println!("gaps {gaps:?}");
    // The first time a check has to come.
    assert!(gaps.iter().skip(1).all(|gap| *gap <= SECOND), "{gaps:?}");
    assert_eq!(world.dead(), []);
}

/// Another guest may get the address that somebody left: who was there does not keep it.
#[test]
fn an_address_that_was_left_may_be_anothers() {
    for nominates in [true, false] {
        let (mut world, ann, bo) = two(60);
        world.clients[ann].nominates = nominates;
        let former = world.clients[ann].outside;
        world.clients[ann].outside = elsewhere(1);
        until_both_see(&mut world, ann, bo, 8 * SECOND);
        world.clients[bo].outside = former;
        let gap = until_both_see(&mut world, ann, bo, 8 * SECOND);
        assert!(gap <= 6 * SECOND, "{gap:?}");
    }
}

/// Requests alone, which may say that they come from anywhere, draw nothing for long (RFC 7675).
#[test]
fn who_answers_nothing_is_sent_nothing_until_it_does() {
    let (mut world, ann, bo) = two(61);
    let (who, from) = (world.clients[ann].who, world.clients[ann].outside);
    world.tapped = Some((who, Vec::new()));
    world.run(5 * SECOND);
    let check = world.tapped.take().unwrap().1.into_iter().rfind(|bytes| bytes.starts_with(&[0, 1])).unwrap();
    world.cut.push(who);
    let out = |world: &World| (world.engine.counts().packets_out, world.bytes_to[&from]);
    let run = |world: &mut World| {
        let before = out(world);
        for _ in 0..5 {
            world.inject(from, &check);
            world.run(2 * SECOND);
        }
        (out(world).0 - before.0, out(world).1 - before.1)
    };
    let before = run(&mut world);
    run(&mut world);
    run(&mut world);
    run(&mut world);
    let after = run(&mut world);
    println!("packets and bytes in ten seconds: {before:?}, and {after:?}");
    assert!(before.0 > 500 && after.0 == 0 && after.1 < 2_500, "{before:?} {after:?}");
    assert_eq!(world.dead(), []);
    world.cut.clear();
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    let gap = until_both_see(&mut world, ann, bo, 8 * SECOND);
    println!("gap {gap:?}");
    assert!(gap <= 4 * SECOND, "{gap:?}");
    assert_eq!(world.dead(), []);
}

/// What only looks like a check, from where the client was, does not keep its media there.
#[test]
fn who_pretends_to_be_where_a_client_was_does_not_hold_it_back() {
    let (mut world, ann, bo) = two(56);
    let before = world.clients[ann].outside;
    world.clients[ann].outside = elsewhere(1);
    // An answer with an address in it, and a signature that is none.
    let unsigned =
        [&[1, 1, 0, 36, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 0x20, 0, 8, 0, 1, 5, 5, 5, 5, 5, 5, 0, 8, 0, 20], &[7; 20]]
            .concat();
    let track = world.track(bo, Kind::Video);
    for _ in 0..20 {
        world.inject(before, &unsigned);
        world.run(Duration::from_millis(200));
    }
    let seen = world.frames(ann, track);
    for _ in 0..10 {
        world.inject(before, &unsigned);
        world.run(Duration::from_millis(100));
    }
    let frames = world.frames(ann, track) - seen;
    assert!(frames >= 25, "{frames} frames");
}

/// One is in another network and restarts ICE: both see each other soon, and nobody's link is dead.
fn restart_elsewhere(world: &mut World, ann: usize, bo: usize) {
    world.clients[ann].outside = elsewhere(9);
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    let gap = until_both_see(world, ann, bo, 8 * SECOND);
    println!("gap {gap:?}");
    assert!(gap <= 4 * SECOND, "{gap:?}");
    assert_eq!(world.dead(), []);
}

/// Behind a router that shows our client another port of ours at each of its addresses. What it was told before an ICE restart leaves room
/// for what it is told after.
#[test]
fn after_an_ice_restart_we_may_be_somewhere_else() {
    let (mut world, ann, bo) = two(64);
    world.clients[ann].liar = Some((1, 0));
    world.run(60 * SECOND);
    let before = world.engine.counts().broken;
    assert!(before > media::limit::MAPPED_ADDRESSES_MAX as u64, "there is no room any more");
    restart_elsewhere(&mut world, ann, bo);
}

#[test]
fn another_network_and_an_ice_restart() {
    let (mut world, ann, bo) = two(22);
    let who = world.clients[ann].who;
    world.cut.push(who);
    world.run(2 * SECOND);
    world.cut.clear();
    restart_elsewhere(&mut world, ann, bo);
}

/// As a Firefox whose path has failed: it restarts ICE, is there, and sends no media and no report any more.
#[test]
fn who_is_back_and_says_nothing_gets_another_transport() {
    let (mut world, ann, bo) = two(60);
    let who = world.clients[ann].who;
    let restart = |world: &mut World| {
        let offer = world.clients[ann].restart_ice();
        world.say(ann, offer);
    };
    restart(&mut world);
    world.run(20 * SECOND);
    assert_eq!(world.dead(), [], "who says something stays");
    world.clients[ann].speaks = false;
    world.run(15 * SECOND);
    assert_eq!(world.dead(), [], "so does who was there all the time");
    world.cut.push(who);
    world.run(20 * SECOND);
    world.cut.clear();
    restart(&mut world);
    world.run(8 * SECOND);
    assert_eq!(world.dead(), [], "a report may take so long");
    world.run(3 * SECOND);
    assert_eq!(world.dead(), [who]);
    assert!(world.clients[bo].rtc.is_connected());
}

/// A browser that is sent nothing has nothing to report.
#[test]
fn who_comes_back_while_nobody_sends_keeps_its_transport_when_somebody_does() {
    let mut world = World::new(61);
    let (ann, bo) = (world.join(false, false, false), world.join(true, true, false));
    let track = world.track(bo, Kind::Video);
    world.run(3 * SECOND);
    world.quiet = true;
    world.clients[ann].speaks = false;
    world.run(3 * SECOND);
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    world.run(30 * SECOND);
    let before = world.frames(ann, track);
    world.quiet = false;
    world.run(5 * SECOND);
    assert_eq!(world.dead(), [], "a report may take so long");
    assert!(world.frames(ann, track) > before);
    world.run(6 * SECOND);
    assert_eq!(world.dead(), [world.clients[ann].who]);
}

/// A camera without sound of which nobody needs a picture sends nothing.
#[test]
fn of_whom_nobody_needs_anything_nothing_is_expected_after_an_outage() {
    let mut world = World::new(62);
    let (ann, bo) = (world.join_as(&camera(Picture::Named)), world.join_as(&viewer()));
    let (who, track) = (world.clients[ann].who, world.track(ann, Kind::Video));
    hint(&mut world, bo, track, 320, 180);
    world.run(3 * SECOND);
    let show = |world: &mut World, shown: bool| {
        let viewer = world.clients[bo].who;
        world.order(viewer, Act::Hint(vec![Hint { track, wish: Wish::Shown(shown) }]));
    };
    show(&mut world, false);
    world.run(20 * SECOND);
    assert_eq!(obey(&mut world, ann), Some(vec![false; 3]));
    world.clients[ann].speaks = false;
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    world.run(30 * SECOND);
    assert_eq!(world.dead(), [], "it need not say anything");
    show(&mut world, true);
    world.run(SECOND);
    assert_eq!(obey(&mut world, ann), Some(vec![true, false, false]));
    world.run(7 * SECOND);
    assert_eq!(world.dead(), []);
    world.run(3 * SECOND);
    assert_eq!(world.dead(), [who], "it is asked for its picture");
}

#[test]
fn twenty_seconds_without_network_and_the_same_link_goes_on() {
    let (mut world, ann, bo) = two(23);
    let who = world.clients[ann].who;
    world.cut.push(who);
    world.run(20 * SECOND);
    world.cut.clear();
    // The SDK restarts ICE when its path has failed.
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    let gap = until_both_see(&mut world, ann, bo, 8 * SECOND);
    println!("gap {gap:?}");
    assert!(gap <= 4 * SECOND, "{gap:?}");
    assert_eq!(world.dead(), []);
}

#[test]
fn twenty_seconds_without_network_and_nobody_restarts_anything() {
    let (mut world, ann, bo) = two(24);
    let who = world.clients[ann].who;
    world.cut.push(who);
    world.run(20 * SECOND);
    world.cut.clear();
    let gap = until_both_see(&mut world, ann, bo, 10 * SECOND);
    println!("gap {gap:?}");
    assert!(gap <= 4 * SECOND, "{gap:?}");
    assert_eq!(world.dead(), []);
}

#[test]
fn who_never_comes_back_is_reported_and_freed() {
    let (mut world, ann, bo) = two(25);
    let who = world.clients[ann].who;
    let since = world.now;
    world.cut.push(who);
    while world.dead().is_empty() && world.now - since < 80 * SECOND {
        world.run(SECOND);
    }
    let after = world.now - since;
    println!("dead after {after:?}");
    assert_eq!(world.dead(), [who]);
    // Silence until the path counts as lost, and as long as a client may take to find another.
    assert!((media::limit::LOST_TIMEOUT..media::limit::LOST_TIMEOUT + 25 * SECOND).contains(&after), "{after:?}");
    let (_, clients, _) = world.engine.sizes();
    assert_eq!(clients, 1);
    let other = world.clients[bo].who;
    world.order(who, Act::Close);
    world.order(other, Act::Close);
    world.run(SECOND);
    assert_eq!(world.engine.sizes(), (0, 0, 0));
}

#[test]
fn who_does_not_answer_an_offer_gets_another_link() {
    let (mut world, ann, bo) = two(26);
    world.clients[ann].answers = false;
    let cy = world.join(true, true, false);
    world.run(media::limit::ANSWER_TIMEOUT + 2 * SECOND);
    assert_eq!(world.dead(), [world.clients[ann].who]);
    let (track, before) = (world.track(cy, Kind::Video), world.frames(bo, world.track(cy, Kind::Video)));
    world.run(SECOND);
    assert!(world.frames(bo, track) > before + 20, "the others go on");
}

#[test]
fn who_is_away_need_not_answer_until_it_is_back() {
    let (mut world, ann, _) = two(29);
    let (who, nobody) = (world.clients[ann].who, [] as [room::ParticipantId; 0]);
    world.quiet = true;
    world.clients[ann].answers = false;
    world.join(false, true, false);
    // It was gone before anybody noticed, with an offer on its way.
    world.run(SECOND);
    world.order(who, Act::Away);
    world.run(media::limit::ANSWER_TIMEOUT + SECOND);
    assert_eq!(world.dead(), nobody, "it never got our offer");
    world.order(who, Act::Repeat);
    world.run(SECOND);
    assert_eq!(world.dead(), nobody, "its time begins now");
    world.run(media::limit::ANSWER_TIMEOUT);
    assert_eq!(world.dead(), [who], "who is there has to answer");
}

/// Test T39: the rooms ask after their machine slept. What they know of a client's network may be hours old.
#[test]
fn t39_who_is_still_there_goes_on_and_who_is_not_is_found_out_at_once() {
    let (mut world, ann, bo) = two(30);
    let (who, other) = (world.clients[ann].who, world.clients[bo].who);
    let check = |world: &mut World| [who, other].into_iter().for_each(|one| world.order(one, Act::Check));
    check(&mut world);
    let (track, before) = (world.track(bo, Kind::Video), world.frames(ann, world.track(bo, Kind::Video)));
    world.run(media::limit::CHECK_TIMEOUT + 2 * SECOND);
    assert_eq!(world.dead(), []);
    assert!(world.frames(ann, track) > before + 200, "nothing stands still for it");
    world.cut.push(who);
    check(&mut world);
    let since = world.now;
    while world.dead().is_empty() && world.now - since < 80 * SECOND {
        world.run(Duration::from_millis(100));
    }
    assert_eq!(world.dead(), [who]);
    assert!(world.now - since <= media::limit::CHECK_TIMEOUT + SECOND, "{:?}", world.now - since);
}

#[test]
fn who_connects_never_is_given_up() {
    let mut world = World::new(27);
    let bo = world.join(true, true, false);
    world.run(SECOND);
    let ann = world.join(true, true, false);
    let who = world.clients[ann].who;
    world.cut.push(who);
    world.run(media::limit::CONNECT_TIMEOUT + 3 * SECOND);
    assert_eq!(world.dead(), [who]);
    assert_ne!(bo, ann);
}

#[test]
fn a_wrong_fingerprint_gets_nothing_through() {
    let mut world = World::new(28);
    let bo = world.join(true, true, true);
    world.run(2 * SECOND);
    let join = Join { audio: true, video: Picture::One, ..Join::default() };
    let eve = world.join_changed(&join, |text| {
        let at = text.find("a=fingerprint:sha-256 ").unwrap() + 22;
        let digit = if &text[at..=at] == "A" { "B" } else { "A" };
        text.replace_range(at..=at, digit);
    });
    world.run(5 * SECOND);
    assert_eq!(world.frames(bo, world.track(eve, Kind::Video)), 0);
    assert!(world.clients[eve].watched.is_empty() && world.clients[eve].heard.is_empty());
    assert!(!world.clients[eve].rtc.is_connected() || world.clients[eve].watched.is_empty());
    world.run(media::limit::CONNECT_TIMEOUT);
    assert_eq!(world.dead(), [world.clients[eve].who]);
}

#[test]
fn who_leaves_hears_it_and_the_others_stop_hearing_of_them() {
    let (mut world, ann, bo) = two(29);
    let who = world.clients[ann].who;
    world.order(who, Act::Close);
    let keep: Vec<TrackId> = Vec::new();
    let other = world.clients[bo].who;
    world.order(other, Act::Subscribe(keep));
    world.run(SECOND);
    assert!(world.clients[ann].closed, "the transport's end was said");
    let tracks = world.engine.sizes();
    assert_eq!(tracks, (1, 1, 2));
    assert_eq!(world.placed[&other], []);
}

#[test]
fn first_answers_come_in_the_order_of_the_offers() {
    let mut world = World::new(51);
    let all: Vec<usize> = (0..10).map(|_| world.join(true, false, false)).collect();
    world.run(Duration::from_millis(50));
    let answered = world.reports.iter().filter_map(|report| match report {
        Report::Of { who, news: News::Signal(signal), .. } if signal.step == Step::Answer => Some(*who),
        _ => None,
    });
    let order: Vec<_> = all.iter().map(|client| world.clients[*client].who).collect();
    assert_eq!(answered.collect::<Vec<_>>(), order);
}

/// A path that comes and goes before the handshake is over gives no more time for it.
#[test]
fn who_finds_a_path_and_never_connects_is_given_up_in_time() {
    let mut world = World::new(52);
    let ann = world.join(true, false, false);
    while !matches!(world.clients[ann].path, Some(IceConnectionState::Connected | IceConnectionState::Completed)) {
        world.step();
    }
    world.cut.push(world.clients[ann].who);
    world.run(media::limit::CONNECT_TIMEOUT + Duration::from_secs(1));
    assert!(!world.reports.iter().any(|report| matches!(report, Report::Of { news: News::Connected, .. })));
    assert_eq!(world.dead(), [world.clients[ann].who]);
}

/// How long after it is connected somebody with a long way, who never asks for anything, sees another's pictures.
fn first_picture_after(delay: Duration, most: Duration) {
    let mut world = World::new(53);
    let bo = world.join(true, true, false);
    world.run(2 * SECOND);
    let ann = world.join(false, false, false);
    world.clients[ann].asks = false;
    let (who, outside) = (world.clients[ann].who, world.clients[ann].outside);
    world.local.insert(outside, crate::world::Weather { delay, ..Default::default() });
    let connected = |world: &World| {
        world.reports.iter().any(|report| matches!(report, Report::Of { who: own, news: News::Connected, .. } if *own == who))
    };
    let began = world.now;
    while !connected(&world) {
        world.step();
    }
    let (opened, track) = (world.now, world.track(bo, Kind::Video));
    while world.frames(ann, track) < 5 && world.now < opened + 10 * SECOND {
        world.step();
    }
    let gap = world.now - opened;
    println!("opened after {:?}, pictures {gap:?} later", opened - began);
    assert!(gap <= most, "{gap:?}");
}

/// Pictures that came before there were keys wait for them as long as they are of use, and are replaced without being asked for.
#[test]
fn who_takes_long_to_connect_sees_pictures_at_once() {
    for delay_ms in [5, 60, 150, 300, 500] {
        let delay = Duration::from_millis(delay_ms);
        // One way, and for a key frame to its sender and back, and some frames.
        first_picture_after(delay, delay + Duration::from_millis(10 + 5 * 33 + 20));
    }
}

/// What was not sent while there was no path is a hole that only a key frame ends.
#[test]
fn who_comes_back_need_not_ask_for_a_picture() {
    let (mut world, ann, bo) = two(54);
    world.clients[ann].asks = false;
    let who = world.clients[ann].who;
    world.cut.push(who);
    world.run(25 * SECOND);
    world.cut.clear();
    let offer = world.clients[ann].restart_ice();
    world.say(ann, offer);
    let gap = until_both_see(&mut world, ann, bo, 10 * SECOND);
    println!("gap {gap:?}");
    assert!(gap <= 4 * SECOND, "{gap:?}");
}

/// Every name that the server has for itself in what it says to somebody, and what it says of sources in the first description's sections.
#[test]
fn the_servers_name_stays_as_it_is() {
    let (mut world, ann, _) = two(55);
    world.join(true, true, false);
    world.run(SECOND);
    let who = world.clients[ann].who;
    let texts: Vec<String> = world
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Of { who: own, news: News::Signal(signal), .. } if *own == who => Some(signal.sealed.0.to_string()),
            _ => None,
        })
        .collect();
    let names = |text: &str| -> std::collections::BTreeSet<String> {
        text.lines().filter_map(|line| line.split_once(" cname:")).map(|(_, name)| name.to_owned()).collect()
    };
    let all: std::collections::BTreeSet<String> = texts.iter().flat_map(|text| names(text)).collect();
    assert!(texts.len() >= 2 && all.len() == 1, "{all:?} in {} texts", texts.len());
    let sources =
        |text: &str| -> Vec<String> { text.lines().filter(|line| line.starts_with("a=ssrc:")).map(str::to_owned).collect() };
    let (before, after) = (sources(&texts[texts.len() - 2]), sources(&texts[texts.len() - 1]));
    assert!(!before.is_empty() && before.iter().all(|line| after.contains(line)), "{before:?} {after:?}");
}
