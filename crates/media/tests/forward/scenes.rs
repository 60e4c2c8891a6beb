//! Short scenes, one rule each.

use crate::source::{Packet, Vp8, ms, patched};
use media::codec::Codec;
use media::forward::{Forwarder, Recent, SenderReport};
use media::limit::SEQ_AHEAD_MAX;
use std::time::Instant;

/// A subscriber to a track with layers whose numbers have nothing in common.
struct Scene {
    forwarder: Forwarder,
    start: Instant,
    now_ms: u64,
}

/// What was sent: number, timestamp, picture, tl0.
type Sent = Option<(u64, u32, Option<u16>, Option<u8>)>;

const FIRST_SEQ: u16 = 100;
const FIRST_TIME: u32 = 0xffff_ff00;

impl Scene {
    fn new(codec: Codec, target: u8) -> Self {
        let mut forwarder = Forwarder::new(codec, FIRST_SEQ, FIRST_TIME);
        forwarder.set_target(Some(target));
        Scene { forwarder, start: Instant::now(), now_ms: 0 }
    }

    fn give(&mut self, packet: &Packet) -> Sent {
        let sent = self.forwarder.rewrite(&packet.at(self.start + ms(self.now_ms)))?;
        let counters = sent.vp8.map(|patch| Vp8::counters(&patched(&packet.payload, patch)));
        let (picture, tl0) = counters.unwrap_or_default();
        Some((sent.seq, sent.time, picture, tl0))
    }

    /// The number alone.
    fn seq(&mut self, packet: &Packet) -> Option<u64> {
        self.give(packet).map(|sent| sent.0)
    }
}

/// Frames of one packet: `n` is frame and packet number alike.
fn frame(layer: u8, n: u64, key: bool) -> Packet {
    let base = [1_000, 65_530, 300_000][usize::from(layer)];
    let time = [77u32, 0xffff_0000, 1 << 31][usize::from(layer)].wrapping_add(n as u32 * 3_000);
    let picture = Some(((n as u16).wrapping_add([5, 0x7ff0, 300][usize::from(layer)]), 15));
    let tl0 = Some((n as u8).wrapping_add([250, 7, 90][usize::from(layer)]));
    let bytes = Vp8 { key, starts: true, picture, tl0, temporal: Some(0), sync: false }.bytes();
    Packet::new(Codec::Vp8, layer, base + n, time, &bytes)
}

fn key(layer: u8, n: u64) -> Packet {
    frame(layer, n, true)
}

fn delta(layer: u8, n: u64) -> Packet {
    frame(layer, n, false)
}

#[test]
fn begins_with_a_key_frame_under_its_own_numbers() {
    let mut scene = Scene::new(Codec::Vp8, 1);
    assert_eq!((scene.forwarder.awaits_keyframe(), scene.forwarder.current()), (Some(1), None));
    assert_eq!(scene.give(&delta(1, 0)), None);
    assert_eq!(scene.give(&key(0, 1)), None);
    assert_eq!(scene.give(&key(1, 1)), Some((100, FIRST_TIME, Some(0x7ff1), Some(8))));
    assert_eq!((scene.forwarder.awaits_keyframe(), scene.forwarder.current()), (None, Some(1)));
    scene.now_ms += 33;
    assert_eq!(scene.give(&delta(1, 2)), Some((101, FIRST_TIME.wrapping_add(3_000), Some(0x7ff2), Some(9))));
}

#[test]
fn the_first_number_is_below_two_to_the_fifteenth() {
    let mut forwarder = Forwarder::new(Codec::Opus, 0xffff, 0);
    forwarder.set_target(Some(0));
    let packet = Packet::new(Codec::Opus, 0, 7, 7, b"sound");
    assert_eq!(forwarder.rewrite(&packet.at(Instant::now())).map(|sent| sent.seq), Some(0x7fff));
}

#[test]
fn a_lost_packet_keeps_its_number_and_a_late_one_finds_it() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    assert_eq!(scene.seq(&key(0, 1)), Some(100));
    assert_eq!(scene.seq(&delta(0, 4)), Some(103));
    assert_eq!(scene.seq(&delta(0, 3)), Some(102));
    assert_eq!(scene.seq(&delta(0, 3)), None, "twice");
    assert_eq!(scene.seq(&delta(0, 0)), None, "from before");
    assert_eq!(scene.seq(&delta(0, 2)), Some(101));
    scene.now_ms = 20_000;
    assert_eq!(scene.seq(&delta(0, 510)), Some(609));
    assert_eq!(scene.seq(&delta(0, 600)), Some(699));
    assert_eq!(scene.seq(&delta(0, 88)), None, "beyond the window");
    assert_eq!(scene.seq(&delta(0, 89)), Some(188));
}

