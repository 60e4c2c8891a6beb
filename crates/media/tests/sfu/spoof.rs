//! Strangers, liars and broken datagrams.

use std::net::SocketAddr;
use std::time::Duration;

use room::Kind;

use str0m::media::Mid;
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};

use crate::client::{Join, Picture};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

const HELLO: &[u8] = &[
    22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 42, 1, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 30, 254, 253, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
];
const ALERT: &[u8] = &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
const EPOCH_0_DATA: &[u8] = &[23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4];

fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 66], 6_666))
}

fn rtp() -> Vec<u8> {
    let mut bytes = vec![0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7];
    bytes.resize(200, 3);
    bytes
}

fn rtcp() -> Vec<u8> {
    [&[0x81_u8, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7][..], &[0; 14]].concat()
}

/// Everything that needs no secret to be made.
fn forged() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [HELLO, ALERT, EPOCH_0_DATA, &[0], &[20], &[128], &[255; 40]].map(<[u8]>::to_vec).to_vec();
    all.extend([rtp(), rtcp()]);
    all
}

/// Whether two who are connected see each other for the next second.
fn both_see(world: &mut World, ann: usize, bo: usize) {
    let pairs = [(ann, world.track(bo, Kind::Video)), (bo, world.track(ann, Kind::Video))];
    let before = pairs.map(|(viewer, track)| world.frames(viewer, track));
    world.run(SECOND);
    for ((viewer, track), before) in pairs.into_iter().zip(before) {
        let frames = world.frames(viewer, track) - before;
        assert!(frames >= 25, "{viewer} saw {frames} frames");
    }
    assert_eq!(world.dead(), []);
    assert_eq!(world.engine.counts().panics, 0);
}

#[test]
fn what_strangers_send_before_in_and_after_the_handshake_changes_nothing() {
    let mut world = World::new(31);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    let addresses = [stranger(), world.clients[ann].outside, world.clients[bo].outside];
    for n in 0..400 {
        world.step();
        let bytes = &forged()[n % forged().len()];
        // While nobody is connected, even from the very addresses of the clients.
        let from = addresses[n / 7 % 3];
        let own = from != stranger();
        if !own || bytes[0] >= 128 || !(5..=300).contains(&n) {
            world.inject(from, bytes);
        }
    }
    world.run(2 * SECOND);
    assert!(world.engine.counts().packets_unknown == 0, "{:?}", world.engine.counts());
    both_see(&mut world, ann, bo);
    for bytes in forged() {
        world.inject(addresses[1], &bytes);
        world.inject(addresses[0], &bytes);
    }
    both_see(&mut world, ann, bo);
    assert_eq!(world.astray.values().flatten().count(), 0, "strangers get no answer");
}

/// Checks as the client writes them to the server, and all else, as recorded from its start on.
fn recorded(seed: u64) -> (World, usize, usize, Vec<Vec<u8>>) {
    let mut world = World::new(seed);
    let bo = world.join(true, true, false);
    world.run(SECOND);
    let who = room::ParticipantId(2);
    world.tapped = Some((who, Vec::new()));
    let ann = world.join(true, true, true);
    assert_eq!(world.clients[ann].who, who);
    world.run(2 * SECOND);
    let kept = world.tapped.take().unwrap().1;
    (world, ann, bo, kept)
}

fn is_check(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 1])
}

#[test]
fn a_guest_who_names_a_victim_aims_no_media_at_it() {
    let (mut world, ann, bo, kept) = recorded(32);
    let victim = stranger();
    // Valid checks of its own, from the victim's address, again and again.
    let check = kept.iter().rfind(|bytes| is_check(bytes)).unwrap();
    for _ in 0..50 {
        world.inject(victim, check);
        world.run(Duration::from_millis(20));
    }
    both_see(&mut world, ann, bo);
    let sent = world.astray.get(&victim).cloned().unwrap_or_default();
    assert!(sent.iter().all(|bytes| bytes[0] < 2), "only checks and answers to checks");
    let (bytes_in, bytes_out) = (50 * check.len(), sent.iter().map(Vec::len).sum::<usize>());
    println!("victim: {} datagrams, {bytes_out} bytes out for {bytes_in} in", sent.len());
    assert!(bytes_out <= 3 * bytes_in, "{bytes_out} for {bytes_in}");
}

