//! Real mixes of real pictures and sounds: members that send a flat colour and a tone each, and what comes of it is decoded and looked at.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::f32::consts::TAU;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::depacketize::Depacketizer;
use media::mix::pieces;
use mixer::codec::opus::{Channels, OpusDecoder, OpusEncoder};
use mixer::codec::vp8::{Vp8Decoder, Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use openh264::formats::YUVSource;
use room::{Act, Area, Kind, Scene, VideoCodec};
use str0m::rtp::RtpPacket;

use crate::client::Join;
use crate::film::{cut_unit, units};
use crate::mixed::{member, scene};
use crate::mixer::Studio;
use crate::picture::Projector;
use crate::world::{Weather, World};

const SECOND: Duration = Duration::from_secs(1);
pub const RED: u32 = 0xc0_20_20;
const GREEN: u32 = 0x20_a0_30;
const BLUE: u32 = 0x30_40_c0;
pub const WHITE: u32 = 0xe0_e0_e0;
const TONES: [f32; 4] = [400.0, 1_100.0, 2_300.0, 3_700.0];
const COLOURS: [u32; 4] = [RED, GREEN, BLUE, WHITE];

/// What somebody sends now.
#[derive(Clone)]
pub struct Sends {
    pub colour: Rc<Cell<u32>>,
    pub loud: Rc<Cell<bool>>,
}

/// A camera that shows one colour.
fn flat(colour: Rc<Cell<u32>>, (width, height): (u16, u16)) -> Projector {
    let settings = Vp8Settings { width, height, fps: 30, bitrate: 300_000 };
    let (mut encoder, mut number) = (Vp8Encoder::new(settings).unwrap(), 0_u16);
    Box::new(move |key| {
        number += 1;
        let picture = Frame::new(width, height, Colour::of(colour.get()));
        let encoded = encoder.encode(&picture.picture(), u64::from(number) * 33, key).unwrap();
        pieces(encoded.bytes, number).map(|piece| piece.payload.to_vec()).collect()
    })
}

/// The same in H264.
fn flat_h264(colour: Rc<Cell<u32>>, (width, height): (u16, u16)) -> Projector {
    let mut encoder = openh264::encoder::Encoder::new().unwrap();
    Box::new(move |key| {
        if key {
            encoder.force_intra_frame();
        }
        let stream = encoder.encode(&Source(Frame::new(width, height, Colour::of(colour.get())))).unwrap().to_vec();
        units(&stream).into_iter().flat_map(cut_unit).collect()
    })
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

/// The same in VP9, of which there are frames of a few colours (IVF): key frames, each in two packets.
fn flat_vp9(colour: Rc<Cell<u32>>) -> Projector {
    let file = include_bytes!("../../../mixer/tests/data/vp9-colours.ivf");
    let (mut rest, mut frames) = (&file[32..], Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(12) {
        let (frame, next) = tail.split_at(u32::from_le_bytes(head[..4].try_into().unwrap()) as usize);
        frames.push(frame);
        rest = next;
    }
    let mut number = 0_u16;
    Box::new(move |_| {
        let place = [RED, GREEN, BLUE, WHITE].iter().position(|rgb| *rgb == colour.get()).unwrap();
        number = number.wrapping_add(1);
        let [high, low] = (number | 0x8000).to_be_bytes();
        let (first, second) = frames[place].split_at(60);
        vec![[&[0x88, high, low], first].concat(), [&[0x84, high, low], second].concat()]
    })
}

/// A microphone that hears one tone.
fn tone(hz: f32, loud: Rc<Cell<bool>>) -> Box<dyn FnMut() -> Vec<u8>> {
    let (mut encoder, mut at) = (OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap(), 0_u32);
    Box::new(move || {
        let level = if loud.get() { 0.2 } else { 0.0 };
        let samples: Vec<f32> = (0..960).map(|n| level * (TAU * hz * (at + n) as f32 / 48_000.0).sin()).collect();
        at = (at + 960) % 48_000;
        let mut packet = vec![0; 1_275];
        let bytes = encoder.encode(&samples, &mut packet).unwrap();
        packet.truncate(bytes);
        packet
    })
}

/// How loud a tone is (Goertzel), 1 for a full wave.
fn level(samples: &[f32], hz: f32) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = TAU * ((hz * n as f32 / 48_000.0) % 1.0);
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f32
}

/// A room with so many members, and what each of them sends.
fn studio(seed: u64, members: usize) -> (World, Vec<Sends>) {
    studio_in(World::new(seed), members)
}

/// The same in a world in which nobody is yet.
pub fn studio_in(mut world: World, members: usize) -> (World, Vec<Sends>) {
    world.studio = Some(Studio::default());
    let acts = (0..members).map(|_| come(&mut world, &member(true, true))).collect();
    (world, acts)
}

fn come(world: &mut World, join: &Join) -> Sends {
    let index = world.join_as(join);
    let act = Sends { colour: Rc::new(Cell::new(COLOURS[index % 4])), loud: Rc::new(Cell::new(true)) };
    let client = &mut world.clients[index];
    client.kept = Some(BTreeMap::new());
    client.voice = Some(tone(TONES[index % 4], act.loud.clone()));
    for camera in client.cameras.values_mut() {
        camera.layers[0].projector = Some(flat(act.colour.clone(), (320, 180)));
    }
    show(world, grid(world));
    act
}

/// Two by two, on the usual canvas.
fn grid(world: &World) -> Scene {
    let mut grid = Scene::clone(&scene(world));
    for (n, cell) in (0_u16..).zip(&mut grid.cells) {
        cell.area = Area { x: n % 2 * 640, y: n / 2 * 360, width: 640, height: 360 };
        cell.name = "".into();
    }
    grid
}

fn show(world: &mut World, scene: Scene) {
    let who = world.clients[0].who;
    world.order(who, Act::Scene(Some(Arc::new(scene))));
}

/// What a viewer saw: each picture with its moment by the sender's clock, when it came, and the colour in the middle of four cells.
struct Seen {
    came: Instant,
    shown: f64,
    size: (usize, usize),
    colours: [Colour; 4],
}

fn seen(world: &World, client: usize) -> Vec<Seen> {
    let mut packets: Vec<&RtpPacket> = world.clients[client].kept.as_ref().unwrap().values().flatten().collect();
    packets.sort_by_key(|packet| packet.seq_no);
    let shown: BTreeMap<u32, f64> = packets.iter().map(|packet| (packet.header.timestamp, moment(packet, 90_000.0))).collect();
    let (mut depacketizer, mut decoder, mut all) = (Depacketizer::default(), Vp8Decoder::new().unwrap(), Vec::new());
    for packet in packets {
        depacketizer.push(tapped(packet));
        while let Some(frame) = depacketizer.poll(packet.timestamp) {
            if !matches!(decoder.decode(&frame.bytes), Ok(true)) {
                continue;
            }
            let picture = decoder.picture().unwrap();
            let (width, height) = picture.size();
            let [y, u, v] = picture.planes();
            let at = |cell: usize| {
                let (x, line) = (width / 4 + cell % 2 * width / 2, height / 4 + cell / 2 * height / 2);
                Colour { y: y.row(line)[x], u: u.row(line / 2)[x / 2], v: v.row(line / 2)[x / 2] }
            };
            let colours = [0, 1, 2, 3].map(at);
            all.push(Seen { came: frame.arrival, shown: shown[&frame.time], size: (width, height), colours });
        }
    }
    all
}

fn tapped(packet: &RtpPacket) -> media::tap::Packet {
    media::tap::Packet {
        codec: Codec::Vp8,
        stream: *packet.header.ssrc,
        seq: *packet.seq_no,
        time: packet.header.timestamp,
        arrival: packet.timestamp,
        last: packet.header.marker,
        rotation: None,
        report: None,
        payload: packet.payload.clone(),
    }
}

/// The moment that a packet is of, by the sender's clock; none before its first report.
fn moment(packet: &RtpPacket, hz: f64) -> f64 {
    let Some(report) = packet.last_sender_info else { return f64::NAN };
    let base = report.ntp_time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    base + f64::from(packet.header.timestamp.wrapping_sub(report.rtp_time.numer() as u32).cast_signed()) / hz
}

/// What a viewer heard: 20 ms each, with their moments.
fn heard(world: &World, client: usize) -> Vec<(Instant, f64, Vec<f32>)> {
    let mut packets: Vec<&RtpPacket> = world.clients[client].sounds.iter().collect();
    packets.sort_by_key(|packet| packet.seq_no);
    let mut decoder = OpusDecoder::new(Channels::Mono).unwrap();
    let decode = |packet: &RtpPacket| {
        let mut samples = vec![0.0; 5_760];
        let count = decoder.decode(&packet.payload, &mut samples).unwrap();
        samples.truncate(count);
        (packet.timestamp, moment(packet, 48_000.0), samples)
    };
    packets.into_iter().map(decode).collect()
}

/// Which tones a viewer hears in the last second.
fn tones(world: &World, client: usize) -> [bool; 4] {
    let all = heard(world, client);
    let last: Vec<f32> = all[all.len() - 50..].iter().flat_map(|(_, _, samples)| samples).copied().collect();
    let levels = TONES.map(|hz| level(&last, hz));
    assert!(levels.iter().all(|level| *level > 0.08 || *level < 0.01), "neither heard nor not: {levels:?}");
    levels.map(|level| level > 0.08)
}

fn is(seen: Colour, rgb: u32) -> bool {
    let wanted = Colour::of(rgb);
    seen.y.abs_diff(wanted.y) < 12 && seen.u.abs_diff(wanted.u) < 12 && seen.v.abs_diff(wanted.v) < 12
}

/// What colours a viewer sees in the end; none: another one.
fn colours(world: &World, client: usize) -> [Option<u32>; 4] {
    let last = seen(world, client).pop().unwrap();
    last.colours.map(|colour| COLOURS.into_iter().find(|rgb| is(colour, *rgb)))
}

#[test]
fn three_see_each_other_and_hear_the_two_others() {
    let (mut world, _) = studio(81, 3);
    world.run(4 * SECOND);
    for client in 0..3 {
        assert_eq!(colours(&world, client), [Some(RED), Some(GREEN), Some(BLUE), None]);
        let others = [0, 1, 2, 3].map(|n| n < 3 && n != client);
        assert_eq!(tones(&world, client), others, "heard by {client}");
        let pictures = seen(&world, client);
        assert!(pictures.iter().all(|seen| seen.size == (1280, 720)));
        assert!(pictures.len() > 12, "{} pictures: five each second of what does not change", pictures.len());
    }
}

#[test]
fn publishers_of_every_codec_are_seen() {
    let (mut world, acts) = studio(91, 1);
    // A room of another codec; somebody who has what nobody asked for; and VP8.
    for (codec, codecs, has) in
        [(VideoCodec::H264, vec![VideoCodec::H264], vec![]), (VideoCodec::Vp9, vec![], vec![VideoCodec::Vp9])]
    {
        let act = come(&mut world, &Join { codecs, has, ..member(true, true) });
        let index = world.clients.len() - 1;
        let layer = &mut world.camera(index).layers[0];
        layer.codec = crate::film::codec_of(codec);
        let projector = if codec == VideoCodec::H264 { flat_h264(act.colour.clone(), (320, 180)) } else { flat_vp9(act.colour) };
        layer.projector = Some(projector);
    }
    world.weather.loss = 20;
    world.run(6 * SECOND);
    acts[0].colour.set(WHITE);
    world.weather.loss = 0;
    world.run(2 * SECOND);
    for client in 0..3 {
        assert_eq!(colours(&world, client)[..2], [Some(WHITE), Some(GREEN)], "seen by {client}");
        // The blue of the frames that there are is not quite ours.
        assert!(is(seen(&world, client).pop().unwrap().colours[2], 0x20_30_c0), "seen by {client}");
    }
    assert_eq!(world.studio.as_ref().unwrap().mix.as_ref().unwrap().counts().frames_broken, 0);
}

#[test]
fn the_picture_follows_the_scene() {
    let (mut world, acts) = studio(82, 2);
    world.run(3 * SECOND);
    let mut other = grid(&world);
    (other.cells[0].area, other.cells[1].area) = (other.cells[1].area, other.cells[0].area);
    other.voices.retain(|voice| voice.who != world.clients[1].who);
    show(&mut world, other);
    world.run(2 * SECOND);
    assert_eq!(colours(&world, 0), [Some(GREEN), Some(RED), None, None]);
    assert_eq!((tones(&world, 0), tones(&world, 1)), ([false; 4], [true, false, false, false]));
    // A card in place of a camera that is off, and another comes late.
    let mut card = grid(&world);
    card.cells[1].track = None;
    show(&mut world, card);
    acts[0].colour.set(WHITE);
    world.run(SECOND);
    assert_eq!(colours(&world, 0)[..2], [Some(WHITE), None]);
    come(&mut world, &member(true, true));
    world.run(3 * SECOND);
    assert_eq!(colours(&world, 2), [Some(WHITE), Some(GREEN), Some(BLUE), None]);
    assert_eq!(tones(&world, 2), [true, true, false, false]);
}

#[test]
fn who_is_deaf_hears_nothing_and_is_heard() {
    let (mut world, _) = studio(83, 2);
    let mut deaf = grid(&world);
    deaf.ears[0].hears = false;
    show(&mut world, deaf);
    world.run(3 * SECOND);
    assert_eq!((tones(&world, 0), tones(&world, 1)), ([false; 4], [true, false, false, false]));
    assert!(world.clients[0].sounds.len() > 140, "silence is sent all the same");
}

#[test]
fn a_change_is_seen_and_heard_soon_and_at_one_time() {
    let (mut world, acts) = studio(84, 2);
    acts[0].loud.set(false);
    world.run(8 * SECOND);
    let changed = world.now;
    acts[0].colour.set(WHITE);
    acts[0].loud.set(true);
    world.run(2 * SECOND);
    let seen = seen(&world, 1);
    let first = seen.iter().find(|seen| seen.came > changed && is(seen.colours[0], WHITE)).expect("the other colour");
    let (came, shown, _) =
        heard(&world, 1).into_iter().find(|(came, _, s)| *came > changed && level(s, TONES[0]) > 0.08).unwrap();
    let (glass, ear) = (first.came - changed, came - changed);
    let apart = (first.shown - shown).abs();
    println!("seen after {glass:?}, heard after {ear:?}, {:.0} ms apart", apart * 1_000.0);
    // Two ways of 5 ms; up to a frame of the camera and one of the mix.
    assert!(glass < Duration::from_millis(100) && ear < Duration::from_millis(120), "{glass:?} {ear:?}");
    assert!(apart < 0.060, "{apart}");
}

#[test]
fn damaged_frames_harm_nobody_else() {
    let (mut world, acts) = studio(85, 3);
    world.run(3 * SECOND);
    let mut random = 77_u64;
    let noise: Projector = Box::new(move |key| {
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as u8
        };
        // A beginning that promises any size, and then anything.
        let head: Vec<u8> =
            if key { vec![0x10, 0x02, 0, 0x9d, 1, 0x2a, next(), next(), next(), next()] } else { vec![0x11, 2, 0] };
        let frame: Vec<u8> = head.into_iter().chain((0..700).map(|_| next())).collect();
        pieces(&frame, 1).map(|piece| piece.payload.to_vec()).collect()
    });
    world.camera(2).layers[0].projector = Some(noise);
    world.clients[2].voice = Some(Box::new({
        let mut n = 0_u8;
        move || {
            n = n.wrapping_mul(29).wrapping_add(113);
            vec![n; usize::from(n)]
        }
    }));
    world.run(3 * SECOND);
    acts[0].colour.set(WHITE);
    let since = world.now;
    world.run(3 * SECOND);
    let late: Vec<Seen> = seen(&world, 1).into_iter().filter(|seen| seen.came > since).collect();
    assert!(late.len() >= 14, "{} pictures in 3 s", late.len());
    assert!(is(late.last().unwrap().colours[0], WHITE) && is(late.last().unwrap().colours[1], GREEN));
    assert!(tones(&world, 1)[0]);
    let mix = world.studio.as_ref().unwrap().mix.as_ref().unwrap();
    println!("{:?}", mix.counts());
    assert!(mix.counts().frames_broken > 10);
}

#[test]
fn a_mixer_without_time_leaves_out_pictures_and_catches_up_with_sound() {
    let (mut world, _) = studio(86, 2);
    world.run(3 * SECOND);
    let (before, pictures) = (world.clients[0].sounds.len(), seen(&world, 0).len());
    world.studio.as_mut().unwrap().busy_until = Some(world.now + Duration::from_millis(180));
    world.run(SECOND);
    let heard = world.clients[0].sounds.len() - before;
    assert!((49..=51).contains(&heard), "{heard} packets of sound in a second");
    assert!(seen(&world, 0).len() > pictures);
    let counts = world.studio.as_ref().unwrap().mix.as_ref().unwrap().counts();
    assert_eq!((counts.sounds_late, counts.pictures_late > 0), (0, true), "{counts:?}");
    world.studio.as_mut().unwrap().busy_until = Some(world.now + 3 * SECOND);
    world.run(5 * SECOND);
    assert_eq!(tones(&world, 0), [false, true, false, false]);
}

#[test]
fn nobody_stalls_when_nothing_moves_and_nobody_speaks() {
    let (mut world, acts) = studio(87, 2);
    acts.iter().for_each(|act| act.loud.set(false));
    world.run(2 * SECOND);
    let (pictures, sounds, since) = (seen(&world, 0).len(), world.clients[0].sounds.len(), world.now);
    world.clients.iter_mut().flat_map(|client| client.cameras.values_mut()).for_each(|camera| camera.on = false);
    world.run(5 * SECOND);
    let (pictures, sounds) = (seen(&world, 0).len() - pictures, world.clients[0].sounds.len() - sounds);
    assert!(pictures >= 24 && (249..=251).contains(&sounds), "{pictures} pictures, {sounds} sounds in {:?}", world.now - since);
}

#[test]
fn what_is_lost_on_the_way_in_is_repaired_or_begun_anew() {
    let (mut world, acts) = studio(88, 2);
    world.run(2 * SECOND);
    world.weather.loss = 50;
    for n in 0..20 {
        acts[0].colour.set([WHITE, RED][n % 2]);
        world.run(SECOND / 2);
    }
    world.weather.loss = 0;
    acts[0].colour.set(WHITE);
    world.run(2 * SECOND);
    assert_eq!(colours(&world, 1)[..2], [Some(WHITE), Some(GREEN)]);
    assert_eq!(tones(&world, 1), [true, false, false, false]);
    let track = world.track(0, Kind::Video);
    assert!(world.clients[0].keyframes_asked < 25, "{} key frames of {track:?}", world.clients[0].keyframes_asked);
}

/// A microphone that hears somebody speak: four syllables a second, of a low voice with its overtones.
fn speech() -> Box<dyn FnMut() -> Vec<u8>> {
    let (mut encoder, mut at) = (OpusEncoder::new(Channels::Mono, 48_000, 5).unwrap(), 0_u32);
    Box::new(move || {
        let sample = |n: u32| {
            let time = n as f32 / 48_000.0;
            let (syllable, pitch) = ((TAU * 4.0 * time).sin().max(0.0), 120.0 + 20.0 * (TAU * 1.3 * time).sin());
            let voice: f32 = (1_u8..12).map(|k| (TAU * f32::from(k) * pitch * time).sin() / f32::from(k)).sum();
            0.15 * syllable * voice
        };
        let samples: Vec<f32> = (at..at + 960).map(sample).collect();
        at += 960;
        let mut packet = vec![0; 1_275];
        let bytes = encoder.encode(&samples, &mut packet).unwrap();
        packet.truncate(bytes);
        packet
    })
}

/// Whether a packet of Opus has what was in the one before it as well: the second bit of its first frame, where that is of the kind for
/// speech (RFC 6716, sections 3.1 and 4.2.3).
fn repeats(packet: &RtpPacket) -> bool {
    packet.payload[0] & 0x80 == 0 && packet.payload.get(1).is_some_and(|first| first & 0x40 != 0)
}

#[test]
fn sound_that_gets_lost_is_sent_twice_to_whom_it_gets_lost_for() {
    let (mut world, _) = studio(90, 0);
    for _ in 0..2 {
        let index = world.join_as(&member(true, false));
        (world.clients[index].kept, world.clients[index].voice) = (Some(BTreeMap::new()), Some(speech()));
    }
    let scene = grid(&world);
    show(&mut world, scene);
    let repeated = |world: &World, client: usize| {
        let sounds = &world.clients[client].sounds;
        sounds[sounds.len().saturating_sub(150)..].iter().filter(|packet| repeats(packet)).count()
    };
    world.run(4 * SECOND);
    assert_eq!([0, 1].map(|client| repeated(&world, client)), [0; 2]);
    let bad = Weather { loss: 100, ..world.weather };
    world.local.insert(world.clients[1].outside, bad);
    world.run(12 * SECOND);
    let [well, badly] = [0, 1].map(|client| repeated(&world, client));
    println!("{badly} of 150 packets repeat the one before");
    assert!(well == 0 && badly > 40, "{well} {badly}");
    // Not for ever.
    world.local.clear();
    world.run(35 * SECOND);
    assert_eq!(repeated(&world, 1), 0);
}