#[test]
fn a_switch_waits_for_the_key_frame_and_leaves_no_seam() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    scene.forwarder.set_target(Some(2));
    assert_eq!(scene.forwarder.awaits_keyframe(), Some(2));
    scene.now_ms = 33;
    assert_eq!(scene.give(&delta(0, 1)), Some((101, FIRST_TIME.wrapping_add(3_000), Some(6), Some(251))));
    assert_eq!(scene.give(&delta(2, 1)), None);
    scene.now_ms = 66;
    assert_eq!(scene.give(&key(2, 2)), Some((102, FIRST_TIME.wrapping_add(66 * 90), Some(7), Some(252))));
    assert_eq!(scene.give(&delta(0, 2)), None);
    assert_eq!((scene.forwarder.awaits_keyframe(), scene.forwarder.current()), (None, Some(2)));
    scene.forwarder.set_target(Some(0));
    scene.forwarder.set_target(Some(2));
    assert_eq!(scene.give(&key(0, 3)), None, "the wish was taken back");
    assert_eq!(scene.seq(&delta(2, 3)), Some(103));
}

#[test]
fn what_is_late_from_before_a_switch_still_has_its_place() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    assert_eq!(scene.seq(&delta(0, 2)), Some(102));
    scene.forwarder.set_target(Some(1));
    assert_eq!(scene.seq(&key(1, 9)), Some(103));
    assert_eq!(scene.give(&delta(0, 1)).map(|sent| (sent.0, sent.2)), Some((101, Some(6))));
    assert_eq!(scene.seq(&delta(0, 1)), None, "twice");
    assert_eq!(scene.seq(&delta(0, 3)), None, "beyond the switch");
}

#[test]
fn what_is_late_from_before_two_switches_still_has_its_place() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    assert_eq!(scene.seq(&delta(0, 2)), Some(102));
    scene.forwarder.set_target(Some(1));
    assert_eq!(scene.seq(&key(1, 9)), Some(103));
    assert_eq!(scene.seq(&delta(1, 11)), Some(105));
    scene.now_ms = 70;
    scene.forwarder.set_target(Some(0));
    assert_eq!(scene.seq(&key(0, 4)), Some(106), "the first layer again");
    assert_eq!(scene.seq(&delta(1, 10)), Some(104));
    assert_eq!(scene.give(&delta(0, 1)).map(|sent| (sent.0, sent.2)), Some((101, Some(6))));
    assert_eq!(scene.seq(&delta(0, 1)), None, "twice");
    assert_eq!(scene.seq(&delta(0, 3)), None, "between the two");
    scene.forwarder.set_target(None);
    assert_eq!(scene.seq(&delta(1, 10)), None);
}

/// Not the last packet of its frame.
fn open(packet: Packet) -> Packet {
    Packet { ends_frame: false, ..packet }
}

/// Another packet of the frame.
fn rest(packet: Packet, after: u64) -> Packet {
    Packet { seq: packet.seq + after, ..packet }
}

/// Forwards the smallest layer up to the middle of a frame, and has passed over a key frame of the largest.
fn in_the_middle() -> Scene {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    scene.forwarder.set_target(Some(2));
    assert_eq!(scene.seq(&open(delta(0, 1))), Some(101));
    assert_eq!((scene.give(&key(2, 2)), scene.forwarder.poll_held()), (None, None));
    assert_eq!((scene.forwarder.held(), scene.forwarder.awaits_keyframe()), (Some((2, 300_002)), None));
    scene
}

#[test]
fn a_switch_waits_for_the_end_of_a_frame() {
    let mut scene = in_the_middle();
    assert_eq!(scene.give(&delta(2, 3)), None);
    assert_eq!(scene.seq(&open(rest(delta(0, 1), 1))), Some(102));
    assert_eq!(scene.forwarder.poll_held(), None);
    assert_eq!(scene.seq(&rest(delta(0, 1), 2)), Some(103));
    assert_eq!(scene.forwarder.poll_held(), Some((2, 300_002)));
    assert_eq!([key(2, 2), delta(2, 3), delta(2, 4)].map(|packet| scene.seq(&packet)), [Some(104), Some(105), Some(106)]);
    assert_eq!((scene.forwarder.held(), scene.forwarder.current()), (None, Some(2)));
}

