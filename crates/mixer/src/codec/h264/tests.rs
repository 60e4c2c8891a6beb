use super::*;

/// A unit from bits as a text: numbers are written out, `|` only helps to read.
fn unit(kind: u8, bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| b"01".contains(bit)).map(|bit| bit - b'0').collect();
    let bytes = bits.chunks(8).map(|byte| (0..8).fold(0, |sum, at| sum << 1 | byte.get(at).unwrap_or(&0)));
    [0, 0, 0, 1, kind].into_iter().chain(bytes).collect()
}

/// A number without a sign as bits.
fn number(value: u32) -> String {
    let bits = format!("{:b}", value + 1);
    format!("{}{bits}", "0".repeat(bits.len() - 1))
}

/// A description of a baseline stream: columns and rows in units of 16 pixels.
fn sps(columns: u32, rows: u32, references: u32) -> Vec<u8> {
    let [zero, references, columns, rows] = [0, references, columns - 1, rows - 1].map(number);
    unit(0x67, &format!("01000010|00000000|00011111|{zero}|{zero}|{zero}{zero}|{references}|0|{columns}|{rows}|1|1"))
}

fn parse(unit: &[u8]) -> Option<Sps> {
    Sps::parse(units(unit).next()?)
}

#[test]
fn the_size_is_read_as_the_standard_writes_it() {
    assert_eq!(parse(&sps(40, 23, 1)), Some(Sps { width: 640, height: 368, references: 1 }));
    assert_eq!(parse(&sps(1024, 1024, 16)), Some(Sps { width: 16384, height: 16384, references: 16 }));
    assert_eq!(parse(&sps(1024, 1024, 17)), None);
    assert_eq!(parse(&sps(40, 23, 1)[..8]), None);
    // The high profile with lists for scaling, of which only the first is there and says at once that it is the usual one.
    let lists = format!("1|1{}|0000000", number(16));
    let [zero, one, columns, rows] = [0, 1, 39, 22].map(number);
    let start = format!("01100100|00000000|00011110|{zero}|{one}{zero}{zero}|0|{lists}");
    let high = unit(0x67, &format!("{start}|{zero}|{zero}{zero}|{one}|0|{columns}|{rows}|1|1"));
    assert_eq!(parse(&high), Some(Sps { width: 640, height: 368, references: 1 }));
    // A byte that only keeps a start code from appearing.
    let mut guarded = sps(40, 23, 1);
    guarded.splice(6..7, [0, 0, 3]);
    let mut plain = sps(40, 23, 1);
    plain.splice(6..7, [0, 0]);
    assert_eq!(parse(&guarded), parse(&plain));
}

/// What a publisher sends of two colours, one frame each, the first being a key frame.
fn stream(width: u16, height: u16) -> Vec<Vec<u8>> {
    let mut encoder = openh264::encoder::Encoder::new().unwrap();
    [0xc0_20_20, 0x20_20_c0]
        .map(|rgb| encoder.encode(&Source(Frame::new(width, height, Colour::of(rgb)))).unwrap().to_vec())
        .to_vec()
}

struct Source(Frame);

impl YUVSource for Source {
    fn dimensions(&self) -> (usize, usize) {
        self.0.size()
    }
    fn strides(&self) -> (usize, usize, usize) {
        let [y, u, v] = self.0.picture().planes().map(|plane| plane.stride);
        (y, u, v)
    }
    fn y(&self) -> &[u8] {
        self.0.picture().y.bytes
    }
    fn u(&self) -> &[u8] {
        self.0.picture().u.bytes
    }
    fn v(&self) -> &[u8] {
        self.0.picture().v.bytes
    }
}

#[track_caller]
fn sees(decoder: &H264Decoder, size: (usize, usize), rgb: u32) {
    let (picture, meant) = (decoder.picture().unwrap(), Colour::of(rgb));
    assert_eq!(picture.size(), size);
    for (plane, value) in picture.planes().into_iter().zip([meant.y, meant.u, meant.v]) {
        assert!((0..plane.height).all(|y| plane.row(y).iter().all(|pixel| pixel.abs_diff(value) < 12)));
    }
}

#[test]
fn what_a_publisher_sends_is_seen_at_once_and_cropped() {
    let mut decoder = H264Decoder::new().unwrap();
    for size in [(320, 180), (640, 360), (320, 180)] {
        let stream = stream(size.0, size.1);
        let size = (usize::from(size.0), usize::from(size.1));
        assert_eq!(decoder.decode(&stream[0]), Ok(true));
        sees(&decoder, size, 0xc0_20_20);
        assert_eq!(decoder.decode(&stream[1]), Ok(true));
        sees(&decoder, size, 0x20_20_c0);
    }
}

