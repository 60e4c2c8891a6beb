use std::time::Duration;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Packets of VP8, of frames of three packets each; every tenth is a key frame.
struct Script {
    start: Instant,
    packets: Vec<Packet>,
}

impl Script {
    fn new(frames: u32) -> Self {
        let start = Instant::now();
        let packet = |n: u32| {
            let (frame, part) = (n / 3, n % 3);
            let head: &[u8] = match (part, frame % 10) {
                (0, 0) => &[0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0],
                (0, _) => &[0x10, 0x11, 0, 0],
                _ => &[0x00],
            };
            let [number, part] = [frame as u8, part as u8];
            Packet {
                codec: Codec::Vp8,
                stream: 7,
                seq: 1_000 + u64::from(n),
                time: frame * 3_000,
                arrival: start + n * 10 * MS,
                last: part == 2,
                rotation: None,
                report: None,
                payload: [head, &[number, part]].concat().into(),
            }
        };
        Script { start, packets: (0..frames * 3).map(packet).collect() }
    }

    /// The numbers of the frames that come of these packets, by their places in the script; each comes 10 ms after the one before.
    fn run(&self, order: impl Iterator<Item = usize>) -> (Vec<u32>, Depacketizer) {
        let (mut depacketizer, mut frames, mut now) = (Depacketizer::default(), Vec::new(), self.start);
        for place in order {
            let mut packet = self.packets[place].clone();
            packet.arrival = now;
            depacketizer.push(packet);
            while let Some(frame) = depacketizer.poll(now) {
                assert_eq!(frame.keyframe, frame.time / 3_000 % 10 == 0);
                let number = (frame.time / 3_000) as u8;
                assert!(frame.bytes.ends_with(&[number, 0, number, 1, number, 2]) && frame.bytes[0] & 0xfe == 0x10);
                frames.push(frame.time / 3_000);
            }
            now += 10 * MS;
        }
        (frames, depacketizer)
    }
}

fn check(order: impl Iterator<Item = usize>, expected: &[u32], holes: u64) {
    let (frames, mut depacketizer) = Script::new(40).run(order);
    assert_eq!((&*frames, depacketizer.counts().holes), (expected, holes));
    assert_eq!(depacketizer.take_lost(), holes > 0);
}

fn numbers(of: std::ops::Range<u32>) -> Vec<u32> {
    of.collect()
}

#[test]
fn frames_come_in_their_order() {
    check(0..30, &numbers(0..10), 0);
    check((0..30).flat_map(|n| [n, n]), &numbers(0..10), 0);
    // Pairs the wrong way round.
    check((0..30).map(|n| n ^ 1), &numbers(0..10), 0);
    // One comes 100 ms late, as a repair.
    check((0..30).filter(|n| *n != 7).take(17).chain([7]).chain(18..30), &numbers(0..10), 0);
}

#[test]
fn nothing_comes_before_the_first_key_frame() {
    check(6..60, &numbers(10..20), 0);
    // The beginning of the key frame is late.
    check((31..36).chain([30]).chain(36..45), &numbers(10..15), 0);
}

#[test]
fn after_a_hole_comes_a_key_frame() {
    let rest = [numbers(0..4), numbers(10..20)].concat();
    check((0..60).filter(|n| *n != 13), &rest, 1);
    check((0..60).filter(|n| *n != 14), &rest, 1);
    // A whole frame.
    check((0..60).filter(|n| !(12..15).contains(n)), &rest, 1);
    // The hole is in a key frame: that one is passed over too.
    check((0..90).filter(|n| *n != 31), &[numbers(0..10), numbers(20..30)].concat(), 1);
    check((0..90).filter(|n| *n != 30), &[numbers(0..10), numbers(20..30)].concat(), 1);
}