#[test]
fn an_end_that_was_lost_keeps_its_places_at_a_switch() {
    let mut scene = in_the_middle();
    assert_eq!(scene.give(&rest(delta(0, 2), 2)), None, "the next frame is not begun");
    assert_eq!(scene.forwarder.poll_held(), Some((2, 300_002)));
    assert_eq!(scene.seq(&key(2, 2)), Some(104));
    assert_eq!(scene.seq(&rest(delta(0, 1), 2)), Some(103));
    assert_eq!(scene.seq(&open(rest(delta(0, 1), 1))), Some(102));
    assert_eq!(scene.seq(&rest(delta(0, 1), 1)), None, "twice");
}

#[test]
fn an_end_that_was_lost_with_what_follows_keeps_one_place() {
    let mut scene = in_the_middle();
    let middle = Packet::new(Codec::Vp8, 0, 1_004, delta(0, 2).time, &[0x80, 0xe0, 0x80, 7, 252, 0, 7, 7]);
    assert_eq!((scene.give(&middle), scene.forwarder.poll_held()), (None, Some((2, 300_002))));
    assert_eq!(scene.seq(&key(2, 2)), Some(103));
    assert_eq!((scene.seq(&rest(delta(0, 2), 1)), scene.seq(&rest(delta(0, 1), 1))), (None, Some(102)));
}

#[test]
fn a_switch_does_not_wait_for_ever() {
    let mut scene = in_the_middle();
    scene.now_ms = 99;
    assert_eq!((scene.give(&delta(2, 3)), scene.forwarder.poll_held()), (None, None));
    scene.now_ms = 100;
    assert_eq!((scene.give(&delta(2, 4)), scene.forwarder.poll_held()), (None, Some((2, 300_002))));
    assert_eq!([key(2, 2), delta(2, 3)].map(|packet| scene.seq(&packet)), [Some(103), Some(104)]);
    assert_eq!(scene.seq(&rest(delta(0, 1), 1)), Some(102), "the place of one");
    let mut scene = in_the_middle();
    assert_eq!((scene.give(&delta(2, 128)), scene.forwarder.poll_held()), (None, None));
    assert_eq!((scene.give(&delta(2, 129)), scene.forwarder.poll_held()), (None, Some((2, 300_002))), "no more are kept");
}

#[test]
fn a_key_frame_that_waits_is_forgotten_with_the_wish() {
    let mut scene = in_the_middle();
    scene.forwarder.set_target(Some(0));
    assert_eq!((scene.seq(&rest(delta(0, 1), 1)), scene.forwarder.poll_held()), (Some(102), None));
    assert_eq!(scene.seq(&rest(delta(0, 2), 1)), Some(103));
    scene.forwarder.set_target(Some(2));
    assert_eq!((scene.forwarder.held(), scene.forwarder.awaits_keyframe()), (None, Some(2)));
}

#[test]
fn off_is_at_once_and_on_needs_a_key_frame() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    scene.forwarder.set_target(None);
    assert_eq!((scene.forwarder.awaits_keyframe(), scene.forwarder.current()), (None, None));
    assert_eq!(scene.give(&key(0, 1)), None);
    scene.forwarder.set_target(Some(0));
    assert_eq!(scene.forwarder.awaits_keyframe(), Some(0));
    assert_eq!(scene.give(&delta(0, 2)), None);
    scene.now_ms = 10_000;
    assert_eq!(scene.give(&key(0, 300)), Some((101, FIRST_TIME.wrapping_add(900_000), Some(6), Some(251))));
}

#[test]
fn reports_tell_the_gap_better_than_arrivals() {
    let check = |reported_ms: u64, arrived_ms: u64, expected: u32| {
        let mut scene = Scene::new(Codec::Vp8, 0);
        let report = |clock_ms, packet: Packet| Packet {
            report: Some(SenderReport { clock: ms(clock_ms), time: packet.time.wrapping_sub(90 * 500) }),
            ..packet
        };
        scene.give(&report(1_000_000, key(0, 0)));
        scene.forwarder.set_target(Some(1));
        scene.now_ms = arrived_ms;
        let sent = scene.give(&report(1_000_000 + reported_ms, key(1, 0)));
        assert_eq!(sent.map(|sent| sent.1.wrapping_sub(FIRST_TIME)), Some(expected));
    };
    check(100, 250, 9_000);
    check(0, 20, 1);
    check(5_000, 250, 22_500);
}

