//! What the mixer of a room of nine takes of memory: decoders, pictures, both renditions' encoders, and everybody's sound. Virtual time,
//! real codecs, no transports. Alone in its process, because it looks at all that the process takes.
//!
//! `cargo test --release -p kennel-media --test mixed_memory -- --nocapture`

#![allow(clippy::unwrap_used, reason = "a failure is a failed test")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::mix::{FromMixer, RoomMix, Wanted, pieces};
use media::tap::Packet;
use mixer::codec::opus::{Channels, OpusEncoder};
use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use room::{Area, Canvas, Cell, Ear, ParticipantId, RoomId, Scene, TrackId, Voice};

const MEMBERS: u128 = 9;
/// What it may take, in MB: for the one rendition that there usually is, and with the one for slow viewers.
const USUAL_MB_MAX: f64 = 60.0;
const BOTH_MB_MAX: f64 = 70.0;
/// Seconds of the mix, of which the last third has both renditions.
const SECONDS: u32 = 6;

/// Three by three in 1280 by 720; everybody hears all others.
fn scene() -> Arc<Scene> {
    let all = || (0..MEMBERS).map(ParticipantId);
    let cell = |who: ParticipantId| Cell {
        who,
        area: Area { x: (who.0 % 3) as u16 * 426, y: (who.0 / 3) as u16 * 240, width: 426, height: 240 },
        track: Some(TrackId(who.0 * 2)),
        name: "Wilhelmina".into(),
        whole: false,
    };
    let voice = |who: ParticipantId| Voice { who, track: TrackId(who.0 * 2 + 1), volume: 0, sensitivity: 30 };
    let ear = |who| Ear { who, hears: true, sees: true, volume: 0, without: vec![who] };
    let canvas = Canvas { width: 1280, height: 720, fps: 30 };
    Arc::new(Scene {
        canvas,
        cells: all().map(cell).collect(),
        voices: all().map(voice).collect(),
        ears: all().map(ear).collect(),
        entries: 0,
        exits: 0,
        films: Vec::new(),
    })
}

fn packet(codec: Codec, seq: u64, time: u32, arrival: Instant, last: bool, payload: Arc<[u8]>) -> Packet {
    Packet { codec, stream: 1, seq, time, arrival, last, rotation: None, report: None, payload }
}

fn resident_mb() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4_096.0 / 1e6
}

#[test]
fn a_room_of_nine_takes_no_more_memory_than_it_may() {
    // All send the same, made by encoders that go on living, so that the mix is given none of their memory.
    let mut camera = Vp8Encoder::new(Vp8Settings { width: 640, height: 360, fps: 30, bitrate: 800_000 }).unwrap();
    let mut microphone = OpusEncoder::new(Channels::Mono, 24_000, 0).unwrap();
    let mut canvas = Frame::new(640, 360, Colour::BLACK);
    camera.encode(&canvas.picture(), 0, true).unwrap();
    let before = resident_mb();
    let start = Instant::now();
    let mut mix = RoomMix::new(start, RoomId(1), scene()).unwrap();
    let (mut made, mut seq, mut usual) = ([0; 2], 0, 0.0);
    for picture in 0..SECONDS * 30 {
        if picture == SECONDS * 20 {
            usual = resident_mb() - before;
            mix.handle_wanted(Wanted { main: Some(2_000_000), small: true, file: false, losses: Vec::new() });
        }
        let now = start + Duration::from_millis(u64::from(picture) * 1_000 / 30);
        for (index, mut plane) in canvas.planes_mut().into_iter().enumerate() {
            for row in 0..plane.height {
                let value = |column: usize| ((column * 3 + row * 2 + picture as usize * (5 + index)) % 200) as u8 + 20;
                plane.row(row).iter_mut().enumerate().for_each(|(column, pixel)| *pixel = value(column));
            }
        }
        let encoded = camera.encode(&canvas.picture(), u64::from(picture) * 1_000 / 30, picture == 0).unwrap();
        let cut: Vec<_> = pieces(encoded.bytes, picture as u16).collect();
        for piece in cut {
            for who in 0..MEMBERS {
                let packet = packet(Codec::Vp8, seq, picture * 3_000, now, piece.last, piece.payload.clone());
                mix.handle_packet(TrackId(who * 2), packet);
            }
            seq += 1;
        }
        for sound in picture * 5 / 3..(picture + 1) * 5 / 3 {
            let samples: Vec<f32> = (0..960).map(|n| ((n * 7) % 100) as f32 / 500.0).collect();
            let mut payload = vec![0; 1_275];
            let size = microphone.encode(&samples, &mut payload).unwrap();
            for who in 0..MEMBERS {
                let packet = packet(Codec::Opus, u64::from(sound), sound * 960, now, false, payload[..size].into());
                mix.handle_packet(TrackId(who * 2 + 1), packet);
            }
        }
        mix.tick_sound(now);
        mix.decode(now);
        mix.tick_picture(now);
        while let Some(one) = mix.poll_made() {
            match one {
                FromMixer::Picture { .. } => made[0] += 1,
                FromMixer::Sound { packets, .. } => made[1] += packets.len(),
                FromMixer::Talking(..) | FromMixer::Keyframe(..) => {}
            }
        }
    }
    let both = resident_mb() - before;
    println!("a mixed room of {MEMBERS}: {usual:.1} MB; with a viewer whose line takes only the small rendition {both:.1} MB");
    assert!(made[0] > 100 && made[1] > 2_000, "{made:?}");
    assert_eq!(mix.counts().frames_broken, 0);
    assert!(usual < USUAL_MB_MAX && both < BOTH_MB_MAX, "{usual} and {both} MB");
}