#[test]
fn what_is_missing_is_waited_for_and_no_longer() {
    let script = Script::new(20);
    let (_, mut depacketizer) = script.run((0..12).filter(|n| *n != 4));
    assert!(depacketizer.poll(script.start + 150 * MS).is_none() && !depacketizer.take_lost());
    assert!(depacketizer.poll(script.start + 300 * MS).is_none() && depacketizer.take_lost() && !depacketizer.take_lost());
}

#[test]
fn another_stream_begins_with_a_key_frame() {
    let script = Script::new(40);
    let (frames, mut depacketizer) = script.run(0..15);
    assert_eq!(frames, numbers(0..5));
    let now = script.start + Duration::from_secs(1);
    let other = |n: usize| Packet { stream: 8, seq: 5 + n as u64, arrival: now, ..script.packets[n].clone() };
    // Stragglers of the old one do not count.
    (15..20).map(other).for_each(|packet| depacketizer.push(packet));
    assert!(depacketizer.poll(now).is_none());
    (30..36).map(other).for_each(|packet| depacketizer.push(packet));
    script.packets[15..18].iter().for_each(|packet| depacketizer.push(packet.clone()));
    let times: Vec<u32> = std::iter::from_fn(|| depacketizer.poll(now)).map(|frame| frame.time / 3_000).collect();
    assert_eq!(times, [10, 11]);
}

#[test]
fn a_stream_that_begins_to_count_anew_is_followed() {
    let script = Script::new(40);
    let (_, mut depacketizer) = script.run(0..15);
    let now = script.start + Duration::from_secs(1);
    for n in 0..90 {
        depacketizer.push(Packet { seq: n, arrival: now, ..script.packets[n as usize].clone() });
    }
    assert!(std::iter::from_fn(|| depacketizer.poll(now)).count() >= 10);
}

#[test]
fn a_picture_stays_turned_until_it_is_said_otherwise() {
    let mut script = Script::new(3);
    script.packets[2].rotation = Some(90);
    script.packets[8].rotation = Some(0);
    let mut depacketizer = Depacketizer::default();
    script.packets.iter().for_each(|packet| depacketizer.push(packet.clone()));
    let turned: Vec<u16> = std::iter::from_fn(|| depacketizer.poll(script.start)).map(|frame| frame.rotation).collect();
    assert_eq!(turned, [90, 90, 0]);
}

#[test]
fn units_of_h264_get_start_codes() {
    let check = |payloads: &[&[u8]], expected: Option<&[u8]>| {
        let (mut unit, mut stream) = (h264::Unit::default(), Vec::new());
        let taken = payloads.iter().all(|payload| unit.add(payload, &mut stream).is_some()) && unit.is_whole();
        assert_eq!(taken.then_some(&*stream), expected, "{payloads:?}");
    };
    check(&[&[0x65, 1, 2]], Some(&[0, 0, 0, 1, 0x65, 1, 2]));
    check(&[&[0x78, 0, 2, 0x67, 9, 0, 1, 0x68]], Some(&[0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68]));
    check(&[&[0x7c, 0x85, 1], &[0x7c, 0x05, 2], &[0x7c, 0x45, 3]], Some(&[0, 0, 0, 1, 0x65, 1, 2, 3]));
    // Sizes beyond the end, pieces without beginning or end, units that there are none of.
    for broken in
        [&[&[0x78, 0, 9, 1][..]][..], &[&[0x7c, 0x45, 3]], &[&[0x7c, 0x85, 1]], &[&[0x7c, 0x85, 1], &[0x65]], &[&[30, 1]], &[&[]]]
    {
        check(broken, None);
    }
}