#[test]
fn a_decoder_wants_a_key_frame_first_and_after_damage() {
    let (mut decoder, stream) = (H264Decoder::new().unwrap(), stream(320, 180));
    assert_eq!(decoder.decode(&stream[1]), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&stream[0]), Ok(true));
    let mut damaged = stream[1].clone();
    damaged.truncate(7);
    assert_eq!(decoder.decode(&damaged), Err(CodecError::Broken));
    assert!(decoder.picture().is_none() && decoder.is_key_wanted());
    assert_eq!(decoder.decode(&stream[1]), Err(CodecError::KeyMissing));
    assert_eq!(decoder.decode(&stream[0]), Ok(true));
    sees(&decoder, (320, 180), 0xc0_20_20);
}

#[test]
fn what_is_too_large_does_not_reach_the_library() {
    let check = |unit: Vec<u8>, expected: Result<bool, CodecError>| {
        assert_eq!(H264Decoder::new().unwrap().decode(&unit), expected);
    };
    check(sps(1024, 1024, 1), Err(CodecError::Size(16384, 16384)));
    check(sps(160, 91, 1), Err(CodecError::Size(2560, 1456)));
    check(sps(160, 90, 5), Err(CodecError::Size(2560, 1440)));
    check(sps(80, 45, 16), Err(CodecError::KeyMissing));
    check(Vec::new(), Err(CodecError::KeyMissing));
    check(vec![7; 40], Err(CodecError::KeyMissing));
}

#[test]
fn units_are_what_stands_between_start_codes() {
    let check = |bytes: &[u8], expected: &[&[u8]]| assert_eq!(units(bytes).collect::<Vec<_>>(), expected);
    check(&[], &[]);
    check(&[1, 2, 3], &[]);
    check(&[9, 0, 0, 1], &[&[]]);
    check(&[0, 0, 0, 1, 5, 6, 0, 0, 1, 7], &[&[5, 6], &[7]]);
}

#[test]
fn what_is_encoded_is_decoded() {
    let (mut encoder, mut decoder) = (H264Encoder::new(SETTINGS).unwrap(), H264Decoder::new().unwrap());
    let keys = [0, 1, 2, 3].map(|n: u64| {
        let colour = Colour::of([0xc0_20_20, 0x20_20_c0][n as usize % 2]);
        let encoded = encoder.encode(&Frame::new(64, 48, colour).picture(), 40 * n, n == 2).unwrap();
        assert!(decoder.decode(encoded.bytes).unwrap());
        let picture = decoder.picture().unwrap();
        assert_eq!(picture.size(), (64, 48));
        assert!(picture.y.row(20)[20].abs_diff(colour.y) < 4 && picture.u.row(10)[10].abs_diff(colour.u) < 4);
        encoded.key
    });
    assert_eq!(keys, [true, false, true, false]);
}

const SETTINGS: H264Settings = H264Settings { width: 64, height: 48, fps: 25, bitrate: 200_000 };

#[test]
fn what_cannot_be_encoded_is_refused() {
    for (width, height) in [(0, 48), (63, 48), (64, 47), (5_000, 48)] {
        assert!(matches!(H264Encoder::new(H264Settings { width, height, ..SETTINGS }), Err(CodecError::Size(..))));
    }
    let mut encoder = H264Encoder::new(SETTINGS).unwrap();
    let other = Frame::new(48, 64, Colour::BLACK);
    assert!(matches!(encoder.encode(&other.picture(), 0, false), Err(CodecError::Size(48, 64))));
}

#[test]
fn the_bitrate_is_about_what_was_asked_for() {
    let settings = H264Settings { width: 320, height: 180, fps: 25, bitrate: 300_000 };
    let mut encoder = H264Encoder::new(settings).unwrap();
    let mut bits = 0;
    for n in 0..100 {
        let mut frame = Frame::new(320, 180, Colour::BLACK);
        for (index, mut plane) in frame.planes_mut().into_iter().enumerate() {
            for y in 0..plane.height {
                let pixel = |x: usize| ((x * (3 + index) + n * 7) ^ (y * 5 + n * 3)) as u8;
                plane.row(y).iter_mut().enumerate().for_each(|(x, to)| *to = pixel(x) / 2 + 40);
            }
        }
        bits += encoder.encode(&frame.picture(), n as u64 * 40, false).unwrap().bytes.len() * 8;
    }
    assert!((600_000..2_400_000).contains(&bits), "{} a second", bits / 4);
}

/// Frames in which hardly a bit changes cost nearly nothing to send: as many as one likes would fit into what comes as one.
#[test]
fn many_pictures_in_one_frame_are_counted_or_refused() {
    let frames = stream(320, 176);
    let mut decoder = H264Decoder::new().unwrap();
    decoder.decode(&frames[0]).unwrap();
    assert_eq!(decoder.pixels(), 320 * 176);
    let again = |count: usize| frames[1].repeat(count);
    let _ = decoder.decode(&again(3));
    assert_eq!(decoder.pixels(), 3 * 320 * 176);
    assert_eq!(header(&again(limit::FRAMES_AT_ONCE_MAX + 1)), Err(CodecError::Broken));
    assert!(header(&again(limit::FRAMES_AT_ONCE_MAX)).is_ok());
}