#[test]
fn a_clock_that_could_not_go_back_makes_up_for_it() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    let reported = |clock_ms, packet: Packet| {
        let report = Some(SenderReport { clock: ms(clock_ms), time: packet.time });
        Packet { report, ..packet }
    };
    scene.give(&reported(1_050, key(0, 0)));
    scene.forwarder.set_target(Some(1));
    assert_eq!(scene.give(&reported(1_000, key(1, 0))).map(|sent| sent.1), Some(FIRST_TIME.wrapping_add(1)));
    scene.forwarder.set_target(Some(2));
    scene.now_ms = 150;
    assert_eq!(scene.give(&reported(1_150, key(2, 0))).map(|sent| sent.1), Some(FIRST_TIME.wrapping_add(9_000)));
}

#[test]
fn a_key_frame_whose_first_packet_is_late_is_replayed_or_passed_over() {
    let check = |replayable: bool, expected: Option<(u64, u64)>| {
        let mut scene = Scene::new(Codec::Vp8, 0);
        assert_eq!(scene.give(&delta(0, 2)), None);
        assert_eq!(scene.give(&delta(0, 4)), None);
        let first = Packet { replayable, ..key(0, 1) };
        let sent = scene.forwarder.rewrite(&first.at(scene.start));
        assert_eq!(sent.map(|sent| (sent.seq, sent.replay)), expected);
        assert_eq!(scene.seq(&delta(0, 2)), expected.map(|_| 101));
        assert_eq!(scene.seq(&delta(0, 4)), expected.map(|_| 103));
        assert_eq!(scene.forwarder.awaits_keyframe(), if expected.is_some() { None } else { Some(0) });
    };
    check(false, None);
    check(true, Some((100, 3)));
}

/// Numbers that come, and after each: whether it is replayable, how many are held, and which follow.
#[track_caller]
fn check_recent(packets_max: usize, numbers: &[(u64, bool, &[u64])]) {
    let mut recent = Recent::new(packets_max);
    for (number, replayable, after) in numbers {
        assert_eq!(recent.hear(*number), *replayable, "{number}");
        assert_eq!(recent.after(*number, 5).copied().collect::<Vec<_>>(), *after, "{number}");
        recent.keep(*number, *number);
    }
}

#[test]
fn what_came_before_a_missing_packet_is_kept_until_it_comes() {
    check_recent(
        4,
        &[(10, true, &[]), (12, true, &[]), (13, true, &[]), (11, true, &[12, 13]), (11, false, &[]), (14, true, &[])],
    );
    check_recent(4, &[(10, true, &[]), (9, true, &[10]), (30, true, &[]), (25, false, &[30]), (27, true, &[30])]);
    check_recent(4, &[(10, true, &[]), (8, true, &[10]), (9, true, &[10]), (7, true, &[8, 9, 10])]);
    let back: Vec<(u64, bool, &[u64])> = (0..8).map(|n| (100 + n, n == 7, &[][..])).collect();
    check_recent(4, &[&[(200, true, &[][..]), (202, true, &[])], &back[..], &[(106, true, &[107])]].concat());
}

#[test]
fn what_is_wanted_is_kept_until_it_is_not() {
    let mut recent = Recent::new(4);
    for number in 10..16 {
        recent.want((number > 11).then_some(12));
        recent.hear(number);
        recent.keep(number, number);
    }
    assert_eq!(recent.since(12).map(|(number, _)| *number).collect::<Vec<_>>(), [12, 13, 14, 15]);
    recent.hear(16);
    recent.want(None);
    recent.keep(16, 16);
    recent.hear(17);
    assert_eq!(recent.held(), 0);
}

#[test]
fn nothing_is_kept_where_nothing_is_missing() {
    let mut recent = Recent::new(8);
    for number in 1..100 {
        recent.hear(number);
        recent.keep(number, number);
        assert!(recent.held() == 0 || number < 10, "{number}");
    }
}