#[test]
fn a_guest_who_claims_anothers_address_does_it_no_harm() {
    let (mut world, ann, bo, kept) = recorded(33);
    let victim = world.clients[bo].outside;
    let check = kept.iter().rfind(|bytes| is_check(bytes)).unwrap().clone();
    let pairs = [(ann, world.track(bo, Kind::Video)), (bo, world.track(ann, Kind::Video))];
    let before = pairs.map(|(viewer, track)| world.frames(viewer, track));
    for _ in 0..100 {
        world.inject(victim, &check);
        world.run(Duration::from_millis(30));
    }
    let after = pairs.map(|(viewer, track)| world.frames(viewer, track));
    assert!(before.iter().zip(after).all(|(before, after)| after - before > 80), "{before:?} {after:?}");
    both_see(&mut world, ann, bo);
    let strays = world.clients[bo].strays;
    assert_eq!(strays, 0);
}

/// Answers to checks name nobody: they are for whoever asked, and not for whoever says that the address is its own.
#[test]
fn a_guest_who_claims_a_newcomers_address_does_not_keep_it_out() {
    let (mut world, ann, bo, kept) = recorded(40);
    let check = kept.iter().rfind(|bytes| is_check(bytes)).unwrap().clone();
    let cy = world.join(true, true, false);
    let (who, victim) = (world.clients[cy].who, world.clients[cy].outside);
    // The guest is there before each thing that comes from the newcomer.
    world.sieve = Some(Box::new(move |own, to, _| own == who && !to));
    world.tapped = Some((who, Vec::new()));
    for _ in 0..3_000 {
        world.step();
        for bytes in std::mem::take(&mut world.tapped.as_mut().unwrap().1) {
            world.inject(victim, &check);
            world.inject(victim, &bytes);
        }
    }
    (world.sieve, world.tapped) = (None, None);
    assert_eq!(world.engine.counts().flooded, 0);
    both_see(&mut world, cy, bo);
    both_see(&mut world, cy, ann);
}

#[test]
fn checks_with_no_name_or_a_foreign_one_get_silence() {
    let (mut world, ann, bo, kept) = recorded(34);
    let mut check = kept.iter().find(|bytes| is_check(bytes)).unwrap().clone();
    // The name is the first attribute.
    check[24] ^= 1;
    for n in 0..40 {
        world.inject(SocketAddr::from(([192, 0, 2, n], 700)), &check);
    }
    world.run(SECOND);
    assert_eq!(world.astray.values().flatten().count(), 0);
    both_see(&mut world, ann, bo);
}

#[test]
fn media_that_is_said_twice_is_forwarded_once() {
    let (mut world, ann, bo, kept) = recorded(35);
    let from = world.clients[ann].outside;
    let media: Vec<Vec<u8>> = kept.into_iter().filter(|bytes| bytes[0] & 0xc0 == 0x80).collect();
    assert!(media.len() > 100);
    let before = world.engine.counts();
    for bytes in &media {
        world.inject(from, bytes);
    }
    world.engine.flush(world.now);
    assert_eq!(world.engine.counts().packets_in, before.packets_in);
    assert_eq!(world.engine.counts().packets_out, before.packets_out);
    // The watcher of each stream refuses what comes twice.
    both_see(&mut world, ann, bo);
}

