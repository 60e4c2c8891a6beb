use super::*;
use crate::frame::{Colour, Frame};

const SETTINGS: Vp8Settings = Vp8Settings { width: 320, height: 180, fps: 30, bitrate: 500_000 };

fn encoder() -> Vp8Encoder {
    Vp8Encoder::new(SETTINGS).unwrap()
}

fn frame(rgb: u32) -> Frame {
    Frame::new(SETTINGS.width, SETTINGS.height, Colour::of(rgb))
}

#[test]
fn what_was_encoded_comes_back() {
    let (mut encoder, mut decoder) = (encoder(), Vp8Decoder::new().unwrap());
    for (n, rgb) in [0xff_00_00, 0x00_ff_00, 0x33_33_33].into_iter().enumerate() {
        let encoded = encoder.encode(&frame(rgb).picture(), n as u64 * 33, false).unwrap();
        assert_eq!(encoded.key, n == 0);
        assert_eq!(Header::of(encoded.bytes), Some(if n == 0 { Header::Key(320, 180) } else { Header::Delta }));
        assert_eq!(decoder.decode(encoded.bytes), Ok(true));
        let (seen, meant) = (decoder.picture().unwrap(), Colour::of(rgb));
        assert_eq!(seen.size(), (320, 180));
        for (plane, value) in seen.planes().into_iter().zip([meant.y, meant.u, meant.v]) {
            assert!(plane.row(plane.height - 1).iter().all(|pixel| pixel.abs_diff(value) < 12));
        }
    }
}

#[test]
fn key_frames_come_when_asked_for_and_clocks_may_jump() {
    let mut encoder = encoder();
    for (pts_ms, key) in [(5_000_000, true), (5_000_033, false), (4, true), (u64::MAX, false), (0, false), (0, true)] {
        assert_eq!(encoder.encode(&frame(0x80_80_80).picture(), pts_ms, key).unwrap().key, key, "at {pts_ms}");
    }
}

#[test]
fn sizes_are_looked_at_before_anything_is_decoded() {
    let key = |width: u16, height: u16| {
        let mut frame = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a];
        frame.extend(width.to_le_bytes());
        frame.extend(height.to_le_bytes());
        frame.resize(64, 0);
        frame
    };
    let check = |width, height, refused: bool| {
        let outcome = Vp8Decoder::new().unwrap().decode(&key(width, height));
        assert_eq!(outcome == Err(CodecError::Size(width, height)), refused, "{width}x{height}: {outcome:?}");
    };
    check(16383, 16383, true);
    check(0, 0, true);
    check(0, 720, true);
    check(2562, 1440, true);
    check(4098, 2, true);
    check(2560, 1440, false);
    check(1440, 2560, false);
}

#[test]
fn a_decoder_wants_a_key_frame_first_and_after_damage() {
    let (mut encoder, mut decoder) = (encoder(), Vp8Decoder::new().unwrap());
    let mut encode = |key| encoder.encode(&frame(0x12_34_56).picture(), 0, key).unwrap().bytes.to_vec();
    let (key, delta) = (encode(true), encode(false));
    assert_eq!(decoder.decode(&delta), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&key), Ok(true));
    assert_eq!(decoder.decode(&[]), Err(CodecError::Broken));
    assert_eq!(decoder.decode(&delta), Ok(true), "nothing reached the library, so nothing is lost");
    assert_eq!(decoder.decode(&key[..20]), Err(CodecError::Broken));
    assert_eq!(decoder.picture().map(|picture| picture.size()), None);
    assert_eq!(decoder.decode(&delta), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&key), Ok(true));
}

#[test]
fn an_encoder_refuses_what_it_was_not_made_for() {
    assert_eq!(Vp8Encoder::new(Vp8Settings { width: 0, ..SETTINGS }).err(), Some(CodecError::Size(0, 180)));
    let other = Frame::new(160, 90, Colour::BLACK);
    assert_eq!(encoder().encode(&other.picture(), 0, false).err(), Some(CodecError::Size(160, 90)));
}