#[test]
fn another_stream_on_the_layer_goes_on_at_its_key_frame() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    scene.give(&delta(0, 1));
    let anew = |packet: Packet| Packet { stream: 99, seq: packet.seq % 100 + 5, time: !packet.time, ..packet };
    scene.now_ms = 1_000;
    assert_eq!(scene.give(&anew(delta(0, 2))), None);
    assert_eq!(scene.forwarder.awaits_keyframe(), Some(0));
    let sent = scene.give(&anew(key(0, 3)));
    assert_eq!(sent, Some((102, FIRST_TIME.wrapping_add(90_000), Some(7), Some(252))));
    assert_eq!(scene.forwarder.awaits_keyframe(), None);
    assert_eq!(scene.give(&key(0, 1)), None, "the old stream's late packets do not bring it back");
    assert_eq!(scene.seq(&anew(delta(0, 4))), Some(103));
}

#[test]
fn a_jump_of_the_same_stream_goes_on_at_its_key_frame() {
    let check = |far: &dyn Fn(Packet) -> Packet, others: u64| {
        let mut scene = Scene::new(Codec::Vp8, 2);
        scene.give(&key(2, 0));
        scene.now_ms = 33;
        for n in 0..others {
            assert_eq!(scene.give(&far(delta(2, 1 + n))), None);
        }
        assert_eq!(scene.forwarder.awaits_keyframe(), Some(2));
        assert_eq!(scene.seq(&far(key(2, 20))), Some(101));
        assert_eq!(scene.seq(&far(delta(2, 21))), Some(102));
        assert_eq!(scene.forwarder.awaits_keyframe(), None);
    };
    check(&|packet| Packet { seq: packet.seq + 4_000, ..packet }, 1);
    check(&|packet| Packet { seq: packet.seq - 30_000, ..packet }, 9);
    check(&|packet| Packet { time: packet.time.wrapping_add(90_000 * 60), ..packet }, 1);
    check(&|packet| Packet { time: packet.time.wrapping_sub(90_000 * 60), ..packet }, 1);
}

#[test]
fn one_packet_from_long_ago_brings_nothing_back() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    scene.give(&key(0, 0));
    scene.give(&delta(0, 1));
    scene.now_ms = 30_000;
    assert_eq!(scene.seq(&delta(0, 900)), Some(1_000));
    assert_eq!(scene.seq(&key(0, 2)), None);
    assert_eq!(scene.forwarder.awaits_keyframe(), None);
    assert_eq!(scene.seq(&delta(0, 901)), Some(1_001));
}

#[test]
fn sound_is_passed_on_with_its_pauses() {
    let mut scene = Scene::new(Codec::Opus, 0);
    let sound = |n: u64, time: u32| Packet::new(Codec::Opus, 0, 65_000 + n, 0xffff_f000u32.wrapping_add(time), b"sound");
    assert_eq!(scene.forwarder.awaits_keyframe(), None);
    assert_eq!(scene.give(&sound(0, 0)), Some((100, FIRST_TIME, None, None)));
    scene.now_ms = 400;
    assert_eq!(scene.give(&sound(1, 19_200)), Some((101, FIRST_TIME.wrapping_add(19_200), None, None)));
    scene.now_ms = 440;
    assert_eq!(scene.give(&sound(3, 21_120)), Some((103, FIRST_TIME.wrapping_add(21_120), None, None)));
    scene.now_ms = 460;
    let sent = scene.give(&Packet { stream: 5, seq: 9, time: 1, ..sound(0, 0) });
    assert_eq!(sent, Some((104, FIRST_TIME.wrapping_add(22_080), None, None)), "another microphone");
}

#[test]
fn padding_takes_no_number_unless_it_is_late() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    let padding = |n: u64| Packet { seq: 1_000 + n, ..Packet::new(Codec::Vp8, 0, 0, 77, &[]) };
    assert_eq!(scene.seq(&key(0, 0)), Some(100));
    assert_eq!(scene.seq(&padding(1)), None);
    assert_eq!(scene.seq(&padding(2)), None);
    assert_eq!(scene.seq(&delta(0, 4)), Some(102));
    assert_eq!(scene.seq(&padding(3)), Some(101));
    assert_eq!(scene.seq(&padding(2)), None);
    assert_eq!(scene.seq(&delta(0, 5)), Some(103));
}