/// Truncations and flipped bits of all that somebody sends, in its own name, while it goes on.
fn break_datagrams(world: &mut World, from: SocketAddr, kept: &[Vec<u8>], every: usize) -> usize {
    let mut broken = 0;
    for (n, whole) in kept.iter().enumerate() {
        for length in (0..whole.len()).filter(|length| length % every == n % every) {
            world.inject(from, &whole[..length]);
            broken += 1;
        }
        for bit in (0..whole.len() * 8).filter(|bit| bit % every == n % every) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            world.inject(from, &bytes);
            broken += 1;
        }
        // Slow enough to be within what one client may send.
        if broken > 1_000 * (n + 1) / 10 {
            world.step();
        }
    }
    broken
}

#[test]
fn broken_datagrams_of_a_running_session_change_nothing() {
    let (mut world, ann, bo, kept) = recorded(36);
    let from = world.clients[ann].outside;
    // One of each kind and length that came, whole handshake included.
    let mut kinds = std::collections::BTreeMap::new();
    for bytes in kept {
        kinds.entry((bytes[0], bytes.len() / 40)).or_insert(bytes);
    }
    let kept: Vec<Vec<u8>> = kinds.into_values().collect();
    let mut broken = 0;
    for chunk in kept.chunks(1) {
        broken += break_datagrams(&mut world, from, chunk, 3);
        world.run(Duration::from_millis(20));
    }
    println!("{broken} broken datagrams of {} kinds", kept.len());
    world.run(2 * SECOND);
    both_see(&mut world, ann, bo);
}

#[test]
fn broken_datagrams_during_the_handshake_of_another_change_nothing() {
    // What a client says in its handshake, from a run of the same kind.
    let (_, _, _, kept) = recorded(37);
    let handshake: Vec<Vec<u8>> = kept.into_iter().filter(|bytes| bytes[0] < 64).take(30).collect();
    let mut world = World::new(38);
    let bo = world.join(true, true, false);
    world.run(SECOND);
    let ann = world.join_as(&Join { audio: true, video: Picture::One, ..Join::default() });
    let from = SocketAddr::from(([192, 0, 2, 1], 1_000));
    for chunk in handshake.chunks(1) {
        break_datagrams(&mut world, from, chunk, 5);
        world.run(Duration::from_millis(5));
    }
    world.run(2 * SECOND);
    both_see(&mut world, ann, bo);
}

/// Who knows of another address by which a client's checks go cannot have its media sent there, however long the client is silent.
#[test]
fn what_is_not_signed_moves_no_media() {
    let mut world = World::new(39);
    let bo = world.join(true, true, false);
    world.run(SECOND);
    let ann = world.join(false, false, false);
    let other = SocketAddr::from(([10, 9, 0, 77], 41_077));
    world.clients[ann].also = Some(other);
    world.run(4 * SECOND);
    let track = world.track(bo, Kind::Video);
    let sees = |world: &mut World| {
        let before = world.frames(ann, track);
        world.run(SECOND);
        world.frames(ann, track) - before
    };
    assert!(sees(&mut world) >= 25);
    for quiet in [true, false] {
        world.quiet = quiet;
        for n in 0..60 {
            world.run(Duration::from_millis(50));
            let bytes = &[rtp(), rtcp(), EPOCH_0_DATA.to_vec()][n % 3];
            world.inject(other, bytes);
        }
    }
    world.run(2 * SECOND);
    let astray = world.astray.get(&other).cloned().unwrap_or_default();
    assert_eq!(astray.iter().filter(|bytes| !is_check(bytes)).count(), 0);
    assert!(sees(&mut world) >= 25);
}

/// Where packets of somebody's pictures say what they are.
#[derive(Default)]
struct Section {
    mid: String,
    /// The numbers of the extensions that name section, layer, and layer of a repair.
    mid_id: u8,
    rid_id: u8,
    repaired_id: u8,
    /// Of VP8, and of its repairs.
    types: [u8; 2],
}

