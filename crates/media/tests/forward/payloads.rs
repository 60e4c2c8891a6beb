//! What payloads say.

use crate::source::Vp8;
use media::codec::{Codec, Descriptor, Size};

/// Key frame, starts a frame, size.
#[track_caller]
fn check(codec: Codec, payload: &[u8], expected: (bool, bool, Option<(u16, u16)>)) {
    let found = Descriptor::parse(codec, payload);
    let size = expected.2.map(|(width, height)| Size { width, height });
    assert_eq!((found.keyframe, found.starts_frame, found.size), (expected.0, expected.1, size));
}

const KEY: Vp8 = Vp8 { key: true, starts: true, picture: Some((300, 15)), tl0: Some(9), temporal: Some(2), sync: true };

#[test]
fn vp8_key_frames_and_sizes() {
    check(Codec::Vp8, &KEY.bytes(), (true, true, Some((320, 180))));
    check(Codec::Vp8, &Vp8 { picture: None, tl0: None, ..KEY }.bytes(), (true, true, Some((320, 180))));
    check(Codec::Vp8, &Vp8 { key: false, ..KEY }.bytes(), (false, true, None));
    check(Codec::Vp8, &Vp8 { starts: false, ..KEY }.bytes(), (false, false, None));
    check(Codec::Vp8, &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x81], (true, true, Some((640, 480))));
    check(Codec::Vp8, &[0x11, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x81], (false, false, None));
    check(Codec::Vp8, &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2b, 0x80, 0x42, 0xe0, 0x81], (false, true, None));
    check(Codec::Vp8, &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80], (false, true, None));
}

#[test]
fn vp8_counters() {
    let parse = |packet: Vp8| Descriptor::parse(Codec::Vp8, &packet.bytes());
    let read = |packet: Vp8| {
        let found = parse(packet);
        let vp8 = found.vp8.expect("VP8");
        (vp8.picture.map(|picture| (picture.id, picture.bits)), vp8.tl0, found.temporal, found.layer_sync)
    };
    assert_eq!(read(KEY), (Some((300, 15)), Some(9), Some(2), true));
    assert_eq!(read(Vp8 { picture: Some((100, 7)), sync: false, ..KEY }), (Some((100, 7)), Some(9), Some(2), false));
    assert_eq!(read(Vp8 { picture: None, ..KEY }), (None, Some(9), Some(2), true));
    assert_eq!(read(Vp8 { tl0: None, temporal: None, ..KEY }), (Some((300, 15)), None, None, false));
    assert!(parse(Vp8 { temporal: None, ..KEY }).vp8.is_none(), "a counter of a layer without a layer");
}

#[test]
fn vp9_key_frames_and_sizes() {
    check(Codec::Vp9, &[0x8a, 0x81, 0x02, 0x10, 0x05, 0x00, 0x02, 0xd0, 1], (true, true, Some((1280, 720))));
    check(Codec::Vp9, &[0xaa, 0x01, 0x00, 0x07, 0x30, 1, 64, 0, 180, 2, 128, 1, 104], (true, true, Some((640, 360))));
    check(Codec::Vp9, &[0xa8, 0x01, 0x02, 0x07, 1], (false, false, None));
    check(Codec::Vp9, &[0xc8, 0x01, 1], (false, true, None));
    check(Codec::Vp9, &[0x80, 0x01, 1], (false, false, None));
    check(Codec::Vp9, &[0xf8, 0x01, 0x00, 0x03, 0x02, 1], (false, true, None));
    check(Codec::Vp9, &[0x8a, 0x81], (false, false, None));
    assert_eq!(Descriptor::parse(Codec::Vp9, &[0xe8, 0x01, 0x50, 0x07, 1]).temporal, Some(2));
}

/// High profile, 1920x1080, as x264 writes it.
const SPS_1080: [u8; 26] = [
    0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
    0x00, 0xf0, 0x3c, 0x60, 0xc6,
];

#[test]
fn h264_key_frames() {
    check(Codec::H264, &[0x65, 0x88, 1], (true, true, None));
    check(Codec::H264, &[0x65, 0x08, 1], (false, false, None));
    check(Codec::H264, &[0x41, 0x9a, 1], (false, true, None));
    check(Codec::H264, &[0x68, 0xce], (false, false, None));
    check(Codec::H264, &[0x7c, 0x85, 0x88], (true, true, None));
    check(Codec::H264, &[0x7c, 0x05, 0x88], (false, false, None));
    check(Codec::H264, &[0x7c, 0x81, 0x9a], (false, true, None));
    check(Codec::H264, &[0x78, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88], (true, true, None));
    check(Codec::H264, &[0x78, 0, 2, 0x68, 0xce, 0, 9, 0x65, 0x88], (false, false, None));
    check(Codec::H264, &[0x78, 0], (false, false, None));
    assert!(Descriptor::parse(Codec::H264, &[0x67, 0x42]).self_contained);
    assert!(!Descriptor::parse(Codec::H264, &[0x65, 0x88]).self_contained);
}

#[test]
fn h264_sizes() {
    check(Codec::H264, &SPS_1080, (true, true, Some((1920, 1080))));
    let aggregate = [&[0x78, 0, 26], &SPS_1080[..], &[0, 2, 0x65, 0x88]].concat();
    check(Codec::H264, &aggregate, (true, true, Some((1920, 1080))));
    check(Codec::H264, &SPS_1080[..9], (true, true, None));
    let cropped =
        [(0x42, 8), (0x1f, 16), (1, 1), (1, 1), (3, 3), (2, 3), (0, 1), (40, 11), (23, 9), (7, 3), (7, 3), (5, 5), (0, 1)];
    check(Codec::H264, &[&[0x67], &packed(&cropped)[..]].concat(), (true, true, Some((640, 360))));
}

/// Values with their width in bits.
fn packed(values: &[(u32, u32)]) -> Vec<u8> {
    let bits = values.iter().flat_map(|(value, width)| (0..*width).rev().map(move |bit| (value >> bit & 1) as u8));
    bits.collect::<Vec<_>>().chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| bit << (7 - at)).sum()).collect()
}

#[test]
fn sound_is_all_key_frames_and_nothing_is_nothing() {
    check(Codec::Opus, &[1], (true, true, None));
    check(Codec::OtherAudio, &[1], (true, true, None));
    for codec in [Codec::Opus, Codec::OtherAudio, Codec::Vp8, Codec::Vp9, Codec::H264] {
        check(codec, &[], (false, false, None));
        assert!(Descriptor::parse(codec, &[]).empty);
    }
}