#[test]
fn numbers_wrap_without_a_seam() {
    let mut scene = Scene::new(Codec::Vp8, 1);
    for n in 0..70_000u64 {
        scene.now_ms = n * 33;
        let sent = scene.give(&frame(1, n, n == 0)).expect("forwarded");
        let picture = (0x7ff0 + n) % 0x8000;
        assert_eq!(sent, (100 + n, FIRST_TIME.wrapping_add(n as u32 * 3_000), Some(picture as u16), Some((n + 7) as u8)));
    }
}

#[test]
fn picture_numbers_keep_the_width_they_came_with() {
    let mut scene = Scene::new(Codec::Vp8, 0);
    let packet = |layer: u8, n: u64, picture: (u16, u8), key: bool| {
        let bytes = Vp8 { key, starts: true, picture: Some(picture), tl0: None, temporal: None, sync: false }.bytes();
        Packet::new(Codec::Vp8, layer, n, n as u32, &bytes)
    };
    let mut picture = |packet: Packet, target: u8| {
        scene.forwarder.set_target(Some(target));
        scene.give(&packet).and_then(|sent| sent.2)
    };
    assert_eq!(picture(packet(0, 10, (127, 7), true), 0), Some(127));
    assert_eq!(picture(packet(0, 11, (0, 7), false), 0), Some(0));
    assert_eq!(picture(packet(1, 10, (0x7fff, 15), true), 1), Some(129));
    assert_eq!(picture(packet(1, 11, (0, 15), false), 1), Some(130));
    assert_eq!(picture(packet(0, 12, (5, 7), true), 0), Some(3));
}

#[test]
fn h264_begins_with_its_parameters() {
    let unit = |n: u64, time: u32, kind: u8| Packet::new(Codec::H264, 0, n, time, &[0x60 | kind, 0x80, 1, 2, 3]);
    let mut scene = Scene::new(Codec::H264, 0);
    assert_eq!(scene.seq(&unit(11, 0, 8)), None);
    assert_eq!(scene.seq(&unit(12, 0, 5)), None, "its parameters are missing");
    assert_eq!(scene.seq(&unit(13, 9, 1)), None);
    assert_eq!(scene.seq(&unit(14, 18, 7)), Some(100));
    assert_eq!(scene.seq(&unit(15, 18, 8)), Some(101));
    assert_eq!(scene.seq(&unit(16, 18, 5)), Some(102));
    let mut scene = Scene::new(Codec::H264, 0);
    assert_eq!(scene.seq(&unit(10, 0, 1)), None);
    assert_eq!(scene.seq(&unit(11, 9, 5)), Some(100), "it has none of its own");
}

#[test]
fn no_more_is_missing_at_once_than_a_stream_may_lose() {
    let most = u64::from(FIRST_SEQ) + SEQ_AHEAD_MAX;
    let mut scene = Scene::new(Codec::Vp8, 0);
    let far = |frame: u64, n: u64| Packet { seq: 1_000 + n, ..delta(0, frame) };
    // Without a payload, which goes to nobody.
    let padding = |n: u64| Packet::new(Codec::Vp8, 0, 1_000 + n, delta(0, 0).time, &[]);
    assert_eq!(scene.seq(&key(0, 0)), Some(100));
    for n in 1..20 {
        assert_eq!(scene.seq(&padding(n * 2_500)), None);
    }
    let n = 20 * 2_500;
    assert_eq!(scene.seq(&far(2, n)), Some(most));
    assert_eq!(scene.seq(&far(1, n - 300)), Some(most - 300), "late, and in its place");
    assert_eq!(scene.seq(&far(3, n + 1)), Some(most + 1));
    // The same before another layer.
    assert_eq!(scene.seq(&padding(n + 3_000)), None);
    assert_eq!(scene.seq(&padding(n + 5_900)), None);
    scene.forwarder.set_target(Some(2));
    assert_eq!(scene.seq(&key(2, 1)), Some(most + 1 + SEQ_AHEAD_MAX));
    assert_eq!(scene.seq(&delta(2, 2)), Some(most + 2 + SEQ_AHEAD_MAX));
}

#[test]
fn a_hundred_tracks_take_little_of_a_subscribers_share() {
    let bytes = size_of::<Forwarder>();
    assert!(bytes <= 1_280, "{bytes} bytes");
}