impl Section {
    fn of(offer: &str) -> Self {
        let all = media::sdp::View::parse(offer).sections;
        let number = |text: &str| text.split([':', ' ', '/']).nth(1).and_then(|number| number.parse().ok());
        let line = |end: &str| offer.lines().find(|line| line.contains(end)).unwrap_or_else(|| panic!("{end} in {offer}"));
        let vp8: u8 = number(line(" VP8/90000")).unwrap();
        Section {
            mid: all.iter().find(|section| section.kind == media::sdp::SectionKind::Video).unwrap().mid.clone(),
            mid_id: number(line("sdes:mid")).unwrap(),
            rid_id: number(line("sdes:rtp-stream-id")).unwrap(),
            repaired_id: number(line("sdes:repaired-rtp-stream-id")).unwrap(),
            types: [vp8, number(line(&format!("apt={vp8}"))).unwrap()],
        }
    }

    /// A packet of a source that nobody announced, signed by nobody. `repair`: it says that it repeats another.
    fn packet(&self, ssrc: u32, rid: Option<&str>, repair: bool) -> Vec<u8> {
        let mut bytes = vec![0x90, self.types[usize::from(repair)], 0, 9, 0, 0, 0, 1];
        bytes.extend(ssrc.to_be_bytes());
        let rid_id = if repair { self.repaired_id } else { self.rid_id };
        let mut named = Vec::new();
        for (id, name) in std::iter::once((self.mid_id, &*self.mid)).chain(rid.map(|rid| (rid_id, rid))) {
            named.push(id << 4 | (name.len() as u8 - 1));
            named.extend(name.bytes());
        }
        named.resize(named.len().next_multiple_of(4), 0);
        bytes.extend([0xbe, 0xde, 0, (named.len() / 4) as u8]);
        bytes.extend(named);
        bytes.extend([3; 40]);
        bytes
    }
}

fn joins_with(world: &mut World, video: Picture) -> (usize, Section) {
    let mut section = Section::default();
    let join = Join { audio: true, video, ..Join::default() };
    let ann = world.join_changed(&join, |text| section = Section::of(text));
    (ann, section)
}

/// What is not signed moves no source: who sends pictures is seen as before, and its packets are repaired.
#[test]
fn an_unsigned_packet_takes_no_track_away() {
    let all = [Picture::One, Picture::Group, Picture::Named].map(|video| [(video, false), (video, true)]);
    for (n, (video, early)) in all.into_iter().flatten().enumerate() {
        let mut world = World::new(150 + n as u64);
        let bo = world.join(true, true, false);
        let (ann, section) = joins_with(&mut world, video);
        let (from, rids) = (world.clients[ann].outside, [None, Some("q"), Some("h"), Some("f")]);
        let forge = |world: &mut World, first: u32| {
            for (ssrc, rid) in (first..).zip(rids) {
                world.inject(from, &section.packet(ssrc, rid, false));
                world.inject(from, &section.packet(ssrc + 100, rid, true));
            }
        };
        // Before there are keys, or only long after reports have told what is known.
        for n in 0..200 {
            // Fewer than what one client may send.
            if early && n % 4 == 0 {
                forge(&mut world, 0x0123_4567);
            }
            world.step();
        }
        world.run(4 * SECOND);
        let sees = |world: &mut World, least: u64| {
            let (track, before) = (world.track(ann, Kind::Video), world.frames(bo, world.track(ann, Kind::Video)));
            world.run(SECOND);
            let frames = world.frames(bo, track) - before;
            assert!(frames >= least, "{video:?}: {frames} frames");
        };
        sees(&mut world, 25);
        let before = world.engine.counts().broken;
        forge(&mut world, 0x0765_4321);
        let broken = world.engine.counts().broken - before;
        sees(&mut world, 25);
        assert_eq!(broken, 8, "{video:?}");
        let outside = world.clients[ann].outside;
        world.local.insert(outside, crate::world::Weather { loss: 50, delay: Duration::from_millis(5), ..Default::default() });
        // With what is repeated, a line that loses one of twenty shows nearly all.
        sees(&mut world, 20);
        assert_eq!(world.dead(), []);
    }
}

