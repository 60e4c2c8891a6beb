use super::*;
use crate::frame::Colour;

/// Key frames of 320x180, one for each colour.
const COLOURS: &[u8] = include_bytes!("../../../tests/data/vp9-colours.ivf");
const RGB: [u32; 4] = [0xc0_20_20, 0x20_a0_30, 0x20_30_c0, 0xe0_e0_e0];

/// A key frame of 64x48 and what follows it.
const MOVING: &[u8] = include_bytes!("../../../tests/data/vp9-moving.ivf");

/// What is in a file (IVF): 32 bytes, then each frame after 12 bytes that begin with its size.
fn film(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut frames) = (&file[32..], Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(12) {
        let size = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        frames.push(tail[..size].to_vec());
        rest = &tail[size..];
    }
    frames
}

/// A header from bits as a text; `|` only helps to read.
fn header(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| b"01".contains(bit)).map(|bit| bit - b'0').collect();
    bits.chunks(8).map(|byte| (0..8).fold(0, |sum, at| sum << 1 | byte.get(at).unwrap_or(&0))).collect()
}

fn key(width: u32, height: u32) -> Vec<u8> {
    header(&format!("10|00|0|0|1|0|{:024b}|001|0|{:016b}|{:016b}", 0x49_83_42, width - 1, height - 1))
}

fn superframe_of(frames: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    join(frames, &mut joined);
    joined
}

#[test]
fn headers_are_read_as_the_specification_writes_them() {
    let check = |bits: &str, expected: Option<Header>| assert_eq!(Header::of(&header(bits)), expected, "{bits}");
    assert_eq!(Header::of(&key(640, 360)), Some(Header::Key(640, 360)));
    assert_eq!(Header::of(&key(65_536, 1)), Some(Header::Key(65_536, 1)));
    let (sync, size) = (format!("{:024b}", 0x49_83_42), format!("{:016b}|{:016b}", 99, 49));
    check("10|00|1|000", Some(Header::Delta(None)));
    // Builds on others and has the size of the second of them; or one of its own.
    let refers = "10|00|0|1|1|0|00|00000001|000|0|001|0|010|0";
    check(&format!("{refers}|01"), Some(Header::Delta(None)));
    check(&format!("{refers}|000|{size}"), Some(Header::Delta(Some((100, 50)))));
    // Not shown, and builds on none.
    check(&format!("10|00|0|1|0|0|1|00|{sync}|11111111|{size}"), Some(Header::Delta(Some((100, 50)))));
    check(&format!("10|00|0|1|0|1|0|00000001|000000000000|1{}", "0".repeat(9)), Some(Header::Delta(None)));
    // Other profiles, other marks, RGB, no sync, too short.
    check(&format!("10|10|0|0|1|0|{sync}|001|0|{size}"), None);
    check(&format!("10|01|0|0|1|0|{sync}|001|0|{size}"), None);
    check(&format!("01|00|0|0|1|0|{sync}|001|0|{size}"), None);
    check(&format!("10|00|0|0|1|0|{sync}|111|0|{size}"), None);
    check(&format!("10|00|0|0|1|0|{:024b}|001|0|{size}", 0x49_83_43), None);
    check(&format!("10|00|0|0|1|0|{sync}|001|0|{:016b}", 99), None);
    assert_eq!(Header::of(&[]), None);
}

#[test]
fn superframes_are_taken_apart() {
    let [a, b, c] = [&[1_u8, 2, 3][..], &[4], &[5; 300]];
    assert_eq!(frames(&superframe_of(&[a, b, c])), Some(vec![a, b, c]));
    assert_eq!(frames(a), Some(vec![a]));
    // One byte for each size; nothing in one of them.
    assert_eq!(frames(&[1, 2, 3, 9, 0xc2, 3, 0, 1, 0xc2]), Some(vec![a, &[9][..]]));
    // Sizes beyond what is before the index.
    assert_eq!(frames(&[1, 2, 3, 0xc1, 3, 1, 0xc1]), None);
    // No index after all.
    assert_eq!(frames(&[1, 2, 3, 0xc1]), Some(vec![&[1, 2, 3, 0xc1][..]]));
    assert_eq!(frames(&[0xc0]), Some(vec![&[0xc0][..]]));
}

#[test]
fn what_was_encoded_comes_back() {
    let mut decoder = Vp9Decoder::new().unwrap();
    for (frame, rgb) in film(COLOURS).iter().zip(RGB) {
        assert_eq!(Header::of(frame), Some(Header::Key(320, 180)));
        assert_eq!(decoder.decode(frame), Ok(true));
        let (seen, meant) = (decoder.picture().unwrap(), Colour::of(rgb));
        assert_eq!(seen.size(), (320, 180));
        for (plane, value) in seen.planes().into_iter().zip([meant.y, meant.u, meant.v]) {
            assert!(plane.row(plane.height - 1).iter().all(|pixel| pixel.abs_diff(value) < 12));
        }
    }
}

#[test]
fn sizes_are_looked_at_before_anything_is_decoded() {
    let check = |width: u32, height: u32, refused: bool| {
        let outcome = Vp9Decoder::new().unwrap().decode(&[key(width, height), vec![0; 64]].concat());
        assert_eq!(matches!(outcome, Err(CodecError::Size(..))), refused, "{width}x{height}: {outcome:?}");
    };
    check(16_384, 16_384, true);
    check(65_536, 65_536, true);
    check(2_562, 1_440, true);
    check(4_098, 2, true);
    check(2_560, 1_440, false);
    // In every frame of a superframe.
    let (good, huge) = (&film(COLOURS)[0], key(16_384, 16_384));
    let outcome = Vp9Decoder::new().unwrap().decode(&superframe_of(&[good, &huge]));
    assert_eq!(outcome, Err(CodecError::Size(16_384, 16_384)));
    // What only follows a frame is none.
    assert_eq!(Vp9Decoder::new().unwrap().decode(&[&good[..], &huge].concat()), Ok(true));
}

#[test]
fn a_decoder_wants_a_key_frame_first_and_after_damage() {
    let (mut decoder, frames) = (Vp9Decoder::new().unwrap(), film(MOVING));
    assert_eq!(decoder.decode(&frames[1]), Err(CodecError::KeyMissing));
    assert!(frames.iter().all(|frame| decoder.decode(frame) == Ok(true)));
    assert!(!decoder.is_key_wanted());
    assert_eq!(decoder.decode(&frames[0][..20]), Err(CodecError::Broken));
    assert_eq!(decoder.picture().map(|picture| picture.size()), None);
    assert_eq!(decoder.decode(&frames[1]), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&frames[0]), Ok(true));
    decoder.wait_for_key();
    assert_eq!(decoder.decode(&frames[1]), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&[]), Err(CodecError::Broken));
}

#[test]
fn every_frame_of_a_superframe_counts_as_the_largest_that_it_may_build_on() {
    let mut decoder = Vp9Decoder::new().unwrap();
    let shows = header("10|00|1|000");
    let mut pixels = |frames: &[&[u8]]| {
        let _ = decoder.check(frames);
        decoder.pixels()
    };
    assert_eq!(pixels(&[&key(640, 360)]), 640 * 360);
    assert_eq!(pixels(&[&shows, &shows, &shows]), 3 * 640 * 360);
    assert_eq!(pixels(&[&key(64, 36)]), 64 * 36);
}