#[test]
fn frames_of_vp9_lose_their_descriptors() {
    let check = |payloads: &[&[u8]], expected: Option<&[u8]>| {
        let packets = (0..).zip(payloads).map(|(seq, payload)| Packet {
            codec: Codec::Vp9,
            seq,
            last: seq + 1 == payloads.len() as u64,
            payload: (*payload).into(),
            ..Script::new(1).packets[0].clone()
        });
        let mut depacketizer = Depacketizer::default();
        packets.for_each(|packet| depacketizer.push(packet));
        let frame = depacketizer.poll(Instant::now());
        assert_eq!(frame.as_ref().map(|frame| &*frame.bytes), expected, "{payloads:?}");
    };
    // Number of the picture in one byte, in two, none.
    check(&[&[0x88, 5, 1, 2], &[0x84, 5, 3]], Some(&[1, 2, 3]));
    check(&[&[0x8c, 0x85, 5, 1, 2]], Some(&[1, 2]));
    check(&[&[0x0c, 1, 2]], Some(&[1, 2]));
    // With a structure: one size, and a group of two pictures that refer to one and two others.
    check(&[&[0x0e, 0x18, 0, 64, 0, 48, 2, 0x04, 1, 0x08, 1, 2, 7]], Some(&[7]));
    // Two layers: a superframe.
    let mark = 0xc0 | 3 << 3 | 1;
    check(&[&[0x2c, 0, 0, 1, 2, 3], &[0x2c, 2, 0, 9]], Some(&[1, 2, 3, 9, mark, 3, 0, 0, 0, 1, 0, 0, 0, mark]));
    // A beginning that is missing, a descriptor that is cut off.
    check(&[&[0x28, 2, 0, 9]], None);
    check(&[&[0x8c, 0x85]], None);
}

#[test]
fn the_first_frame_of_h264_has_its_parameter_sets() {
    let sets: &[u8] = &[0x78, 0, 2, 0x67, 9, 0, 1, 0x68];
    let (idr, slice): (&[u8], &[u8]) = (&[0x65, 0x80], &[0x61, 0x80]);
    let check = |came: &[(u64, &[u8], bool)], expected: &[&[u8]]| {
        let mut depacketizer = Depacketizer::default();
        let mut frames = Vec::new();
        for (seq, payload, last) in came {
            depacketizer.push(Packet {
                codec: Codec::H264,
                seq: *seq,
                time: u32::try_from(seq / 10).unwrap(),
                last: *last,
                payload: (*payload).into(),
                ..Script::new(1).packets[0].clone()
            });
            frames.extend(std::iter::from_fn(|| depacketizer.poll(Instant::now())).map(|frame| frame.bytes));
        }
        assert_eq!(frames, expected, "{came:?}");
    };
    let start = |unit: &[u8]| [&[0, 0, 0, 1], unit].concat();
    let whole = [start(&[0x67, 9]), start(&[0x68]), start(idr)].concat();
    check(&[(0, sets, false), (1, idr, true)], &[&whole]);
    // What was repaired comes later.
    check(&[(1, idr, true), (0, sets, false)], &[&whole]);
    check(&[(1, idr, true), (10, slice, true), (20, sets, false), (21, idr, true)], &[&whole]);
    // Sets in a frame that is not one are not known: the next key frame without any is no beginning.
    check(&[(0, sets, false), (1, &[0x7c, 0x45, 3], true), (10, idr, true), (20, sets, false), (21, idr, true)], &[&whole]);
    // They are known by then: whoever sends them once only is shown after a new beginning too.
    let many: Vec<(u64, &[u8], bool)> = [(0, sets, false), (1, idr, true)]
        .into_iter()
        .chain((3..=3 + FRAME_PACKETS_MAX as u64).map(|seq| (seq, idr, false)))
        .collect();
    let mut depacketizer = Depacketizer::default();
    for (seq, payload, last) in many {
        let packet = Packet {
            codec: Codec::H264,
            seq,
            last,
            payload: payload.into(),
            time: u32::from(seq > 1),
            ..Script::new(1).packets[0].clone()
        };
        depacketizer.push(packet);
        while depacketizer.poll(Instant::now()).is_some() {}
    }
    assert!(depacketizer.counts().holes > 0 && !depacketizer.awaits_keyframe());
}