/// Sources are learnt from what is signed alone, and of them so many.
#[test]
fn made_up_sources_are_not_kept() {
    const FORGED: u32 = 2_000;
    let mut world = World::new(143);
    let bo = world.join(true, true, false);
    let (ann, section) = joins_with(&mut world, Picture::One);
    world.run(2 * SECOND);
    let reports = |world: &mut World| {
        let before = world.bytes_to.get(&world.clients[ann].outside).copied().unwrap_or(0);
        world.run(2 * SECOND);
        world.bytes_to[&world.clients[ann].outside] - before
    };
    let (from, usual) = (world.clients[ann].outside, reports(&mut world));
    for n in 0..FORGED {
        world.inject(from, &section.packet(0x0100_0000 + n, Some(&format!("{n:04x}")), false));
        if n % 3 == 0 {
            world.step();
        }
    }
    assert_eq!(world.engine.counts().broken, u64::from(FORGED));
    world.run(2 * SECOND);
    let then = reports(&mut world);
    assert!(then < usual * 3 / 2, "{then} bytes in place of {usual}: each source has reports of its own");
    both_see(&mut world, ann, bo);
}

/// The client itself, with what it signs.
#[test]
fn a_client_has_so_many_sources() {
    const OWN: u32 = 300;
    let mut world = World::new(144);
    let bo = world.join(true, true, false);
    let (ann, section) = joins_with(&mut world, Picture::One);
    let cy = world.join(true, true, false);
    world.run(2 * SECOND);
    // Nobody else says anything meanwhile.
    world.quiet = true;
    world.run(SECOND);
    let before = world.engine.counts();
    let (mid, mut sent) = (Mid::from(section.mid.as_str()), 0);
    for n in 0..OWN {
        let now = world.now;
        let rtc = &mut world.clients[ann].rtc;
        let rid = format!("{n:04x}");
        let mut api = rtc.direct_api();
        let stream = api.declare_stream_tx(Ssrc::from(0x0200_0000 + n), None, mid, Some(rid.as_str().into()));
        for seq in 0..2_u64 {
            let values = ExtensionValues { mid: Some(mid), rid: Some(rid.as_str().into()), ..Default::default() };
            stream.write_rtp(RtpWrite::new(section.types[0].into(), seq.into(), 1, now, vec![7; 80]).ext_vals(values));
            sent += 1;
        }
        world.clients[ann].due = now;
        world.run(Duration::from_millis(3));
    }
    world.run(SECOND / 2);
    let (counts, most) = (world.engine.counts(), media::limit::SOURCES_LEARNT_MAX as u64);
    let (heard, dropped) = (counts.packets_in - before.packets_in, counts.packets_unknown - before.packets_unknown);
    println!("{heard} of {sent} heard, {dropped} dropped");
    assert!(heard <= 2 * most && dropped >= sent - 2 * most, "{heard} heard and {dropped} dropped of {sent}");
    world.quiet = false;
    both_see(&mut world, bo, cy);
}

/// What is said to be a report, and is not the client's, is counted.
#[test]
fn forged_reports_are_counted() {
    let mut world = World::new(145);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(2 * SECOND);
    let (from, before) = (world.clients[ann].outside, world.engine.counts().broken);
    for _ in 0..20 {
        world.inject(from, &rtcp());
    }
    assert_eq!(world.engine.counts().broken - before, 20);
    both_see(&mut world, ann, bo);
}

/// What is forged takes nothing from what a client may send: its own packets and reports are heard as before.
#[test]
fn what_is_forged_in_a_clients_name_keeps_nobody_from_hearing_it() {
    let (mut world, ann, bo, kept) = recorded(148);
    let from = world.clients[ann].outside;
    // Of a source that is known, and not signed.
    let mut media = kept.into_iter().rfind(|bytes| bytes[0] & 0xc0 == 0x80 && bytes.len() > 200).unwrap();
    *media.last_mut().unwrap() ^= 1;
    let report = [rtcp(), vec![0; 370]].concat();
    let narrow = crate::world::Weather { loss: 50, delay: Duration::from_millis(5), ..Default::default() };
    world.local.insert(from, narrow);
    for forged in [[rtp(), media[..40].to_vec()], [media, report]] {
        let before = world.engine.counts();
        let pairs = [(ann, world.track(bo, Kind::Video)), (bo, world.track(ann, Kind::Video))];
        let seen = pairs.map(|(viewer, track)| world.frames(viewer, track));
        for n in 0..5_000 {
            (0..5).for_each(|_| forged.iter().for_each(|bytes| world.inject(from, bytes)));
            // Not in step with anything.
            world.run(Duration::from_millis(1 + n % 2));
        }
        let frames: Vec<u64> =
            pairs.iter().zip(seen).map(|((viewer, track), seen)| world.frames(*viewer, *track) - seen).collect();
        let counts = world.engine.counts();
        println!(
            "{frames:?} frames of 225, {} forged, {} flooded",
            counts.broken - before.broken,
            counts.flooded - before.flooded
        );
        assert_eq!(counts.flooded, before.flooded);
        assert!(frames.iter().all(|frames| *frames >= 200), "{frames:?}");
    }
    both_see(&mut world, ann, bo);
}

/// What a client has signed and says again takes as much time as what is new, so it counts as much.
#[test]
fn what_a_client_says_again_counts() {
    let (mut world, ann, bo, kept) = recorded(149);
    let from = world.clients[ann].outside;
    let media = kept.into_iter().rfind(|bytes| bytes[0] & 0xc0 == 0x80 && bytes.len() > 500).unwrap();
    let before = world.engine.counts();
    let mut looked = 0;
    for _ in 0..3_000 {
        let flooded = world.engine.counts().flooded;
        (0..10).for_each(|_| world.inject(from, &media));
        looked += 10 - (world.engine.counts().flooded - flooded);
        world.run(Duration::from_millis(1));
    }
    let most = 4 * u64::from(media::limit::BYTES_IN_PER_S) / media.len() as u64;
    println!("{looked} of 30000 looked at");
    assert!(looked <= most, "{looked} of at most {most}");
    assert_eq!(world.engine.counts().broken, before.broken);
    world.run(5 * SECOND);
    assert_eq!(world.dead(), []);
    both_see(&mut world, ann, bo);
}

/// Who answers our checks again and again, with another address of ours each time, is heard once.
#[test]
fn answers_to_checks_count_once() {
    let mut world = World::new(146);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(2 * SECOND);
    let before = world.engine.counts().broken;
    world.clients[ann].liar = Some((0, 200));
    world.run(10 * SECOND);
    let dropped = world.engine.counts().broken - before;
    println!("{dropped} dropped");
    assert!(dropped >= 3 * 200 && dropped.is_multiple_of(200), "{dropped}");
    both_see(&mut world, ann, bo);
}

/// The first answer counts. Who lies each time is heard while there is room for its lies, and then by what else it signs.
#[test]
fn a_client_says_of_us_that_we_are_at_so_many_addresses() {
    let mut world = World::new(147);
    let (ann, bo) = (world.join(true, true, false), world.join(true, true, false));
    world.run(2 * SECOND);
    let before = world.engine.counts().broken;
    world.clients[ann].liar = Some((1, 0));
    world.run(60 * SECOND);
    let dropped = world.engine.counts().broken - before;
    let room = media::limit::MAPPED_ADDRESSES_MAX as u64;
    println!("{dropped} dropped");
    // Of each two the second, and then both.
    assert!(dropped > 2 * room, "{dropped}");
    both_see(&mut world, ann, bo);
}
